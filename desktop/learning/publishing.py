"""What every recipe does with a finished model: its files, their hashes, and where they are put. Needs no PyTorch."""

import errno
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

CARD = "CARD.md"
TRAINING = "training.json"
NOT_MEASURED = {"en": "This model has not been measured yet.", "zh": "本模型尚未经过评测。"}

NOT_OURS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
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


def install(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a model's files in place, in their order: the manifest, which vouches for the others, belongs last.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / f"{name}.new").write_bytes(content)
    for name in files:
        (folder / f"{name}.new").replace(folder / name)
