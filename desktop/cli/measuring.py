"""`measure`: an ECG's beats and intervals, or the cardiothoracic ratio from points; no store, no unlock."""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.cli.output import Output
from desktop.cli.session import milliseconds_since
from desktop.errors import UserFacingError
from desktop.jobs import Job
from desktop.workflow import measuring

_HELP = """One line for each file: file, status (ok | refused: readable, but nothing can be measured | error), reason,
ecg, ctr, milliseconds.

ecg: sampling_rate, leads, leads_left_out [{lead, reason}], r_peaks (samples), rate (per minute), pr, qrs, qt (ms),
qtc {bazett, fridericia} (ms), beats_averaged, method {r_peaks, rate, pr, qrs, qt, qtc}, reason {…} of what is null.

ctr (with --heart and --chest): ratio, heart_width, chest_width, unit (mm | px), source of the unit. Widths are taken
along the rows, or at right angles to --midline. Points are X,Y in pixels.

In a batch: a path a line, or {"file", "heart": [[x, y], [x, y]], "chest": …, "midline": …}.
"""

Point = tuple[float, float]


@dataclass(frozen=True)
class MeasureInput:
    """One file to measure, with points for a cardiothoracic ratio or without. failure: the line made no sense."""

    file: str
    points: measuring.ChestPoints | None = None
    failure: UserFacingError | None = None


def add_command(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of `measure`."""
    measure = commands.add_parser(
        "measure",
        help="beats and intervals of an ECG file, or the cardiothoracic ratio of a film; nothing is stored",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    measure.add_argument("files", nargs="*", metavar="FILE")
    for option, words in (
        ("--heart", "the heart's right-most and left-most points"),
        ("--chest", "the widest points of the inner chest wall"),
        ("--midline", "two points of the spine, where the film is askew"),
    ):
        measure.add_argument(option, nargs=2, type=_point, metavar="X,Y", help=words)


def misuse(parsed: argparse.Namespace) -> str:
    """What argparse cannot say; empty where all is well."""
    if parsed.batch == bool(parsed.files):
        return "measure takes files, or --batch"
    if bool(parsed.heart) != bool(parsed.chest) or (parsed.midline and not parsed.heart):
        return "measure takes --heart and --chest together"
    return ""


def measure(arguments: argparse.Namespace, output: Output) -> None:
    """Answer each file in order, each answer before the next input is needed."""
    for one in _inputs(arguments):
        started = time.perf_counter()
        line: dict[str, object] = {"file": one.file, "status": "ok", "reason": None, "ecg": None, "ctr": None}
        try:
            if one.failure is not None:
                raise one.failure
            done = measuring.measure_file(Job(), Path(one.file), one.points)
            if done.ecg is not None:
                line |= _ecg(done.ecg, output)
            if done.ratio is not None:
                line["ctr"] = _ratio(done.ratio)
        except UserFacingError as error:
            output.failed = True
            line |= {"status": "error", "reason": output.reason(error)}
        output.answer(line | {"milliseconds": milliseconds_since(started)})


def _inputs(arguments: argparse.Namespace) -> Iterator[MeasureInput]:
    points = _chest_points(arguments.heart, arguments.chest, arguments.midline) if arguments.heart else None
    if not arguments.batch:
        for file in arguments.files:
            yield MeasureInput(file, points)
        return
    for line in sys.stdin:
        yield parse_batch_line(line.rstrip("\r\n"), points)


def parse_batch_line(text: str, points: measuring.ChestPoints | None) -> MeasureInput:
    """A path, or `{"file", "heart"?, "chest"?, "midline"?}`; what the line says overrides the command's options."""
    if not text.strip():
        return MeasureInput(text, failure=UserFacingError("cli.blank_line"))
    if not text.lstrip().startswith("{"):
        return MeasureInput(text, points)
    try:
        line = json.loads(text)
        file, heart, chest = line["file"], line.get("heart"), line.get("chest")
        if not isinstance(file, str) or (heart is None) != (chest is None):
            raise ValueError
        if heart is not None:
            midline = line.get("midline")
            points = _chest_points(_pair(heart), _pair(chest), _pair(midline) if midline is not None else None)
        return MeasureInput(file, points)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return MeasureInput("", failure=UserFacingError("ecg.bad_batch_line"))


def _chest_points(
    heart: Sequence[Point], chest: Sequence[Point], midline: Sequence[Point] | None
) -> measuring.ChestPoints:
    pair = (midline[0], midline[1]) if midline else None
    return measuring.ChestPoints((heart[0], heart[1]), (chest[0], chest[1]), pair)


def _pair(points: object) -> tuple[Point, Point]:
    """Two points of JSON."""
    if not isinstance(points, list) or len(points) != 2:
        raise ValueError
    first, second = ((float(x), float(y)) for x, y in points)
    return first, second


def _point(text: str) -> Point:
    x, y = (float(part) for part in text.split(","))
    return x, y


def _ecg(measured: measuring.EcgMeasurements, output: Output) -> dict[str, object]:
    """Status, reason and `ecg` of a trace."""
    text = output.translator.text
    numbers = {
        "rate": measured.rate,
        "pr": measured.pr,
        "qrs": measured.qrs,
        "qt": measured.qt,
    }
    corrected = {"bazett": measured.qtc_bazett, "fridericia": measured.qtc_fridericia}
    reasons = {name: text(number.reason) for name, number in numbers.items() if number.reason}
    if measured.qtc_bazett.reason:
        reasons["qtc"] = text(measured.qtc_bazett.reason)
    ecg = {
        "sampling_rate": measured.trace.rate,
        "leads": [quality.name for quality in measured.lead_states if quality.weight > 0],
        "leads_left_out": [
            {"lead": quality.name, "reason": text(f"ecg.lead.{quality.state.value}")}
            for quality in measured.lead_states
            if not quality.weight > 0
        ],
        "r_peaks": list(measured.r_peaks),
        **{name: _rounded(number.value) for name, number in numbers.items()},
        "qtc": {name: _rounded(number.value) for name, number in corrected.items()},
        "beats_averaged": measured.beat.used if measured.beat is not None else 0,
        "method": {
            "r_peaks": measuring.DETECTOR,
            **{name: number.method for name, number in numbers.items()},
            "qtc": {name: number.method for name, number in corrected.items()},
        },
        "reason": reasons,
    }
    if not measured.r_peaks:
        return {"status": "refused", "reason": reasons.get("rate"), "ecg": ecg}
    return {"ecg": ecg}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _ratio(measured: measuring.CardiothoracicRatio) -> dict[str, object]:
    return {
        "ratio": round(measured.ratio, 4),
        "heart_width": round(measured.heart, 2),
        "chest_width": round(measured.chest, 2),
        "unit": measured.unit,
        "source": measured.source.value if measured.source is not None else None,
    }
