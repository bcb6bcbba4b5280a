"""What a recorder, a room or a body does to a trace, done on purpose. Samples (…, length) in mV; seeds decide."""

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.float64]

# Of 50 Hz a recorder of 100 samples a second shows nothing or a slow ghost; 35 Hz stands for tense muscles too.
TREMOR_HERTZ = 35.0


def noisy(samples: Samples, millivolt: float, random: np.random.Generator) -> Samples:
    """With white noise of that standard deviation."""
    return samples + random.normal(0.0, millivolt, samples.shape)


def swinging(samples: Samples, rate: float, millivolt: float, hertz: float, random: np.random.Generator) -> Samples:
    """With a sine of that height on top of each lead, from anywhere. rate: samples a second."""
    when = np.arange(samples.shape[-1]) / rate
    return samples + millivolt * np.sin(2 * np.pi * hertz * when + random.uniform(0, 6.28, (*samples.shape[:-1], 1)))
