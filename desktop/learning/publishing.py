"""What every recipe does with a finished model: its files, their hashes, and where they are put. Needs no PyTorch."""

import errno
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from desktop.errors import from_os_error

CARD = "CARD.md"
TRAINING = "training.json"
NOT_MEASURED = {"en": "This model has not been measured yet.", "zh": "本模型尚未经过评测。"}

_NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""How a system says that an installed model may not be written to."""


def graph_entry(path: Path) -> dict[str, object]:
    """File name, SHA-256 and size of a graph."""
    data = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def manifest_text(manifest: Mapping[str, object]) -> str:
    """The manifest as it stands in its file."""
    return json.dumps(manifest, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def make_work_folder(work: Path) -> None:
    """A folder for checkpoints that version control leaves alone: models may lie in a working tree."""
    work.mkdir(parents=True, exist_ok=True)
    (work / ".gitignore").write_text("*\n", encoding="ascii")


def folder_of(out: Path, name: str) -> Path:
    """A model lies in a folder of its own name, whatever folder it is to be put in."""
    return out if out.name == name else out / name


def install(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a model's files in place, in their order: the manifest, which vouches for the others, belongs last.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.new").write_bytes(content)
    for name in files:
        (folder / f"{name}.new").replace(folder / name)


def publish(folder: Path, files: Mapping[str, bytes]) -> None:
    """As `install`, raising KnownFailure."""
    try:
        install(folder, files)
    except OSError as error:
        raise from_os_error(error) from error


def restate(folder: Path, files: Mapping[str, bytes], say: Callable[[str], None]) -> None:
    """Put figures made again in place, as `publish`; an installed model that may not be written to keeps what it
    says."""
    try:
        install(folder, files)
    except OSError as error:
        if error.errno not in _NOT_OURS:
            raise from_os_error(error) from error
        say("the figures are made again; the installed card cannot be written to")
