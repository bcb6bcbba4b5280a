"""What is known of backups, in words."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from desktop.i18n import Language, format_datetime
from desktop.ui.widgets.rows import Row, Tone
from desktop.workflow.backups import KnownBackup, RunKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from desktop.errors import UserFacingError
    from desktop.ui.context import UiContext

_KINDS = {RunKind.MANUAL: "manual", RunKind.SCHEDULED: "scheduled", RunKind.RESTORE: "restored"}
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def age(context: "UiContext", then: datetime, now: datetime) -> str:
    """How long ago something was: `3 hours ago`. A moment that lies ahead is told by its date."""
    gone = now - then
    if gone < -_MINUTE:
        return moment(context, then)
    if gone < 2 * _MINUTE:
        return context.tr("backup.age.now")
    if gone < 2 * _HOUR:
        return context.tr("backup.age.minutes", count=gone // _MINUTE)
    if gone < 2 * _DAY:
        return context.tr("backup.age.hours", count=gone // _HOUR)
    return context.tr("backup.age.days", count=gone // _DAY)


def moment(context: "UiContext", when: datetime) -> str:
    """Date and time on this PC's clock."""
    return format_datetime(when.astimezone(), context.language)


def sentences(context: "UiContext", parts: "Sequence[str]") -> str:
    """One after the other, as the language sets them: Chinese leaves no blank between."""
    return ("" if context.language is Language.CHINESE else " ").join(parts)


def counts_words(context: "UiContext", counts: "Mapping[str, int]") -> str:
    """`12 patients, 40 files, 31 reports`, as a backup counts them."""
    names = ("patients", "attachments", "reports")
    return context.tr("backup.count.comma").join(
        context.tr(f"backup.count.{name}", count=counts.get(name, 0)) for name in names
    )


def error_words(context: "UiContext", error: "UserFacingError") -> str:
    """What happened and what to do, in one paragraph."""
    return sentences(context, [context.tr(key, **error.details) for key in (error.key, f"{error.key}.advice")])


def failure_words(context: "UiContext", key: str) -> str:
    """Why a backup or a drill failed, in a few words."""
    why = f"backup.why.{key.rpartition('.')[2]}"
    return context.tr(why if context.has_text(why) else "backup.why.other")


def backup_row(context: "UiContext", known: KnownBackup) -> Row:
    """One line of the list of backups."""
    run = known.run
    kind = context.tr(f"backup.list.{_KINDS[run.kind]}")
    if not run.ok:
        remark, tone = "backup.list.bad", Tone.CAUTION
    elif not known.there:
        remark, tone = "backup.list.away", Tone.QUIET
    elif known.proven:
        remark, tone = "backup.list.proven", Tone.GOOD
    else:
        remark, tone = "backup.list.verified", Tone.GOOD
    when = run.made or run.finished
    return Row(run.id, f"{moment(context, when)} · {kind}", run.place, context.tr(remark), tone)
