"""What may lie on a disk after the power failed: the model behind the crash states.

A file's bytes are certain once it was fsynced; a name, a rename or a removal once its folder was. Everything since may
have happened or not, each piece for itself: a write is kept, dropped or torn at 512 bytes, a later one may be there
without an earlier one, a name without the bytes it names and the bytes without the name. A failed fsync makes nothing
certain, and the system forgets that those bytes are still to be written: a second fsync does not bring them back.
(Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014.)
"""

import os
import posixpath
import random
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

SECTOR = 512

_HEADER = struct.Struct("<IIiiqII")
_MAGIC = 0x53555256
_REMOVE_FOLDER = 0x200


class What(Enum):
    """What a record tells; the letters are the shim's."""

    SAID = "A"
    CLOSED = "C"
    MADE = "D"
    FAILED = "F"
    RANGE_SYNCED = "G"
    LINKED = "L"
    MAPPED = "M"
    OPENED = "O"
    RENAMED = "R"
    SYNCED = "S"
    TRUNCATED = "T"
    UNLINKED = "U"
    WRITTEN = "W"


@dataclass(frozen=True)
class Record:
    """One call. number: offset, size or flags. data: bytes written or said, else the path. other: a rename's target;
    something where an open made the file."""

    what: What
    fd: int
    error: int
    number: int
    data: bytes
    other: bytes

    @property
    def path(self) -> str:
        """The file or folder named."""
        return posixpath.normpath(os.fsdecode(self.data))

    @property
    def target(self) -> str:
        """The second name of a rename or link."""
        return posixpath.normpath(os.fsdecode(self.other))


def read_log(path: Path) -> tuple[Record, ...]:
    """The records of a log; one cut off at the end by a kill is passed over."""
    data, place, records = path.read_bytes(), 0, []
    while place + _HEADER.size <= len(data):
        magic, what, fd, error, number, first, second = _HEADER.unpack_from(data, place)
        if magic != _MAGIC:
            raise ValueError("not a log of the shim")
        start = place + _HEADER.size
        place = start + first + second
        if place > len(data):
            break
        records.append(
            Record(What(chr(what)), fd, error, number, data[start : start + first], data[start + first : place])
        )
    return tuple(records)


def with_paths(records: Sequence[Record]) -> Iterator[tuple[Record, str]]:
    """Each record with the path of the file it is about: the one it names (a rename: the new name), or the open one."""
    opened: dict[int, str] = {}
    for record in records:
        match record.what:
            case What.OPENED:
                opened[record.fd] = record.path
                yield record, record.path
            case What.RENAMED | What.LINKED:
                yield record, record.target
            case What.MADE | What.UNLINKED:
                yield record, record.path
            case _:
                yield record, opened.get(record.fd, "")


class Fortune(Enum):
    """What became of a change of a file. LOST: an fsync of it failed, so no later one brings it to the disk."""

    PENDING = "pending"
    LOST = "lost"
    CERTAIN = "certain"


@dataclass
class Write:
    """Bytes on their way to the disk."""

    offset: int
    data: bytes
    fortune: Fortune = Fortune.PENDING


@dataclass
class Cut:
    """A new length on its way to the disk."""

    size: int
    fortune: Fortune = Fortune.PENDING


@dataclass(eq=False)
class File:
    """certain: bytes on the disk. since: what was done from then on, oldest first; behind a lost change stand certain
    ones too."""

    certain: bytearray = field(default_factory=bytearray)
    since: list[Write | Cut] = field(default_factory=list)

    def sync(self) -> None:
        """Make everything certain, but what an earlier, failed fsync has lost."""
        for change in self.since:
            if change.fortune is Fortune.PENDING:
                change.fortune = Fortune.CERTAIN
        if any(change.fortune is Fortune.LOST for change in self.since):
            return
        for change in self.since:
            _apply(self.certain, change)
        self.since.clear()

    def lose(self) -> None:
        """An fsync failed."""
        for change in self.since:
            if change.fortune is Fortune.PENDING:
                change.fortune = Fortune.LOST


