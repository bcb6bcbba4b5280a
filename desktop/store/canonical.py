"""One way to write a record as bytes: what is stored, hashed into the audit chain, and signed.

JSON in UTF-8 with sorted keys and no spaces. Times are UTC with microseconds, bytes base64, enums their value, arrays a
shape and base64 of little-endian float16. The stored bytes are the record: a later release that adds a field reads old
records with the field's default and leaves their hashes true.
"""

import base64
import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np

from desktop.records import PartialDate

R = TypeVar("R")

_NO_RECORDS = frozenset({dict, list, set})


def canonical_bytes(record: object) -> bytes:
    """The record's bytes. Raises ValueError for a time without a zone, TypeError for what has no such form."""
    return _ENCODER.encode(record).encode()


def from_canonical(kind: type[R], data: bytes) -> R:
    """The record of those bytes. Raises ValueError where they are none."""
    try:
        read: Callable[[Any], R] = _reader(typing.cast(Any, kind))
        return read(json.loads(data))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a {kind.__name__}") from error


def _plain(value: Any) -> object:
    """A value that JSON does not know, as one it does; what it holds comes here by itself. Texts, numbers, enums that
    are either, and tuples are written as they are."""
    kind: Any = type(value)
    return _writer(kind)(value)


@cache
def _writer(kind: Any) -> Callable[[Any], object]:
    """How values of a type are written. Raises TypeError for one that has no canonical form."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, PartialDate):
        return str
    if is_dataclass(kind):
        return partial(_plain_fields, tuple(field.name for field in fields(kind)))
    if issubclass(kind, datetime):
        return time_text
    if issubclass(kind, date):
        return lambda value: value.isoformat()
    if issubclass(kind, bytes):
        return lambda value: base64.b64encode(value).decode()
    if issubclass(kind, np.ndarray):
        return _plain_array
    raise TypeError(f"{kind.__name__} has no canonical form")


def _plain_fields(names: tuple[str, ...], value: Any) -> object:
    """A record's fields. Raises TypeError for a dictionary or a list, which would not come back as they were."""
    plain = {name: getattr(value, name) for name in names}
    if not _NO_RECORDS.isdisjoint(map(type, plain.values())):
        raise TypeError(f"{type(value).__name__} holds what has no canonical form")
    return plain


def _plain_array(value: Any) -> object:
    half = np.ascontiguousarray(value, dtype="<f2")
    return {"shape": list(half.shape), "float16": base64.b64encode(half.tobytes()).decode()}


# One for all: `json.dumps` would make a new one for each record. Records cannot hold themselves.
_ENCODER = json.JSONEncoder(
    ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False, check_circular=False, default=_plain
)


def time_text(moment: datetime) -> str:
    """A moment in UTC with microseconds, so that texts sort as times do. Raises ValueError without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse_time(text: str) -> datetime:
    """Undo `time_text`."""
    return datetime.fromisoformat(text)


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """How values of a type are read back from JSON."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, typing.NewType):
        return _reader(kind.__supertype__)
    if origin in (typing.Union, types.UnionType):
        inner = _reader(next(argument for argument in arguments if argument is not types.NoneType))
        return lambda raw: None if raw is None else inner(raw)
    if origin is tuple:
        return _tuple_reader(arguments)
    if origin is np.ndarray:
        return _array
    if kind in _SIMPLE:
        return _SIMPLE[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    raise TypeError(f"{kind} has no canonical form")


def _tuple_reader(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _reader(arguments[0])
        return lambda raw: tuple(item(value) for value in raw)
    items = tuple(_reader(argument) for argument in arguments)
    return lambda raw: tuple(item(value) for item, value in zip(items, raw, strict=True))


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(raw: Mapping[str, Any]) -> Any:
        return kind(**{name: reader(raw[name]) for name, reader in readers.items() if name in raw})

    return read


def _array(raw: Mapping[str, Any]) -> Any:
    half = np.frombuffer(base64.b64decode(raw["float16"]), dtype="<f2")
    return half.reshape(raw["shape"]).astype(np.float32)


def _typed(kind: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if not isinstance(raw, kind):
            raise ValueError(f"not a {kind.__name__}")
        return raw

    return read


_SIMPLE: Mapping[Any, Callable[[Any], Any]] = {
    str: _typed(str),
    bool: _typed(bool),
    int: _typed(int),
    float: float,
    bytes: base64.b64decode,
    datetime: parse_time,
    date: date.fromisoformat,
    PartialDate: PartialDate.parse,
}
