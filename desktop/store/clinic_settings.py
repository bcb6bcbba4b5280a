"""The clinic's policy, and who works there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from desktop.records import User, UserId
from desktop.store.canonical import from_canonical
from desktop.store.database import DamagedDatabase
from desktop.store.rows import Rows, decoded

CLINIC = "clinic"
USER = "user"
POLICY = "policy"

# Empty templates mean those the program brings along.
_DEFAULTS: Mapping[str, str] = {
    "reading_order": "doctor_first",
    "report_language": "both",
    "report_template_en": "",
    "report_template_zh": "",
}


@dataclass(frozen=True)
class Clinic:
    """The clinic itself. id: of the store. name: as it stands on paper."""

    id: str
    name: str
    created: datetime


@dataclass(frozen=True)
class PolicyEntry:
    """One setting that the whole clinic shares."""

    name: str
    value: str


class Clinics:
    """The one row that says which clinic this is."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, clinic: Clinic) -> None:
        """Name the clinic, once."""
        data = self._rows.written(CLINIC, clinic.id, clinic)
        self._rows.run("INSERT INTO clinic (id, record) VALUES (?, ?)", (clinic.id, data))

    def get(self, store_id: str) -> Clinic:
        """Raises DamagedDatabase where the row is another clinic's or gone."""
        row = self._rows.one("SELECT record FROM clinic WHERE id = ?", (store_id,))
        if row is None:
            raise DamagedDatabase
        return from_canonical(Clinic, row[0])


class Policies:
    """Settings by name: `reading_order` (`doctor_first` or `model_first`), `report_language`, `report_template_*`."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def get(self, name: str) -> str:
        """The value, or its default. Raises KeyError for a name nobody declared."""
        default = _DEFAULTS[name]
        row = self._rows.one("SELECT record FROM policies WHERE name = ?", (name,))
        return from_canonical(PolicyEntry, row[0]).value if row else default

    def set(self, name: str, value: str) -> None:
        """Change the value. Raises KeyError for a name nobody declared."""
        if name not in _DEFAULTS:
            raise KeyError(name)
        data = self._rows.written(POLICY, name, PolicyEntry(name, value))
        self._rows.run(
            """INSERT INTO policies (name, record) VALUES (?, ?)
               ON CONFLICT (name) DO UPDATE SET record = excluded.record""",
            (name, data),
        )


class Users:
    """People of the clinic. How they unlock is the keystore's affair."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, user: User) -> None:
        """Add somebody; adding the very same record again changes nothing."""
        row = self._rows.one("SELECT record FROM users WHERE id = ?", (user.id,))
        if row is not None and from_canonical(User, row[0]) == user:
            return
        data = self._rows.written(USER, user.id, user)
        self._rows.run(
            "INSERT INTO users (id, name, public_key, record) VALUES (?, ?, ?, ?)",
            (user.id, user.name, user.public_key, data),
        )

    def put(self, user: User) -> None:
        """Add somebody, or replace the record of that id."""
        data = self._rows.written(USER, user.id, user)
        self._rows.run(
            """INSERT INTO users (id, name, public_key, record) VALUES (?, ?, ?, ?)
               ON CONFLICT (id) DO UPDATE SET name = excluded.name, public_key = excluded.public_key,
               record = excluded.record""",
            (user.id, user.name, user.public_key, data),
        )

    def get(self, user: UserId) -> User:
        """Raises UserFacingError `store.user_not_found`."""
        return decoded(User, self._rows.one("SELECT record FROM users WHERE id = ?", (user,)), "store.user_not_found")

    def by_name(self, name: str) -> User:
        """Raises UserFacingError `store.user_not_found`."""
        row = self._rows.one("SELECT record FROM users WHERE name = ?", (name,))
        return decoded(User, row, "store.user_not_found")

    def all(self) -> list[User]:
        """Everybody, by name."""
        return [from_canonical(User, row[0]) for row in self._rows.all("SELECT record FROM users ORDER BY name")]