@dataclass(eq=False)
class Entry:
    """A change of names on its way to the disk, whole or not at all. gone: names removed. put: names given."""

    gone: tuple[tuple["Folder", str], ...]
    put: tuple[tuple["Folder", str, "File | Folder"], ...]

    def apply(self, names: "dict[Folder, dict[str, File | Folder]]") -> None:
        """Change the names of the folders given."""
        for folder, name in self.gone:
            names.setdefault(folder, dict(folder.certain)).pop(name, None)
        for folder, name, node in self.put:
            names.setdefault(folder, dict(folder.certain))[name] = node


@dataclass(eq=False)
class Folder:
    """certain: names on the disk. now: names as programs see them. pending: changes since, oldest first."""

    certain: "dict[str, File | Folder]" = field(default_factory=dict)
    now: "dict[str, File | Folder]" = field(default_factory=dict)
    pending: list[Entry] = field(default_factory=list)


def _apply(content: bytearray, change: Write | Cut) -> None:
    if isinstance(change, Cut):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
        return
    if len(content) < change.offset:
        content.extend(bytes(change.offset - len(content)))
    content[change.offset : change.offset + len(change.data)] = change.data


class Disk:
    """Follows a log from a folder whose content is certain."""

    def __init__(self, before: Path, root: Path) -> None:
        """before: a copy of what was certain at first. root: the folder that the log's paths name."""
        self._root = str(root)
        self.top = _certain_folder(before)
        self._open: dict[int, File | Folder] = {}

    def follow(self, record: Record) -> None:
        """Take one call into account. Raises ValueError for what the model does not know."""
        match record.what:
            case What.OPENED:
                self._open[record.fd] = self._opened(record)
            case What.CLOSED:
                self._open.pop(record.fd, None)
            case What.WRITTEN:
                self._file(record.fd).since.append(Write(record.number, record.data))
            case What.TRUNCATED:
                self._file(record.fd).since.append(Cut(record.number))
            case What.SYNCED:
                self._sync(self._open[record.fd])
            case What.FAILED:
                node = self._open.get(record.fd)
                if chr(record.number) == What.SYNCED.value and isinstance(node, File):
                    node.lose()
            case What.MADE:
                self._put(record.path, Folder())
            case What.RENAMED | What.LINKED:
                self._rename(record)
            case What.UNLINKED:
                folder, name = self._place(record.path)
                folder.now.pop(name)
                self._pend(Entry(((folder, name),), ()))
            case What.MAPPED:
                if not record.path.endswith("-shm"):
                    raise ValueError(f"written through a memory map: {record.path}")
            case What.SAID | What.RANGE_SYNCED:
                pass

    def _opened(self, record: Record) -> File | Folder:
        if record.path == self._root:
            return self.top
        folder, name = self._place(record.path)
        node = folder.now.get(name)
        if node is None:
            node = File()
            self._put(record.path, node)
        elif record.number & os.O_TRUNC and isinstance(node, File):
            node.since.append(Cut(0))
        return node

    def _rename(self, record: Record) -> None:
        (source, old), (target, new) = self._place(record.path), self._place(record.target)
        node = source.now[old]
        gone: tuple[tuple[Folder, str], ...] = ()
        if record.what is What.RENAMED:
            del source.now[old]
            gone = ((source, old),)
        target.now[new] = node
        self._pend(Entry(gone, ((target, new, node),)))

    def _put(self, path: str, node: File | Folder) -> None:
        folder, name = self._place(path)
        folder.now[name] = node
        self._pend(Entry((), ((folder, name, node),)))

    def _pend(self, entry: Entry) -> None:
        for folder in {folder for folder, _ in entry.gone} | {folder for folder, _, _ in entry.put}:
            folder.pending.append(entry)

    def _sync(self, node: File | Folder) -> None:
        if isinstance(node, File):
            node.sync()
            return
        for entry in tuple(node.pending):
            names: dict[Folder, dict[str, File | Folder]] = {}
            entry.apply(names)
            for folder, certain in names.items():
                folder.certain = certain
                folder.pending.remove(entry)

    def _file(self, fd: int) -> File:
        node = self._open[fd]
        assert isinstance(node, File)
        return node

    def _place(self, path: str) -> tuple[Folder, str]:
        """The folder that a path's last name stands in, as programs see it."""
        *folders, name = path.removeprefix(self._root).strip("/").split("/")
        place = self.top
        for step in folders:
            inner = place.now[step]
            assert isinstance(inner, Folder)
            place = inner
        return place, name


