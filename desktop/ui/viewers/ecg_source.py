"""A trace made ready for the screen: limb leads calculated, filtered, the range of what is no voltage known."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from desktop.jobs import Job
from desktop.records import MILLIVOLT, Trace
from desktop.records.trace import Samples
from desktop.signals.filters import FilterSetting, applied
from desktop.signals.leads import with_calculated_limb_leads

_LOOKED_AT = 4000


@dataclass(frozen=True, eq=False)
class EcgSource:
    """samples: the trace's, filtered by `setting`. calculated: names of leads that follow from I and II.

    ranges: usual lowest and highest value of each row that is not in mV.
    """

    recorded: Trace
    trace: Trace
    samples: Samples
    setting: FilterSetting
    calculated: tuple[str, ...]
    ranges: Mapping[int, tuple[float, float]]

    @classmethod
    def build(cls, recorded: Trace, setting: FilterSetting, job: Job) -> "EcgSource":
        """Filter a trace; some hundredths of a second for ten seconds of twelve leads."""
        job.report("ecg.progress.filtering")
        trace, calculated = with_calculated_limb_leads(recorded)
        samples = applied(trace, setting)
        job.check()
        ranges = {row: _usual_range(samples, row) for row, lead in enumerate(trace.leads) if lead.unit != MILLIVOLT}
        return cls(recorded, trace, samples, setting, calculated, ranges)


def _usual_range(samples: Samples, row: int) -> tuple[float, float]:
    """From some thousand values over the whole trace."""
    known = samples[row, :: max(1, samples.shape[1] // _LOOKED_AT)]
    known = known[np.isfinite(known)]
    return (float(np.percentile(known, 0.5)), float(np.percentile(known, 99.5))) if known.size else (0.0, 0.0)
