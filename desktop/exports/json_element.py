"""Reading a parsed JSON document of FHIR, so that each error can name the element it is about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from desktop.errors import UserFacingError

Json = dict[str, Any]
"""A FHIR resource or element as JSON. The one place where a dictionary is the record: its form is the standard's."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


@dataclass(frozen=True)
class Element:
    """One JSON object and where it stands, such as `contact[0].name`; empty for the resource itself.

    Null, a missing member and blank text all mean absent.
    """

    members: Json
    path: str = ""

    @classmethod
    def root(cls, resource: object) -> "Element":
        """The resource itself. Raises UserFacingError where it is no JSON object."""
        if not isinstance(resource, dict):
            raise UserFacingError("fhir.not_a_patient")
        return cls(resource)

    def text(self, name: str) -> str:
        """A text on one line, empty if absent. Raises UserFacingError for another type, and for
        characters FHIR does not allow (datatypes.html#string)."""
        return self._as_text(self.members.get(name), self._path_of(name))

    def texts(self, name: str) -> Iterator[str]:
        """The texts of a list, without the blank ones."""
        for path, value in self._items(name):
            if text := self._as_text(value, path):
                yield text

    def child(self, name: str) -> "Element | None":
        """An object, None if absent."""
        value = self.members.get(name)
        return None if value is None else self._as_object(value, self._path_of(name))

    def children(self, name: str) -> Iterator["Element"]:
        """The objects of a list."""
        for path, value in self._items(name):
            if value is not None:
                yield self._as_object(value, path)

    def _items(self, name: str) -> Iterator[tuple[str, object]]:
        value = self.members.get(name)
        path = self._path_of(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise UserFacingError("fhir.expected_list", element=path)
        for number, item in enumerate(value):
            yield f"{path}[{number}]", item

    def _path_of(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    @staticmethod
    def _as_text(value: object, path: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise UserFacingError("fhir.expected_text", element=path)
        if _FORBIDDEN.search(value):
            raise UserFacingError("fhir.bad_character", element=path)
        return " ".join(value.split())

    @staticmethod
    def _as_object(value: object, path: str) -> "Element":
        if not isinstance(value, dict):
            raise UserFacingError("fhir.expected_object", element=path)
        return Element(value, path)
