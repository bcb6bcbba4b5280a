"""How long a signed report takes to become paper and data: in a fresh process, where everything is loaded for the first
time, and again in the same one. The goal is 1 s from Sign to the printed page, 0.7 s of it for the PDF."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest

from desktop.exports import EXPORTERS, ReportBundle
from desktop.exports.preview import pages
from desktop.i18n import Language
from tests.exports.samples import a_content, a_patient, a_report

BOTH = (Language.CHINESE, Language.ENGLISH)
REPEATS = 7

FIRST = """
import json, sys, time
import numpy as np
from tests.exports.samples import a_content, a_patient, a_report
from desktop.i18n import Language
film = np.random.default_rng(1).integers(0, 255, ({pixels}, {pixels}), dtype=np.uint8)
report = a_report(a_content(a_patient()))
start = time.perf_counter()
from desktop.exports import EXPORTERS, ReportBundle
imported = time.perf_counter()
data = EXPORTERS["{format}"].render(ReportBundle(report, film), (Language.CHINESE, Language.ENGLISH))
done = time.perf_counter()
print(json.dumps({{"import": imported - start, "render": done - imported, "bytes": len(data)}}))
"""


def _film(pixels: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Noise: the worst case for compression."""
    return np.random.default_rng(1).integers(0, 255, (pixels, pixels), dtype=np.uint8)


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@pytest.mark.parametrize("form", ["pdf", "fhir"])
@pytest.mark.parametrize("pixels", [384, 1500, 3000])
def test_report(form: str, pixels: int) -> None:
    program = FIRST.format(pixels=pixels, format=form)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    first = json.loads(done.stdout)
    report = a_report(a_content(a_patient()))
    bundle = ReportBundle(report, _film(pixels))
    again = _median(lambda: EXPORTERS[form].render(bundle, BOTH))
    print(
        f"\n{form} of a {pixels} px film: import {first['import']:.2f} s, first {first['render']:.2f} s,"
        f" again {again:.2f} s, {first['bytes'] / 1024:.0f} KiB"
    )
    assert first["render"] > 0


def test_preview() -> None:
    pdf = EXPORTERS["pdf"].render(ReportBundle(a_report(a_content(a_patient())), _film(1500)), BOTH)
    print(f"\npreview of one page at 110 dpi: {_median(lambda: pages(pdf, 110)):.3f} s")
