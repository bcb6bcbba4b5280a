"""What the paper about a model says, from the figures and the clinic."""

from collections.abc import Sequence

from desktop.exports.validation_paper import (
    Figure,
    PaperBin,
    PaperCalibration,
    ValidationContent,
    ValidationGroups,
    ValidationLine,
)
from desktop.i18n import Language
from desktop.inference import Model
from desktop.learning.clinical_validation import (
    FEWEST_CASES,
    FEWEST_OF_CLASS,
    Answers,
    Calibration,
    ValidationRow,
)
from desktop.learning.statistics import Interval
from desktop.workflow.clinic import Clinic
from desktop.workflow.confirmed import Strength
from desktop.workflow.validating import Validation, ValidationGroup, group_key


def paper_content(clinic: Clinic, model: Model, found: Sequence[Validation], *, synthetic: bool) -> ValidationContent:
    """found: of the same cases, each counted by other groups. synthetic: some of the patients are no real persons."""
    first = found[0]
    table, flow, thresholds = first.table, first.flow, first.thresholds
    leaving = (
        ("other_versions", flow.other_versions),
        ("refused", flow.refused),
        ("without", flow.without),
        ("learned", flow.learned),
        ("unknown", flow.unknown),
    )
    return ValidationContent(
        clinic_name=clinic.name,
        author=clinic.session.user.name,
        made=clinic.clock(),
        synthetic=synthetic,
        model=model.name,
        version=model.version,
        sha256=model.sha256,
        title={language: model.title(language) for language in Language},
        finding={language: model.finding_name(first.finding, language) for language in Language},
        likely_from=max(thresholds.positive, thresholds.negative),
        unlikely_to=min(thresholds.positive, thresholds.negative),
        least=first.least.name.lower(),
        first=first.first,
        last=first.last,
        seen=flow.seen,
        afterwards=flow.afterwards,
        flow=leaving,
        present=_counts(table.whole.present),
        absent=_counts(table.whole.absent),
        strengths=tuple((one.name.lower(), first.strengths.get(one, 0)) for one in sorted(Strength, reverse=True)),
        reviewed=first.strengths.get(Strength.REVIEWED, 0),
        whole=_line(first.by, table.whole),
        groups=tuple(
            ValidationGroups(f"validation.by.{one.by}", tuple(_line(one.by, row) for row in one.table.rows))
            for one in found
        ),
        roc=table.roc.points if table.roc is not None else (),
        band=table.roc.band if table.roc is not None else (),
        calibration=_calibration(table.whole.calibration) if table.whole.calibration is not None else None,
        fewest_cases=FEWEST_CASES,
        fewest_of_class=FEWEST_OF_CLASS,
    )


def _counts(answers: Answers) -> tuple[int, int, int]:
    return answers.likely, answers.cannot_say, answers.unlikely


def _line(by: ValidationGroup, row: ValidationRow) -> ValidationLine:
    return ValidationLine(
        key=group_key(by, row.group),
        name=row.group,
        cases=row.cases,
        patients=row.patients,
        present=row.present.total,
        absent=row.absent.total,
        decided=_figure(row.decided),
        sensitivity=_figure(row.sensitivity),
        specificity=_figure(row.specificity),
        sensitivity_decided=_figure(row.sensitivity_decided),
        specificity_decided=_figure(row.specificity_decided),
        likely_right=_figure(row.likely_right),
        unlikely_right=_figure(row.unlikely_right),
        area=_figure(row.area),
    )


def _calibration(found: Calibration) -> PaperCalibration:
    offset, brier = found.offset, found.brier
    return PaperCalibration(
        slope=_figure(found.slope),
        offset=Figure(offset.value, offset.low, offset.high),
        brier=Figure(brier.value, brier.low, brier.high),
        brier_of_share=found.brier_of_share,
        bins=tuple(PaperBin(one.said, one.seen.value, one.seen.low, one.seen.high, one.seen.n) for one in found.bins),
    )


def _figure(interval: Interval | None) -> Figure | None:
    return Figure(interval.value, interval.low, interval.high) if interval is not None else None
