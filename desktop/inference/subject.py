"""Who is judged, as far as a model may know, and of what ages it has learned."""

import math
from dataclasses import dataclass

from desktop.inference.fields import Fields
from desktop.records import Sex


@dataclass(frozen=True)
class Subject:
    """age_years: at the time of the picture, fractions allowed; None where nobody knows it."""

    age_years: float | None = None
    sex: Sex | None = None

    def __post_init__(self) -> None:
        if self.age_years is not None and not (math.isfinite(self.age_years) and 0 <= self.age_years <= 150):
            raise ValueError("an age lies between 0 and 150 years")


@dataclass(frozen=True)
class AgeRange:
    """Completed years of age, both inclusive."""

    minimum: int
    maximum: int

    def contains(self, years: float) -> bool:
        """Whether an age in years (fractions allowed) falls into the range: five and a half is still five."""
        return self.minimum <= int(years) <= self.maximum if years >= 0 else False


def age_range(fields: Fields) -> AgeRange:
    """Completed years from `minimum` to `maximum`."""
    minimum = fields.whole("minimum", low=0, high=150)
    return AgeRange(minimum, fields.whole("maximum", low=minimum, high=150))
