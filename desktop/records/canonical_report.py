"""The bytes of a report that are hashed, signed and kept: sorted-key UTF-8 JSON with a format name.

They live here because the store keeps them, the exporters print them and `workflow` signs them, and none of these may
import another. A field added to `ReportContent` or to anything inside it changes the bytes: give the format a new
number then and go on reading the old one.

Format 2 knows on which frame of a picture a drawing lies, format 3 which slice of a scan is printed, format 4 what a
model counted, format 5 more than one suggestion. A report is written in the oldest format that can say what it says, so
that one content has one form, and what was signed before is still what was signed.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from desktop.records.partial_date import PartialDate
from desktop.records.reports import ReportContent

REPORT_FORMAT, REPORT_FORMAT_WITH_FRAMES = "lantern-report/1", "lantern-report/2"
REPORT_FORMAT_WITH_PICTURE, REPORT_FORMAT_WITH_COUNTS = "lantern-report/3", "lantern-report/4"
REPORT_FORMAT_WITH_SUGGESTIONS = "lantern-report/5"
_FORMATS = (
    *(REPORT_FORMAT, REPORT_FORMAT_WITH_FRAMES, REPORT_FORMAT_WITH_PICTURE, REPORT_FORMAT_WITH_COUNTS),
    REPORT_FORMAT_WITH_SUGGESTIONS,
)
_SINCE = {
    "picture": REPORT_FORMAT_WITH_PICTURE,
    "counts": REPORT_FORMAT_WITH_COUNTS,
    "suggestions": REPORT_FORMAT_WITH_SUGGESTIONS,
}
"""The first format that knows a field; None or nothing stands for it in those before."""
ADDENDUM_FORMAT = "lantern-addendum/1"

_FIRST_FRAME = 1


def report_format(content: ReportContent) -> str:
    """The format a report is written in."""
    if content.suggestions:
        return REPORT_FORMAT_WITH_SUGGESTIONS
    if content.counts:
        return REPORT_FORMAT_WITH_COUNTS
    if content.picture is not None:
        return REPORT_FORMAT_WITH_PICTURE
    framed = any(annotation.frame != _FIRST_FRAME for annotation in content.annotations)
    return REPORT_FORMAT_WITH_FRAMES if framed else REPORT_FORMAT


def report_canonical_bytes(content: ReportContent) -> bytes:
    """What is hashed and signed for a report.

    The same content always gives the same bytes. Raises ValueError for what has no one way of being written: a
    moment without a time zone, a number that is not finite, half a surrogate pair.
    """
    written_as = report_format(content)
    members: Any = _encoded(content)
    for name, first in _SINCE.items():
        if _FORMATS.index(written_as) < _FORMATS.index(first):
            del members[name]
    if written_as == REPORT_FORMAT:
        for annotation in members["annotations"]:
            del annotation["frame"]
    return _dump({"format": written_as, "content": members})


def report_from_canonical(data: bytes) -> ReportContent:
    """The content of canonical bytes.

    Strict: raises ValueError for another format, a missing or unknown field, a value of the wrong type, and for bytes
    that say the same in another way than `report_canonical_bytes` does (spaces, key order, a key twice).
    """
    try:
        document = json.loads(data)
    except RecursionError as error:
        raise ValueError("a report is not nested this deep") from error
    if not isinstance(document, dict) or document.keys() != {"format", "content"}:
        raise ValueError("not a canonical report")
    members, written_as = document["content"], document["format"]
    if written_as not in _FORMATS:
        raise ValueError("this report was written in another format")
    if written_as == REPORT_FORMAT:
        members = _with_frames(members)
    for name, first in _SINCE.items():
        if _FORMATS.index(written_as) < _FORMATS.index(first):
            members = {**_checked(dict, members), name: None if name == "picture" else []}
    content = _decoded(ReportContent, members)
    assert isinstance(content, ReportContent)
    if report_canonical_bytes(content) != data:
        raise ValueError("these bytes are not in canonical form")
    return content


def addendum_canonical_bytes(
    report_sha256: str, previous_sha256: str, text: str, author_name: str, signed: datetime
) -> bytes:
    """What is hashed and signed for an addendum.

    previous_sha256: of the addendum before this one, or empty for the first, so that none can be dropped or moved.
    """
    content = {
        "author_name": author_name,
        "previous_sha256": previous_sha256,
        "report_sha256": report_sha256,
        "signed": _encoded(signed),
        "text": text,
    }
    return _dump({"format": ADDENDUM_FORMAT, "content": content})


def _dump(document: Mapping[str, object]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8")


def _with_frames(content: Any) -> object:
    """The members of a report of the first format as the second has them. Raises ValueError."""
    annotations = _checked(list, _checked(dict, content).get("annotations"))
    if any("frame" in _checked(dict, annotation) for annotation in annotations):
        raise ValueError("the first format knows no frames")
    return {**content, "annotations": [{**annotation, "frame": _FIRST_FRAME} for annotation in annotations]}


def _encoded(value: Any) -> object:
    """The JSON value of a record or of a part of one."""
    if isinstance(value, PartialDate):
        return str(value)
    if is_dataclass(value):
        record: Any = type(value)
        hints = _hints(record)
        return {name: _encoded_as(hint, getattr(value, name)) for name, hint in hints.items()}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError("a signed moment needs its time zone")
        return value.isoformat(timespec="microseconds")
    if isinstance(value, tuple):
        return [_encoded(part) for part in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(f"a report cannot hold a {type(value).__name__}")


def _encoded_as(hint: Any, value: Any) -> object:
    """As `_encoded`, with whole numbers written as floats where the field is a float (1 and 1.0 are one value)."""
    hint = _plain(hint)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, tuple) and get_origin(hint) is tuple:
        arguments = get_args(hint)
        parts = (arguments[0],) * len(value) if arguments[-1] is Ellipsis else arguments
        return [_encoded_as(part, item) for part, item in zip(parts, value, strict=True)]
    return _encoded(value)


def _decoded(hint: Any, value: object) -> object:
    """The value a field of the hinted type had. Raises ValueError."""
    if get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint) and value is None:
        return None
    hint = _plain(hint)
    if get_origin(hint) is tuple:
        return _decoded_tuple(get_args(hint), value)
    if hint is PartialDate:
        return PartialDate.parse(_checked(str, value))
    if is_dataclass(hint):
        build: Any = hint
        hints = _hints(build)
        members = _checked(dict, value)
        if members.keys() != hints.keys():
            raise ValueError(f"the fields of a {build.__name__} do not fit")
        return build(**{name: _decoded(part, members[name]) for name, part in hints.items()})
    if hint is datetime:
        return datetime.fromisoformat(_checked(str, value))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_checked(str, value))
    return _checked(hint, value)


def _decoded_tuple(arguments: tuple[Any, ...], value: object) -> tuple[object, ...]:
    items = _checked(list, value)
    parts = (arguments[0],) * len(items) if arguments[-1] is Ellipsis else arguments
    if len(parts) != len(items):
        raise ValueError("a list has the wrong length")
    return tuple(_decoded(part, item) for part, item in zip(parts, items, strict=True))


def _checked(kind: type, value: object) -> Any:
    """The value, if it is exactly of this JSON type (true is no number here). Raises ValueError."""
    if type(value) is not kind:
        raise ValueError(f"a {kind.__name__} was expected")
    return value


def _plain(hint: Any) -> Any:
    """The type behind an optional or a `NewType`."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return hint.__supertype__ if isinstance(hint, NewType) else hint


@cache
def _hints(record: Any) -> dict[str, Any]:
    """Type of each field of a dataclass."""
    hints = get_type_hints(record)
    return {field.name: hints[field.name] for field in fields(record)}
