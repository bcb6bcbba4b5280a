"""Values, units and answers of the risk models in words."""

from typing import TYPE_CHECKING

from desktop.i18n import Language, format_date
from desktop.records import Finding
from desktop.ui.review.words import percent
from desktop.workflow.risks import ChartSource, ChartValue, RiskField, RiskForm

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_UNITS = {
    "mm[Hg]": "mmHg",
    "kg/m2": "kg/m²",
    "u[IU]/mL": "µIU/mL",
    "m[IU]/L": "mIU/L",
    "umol/L": "µmol/L",
    "meq/L": "mEq/L",
    "/uL": "/µL",
    "10*3/uL": "10³/µL",
    "10*6/uL": "10⁶/µL",
    "10*9/L": "10⁹/L",
    "10*12/L": "10¹²/L",
}
"""Units that people write otherwise than UCUM."""

_LEAST = 0.01

A_LITTLE, CLEARLY, STRONGLY = 0.1, 0.5, 1.5
"""From these log-odds on a value changes the odds by a tenth, by two thirds, to more than the fourfold."""


def unit_text(context: "UiContext", code: str) -> str:
    """A unit as people write it."""
    return context.tr("risk.unit.years") if code == "a" else _UNITS.get(code, code)


def number_text(value: float) -> str:
    """A number to three places that count, whole where it is whole."""
    return f"{value:.0f}" if abs(value) >= 1000 or value == round(value) else f"{value:.3g}"


def given_text(context: "UiContext", field: RiskField, value: float | str, unit: str) -> str:
    """A value as it was given, with its unit; of a choice its name."""
    if field.choices:
        return dict(field.choices).get(str(value), str(value))
    words = number_text(float(value))
    return f"{words} {unit_text(context, unit)}" if unit else words


def source_text(context: "UiContext", value: ChartValue) -> str:
    """Where on the chart a value stands."""
    key = f"risk.source.{value.source.value}"
    if value.source is ChartSource.BIRTH_DATE and not value.exact:
        key += ".about"
    day = format_date(value.on.astimezone().date(), context.language) if value.on is not None else ""
    return context.tr(key, date=day, words=value.words)


def reason_text(context: "UiContext", form: RiskForm, finding: Finding) -> str:
    """Why the decision is what it is, and what to do about it."""
    names = {field.key: field.name for field in form.fields}
    columns = context.tr("patients.list_comma").join(names.get(key, key) for key in finding.about)
    if not finding.reason:
        return context.tr(f"review.why.{finding.decision.value}")
    keys = [key for key in (finding.reason, f"{finding.reason}.advice") if context.has_text(key)]
    joint = "" if context.language is Language.CHINESE else " "
    return joint.join(context.tr(key, columns=columns) for key in keys)


def is_extreme(probability: float) -> bool:
    """Whether a probability is so near to certain that a few hundred people learned from cannot bear it."""
    return not _LEAST <= probability <= 1 - _LEAST


def chance_text(context: "UiContext", probability: float) -> str:
    """A probability as people say it; near the ends only that it lies beyond the last whole per cent."""
    if not is_extreme(probability):
        return percent(probability)
    key, bound = ("risk.above", 1 - _LEAST) if probability > 0.5 else ("risk.below", _LEAST)
    return context.tr(key, percent=round(100 * bound))


def weight_text(context: "UiContext", log_odds: float) -> str:
    """What a value does to the odds, in words."""
    size = abs(log_odds)
    if size < A_LITTLE:
        return context.tr("risk.adds.nothing")
    much = "strongly" if size >= STRONGLY else "clearly" if size >= CLEARLY else "little"
    return context.tr(f"risk.adds.{'raises' if log_odds > 0 else 'lowers'}.{much}")
