import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop.vault import derive
from desktop.vault.derive import KdfParameters
from tests.survival.quick_keys import make_keys_quick
from tests.survival.recording import Recorder, build_shim, compiler, fast_folder


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A quick folder for thousands of small clinics."""
    with fast_folder(tmp_path_factory.mktemp("survival")) as folder:
        yield folder


@pytest.fixture(scope="session")
def shim(scratch: Path) -> Path:
    """The library between the program and the disk; without a C compiler the tests that need it are skipped by name."""
    if compiler() is None:
        reason = "no C compiler `cc` (Debian: gcc, libc6-dev) on a Linux system: the disk cannot be watched"
        if os.environ.get("CI") == "true":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return build_shim(scratch)


@pytest.fixture(scope="session")
def recorder(shim: Path, scratch: Path) -> Iterator[Recorder]:
    """Runs scenarios with the shim between Lantern and the disk."""
    with Recorder(shim, scratch / "runs") as running:
        yield running


@pytest.fixture(autouse=True, scope="module")
def _quick_keys(scratch: Path) -> Iterator[None]:
    """Argon2id at next to no cost, and private copies of databases in memory."""
    settings = ("_FLOOR_MEMORY_KIB", "_TARGET_SECONDS", "_LANES")
    changed = ((KdfParameters, "derive"), *((derive, name) for name in settings))
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in changed:
            patch.setattr(owner, name, getattr(owner, name))
        patch.setattr(tempfile, "tempdir", str(scratch))
        make_keys_quick()
        yield
