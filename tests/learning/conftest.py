"""A data folder of drawn films, small enough to train on in seconds."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from desktop.inference import golden
from tests.conftest import TORCH_PRESENT

_COLUMNS = [
    "file",
    "label",
    "patient_id",
    "source_split",
    "subtype",
    "orig_width",
    "orig_height",
    "width",
    "height",
    "near_duplicate_of",
    "collector",
]


@pytest.fixture(scope="session", autouse=True)
def exporter_unwatched() -> Iterator[None]:
    """PyTorch's exporter runs millions of Python lines that are not ours: counting them doubles its time."""
    if not TORCH_PRESENT:
        yield
        return
    import torch.onnx

    export = torch.onnx.export

    def unwatched(*arguments: Any, **named: Any) -> Any:
        watcher = sys.gettrace()
        sys.settrace(None)
        try:
            return export(*arguments, **named)
        finally:
            sys.settrace(watcher)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.onnx, "export", unwatched)
        yield


def draw_film(number: int, *, sick: bool) -> npt.NDArray[np.uint8]:
    """The golden phantom with grain of its own; sick ones have a bright left lower field."""
    random = np.random.default_rng(number)
    film = golden.lung_phantom() + random.normal(0, 0.02, (300, 340))
    if sick:
        film[150:220, 60:150] += 0.45
    pixels: npt.NDArray[np.uint8] = np.rint(np.clip(film, 0, 1) * 255).astype(np.uint8)
    return pixels


def write_set(cxr: Path, name: str, count: int, first: int) -> None:
    """One of the two sets of children's films: every third film is normal, two films a child."""
    folder = cxr / name
    (folder / "images").mkdir(parents=True)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, _COLUMNS)
        writer.writeheader()
        for number in range(first, first + count):
            child = number // 2
            sick = child % 3 != 0
            file = f"images/person{child}_{number}.png"
            Image.fromarray(draw_film(number, sick=sick)).save(folder / file)
            writer.writerow(
                {
                    "file": file,
                    "label": "pneumonia" if sick else "normal",
                    "patient_id": f"person{child}",
                    "source_split": "test" if child % 4 == 0 else "train",
                    "subtype": ("viral" if child % 2 else "bacterial") if sick else "",
                    "orig_width": 300 + number,
                    "orig_height": 300,
                    "width": 340,
                    "height": 300,
                    "near_duplicate_of": "",
                    "collector": "AB"[number % 2],
                }
            )


@pytest.fixture(scope="session")
def drawn_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds `cxr/kermany_full` and `cxr/kermany224`, 72 films of 36 drawn children."""
    root = tmp_path_factory.mktemp("data")
    write_set(root / "cxr", "kermany_full", 40, 0)
    write_set(root / "cxr", "kermany224", 32, 40)
    return root
