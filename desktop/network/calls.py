"""Calls to other programs: echo, query, retrieve, send, and asking them to keep what they were given."""

import io
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pynetdicom import AE, StoragePresentationContexts, build_role, evt
from pynetdicom.association import Association
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.transport import AddressInformation

from desktop.errors import ErrorKind, KnownFailure
from desktop.jobs import Job
from desktop.network import limits
from desktop.network.commitment import ASK, COMMITMENT, COMMITMENT_INSTANCE, read_report, request_of, tell
from desktop.network.guard import GuardedSocket
from desktop.network.node import TRANSFER_SYNTAXES, VERIFICATION, WORKLIST
from desktop.network.parts import (
    Answer,
    Committed,
    FoundStudy,
    KeepingAnswer,
    Line,
    ObjectName,
    Received,
    Step,
    StepQuery,
    StudyQuery,
)
from desktop.network.worklist import name_in, read_step, to_identifier

FIND = "1.2.840.10008.5.1.4.1.2.2.1"
MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
GET = "1.2.840.10008.5.1.4.1.2.2.3"
"""Study Root Query/Retrieve (PS3.4 C.6.2): all that archives have in common."""

_NATIVE = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2")
_MOST_CONTEXTS = 126
_REPORT_SECONDS = 2.0
_PENDING = (0xFF00, 0xFF01)


@dataclass(frozen=True)
class Retrieved:
    """What came of a retrieval. failed: objects the archive could not send, or we could not keep."""

    completed: int
    failed: int


@dataclass(frozen=True)
class Outgoing:
    """An object to send. key: whatever the caller knows it by. begin: the first 4 KiB of its file. load: all of it,
    asked for when it is its turn."""

    key: str
    begin: bytes = field(repr=False)
    load: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True)
class Given:
    """What became of a sending. sent: keys of what the peer has. problems: keys of other objects, each with that of the
    sentence that says why. final: trying again would not help. asked: the peer will say whether it keeps them for good.
    word: its answer to that, where it came at once."""

    sent: tuple[str, ...]
    problems: tuple[tuple[str, str], ...] = ()
    final: bool = False
    asked: bool = False
    word: Committed | None = None

    @property
    def failure(self) -> str:
        """Why the first object that was not taken was not, or empty."""
        return self.problems[0][1] if self.problems else ""


def echo(line: Line) -> None:
    """Whether somebody is there who answers to that name. Raises KnownFailure."""
    with _association(line, [build_context(VERIFICATION)]) as association:
        _expect(association.send_c_echo(), association)


def find(line: Line, query: StudyQuery, job: Job) -> list[FoundStudy]:
    """Studies of an archive, at most `limits.MOST_ANSWERS`. Raises KnownFailure."""
    with _association(line, [build_context(FIND)]) as association:
        return [_found(answer) for answer in _answers(association, _identifier(query), FIND, job)]


def worklist(line: Line, query: StepQuery, job: Job) -> list[Step]:
    """Steps of somebody's worklist. Raises KnownFailure."""
    with _association(line, [build_context(WORKLIST)]) as association:
        return [read_step(answer) for answer in _answers(association, to_identifier(query), WORKLIST, job)]


def move(line: Line, study_uid: str, destination: str, job: Job) -> Retrieved:
    """Have an archive send a study to the node of that AE title, which must listen. Raises KnownFailure."""
    with _association(line, [build_context(MOVE)]) as association:
        return _retrieved(association, association.send_c_move(_of_study(study_uid), destination, MOVE), job)


def get(line: Line, study_uid: str, keep: Callable[[Received], Answer], job: Job) -> Retrieved:
    """Fetch a study over our own call; `keep` is asked for each object. Raises KnownFailure."""

    def store(event: evt.Event) -> int:
        request: Any = event.request
        data = event.encoded_dataset()
        if len(data) > limits.MOST_OBJECT_BYTES:
            return int(Answer.NO_ROOM)
        received = Received(
            data,
            str(request.AffectedSOPClassUID),
            str(request.AffectedSOPInstanceUID),
            str(event.context.transfer_syntax),
            line.title,
            line.address,
        )
        return int(keep(received))

    classes = [context.abstract_syntax or "" for context in StoragePresentationContexts][: _MOST_CONTEXTS - 1]
    contexts = [build_context(GET), *(build_context(uid, TRANSFER_SYNTAXES) for uid in classes)]
    roles = [build_role(uid, scp_role=True) for uid in classes]
    with _association(line, contexts, [(evt.EVT_C_STORE, store)], roles) as association:
        if not _offers(association, GET):  # it would take our images all the same
            raise KnownFailure("network.service_not_offered", kind=ErrorKind.IO)
        return _retrieved(association, association.send_c_get(_of_study(study_uid), GET), job)


