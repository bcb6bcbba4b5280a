"""A suggestion in words."""

from typing import TYPE_CHECKING

from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.records import AnalysisStatus, Decision, Finding, Suggestion, SuggestionId
from desktop.ui.context import UiContext

if TYPE_CHECKING:
    from desktop.ui.reading.sitting import Sitting

# Suggestions whose open findings are named; the rest is told as a number.
_NAMED = 4


def decision_word(context: UiContext, decision: Decision) -> str:
    """likely, unlikely or cannot say."""
    return context.tr(f"review.decision.{decision.value}")


def percent(probability: float) -> str:
    """A probability as people say it; never 0 % or 100 %, which no model may claim."""
    value = round(probability * 100)
    if value <= 0:
        return "< 1 %"
    return "> 99 %" if value >= 100 else f"{value} %"


def with_grade(context: UiContext, number: str, finding: Finding) -> str:
    """A probability in words, and the grade where the model gives one."""
    return number if finding.grade is None else context.tr("review.graded", percent=number, grade=finding.grade)


def finding_name(context: UiContext, suggestion: Suggestion, finding: Finding) -> str:
    """The finding's name in the window's language; the stored one where the model is gone from this PC."""
    try:
        return context.registry.get(suggestion.analysis.provenance.model).finding_name(finding.key, context.language)
    except UserFacingError:
        return finding.name


def kind_name(context: UiContext, suggestion: Suggestion, kind: str) -> str:
    """What a kind of box is called in the window's language; its slug where the model is gone from this PC."""
    try:
        return context.registry.get(suggestion.analysis.provenance.model).finding_name(kind, context.language)
    except (UserFacingError, KeyError):
        return kind


def model_title(context: UiContext, suggestion: Suggestion) -> str:
    """The model's name in the window's language."""
    name = suggestion.analysis.provenance.model
    try:
        return context.registry.get(name).title(context.language)
    except UserFacingError:
        return name


def limits(context: UiContext, suggestion: Suggestion) -> str:
    """What the model was trained on and how far it can be trusted."""
    try:
        return context.registry.get(suggestion.analysis.provenance.model).limits(context.language)
    except UserFacingError:
        return context.tr("review.limits.gone")


def why(context: UiContext, finding: Finding) -> str:
    """Why the decision is what it is, and what to make of it where there is something to be said."""
    if finding.reason and context.has_text(finding.reason):
        advice = f"{finding.reason}.advice"
        return _joined(context, [context.tr(key) for key in (finding.reason, advice) if context.has_text(key)])
    return context.tr(f"review.why.{finding.decision.value}")


def about(context: UiContext, sitting: "Sitting", suggestion: Suggestion) -> str:
    """Which picture or recording a suggestion is about, where there are several, and whose it is."""
    instances = [instance.id for instance in sitting.study.study.instances]
    title = model_title(context, suggestion)
    if len(instances) < 2 or suggestion.instance not in instances:
        return title
    kind = "trace" if sitting.study.recordings else "picture"
    return context.tr(f"review.about.{kind}", number=instances.index(suggestion.instance) + 1, model=title)


def open_questions(context: UiContext, sitting: "Sitting", but: SuggestionId | None = None) -> str:
    """Every finding nobody decided on, by name; where there are several suggestions, each with the one it is of. but:
    a suggestion whose findings are told elsewhere."""
    rows: dict[SuggestionId, tuple[Suggestion, list[str]]] = {}
    for suggestion, finding in sitting.reading.open_questions:
        if suggestion.id == but:
            continue
        rows.setdefault(suggestion.id, (suggestion, []))[1].append(finding_name(context, suggestion, finding))
    separator = context.tr("review.separator")
    several = len(sitting.reading.suggestions) > 1
    lines = [
        context.tr("review.open.of", about=about(context, sitting, suggestion), findings=separator.join(names))
        if several
        else separator.join(names)
        for suggestion, names in rows.values()
    ]
    more = len(lines) - _NAMED
    told = lines[: _NAMED if more > 0 else None]
    return "\n".join([*told, *([context.tr("review.open.more", count=more)] if more > 0 else [])])


def refusal(context: UiContext, suggestion: Suggestion) -> str:
    """Why a model said nothing about this film, and what can be done about it."""
    analysis = suggestion.analysis
    sentences = []
    for problem in analysis.quality.problems:
        key = f"inference.quality.{problem.key}"
        sentences.append(context.tr(key))
        if context.has_text(f"{key}.advice"):
            sentences.append(context.tr(f"{key}.advice"))
    if not sentences and analysis.reason:
        sentences.append(context.tr(analysis.reason))
        if context.has_text(f"{analysis.reason}.advice"):
            sentences.append(context.tr(f"{analysis.reason}.advice"))
    head = "review.refused" if analysis.status is AnalysisStatus.REFUSED else "review.failed"
    return _joined(context, [context.tr(head), *sentences])


def _joined(context: UiContext, sentences: list[str]) -> str:
    """Sentences one after the other; Chinese ones need no space between."""
    return ("" if context.language is Language.CHINESE else " ").join(sentences)


def provenance_line(context: UiContext, suggestion: Suggestion) -> str:
    """Model, version and the device that really did the work, in small print."""
    made = suggestion.analysis.provenance
    return context.tr(
        "review.provenance",
        model=model_title(context, suggestion),
        version=made.version,
        device=made.device,
        milliseconds=round(made.milliseconds),
    )
