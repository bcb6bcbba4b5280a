"""What must be secret is in no file, and no key is in memory once the clinic is locked.

Looked at from outside, in /proc/<pid>/mem, so that the words searched for are not put there by the search. What Python
cannot wipe, and why: `str` and `bytes` are immutable and freed without being overwritten, inside arenas that Python
keeps; so names, words of a report and a passphrase that was typed may stay until their place is used again or the
process ends. The typesetter keeps the text of its last pages in a cache of its own. The keys are kept in bytearrays and
wiped; what SQLite frees of them is overwritten (`vault.freed_memory`). Core files are disabled.
"""

import json
import os
import random
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.survival.recording import ROOT

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜"
ENCODINGS = ("utf-8", "utf-16-le", "utf-32-le", "gb18030")
OURS = {"words.json", "keys.json", "wrong", "right"}


@dataclass(frozen=True)
class Looked:
    """What a session left. open, locked: names of the keys found in its memory then. files: (file, secret)."""

    open: frozenset[str]
    locked: frozenset[str]
    files: frozenset[tuple[str, str]]
    errors: str


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> Looked:
    if not Path("/proc/self/mem").exists():
        pytest.skip("no /proc/<pid>/mem: another process's memory cannot be looked at")
    folder = tmp_path_factory.mktemp("session")
    words = _lay_ground(folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "temporary")}
    with (folder / "errors").open("wb") as errors:
        session = subprocess.Popen(
            [sys.executable, "-m", "tests.survival.session", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env=environment,
            text=True,
        )
    assert session.stdin is not None
    assert session.stdout is not None
    with session:
        found = []
        for state in ("open\n", "locked\n"):
            assert session.stdout.readline() == state, (folder / "errors").read_text(encoding="utf-8")[-2000:]
            keys = _keys(json.loads((folder / "keys.json").read_text(encoding="utf-8")))
            found.append(frozenset(_in_memory(session.pid, keys)))
            session.stdin.write("\n")
            session.stdin.flush()
    needles = {**_words(words), **keys}
    files = frozenset(
        (str(path.relative_to(folder)), name)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OURS
        for name, forms in needles.items()
        if any(form in path.read_bytes() for form in forms)
    )
    return Looked(found[0], found[1], files, (folder / "errors").read_text(encoding="utf-8"))


def _lay_ground(folder: Path) -> dict[str, str]:
    """A clinic, and words that nobody else has."""
    words = {
        "name": "".join(random.SystemRandom().sample(SURNAMES, 6)),
        "phone": f"1{secrets.randbelow(10**10):010}",
        **{word: f"{word[0].upper()}{secrets.token_hex(12)}" for word in ("passphrase", "village", "identifier")},
        **{word: f"{word[0].upper()}{secrets.token_hex(16)}" for word in ("findings", "impression")},
    }
    (folder / "words.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "wrong").write_text(f"W{words['passphrase']}\n", encoding="utf-8")
    (folder / "temporary").mkdir()
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (40, 30), np.uint8)).save(folder / "film.png")
    (folder / "right").write_text(f"{words['passphrase']}\n", encoding="utf-8")
    lantern = [sys.executable, "-m", "desktop", "--store", str(folder / "clinic")]
    create = ["clinic", "create", "--name", "清河村卫生室", "--admin", "li", "--recovery-out", str(folder / "card.txt")]
    create += ["--passphrase-file", str(folder / "right")]
    subprocess.run([*lantern, *create], check=True, capture_output=True, cwd=ROOT)
    return words


def _words(words: Mapping[str, str]) -> dict[str, list[bytes]]:
    return {name: [text.encode(encoding) for encoding in ENCODINGS] for name, text in words.items()}


def _keys(keys: Mapping[str, str]) -> dict[str, list[bytes]]:
    forms = {name: (bytes.fromhex(text), text.encode(), text.upper().encode()) for name, text in keys.items()}
    return {f"key {name}": list(form) for name, form in forms.items()}


def _in_memory(process: int, needles: Mapping[str, list[bytes]]) -> Iterator[str]:
    for content in _memory(process):
        for name, forms in needles.items():
            if any(form in content for form in forms):
                yield name


def _memory(process: int) -> Iterator[bytes]:
    """Every readable stretch of a process's memory."""
    maps = Path(f"/proc/{process}/maps").read_text(encoding="utf-8").splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in maps:
            place, rights, *_ = line.split()
            if "r" not in rights or "[v" in line:
                continue
            start, end = (int(text, 16) for text in place.split("-"))
            memory.seek(start)
            try:
                yield memory.read(end - start)
            except OSError:
                continue


@pytest.mark.slow
def test_no_secret_is_in_any_file_or_on_standard_error(looked: Looked) -> None:
    assert looked.files == frozenset()
    assert "INFO" in looked.errors or "DEBUG" in looked.errors, "everything was logged, at every level"


@pytest.mark.slow
def test_the_search_finds_keys_while_the_clinic_is_open(looked: Looked) -> None:
    assert {"key master", "key seed"} <= looked.open


@pytest.mark.slow
def test_no_key_is_in_memory_once_the_clinic_is_locked(looked: Looked) -> None:
    assert [name for name in sorted(looked.locked) if name.startswith("key ")] == []
