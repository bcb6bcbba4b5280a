import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from desktop import workflow
from desktop.jobs import Job
from desktop.vault import keystore


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[workflow.Clinic]:
    """An open clinic with its first user, who may do everything."""
    monkeypatch.setattr(keystore, "create", functools.partial(keystore.create, calibrate=False))
    made = workflow.create_clinic(
        tmp_path / "clinic",
        Job(),
        name="石桥村卫生室",
        admin="li",
        passphrase="correct horse",
        models=workflow.load_models(),
    ).clinic
    yield made
    workflow.lock(made)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A picture that names nobody."""
    path = tmp_path / "film.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 255, (90, 100), np.uint8)).save(path)
    return path
