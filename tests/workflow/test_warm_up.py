"""After the warm-up the day's first film or series finds everything loaded."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.intake.test_series_volume import ct_slice
from tests.workflow.test_import_storing import film

PROGRAM = """
import sys
from functools import partial
from pathlib import Path
from desktop.imaging import display
from desktop.intake.reader import warm_up
from desktop.jobs import Job

print([name for name in ("pydicom", "cv2", "PIL") if name in sys.modules])
warm_up()
loaded = set(sys.modules)
from desktop.imaging.orientation import View, plane_of
from desktop.imaging.reslice import Slicer, SliceRequest
from desktop.imaging.volume_presets import volume_presets
from desktop.intake.folder import gather
from desktop.intake.folder_picture import first_frame
from desktop.intake.series import first_slice

for path in map(Path, sys.argv[-2:]):
    with gather((path,), Job()) as gathered:
        display.thumbnail(first_frame(gathered.sources[0], Job()), 64)
volume = first_slice(partial(Path(sys.argv[-1]).open, "rb"))
plane = plane_of(View.AXIAL, volume.grid, volume.middle)
Slicer().render(SliceRequest(1, volume, plane, volume_presets(volume)[0].window))
late = sorted(set(sys.modules) - loaded)
print([name for name in late if name.split(".")[0] in ("pydicom", "cv2", "PIL") or name.startswith("desktop.intake")])
"""


def test_the_first_picture_after_the_warm_up_loads_no_library(tmp_path: Path) -> None:
    film(tmp_path / "film", 1)
    (tmp_path / "slice").write_bytes(ct_slice(1, np.arange(256, dtype=np.int16).reshape(16, 16)))
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "film"), str(tmp_path / "slice")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    before, late = done.stdout.splitlines()
    assert before == late == "[]"
