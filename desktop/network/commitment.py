"""Storage commitment in DICOM's form (PS3.4 annex J): who asks whom to keep objects for good, and what is answered."""

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pynetdicom.association import Association

from desktop.network.parts import Committed, KeepingAnswer, KeepingAsked, ObjectName

COMMITMENT = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
"""The one instance of that class there is (PS3.4 J.3.5)."""

ASK = 1
"""Action type: request storage commitment."""

_ALL_KEPT, _SOME_FAILED = 1, 2
"""Event types (PS3.4 J.3.3.1)."""


def request_of(transaction: str, objects: Iterable[ObjectName]) -> Dataset:
    """What is sent to ask for it."""
    wanted = Dataset()
    wanted.TransactionUID = transaction
    wanted.ReferencedSOPSequence = [_item(name) for name in objects]
    return wanted


def read_request(information: Dataset, title: str, address: str) -> KeepingAsked | None:
    """What somebody asks us to keep, or None where it is no such request. title, address: of the caller."""
    transaction = str(information.get("TransactionUID", ""))
    objects = tuple(map(_name, information.get("ReferencedSOPSequence") or ()))
    if not transaction or not objects:
        return None
    return KeepingAsked(transaction, objects, title, address)


def report_of(answer: KeepingAnswer) -> Dataset:
    """The event information of our word."""
    information = Dataset()
    information.TransactionUID = answer.transaction
    if answer.kept:
        information.ReferencedSOPSequence = [_item(name) for name in answer.kept]
    if answer.failed:
        items = []
        for name, reason in answer.failed:
            item = _item(name)
            item.FailureReason = int(reason)
            items.append(item)
        information.FailedSOPSequence = items
    return information


def read_report(information: Dataset) -> Committed | None:
    """A peer's word, or None where it is none."""
    transaction = str(information.get("TransactionUID", ""))
    if not transaction:
        return None
    return Committed(
        transaction,
        tuple(_name(item).instance_uid for item in information.get("ReferencedSOPSequence") or ()),
        tuple(_name(item).instance_uid for item in information.get("FailedSOPSequence") or ()),
    )


def tell(association: Association, answer: KeepingAnswer) -> bool:
    """Send our word over an association that is there; whether the peer has taken it."""
    event = _SOME_FAILED if answer.failed else _ALL_KEPT
    try:
        status, _ = association.send_n_event_report(report_of(answer), event, COMMITMENT, COMMITMENT_INSTANCE)
    except (ValueError, RuntimeError):  # it is over, or was never agreed on
        return False
    return bool(status.get("Status") == 0x0000)


def _item(name: ObjectName) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID = name.sop_class
    item.ReferencedSOPInstanceUID = name.instance_uid
    return item


def _name(item: Dataset) -> ObjectName:
    return ObjectName(str(item.get("ReferencedSOPClassUID", "")), str(item.get("ReferencedSOPInstanceUID", "")))
