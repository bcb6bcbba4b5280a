"""Figures of a validation in words, the same on every screen that shows them."""

from typing import TYPE_CHECKING

from desktop.errors import UserFacingError
from desktop.workflow.validating import Interval, Validation, ValidationGroup, ValidationRow, group_key

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def percent(context: "UiContext", found: Interval | None) -> str:
    """A share with its interval; where there are too few cases, that."""
    if found is None:
        return context.tr("validation.few")
    low, high = round(100 * found.low), round(100 * found.high)
    return context.tr("validation.share", value=round(100 * found.value), low=low, high=high)


def decimal(context: "UiContext", found: Interval | None) -> str:
    """A figure of two decimals with its interval; where there are too few cases, that."""
    if found is None:
        return context.tr("validation.few")
    value, low, high = (f"{number:.2f}".replace("-", "−") for number in (found.value, found.low, found.high))
    # A dash between two figures that may have a minus is one line too many.
    key = "validation.decimal" if found.low >= 0 else "validation.decimal.signed"
    return context.tr(key, value=value, low=low, high=high)


def group_name(context: "UiContext", by: ValidationGroup, group: str) -> str:
    """What a group is called."""
    key = group_key(by, group)
    return context.tr(key) if key and context.has_text(key) else group


def model_title(context: "UiContext", model: str) -> str:
    """What a model is called; its name where it is gone."""
    try:
        return context.registry.get(model).title(context.language)
    except UserFacingError:
        return model


def finding_name(context: "UiContext", model: str, finding: str) -> str:
    """What a finding is called; its key where it is gone."""
    try:
        return context.registry.get(model).finding_name(finding, context.language)
    except (UserFacingError, KeyError):
        return finding


def flow_words(context: "UiContext", found: Validation) -> str:
    """From the answers that were seen to the cases that count, in one sentence."""
    tr, flow = context.tr, found.flow
    parts = [tr("validation.flow.seen", count=flow.seen)]
    for key, count in (
        ("afterwards", flow.afterwards),
        ("other_versions", flow.other_versions),
        ("refused", flow.refused),
        ("without", flow.without),
        ("learned", flow.learned),
        ("unknown", flow.unknown),
    ):
        if count:
            parts.append(tr(f"validation.flow.{key}", count=count))
    parts.append(tr("validation.flow.after.unknown", count=flow.cases))
    return tr("validation.flow.stop").join(parts)


def missing_words(context: "UiContext", row: ValidationRow) -> str:
    """What is missing before every figure of a row can be given; empty where nothing is."""
    cases, present, absent = row.missing
    parts = []
    if present:
        parts.append(context.tr("validation.missing.present", count=present))
    if absent:
        parts.append(context.tr("validation.missing.absent", count=absent))
    if cases > present + absent:
        parts.append(context.tr("validation.missing.cases", count=cases))
    return context.tr("validation.missing", what=context.tr("validation.list.stop").join(parts)) if parts else ""


def calibration_words(context: "UiContext", row: ValidationRow) -> str:
    """How honest the probabilities are."""
    found = row.calibration
    if found is None:
        return context.tr("validation.calibration.none")
    return context.tr(
        "validation.calibration.words",
        slope=decimal(context, found.slope),
        offset=decimal(context, found.offset),
        brier=decimal(context, found.brier),
        share=f"{found.brier_of_share:.2f}",
    )