def _unheard(_key: str) -> None:
    """Nobody wants to know."""


def send(
    line: Line,
    objects: Sequence[Outgoing],
    job: Job,
    *,
    transaction: str = "",
    before: Sequence[Outgoing] = (),
    taken: Callable[[str], None] = _unheard,
) -> Given:
    """Give a peer objects, one after the other; once it has all of them, ask it to keep them for good.

    transaction: UID of that request; empty asks for nothing. It has to be on record before, as the answer may come on
    another line before this returns. before: what the peer has since an earlier try. taken: hears the key of each
    object once the peer has it. Raises KnownFailure where the peer cannot be reached at all, Cancelled.
    """
    kinds = _kinds(objects)
    words: list[Committed] = []
    heard = threading.Event()

    def report(event: evt.Event) -> tuple[int, None]:
        word = read_report(event.event_information)
        if word is not None:
            words.append(word)
        return 0x0000, None

    def sent_something(_event: evt.Event) -> None:
        # Only what thanks for the word goes out while it is waited for. Hanging up before that is sent, as the word
        # itself would allow, leaves the peer thinking that nobody heard it.
        if words:
            heard.set()

    contexts = list(_sending_contexts(kinds))
    if objects and not contexts:
        return Given((), tuple((one.key, "network.not_dicom") for one in objects), final=True)
    if transaction:
        contexts.append(build_context(COMMITMENT))
    if not contexts:
        return Given(())
    handlers = [(evt.EVT_N_EVENT_REPORT, report), (evt.EVT_PDU_SENT, sent_something)]
    with _association(line, contexts, handlers) as association:
        sent: list[str] = []
        problems: list[tuple[str, str]] = []
        for done, one in enumerate(objects):
            job.report("network.progress.sending", done, len(objects))
            problem = _send_one(association, one)
            if problem:
                problems.append((one.key, problem))
                if not association.is_established:
                    break
                continue
            sent.append(one.key)
            taken(one.key)
        final = any(problem in _FINAL for _, problem in problems)
        if problems or not transaction or not _ask_commitment(association, transaction, [*before, *objects]):
            return Given(tuple(sent), tuple(problems), final)
        heard.wait(_REPORT_SECONDS)
        word = next((word for word in words if word.transaction == transaction), None)
        return Given(tuple(sent), asked=True, word=word)


def tell_keeping(line: Line, answer: KeepingAnswer) -> None:
    """Call whoever asked us to keep objects, and say which we do. Raises KnownFailure."""
    # We call, but are the service's provider all the same (PS3.4 J.3.3).
    with _association(line, [build_context(COMMITMENT)], roles=[build_role(COMMITMENT, scp_role=True)]) as association:
        if not tell(association, answer):
            raise KnownFailure("network.line_broken", kind=ErrorKind.IO)


_FINAL = frozenset({"network.kind_not_taken", "network.object_refused", "network.not_dicom"})


def _kinds(objects: Iterable[Outgoing]) -> dict[tuple[str, str], None]:
    """SOP classes and transfer syntaxes among them, from the files' headers."""
    kinds: dict[tuple[str, str], None] = {}
    for one in objects:
        meta = _file_meta(one.begin)
        kinds[(str(meta.get("MediaStorageSOPClassUID", "")), str(meta.get("TransferSyntaxUID", "")))] = None
    return kinds


def _file_meta(begin: bytes) -> Dataset:
    """Group 2 of a file; empty where there is none."""
    if begin[128:132] != b"DICM":
        return Dataset()
    return read_dataset(io.BytesIO(begin[132:]), False, True, stop_when=lambda tag, _vr, _length: tag.group != 2)


def _sending_contexts(kinds: Iterable[tuple[str, str]]) -> Iterator[PresentationContext]:
    """Each kind as it is, and once uncompressed for a peer that does not take it so."""
    wanted: dict[tuple[str, tuple[str, ...]], None] = {}
    for sop_class, syntax in kinds:
        if not sop_class or not syntax:
            continue
        if syntax not in _NATIVE:
            wanted[(sop_class, (syntax,))] = None
        wanted[(sop_class, _NATIVE[:2])] = None
    for sop_class, syntaxes in list(wanted)[: _MOST_CONTEXTS - 1]:
        yield build_context(sop_class, list(syntaxes))


