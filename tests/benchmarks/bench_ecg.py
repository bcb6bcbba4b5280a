"""Traces: R peaks against annotations, intervals against drawn hearts, and how fast a page scrolls.

`python3 packaging/dev.py bench -k ecg` prints the figures. R peaks are of real recordings (the second look's thresholds
were chosen on these same records, so expect somewhat less elsewhere); intervals are of drawn traces, and say so.
"""

import ast
import csv
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.intake.ecg import read_trace_file
from desktop.jobs import Job, Pools
from desktop.records import FileHeader, Modality, Recording, TraceFormat
from desktop.settings import Places, SettingsFile
from desktop.signals.beats import r_peaks
from desktop.signals.leads import lead_qualities
from desktop.signals.measure import measure_ecg
from desktop.signals.synthetic import DrawnHeart, draw
from desktop.ui.context import UiContext
from desktop.ui.viewers.ecg import EcgViewer
from desktop.ui.viewers.ecg_state import EcgView
from tests.signals.recordings import Score, cpsc2019, mitbih, score

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
FRAME_SECONDS = 0.016
_HEARTS = [
    DrawnHeart(rr=(rr,), pr=pr, qrs=qrs, qt=qt)
    for pr, qrs, qt, rr in (
        (160, 90, 380, 800), (120, 80, 340, 700), (200, 100, 420, 1000), (240, 120, 400, 900),
        (160, 140, 460, 1000), (140, 70, 300, 550), (180, 110, 440, 1100), (130, 100, 360, 850),
    )
]  # fmt: skip  # a table reads better with several to a line


def test_r_peaks(shared_data: Path) -> None:
    for name, records, tolerance in (("MIT-BIH DS1", mitbih, 0.150), ("CPSC 2019", cpsc2019, 0.075)):
        whole = Score()
        for record, trace, beats in records(shared_data):
            one = score(r_peaks(trace, lead_qualities(trace)), beats, tolerance * trace.rate)
            whole += one
            if name.startswith("MIT"):
                print(f"  {record}: Se {one.sensitivity:.4f} PPV {one.predictivity:.4f} of {one.true}")
        print(
            f"{name}: sensitivity {whole.sensitivity:.4f}, PPV {whole.predictivity:.4f}, "
            f"{whole.true} beats, within {1000 * tolerance:.0f} ms"
        )
        assert whole.sensitivity > 0.87


def test_intervals_of_drawn_hearts() -> None:
    errors: dict[str, list[float]] = {"PR": [], "QRS": [], "QT": []}
    refused = 0
    for heart in _HEARTS:
        for noise, rate in ((0.0, 500.0), (0.01, 250.0), (0.01, 500.0), (0.03, 500.0), (0.03, 1000.0)):
            found = measure_ecg(draw(heart, rate=rate, noise_mv=noise, wander_mv=10 * noise).trace)
            pairs = (("PR", found.pr, heart.pr), ("QRS", found.qrs, heart.qrs), ("QT", found.qt, heart.qt))
            for name, number, true in pairs:
                if number.value is None:
                    refused += 1
                else:
                    errors[name].append(number.value - true)
    for name, values in errors.items():
        found_errors = np.array(values)
        print(
            f"{name} on drawn traces: mean error {found_errors.mean():+.1f} ms, standard deviation "
            f"{found_errors.std():.1f}, largest {np.abs(found_errors).max():.1f}, n {len(values)}"
        )
        assert np.abs(found_errors).max() < 20
    print(f"refused: {refused} of {3 * 5 * len(_HEARTS)}")


def test_pr_is_refused_in_atrial_fibrillation(shared_data: Path) -> None:
    """PTB-XL at 100 Hz: how often PR is given, by the rhythm the cardiologists wrote down."""
    given: dict[str, list[bool]] = {"sinus": [], "fibrillation or flutter": []}
    with (shared_data / "ecg" / "ptbxl100" / "ptbxl_database.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            codes = set(ast.literal_eval(row["scp_codes"]))
            rhythm = "fibrillation or flutter" if codes & {"AFIB", "AFLT"} else "sinus" if "SR" in codes else ""
            number = f"{int(float(row['ecg_id'])):05d}_lr.hea"
            path = next((shared_data / "ecg" / "ptbxl100" / "records").rglob(number), None)
            if rhythm and path is not None and (rhythm != "sinus" or int(float(row["ecg_id"])) % 4 == 0):
                trace = read_trace_file(path, Job()).recording.main
                given[rhythm].append(measure_ecg(trace).pr.value is not None)
    for rhythm, answers in given.items():
        print(f"PR given in {sum(answers)} of {len(answers)} with {rhythm}")
    assert np.mean(given["sinus"]) > 0.9
    assert np.mean(given["fibrillation or flutter"]) < 0.15


@pytest.mark.parametrize("layout", ["ecg.layout_3x4", "ecg.layout_6x2", "ecg.layout_12x1"])
def test_scrolling(qtbot: QtBot, tmp_path: Path, layout: str) -> None:
    """A minute of twelve leads at 500 Hz on 900 x 620, a step of 40 ms for each frame, painted off-screen."""
    pools = Pools()
    places = Places(settings=tmp_path / "s.json", clinics=tmp_path / "c", logs=tmp_path / "l")
    context = UiContext(
        pools=pools, places=places, settings_file=SettingsFile(places.settings), registry=workflow.load_models()
    )
    viewer = EcgViewer(context)
    qtbot.addWidget(viewer)
    viewer.resize(900, 620)
    viewer.show()
    trace = draw(DrawnHeart(), seconds=60.0, noise_mv=0.02).trace
    viewer.show_recording(Recording((trace,), FileHeader(modality=Modality.ECG), TraceFormat.CSV))
    qtbot.waitUntil(lambda: viewer.source is not None and viewer.measurements is not None, timeout=60_000)
    viewer.run(layout)
    image = QImage(900, 620, QImage.Format.Format_RGB32)
    taken, busy = [], []
    for _ in range(150):
        start, began = time.perf_counter(), time.process_time()
        viewer.set_view(_onwards(viewer))
        viewer.render(image)
        taken.append(time.perf_counter() - start)
        busy.append(time.process_time() - began)
    p95 = float(np.percentile(taken[10:], 95))
    print(
        f"{layout}: {1000 * float(np.median(taken)):.1f} ms a frame, p95 {1000 * p95:.1f} ms "
        f"({1000 * float(np.percentile(busy[10:], 95)):.1f} ms busy)"
    )
    pools.close()
    assert p95 <= FRAME_SECONDS


def _onwards(viewer: EcgViewer) -> EcgView:
    return replace(viewer.view, start=viewer.view.start + 0.04)
