"""`lantern inspect`: one line per file, neither store nor unlock."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from desktop.__main__ import main
from tests.intake.dicom_files import film_bytes

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "ecg"
KEYS = [
    "file",
    "status",
    "reason",
    "kind",
    "modality",
    "transfer_syntax",
    "frames",
    "rows",
    "columns",
    "samples",
    "dtype",
    "minimum",
    "maximum",
    "mean",
    "milliseconds",
]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """What was answered; nothing else may be on standard output."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes())
    return path


def test_a_film(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(film), "--json"]) == 0
    (line,) = lines(capsys)
    assert list(line) == KEYS
    assert line.pop("milliseconds") > 0
    assert line == {
        "file": str(film),
        "status": "ok",
        "reason": None,
        "kind": "image",
        "modality": "CR",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "frames": 1,
        "rows": 24,
        "columns": 32,
        "samples": 1,
        "dtype": "uint16",
        "minimum": 0,
        "maximum": 4095,
        "mean": pytest.approx(2047.5, abs=0.5),
    }


def test_every_file_is_answered_in_order_and_the_worst_counts(
    film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "cut.dcm"
    report.write_bytes(film.read_bytes()[:-100])
    words = tmp_path / "words.txt"
    words.write_text("no picture")
    files = [str(report), str(words), str(tmp_path / "missing.dcm"), str(tmp_path), str(film)]
    assert main(["inspect", "--json", *files]) == 1
    answers = lines(capsys)
    assert [line["file"] for line in answers] == files
    assert [line["status"] for line in answers] == ["error", "error", "error", "refused", "ok"]
    assert all(list(line) == KEYS for line in answers)
    assert all(line["reason"] for line in answers[:4])
    assert (answers[0]["rows"], answers[0]["mean"]) == (24, None)


def test_a_batch(film: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [str(film), json.dumps({"file": str(film)}), "", '{"path": 1}', '{"file": 7}', "{"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(asked) + "\n"))
    assert main(["inspect", "--batch", "--json"]) == 1
    answers = lines(capsys)
    assert [line["status"] for line in answers] == ["ok", "ok", *["error"] * 4]
    assert [line["file"] for line in answers] == [str(film), str(film), *[""] * 4]


@pytest.mark.parametrize(
    ("name", "samples"),
    [
        ("w212.hea", 500),
        ("w212.dat", 500),
        ("biosig.scp", 1000),
        ("biosig_aecg.xml", 1000),
        ("pyedflib.edf", 500),
        ("table.csv", 40),
    ],
)
def test_traces(tmp_path: Path, name: str, samples: int, capsys: pytest.CaptureFixture[str]) -> None:
    path = GOLDEN / name
    if name == "table.csv":
        path = tmp_path / name
        path.write_text("time_s,II (mV)\n" + "\n".join(f"{n / 500:.3f},{n % 9 / 10}" for n in range(40)) + "\n")
    assert main(["inspect", str(path), "--json"]) == 0
    (line,) = lines(capsys)
    assert list(line) == KEYS
    assert (line["status"], line["kind"], line["modality"], line["samples"]) == ("ok", "waveform", "ECG", samples)
    assert (line["dtype"], line["reason"], line["frames"]) == ("float32", None, None)
    assert line["minimum"] < line["mean"] < line["maximum"]


def test_a_spoilt_trace_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cut.scp"
    path.write_bytes((GOLDEN / "biosig.scp").read_bytes()[:300])
    assert main(["inspect", str(path), "--json"]) == 1
    (line,) = lines(capsys)
    assert (line["status"], line["kind"], line["samples"]) == ("error", "waveform", None)
    assert line["reason"]


def test_in_words(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(film)]) == 0
    said = capsys.readouterr().out
    assert "status: ok" in said
    assert "mean: 2047" in said


@pytest.mark.parametrize("words", [["inspect"], ["inspect", "--batch", "a.dcm"]])
def test_files_or_a_batch(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)
    assert left.value.code == 2
