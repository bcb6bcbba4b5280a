"""`lantern measure`: one line per file, neither store nor unlock."""

import io
import json
from pathlib import Path

import pytest

from desktop.__main__ import main


def test_each_line_of_a_batch_is_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing.scp")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{missing}\n\n{{\n"))
    assert main(["measure", "--batch", "--json"]) == 1
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["file"], line["status"]) for line in answers] == [(missing, "error"), ("", "error"), ("", "error")]
    assert answers[1]["reason"].startswith("This line is blank.")
