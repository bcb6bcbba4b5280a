"""How soon the window is there and how much memory a film costs, beside an empty Qt window in the same run."""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

RUNS = 5

EMPTY_WINDOW = """
import time; start = time.perf_counter()
from PySide6.QtWidgets import QApplication, QWidget
application = QApplication([]); window = QWidget(); window.resize(1366, 768); window.show(); application.processEvents()
print(time.perf_counter() - start)
"""

UNLOCK_SCREEN = """
import os, time; start = time.perf_counter()
from desktop import app
from desktop.settings import default_places
from desktop.ui.application import application
from desktop.ui.context import UiContext
from desktop.ui.main_window import MainWindow
qt = application()
parts = app.build(default_places())
window = MainWindow(UiContext(**vars(parts)), qt)
window.show(); qt.processEvents()
print(time.perf_counter() - start, flush=True); os._exit(0)
"""

ONE_FILM = """
import json, sys
from pathlib import Path
from desktop import workflow
from desktop.jobs import Job

def resident():
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024

folder = Path(sys.argv[1])
clinic = workflow.create_demo_clinic(folder / "demo", Job(), models=workflow.load_models())
study = workflow.worklist(clinic, Job())[0].study.id
opened = workflow.open_study(clinic, Job(), study)
workflow.record_impression(clinic, Job(), study, "seen")
assert workflow.reading(clinic, Job(), study).suggestions
print(json.dumps({"resident": resident(), "torch": "torch" in sys.modules}))
"""


def _seconds(program: str, home: Path) -> float:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "LANTERN_HOME": str(home)}
    times = [
        float(
            subprocess.run(
                [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
            ).stdout.split()[-1]
        )
        for _ in range(RUNS)
    ]
    return statistics.median(times[1:])


def test_window_up_to_the_unlock_screen(tmp_path: Path) -> None:
    ours, peer = _seconds(UNLOCK_SCREEN, tmp_path), _seconds(EMPTY_WINDOW, tmp_path)
    print(f"\nwindow up to the first screen, warm: {ours:.2f} s; an empty Qt window: {peer:.2f} s; {ours / peer:.1f}x")
    assert ours > 0


def test_memory_with_a_film_analysed(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", ONE_FILM, str(tmp_path)], capture_output=True, text=True, check=True
    ).stdout
    figures = json.loads(said.splitlines()[-1])
    print(f"\nVmRSS with a film analysed: {figures['resident']:.0f} MB, torch imported: {figures['torch']}")
    assert not figures["torch"]
