"""Parts of the people, or views, in which a model was shown to do worse than in all together: there it decides nothing.

What the recipe's evaluation found stands in the manifest beside the finding it is about; see `learning.subgroups`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from desktop.inference.fields import Fields, ManifestError
from desktop.inference.subject import AgeRange, Subject, age_range
from desktop.records import Decision, Finding, Sex

IN_GROUP = "inference.reason.withheld_group"
ALWAYS = "inference.reason.withheld"

_SEXES = {one.value: one for one in (Sex.FEMALE, Sex.MALE)}


@dataclass(frozen=True)
class Withheld:
    """Of whom a finding is not decided: those for whom all that is stated here is known to hold; everybody, where
    nothing is stated, because no clinic could know whether it holds. view: DICOM ViewPosition."""

    sex: Sex | None = None
    ages: AgeRange | None = None
    view: str = ""

    @property
    def always(self) -> bool:
        """Whether it is about everybody."""
        return self.sex is None and self.ages is None and not self.view

    def concerns(self, subject: Subject, view: str) -> bool:
        """Whether this person and view are among them."""
        if self.sex is not None and subject.sex is not self.sex:
            return False
        if self.ages is not None and (subject.age_years is None or not self.ages.contains(subject.age_years)):
            return False
        return not self.view or self.view == view.upper()


def read_withheld(finding: Fields) -> tuple[Withheld, ...]:
    """What a finding's `withheld` says. Raises ManifestError."""
    return tuple(map(_one, finding.objects("withheld"))) if finding.has("withheld") else ()


def _one(fields: Fields) -> Withheld:
    sex = fields.text("sex", "")
    if sex and sex not in _SEXES:
        raise ManifestError(fields.place("sex"), "female or male was expected")
    ages = age_range(fields.inner("age_years")) if fields.has("age_years") else None
    return Withheld(_SEXES.get(sex), ages, fields.text("view", "").upper())


def withhold(
    findings: Sequence[Finding], withheld: Mapping[str, Sequence[Withheld]], subject: Subject, view: str = ""
) -> tuple[Finding, ...]:
    """The findings, undecided where the model does worse; probabilities stay. withheld: by the finding's key. What lies
    between the thresholds says so too: a clinic that fits its own must not take those answers for all there were."""
    told = []
    for one in findings:
        concerned = [part for part in withheld.get(one.key, ()) if part.concerns(subject, view)]
        by_probability = one.decision is not Decision.CANNOT_SAY or one.reason.endswith("between")
        if concerned and by_probability:
            reason = ALWAYS if any(part.always for part in concerned) else IN_GROUP
            one = replace(one, decision=Decision.CANNOT_SAY, reason=reason, about=())
        told.append(one)
    return tuple(told)
