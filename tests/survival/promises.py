"""What Lantern acknowledged: read from its standard output, each promise kept for every moment after it was said."""

import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from tests.survival.desk import PASSPHRASE

# Stands among the names for the recovery card.
CARD = "the recovery card"


@dataclass
class Promises:
    """Everything acknowledged up to some moment.

    records: (kind, id) in order, kind as in the inventory. reports: id → SHA-256. passphrases: user name → passphrase.
    shut: the same of those that may no longer open it. unsure: names whose way in is being changed. card: the
    recovery card's file and backups: their folders, from the disk's top.
    """

    clinic: bool = False
    records: list[tuple[str, str]] = field(default_factory=list)
    reports: dict[str, str] = field(default_factory=dict)
    passphrases: dict[str, str] = field(default_factory=dict)
    shut: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    card: str = ""
    backups: list[str] = field(default_factory=list)
    records_in_backup: set[tuple[str, str]] = field(default_factory=set)
    _command: list[str] = field(default_factory=list)
    _user: str = ""
    _rest: str = ""

    def hear(self, said: bytes) -> None:
        """Take in what was said next."""
        *lines, self._rest = (self._rest + said.decode()).split("\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, line: dict[str, Any]) -> None:
        if "command" in line:
            self._command, self._user = line["command"], line["user"]
            self._begin()
        elif line.get("status") not in ("error", "refused"):
            self._keep(line)

    def _begin(self) -> None:
        match self._command:
            case ["clinic", "create", *_]:
                self.passphrases[self._after("--admin")] = PASSPHRASE
            case ["clinic", "new-card", *_]:
                self.unsure.add(CARD)
            case ["users", verb, *_] if verb not in ("list", "roles"):
                self.unsure.add(self._whose())
            case ["gone"]:
                # The PC was lost with the clinic on it; what had been acknowledged lies in its backups only.
                self.clinic, self.records_in_backup = False, set(self.records)
                self.records = []

    def _keep(self, line: dict[str, Any]) -> None:
        match self._command:
            case ["clinic", "create" | "new-card", *_]:
                card = PurePosixPath(self._after("--recovery-out"))
                self.clinic, self.card = True, str(PurePosixPath(card.parent.name) / card.name)
                self.unsure.discard(CARD)
            case ["found", user, passphrase]:
                self.clinic, self.passphrases[user] = True, passphrase
            case ["patients", "add", *_]:
                self.records.append(("patients", line["id"]))
            case ["import", *_]:
                self.records.append(("attachments", line["attachment"]))
            case ["report", "sign", *_]:
                self.records.append(("reports", line["id"]))
                self.reports[line["id"]] = line["sha256"]
            case ["users", "add" | "passphrase" | "reset" | "enable", *_]:
                self.passphrases[self._whose()] = self._new_passphrase()
                self.shut.pop(self._whose(), None)
                self.unsure.discard(self._whose())
            case ["users", "disable", *_]:
                self.shut[self._whose()] = self.passphrases.pop(self._whose())
                self.unsure.discard(self._whose())
            case ["backup", *_]:
                place = Path(line["path"])
                self.backups = [str(PurePosixPath(place.parent.name) / place.name)]
                self.records_in_backup = set(self.records)
            case ["restore", *_]:
                self.clinic, self.records = True, sorted(self.records_in_backup)

    def _after(self, option: str) -> str:
        return self._command[self._command.index(option) + 1]

    def _whose(self) -> str:
        """Whose way in a `users` command changes."""
        return self._user if self._command[1] == "passphrase" else self._command[2]

    def _new_passphrase(self) -> str:
        with open(self._after("--new-passphrase-file"), encoding="utf-8") as stream:
            return stream.readline().rstrip("\n")
