"""GDCM, as SimpleITK carries it, in a process of its own, since it ends the program on some spoilt files.

`python -m tests.intake.gdcm_reads OUT FILE…`: each file's values go to OUT/<number>.npy; what it refuses is left out.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from desktop.records.picture import Array


def read_with_gdcm(files: Sequence[Path], out: Path) -> dict[Path, Array]:
    """The values GDCM gives, after the rescale of the modality, of the files it reads."""
    command = [sys.executable, "-m", "tests.intake.gdcm_reads", str(out), *map(str, files)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    places = {path: out / f"{number}.npy" for number, path in enumerate(files)}
    return {path: np.load(place) for path, place in places.items() if place.exists()}


def main(out: str, *files: str) -> None:
    """Read each file."""
    import SimpleITK

    for number, file in enumerate(files):
        try:
            values = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(file))
        except RuntimeError:
            continue
        np.save(Path(out) / f"{number}.npy", values)


if __name__ == "__main__":
    main(*sys.argv[1:])
