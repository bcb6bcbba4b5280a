"""After the warm-up a report finds everything loaded, whatever it holds."""

import subprocess
import sys

PROGRAM = """
import sys
from desktop.exports import EXPORTERS, ReportBundle, warm_up
from desktop.i18n import Language
from tests.exports.samples import a_content, a_film, a_patient, a_report

bundle = ReportBundle(a_report(a_content(a_patient())), a_film())
if "warm" in sys.argv:
    warm_up()
loaded = set(sys.modules)
for exporter in EXPORTERS.values():
    exporter.render(bundle, (Language.CHINESE, Language.ENGLISH))
late = sorted(set(sys.modules) - loaded)
print([name for name in late if name.split(".")[0] in ("fhir", "fhir_core", "PIL", "pydantic", "segno", "typst")])
"""


def _loaded_late(*words: str) -> str:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_first_report_after_the_warm_up_loads_no_library() -> None:
    assert "fhir.resources.R4B.diagnosticreport" in _loaded_late()
    assert _loaded_late("warm") == "[]"
