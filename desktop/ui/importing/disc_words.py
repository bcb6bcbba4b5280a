"""What was found, in words for its list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from desktop.i18n import format_date
from desktop.records import FileHeader, Patient
from desktop.ui.widgets.rows import Row, Tone
from desktop.workflow.import_finding import FoundStudy, Match, NotTaken, Owner

if TYPE_CHECKING:
    from desktop.ui.context import UiContext


def name_in_file(context: "UiContext", header: FileHeader) -> str:
    """The name as people write it; says so where there is none."""
    groups = [" ".join(group.replace("^", " ").split()) for group in header.name_groups[:2]]
    shown = " · ".join(reversed([group for group in groups if group]))
    return shown or context.tr("importing.disc.no_name")


def facts_in_file(context: "UiContext", header: FileHeader) -> str:
    """Sex, birth date and number, as far as the file says them."""
    parts = []
    if header.sex is not None:
        parts.append(context.tr(f"patients.sex.{header.sex.value}"))
    if (born := header.birth_date) is not None:
        day = format_date(born.earliest, context.language) if born.day is not None else str(born)
        parts.append(context.tr("importing.disc.born", date=day))
    if header.patient_number:
        parts.append(context.tr("importing.disc.number", number=header.patient_number))
    return " · ".join(parts)


def whose_text(context: "UiContext", match: Match, chosen: Patient | None, left_out: bool) -> tuple[str, Tone]:
    """Whose files go to, or that somebody has to say."""
    if left_out:
        return context.tr("importing.disc.left_out"), Tone.QUIET
    if chosen is None:
        return context.tr("importing.disc.ask"), Tone.NEXT
    tone = Tone.CAUTION if match.remarks or match.owner is not Owner.CERTAIN else Tone.GOOD
    return context.tr("importing.disc.goes_to", who=chosen.display_name), tone


def patient_row(
    context: "UiContext", key: str, header: FileHeader, match: Match, chosen: Patient | None, left_out: bool
) -> Row:
    """Somebody whose studies were found."""
    remark, tone = whose_text(context, match, chosen, left_out)
    facts = facts_in_file(context, header) or context.tr("importing.disc.no_facts")
    return Row(key, name_in_file(context, header), facts, remark, tone)


def study_row(context: "UiContext", key: str, study: FoundStudy, remark: str = "", tone: Tone = Tone.QUIET) -> Row:
    """What a study is: kind, day and how many pictures."""
    kinds = context.tr("patients.list_comma").join(modality_text(context, word) for word in study.modalities)
    title = f"{kinds} · {format_date(study.started, context.language)}" if study.started else kinds
    count = len(study.sources)
    parts = [study.description] if study.description else []
    if len(study.series) > 1:
        parts.append(context.tr("importing.disc.series", count=len(study.series)))
    parts.append(context.tr("importing.disc.files", count=count))
    return Row(key, f"    {title}", "    " + " · ".join(parts), remark, tone)


def modality_text(context: "UiContext", word: str) -> str:
    """The kind of picture as a doctor says it; the file's own word where there is no other."""
    for key in (f"importing.kind.{word}", f"reading.modality.{word}"):
        if context.has_text(key):
            return context.tr(key)
    return word


def refused_row(context: "UiContext", key: str, name: str, message: str) -> Row:
    """A file that cannot be brought in, and why."""
    return Row(
        key, name.replace("\\", "/").rpartition("/")[2], message, context.tr("importing.status.left"), Tone.CAUTION
    )


def strangers_row(context: "UiContext", strangers: Sequence[NotTaken]) -> Row:
    """Files that are no pictures: one row for all of them."""
    names = context.tr("patients.list_comma").join(one.name.rpartition("/")[2] for one in strangers[:4])
    return Row("strangers", context.tr("importing.disc.strangers", count=len(strangers)), names)
