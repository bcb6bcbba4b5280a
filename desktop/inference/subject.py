"""Who the picture is of, as far as a model may know."""

import math
from dataclasses import dataclass

from desktop.records import Sex


@dataclass(frozen=True)
class Subject:
    """age_years: at the time of the picture, fractions allowed; None where nobody knows it."""

    age_years: float | None = None
    sex: Sex | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not (math.isfinite(self.age_years) and 0 <= self.age_years <= 150):
            raise ValueError("an age lies between 0 and 150 years")
