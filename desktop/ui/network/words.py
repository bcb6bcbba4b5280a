"""Studies and people elsewhere, and what is on its way, in words."""

import re
from datetime import date
from typing import TYPE_CHECKING

from desktop.i18n import format_date
from desktop.records.dicom_node import SendingParts, SendingState
from desktop.ui.admin.backup_words import error_words, moment
from desktop.ui.widgets.rows import Row, Tone

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import ScheduledStep, SendingView, UnderWay
    from desktop.workflow.network_archive import ArchivedStudy, PlannedPatient

__all__ = ["error_words", "planned_row", "sending_row", "study_row"]

_DAY = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TONES = {
    SendingState.WAITING: Tone.NEXT,
    SendingState.SENT: Tone.GOOD,
    SendingState.COMMITTED: Tone.GOOD,
    SendingState.FAILED: Tone.CAUTION,
    SendingState.CANCELLED: Tone.QUIET,
}


def name_words(context: "UiContext", name: str) -> str:
    """A PN as people read it: Han first where there are any."""
    groups = [" ".join(group.replace("^", " ").split()) for group in name.split("=")[:2]]
    written = [group if group.isascii() else group.replace(" ", "") for group in groups if group]
    return " · ".join(sorted(dict.fromkeys(written), key=str.isascii)) or context.tr("network.inbox.nameless")


def day_words(context: "UiContext", text: str) -> str:
    """A DICOM date the local way; as it stands where it is none."""
    match = _DAY.fullmatch(text.strip())
    try:
        return format_date(date(*(int(part) for part in match.groups())), context.language) if match else text
    except ValueError:
        return text


def study_row(context: "UiContext", key: str, study: "ArchivedStudy", fetched: str = "") -> Row:
    """A study of an archive. fetched: what became of it, where it was fetched."""
    tr, found = context.tr, study.found
    parts = [
        day_words(context, found.day),
        "/".join(found.modalities),
        found.description,
        tr("network.inbox.born", day=day_words(context, found.birth_date)) if found.birth_date else "",
        tr("patients.number", number=found.number) if found.number else "",
        tr("network.inbox.images", count=found.images) if found.images is not None else "",
    ]
    if fetched:
        remark, tone = fetched, Tone.GOOD
    elif study.owner is not None:
        remark, tone = tr("network.fetch.goes_to", name=study.owner.display_name), Tone.QUIET
    else:
        remark, tone = tr("network.fetch.will_ask"), Tone.CAUTION
    return Row(key, name_words(context, found.name), " · ".join(filter(None, parts)), remark, tone)


def planned_row(context: "UiContext", key: str, planned: "PlannedPatient") -> Row:
    """Somebody on a worklist."""
    tr, step = context.tr, planned.step
    parts = [
        _when(context, step),
        step.modality,
        step.description,
        tr("network.inbox.born", day=day_words(context, step.birth_date)) if step.birth_date else "",
        tr("patients.number", number=step.number) if step.number else "",
    ]
    known = planned.owner is not None
    remark = tr("network.planned.known" if known else "network.planned.register")
    subtitle = " · ".join(filter(None, parts))
    return Row(key, name_words(context, step.name), subtitle, remark, Tone.GOOD if known else Tone.NEXT)


def _when(context: "UiContext", step: "ScheduledStep") -> str:
    if step.start is None:
        return ""
    day = format_date(step.start.date(), context.language)
    return f"{day} {step.start:%H:%M}" if (step.start.hour or step.start.minute) else day


def sending_row(context: "UiContext", view: "SendingView", under_way: "UnderWay | None") -> Row:
    """Something on its way: whose, what, where to, how far, and what stands in the way."""
    tr, sending = context.tr, view.sending
    sent = len(sending.sent)
    remark = tr(f"network.sending.{sending.state.value}")
    tone = _TONES[sending.state]
    if under_way is not None and under_way.sending == sending.id and sending.state is SendingState.WAITING:
        remark = tr("network.sending.now")
        sent = max(sent, under_way.progress.done)
    elif sending.state is SendingState.SENT and sending.transaction:
        remark = tr("network.sending.unpromised")
    parts = [
        moment(context, sending.created),
        tr("network.sending.count", sent=sent, count=view.objects) if view.objects else "",
    ]
    if sending.failure:
        parts.append(tr(sending.failure) if context.has_text(sending.failure) else tr("network.line_broken"))
    if sending.state is SendingState.WAITING and sending.next_try is not None and sending.attempts:
        parts.append(tr("network.sending.next", time=moment(context, sending.next_try)))
    what = view.modality
    if sending.parts is not SendingParts.IMAGES:
        what = tr(f"network.sending.parts.{sending.parts.value}", modality=view.modality)
    title = f"{view.patient} · {what} → {sending.peer}"
    return Row(sending.id, title, " · ".join(filter(None, parts)), remark, tone)