def _send_one(association: Association, one: Outgoing) -> str:
    """Key of what went wrong, or empty."""
    try:
        dataset = dcmread(io.BytesIO(one.load()))
        sop_class, syntax = str(dataset.SOPClassUID), str(dataset.file_meta.TransferSyntaxUID)
    except KnownFailure as error:
        return error.key
    except Exception:  # no DICOM file, or one so damaged that it fails in ways nobody has listed
        return "network.not_dicom"
    agreed = {
        str(context.transfer_syntax[0])
        for context in association.accepted_contexts
        if context.abstract_syntax == sop_class and context.transfer_syntax
    }
    if not agreed:
        return "network.kind_not_taken"
    if syntax not in agreed and syntax not in _NATIVE:
        try:
            dataset.decompress(generate_instance_uid=False)
        except Exception:  # no decoder, or a damaged file: either way it cannot be given in another form
            return "network.kind_not_taken"
    try:
        status = association.send_c_store(dataset)
    except (ValueError, RuntimeError, AttributeError):
        return "network.kind_not_taken" if association.is_established else "network.line_broken"
    if "Status" not in status:
        return "network.line_broken"
    code = int(status.Status)
    if code == 0x0000 or code & 0xF000 == 0xB000:
        return ""
    return "network.peer_full" if code & 0xFF00 == 0xA700 else "network.object_refused"


def _ask_commitment(association: Association, transaction: str, objects: Sequence[Outgoing]) -> bool:
    """Whether the peer will tell if it keeps these for good; not every archive does such things."""
    if not _offers(association, COMMITMENT):
        return False
    names = []
    for one in objects:
        meta = _file_meta(one.begin)
        names.append(
            ObjectName(
                str(meta.get("MediaStorageSOPClassUID", "")),
                str(meta.get("MediaStorageSOPInstanceUID", "")),
            )
        )
    try:
        status, _ = association.send_n_action(request_of(transaction, names), ASK, COMMITMENT, COMMITMENT_INSTANCE)
    except (ValueError, RuntimeError):
        return False
    return bool(status.get("Status") == 0x0000)


def _identifier(query: StudyQuery) -> Dataset:
    wanted = Dataset()
    wanted.SpecificCharacterSet = "ISO_IR 192"
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.PatientName = query.name
    wanted.PatientID = query.number
    wanted.PatientBirthDate = ""
    wanted.PatientSex = ""
    wanted.StudyDate = query.days
    wanted.AccessionNumber = query.accession
    wanted.ModalitiesInStudy = query.modality
    wanted.StudyDescription = ""
    wanted.StudyInstanceUID = query.study_uid
    wanted.NumberOfStudyRelatedInstances = ""
    return wanted


def _of_study(study_uid: str) -> Dataset:
    wanted = Dataset()
    wanted.QueryRetrieveLevel = "STUDY"
    wanted.StudyInstanceUID = study_uid
    return wanted


def _found(answer: Dataset) -> FoundStudy:
    def text(keyword: str) -> str:
        value: Any = answer.get(keyword)
        return "" if value is None else str(value).strip()

    modalities: Any = answer.get("ModalitiesInStudy") or ()
    images = text("NumberOfStudyRelatedInstances")
    return FoundStudy(
        text("StudyInstanceUID"),
        name_in(answer),
        text("PatientID"),
        text("PatientBirthDate"),
        text("PatientSex"),
        text("StudyDate"),
        (modalities,) if isinstance(modalities, str) else tuple(map(str, modalities)),
        text("StudyDescription"),
        text("AccessionNumber"),
        int(images) if images.isdigit() else None,
    )


def _answers(association: Association, identifier: Dataset, model: str, job: Job) -> Iterator[Dataset]:
    """The matches, as they come. Raises KnownFailure where the query ends badly."""
    count = 0
    for status, answer in association.send_c_find(identifier, model):
        job.check()
        if not status or "Status" not in status:
            raise KnownFailure("network.line_broken", kind=ErrorKind.IO)
        if int(status.Status) not in _PENDING:
            _expect(status, association)
            return
        if answer is not None and count < limits.MOST_ANSWERS:
            count += 1
            yield answer