def _certain_folder(path: Path) -> Folder:
    entries: dict[str, File | Folder] = {}
    for entry in path.iterdir():
        entries[entry.name] = _certain_folder(entry) if entry.is_dir() else File(bytearray(entry.read_bytes()))
    return Folder(entries, dict(entries))


@dataclass(frozen=True)
class Fate:
    """How the uncertain falls out. names, data: share of changes kept. torn: share of kept writes that are torn."""

    names: float
    data: float
    torn: float


FATES: tuple[tuple[int, Fate], ...] = (
    (3, Fate(0.0, 0.0, 0.0)),  # only what is certain
    (1, Fate(1.0, 1.0, 0.0)),  # as after a kill
    (2, Fate(1.0, 0.0, 0.0)),  # names without their bytes
    (2, Fate(0.0, 1.0, 0.0)),  # bytes without their names
    (4, Fate(0.5, 0.5, 0.3)),
    (3, Fate(0.9, 0.9, 0.2)),
    (2, Fate(1.0, 0.7, 0.8)),
    (2, Fate(0.2, 0.2, 0.5)),
)


def draw_fate(chance: random.Random) -> Fate:
    """One of the ways a power cut goes."""
    return chance.choices([fate for _, fate in FATES], [weight for weight, _ in FATES])[0]


def lay_out(disk: Disk, target: Path, chance: random.Random, fate: Fate) -> None:
    """Write one possible state of the disk into a new folder."""
    names: dict[Folder, dict[str, File | Folder]] = {}
    for entry in dict.fromkeys(_entries(disk.top, set())):
        if chance.random() < fate.names:
            entry.apply(names)
    _write_folder(disk.top, target, names, chance, fate)


def _entries(folder: Folder, seen: set[Folder]) -> Iterator[Entry]:
    """The pending changes of names of a folder and of every folder that may turn out to lie below it, oldest first."""
    if folder in seen:
        return
    seen.add(folder)
    yield from folder.pending
    inner = [node for node in folder.certain.values() if isinstance(node, Folder)]
    inner += [node for entry in folder.pending for _, _, node in entry.put if isinstance(node, Folder)]
    for node in inner:
        yield from _entries(node, seen)


def _write_folder(
    folder: Folder, target: Path, names: dict[Folder, dict[str, File | Folder]], chance: random.Random, fate: Fate
) -> None:
    target.mkdir()
    for name, node in names.get(folder, folder.certain).items():
        if isinstance(node, Folder):
            _write_folder(node, target / name, names, chance, fate)
        elif not name.endswith("-shm"):  # made anew by whoever opens the database first
            (target / name).write_bytes(possible_content(node, chance, fate))


def possible_content(file: File, chance: random.Random, fate: Fate) -> bytes | bytearray:
    """What may be found in a file."""
    if not file.since:
        return file.certain
    content = bytearray(file.certain)
    for change in file.since:
        if change.fortune is Fortune.CERTAIN:
            _apply(content, change)
            continue
        if chance.random() >= fate.data:
            continue
        if isinstance(change, Write) and chance.random() < fate.torn:
            _tear(content, change, chance)
        else:
            _apply(content, change)
    return content


def _tear(content: bytearray, write: Write, chance: random.Random) -> None:
    """Some of a write's sectors, and perhaps the length of all of it."""
    kept = chance.choice((0.0, 0.5, 0.9))
    end = write.offset + len(write.data)
    place = write.offset
    while place < end:
        step = min(end, (place // SECTOR + 1) * SECTOR)
        if chance.random() < kept:
            _apply(content, Write(place, write.data[place - write.offset : step - write.offset]))
        place = step
    if len(content) < end and chance.random() < 0.5:
        content.extend(bytes(end - len(content)))


def crash_points(records: Sequence[Record]) -> list[int]:
    """Numbers of records after which the power may fail and something is different from the record before."""
    quiet = (What.CLOSED, What.MAPPED, What.RANGE_SYNCED)
    return [number for number, record in enumerate(records, 1) if record.what not in quiet]