def _retrieved(association: Association, answers: Iterable[tuple[Dataset, Dataset | None]], job: Job) -> Retrieved:
    completed = failed = 0
    for status, _ in answers:
        job.check()
        if not status or "Status" not in status:
            raise KnownFailure("network.line_broken", kind=ErrorKind.IO)
        completed = int(status.get("NumberOfCompletedSuboperations") or 0)
        failed = int(status.get("NumberOfFailedSuboperations") or 0)
        left = int(status.get("NumberOfRemainingSuboperations") or 0)
        job.report("network.progress.retrieving", completed, completed + failed + left)
        code = int(status.Status)
        if code in _PENDING or code & 0xF000 == 0xB000:
            continue
        if code == 0xA801:
            raise KnownFailure("network.destination_unknown", kind=ErrorKind.NOT_FOUND)
        if not completed and not failed:
            _expect(status, association)
    return Retrieved(completed, failed)


def _expect(status: Dataset, association: Association) -> None:
    """Raises KnownFailure unless the answer is success."""
    if "Status" not in status:
        raise KnownFailure("network.line_broken", kind=ErrorKind.IO)
    if int(status.Status) != 0x0000:
        raise KnownFailure("network.peer_failed", kind=ErrorKind.IO, status=f"{int(status.Status):04X}")


def _offers(association: Association, service: str) -> bool:
    """Whether a service was agreed on."""
    return any(context.abstract_syntax == service for context in association.accepted_contexts)


class _Entity(AE):
    """Calls over lines that hold to our limits."""

    def _create_socket(self, assoc: Association, address: AddressInformation, tls_args: Any) -> GuardedSocket:
        made = GuardedSocket(assoc, address=address)
        made.tls_args = tls_args
        return made


@contextmanager
def _association(
    line: Line,
    contexts: Sequence[PresentationContext],
    handlers: Sequence[Any] = (),
    roles: Sequence[Any] = (),
) -> Iterator[Association]:
    """A call, released or aborted at the end. Raises KnownFailure: `network.unreachable`, `network.tls_failed`,
    `network.called_unknown`, `network.calling_unknown`, `network.peer_busy`, `network.rejected`,
    `network.service_not_offered`."""
    entity = _Entity(line.own_title)
    entity.maximum_pdu_size = limits.ASKED_PDU
    entity.acse_timeout = limits.ANSWER_SECONDS
    entity.dimse_timeout = limits.ANSWER_SECONDS
    entity.network_timeout = limits.ANSWER_SECONDS
    entity.connection_timeout = limits.CONNECT_SECONDS
    connected = threading.Event()
    bound: list[Any] = [*handlers, (evt.EVT_CONN_OPEN, lambda _event: connected.set())]
    tls = (line.tls, line.address) if line.tls is not None else None
    try:
        association = entity.associate(
            line.address,
            line.port,
            contexts=list(contexts),
            ae_title=line.title,
            ext_neg=list(roles),
            evt_handlers=bound,
            tls_args=tls,
        )
    except OSError as error:
        raise KnownFailure("network.unreachable", kind=ErrorKind.IO) from error
    if not association.is_established:
        raise _not_established(association, contexts, connected.is_set(), line)
    try:
        yield association
    except BaseException:
        association.abort()
        raise
    if association.is_established:
        association.release()


def _not_established(
    association: Association, contexts: Sequence[PresentationContext], connected: bool, line: Line
) -> KnownFailure:
    """Why nobody talks to us, in words."""
    if association.is_rejected:
        answer = association.acceptor.primitive
        source = getattr(answer, "result_source", None)
        reason = getattr(answer, "diagnostic", None)
        # PS3.8 table 9-21.
        keys = {(1, 3): "network.calling_unknown", (1, 7): "network.called_unknown", (3, 1): "network.peer_busy"}
        key = keys.get((source or 0, reason or 0), "network.rejected")
        return KnownFailure(key if (source, reason) != (3, 2) else "network.peer_busy", kind=ErrorKind.IO)
    if not connected:
        return KnownFailure("network.unreachable" if line.tls is None else "network.tls_failed", kind=ErrorKind.IO)
    if association.rejected_contexts and len(association.rejected_contexts) == len(contexts):
        return KnownFailure("network.service_not_offered", kind=ErrorKind.IO)
    return KnownFailure("network.no_dicom_answer", kind=ErrorKind.IO)
