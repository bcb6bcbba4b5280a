"""`suggestions queue | label | quality` and `models tune`: what people say about pictures, and what a model learns."""

import argparse
import math
from typing import Any

from desktop.cli.output import Output
from desktop.cli.session import unlocked
from desktop.jobs import Job
from desktop.records import InstanceId, LabelValue, StudyId
from desktop.workflow import cells, labelling, mask_agreement, queueing, tuning, tuning_whole
from desktop.workflow.clinic import Clinic
from desktop.workflow.queueing import Board, Share
from desktop.workflow.tuning import FindingTuned, ModelTuned


def add_suggestion_verbs(verbs: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of what concerns single pictures."""
    queue = verbs.add_parser("queue", help="the pictures this person should label next")
    queue.add_argument("--most", type=_count, default=20, metavar="N")
    label = verbs.add_parser("label", help="say whether a finding is there; it goes beside the record")
    label.add_argument("--study", required=True, metavar="ID")
    label.add_argument("--instance", required=True, metavar="ID")
    label.add_argument("--finding", required=True, metavar="KEY")
    label.add_argument("--value", required=True, choices=[one.value for one in LabelValue])
    verbs.add_parser("quality", help="how well people label, told by codes")


def add_model_verb(models: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of tuning."""
    tune = models.add_parser("tune", help="learn from this clinic's answers; not in use before `activate`")
    tune.add_argument("name")
    tune.add_argument(
        "--finding", action="append", default=[], metavar="KEY", help="one of the model's findings; may be repeated"
    )
    tune.add_argument(
        "--all", action="store_true", help="the whole network instead of a small correction; needs PyTorch and onnx"
    )
    tune.add_argument("--seconds", type=_seconds, metavar="S", help="what it may take; half an hour, with --all four")
    tune.add_argument(
        "--megabytes", type=_megabytes, metavar="M", help="what --all may take, where a process has limits"
    )


def queue(arguments: argparse.Namespace, output: Output) -> None:
    """A line for each picture, the next first. Which of them are known already, it does not tell."""
    with unlocked(arguments) as clinic:
        for task in queueing.label_queue(clinic, Job(), arguments.most).tasks:
            asked = [{"finding": one.finding, "model": one.model} for one in task.questions]
            output.answer({"study": task.study, "instance": task.instance, "questions": asked})


def label(arguments: argparse.Namespace, output: Output) -> None:
    """One person's word on one finding of one picture."""
    with unlocked(arguments) as clinic:
        values = {arguments.finding: LabelValue(arguments.value)}
        done = labelling.add_labels(clinic, Job(), StudyId(arguments.study), InstanceId(arguments.instance), values)
        (kept,) = done.labels
        output.answer({"id": kept.id, "finding": kept.finding, "value": kept.value.value, "basis": kept.basis.value})


def quality(arguments: argparse.Namespace, output: Output) -> None:
    """A line for each finding somebody labelled, then one for each question helpers sort cells by, then one for each
    thing that several people painted on the same scans."""
    with unlocked(arguments) as clinic:
        found = queueing.quality_boards(clinic, Job())
        for one in found.boards:
            output.answer(_board(one.finding, one.model or None, "readers", one.board, found.own))
        for about in cells.helper_boards(clinic, Job()):
            output.answer(_board(about.question.value, None, "helpers", about.board, found.own))
        for thing in mask_agreement.painted_boards(clinic, Job()):
            output.answer(_painted(thing, found.own))


def tune(arguments: argparse.Namespace, output: Output) -> None:
    """A line for each finding, then one that says whether there is a challenger."""
    with unlocked(arguments) as clinic:
        done = _learn(clinic, arguments)
        for one in done.findings:
            output.answer(_tuned(done.model, one, whole=done.whole))
        kept = done.kept
        output.answer(
            {
                "model": done.model,
                "pictures": done.pictures,
                "left_out": done.left_out,
                "version": kept.version if kept is not None else None,
                "digest": kept.digest if kept is not None else None,
                "in_use": False,
                "whole": done.whole,
                "stranger": done.stranger,
                "rounds": [
                    {"round": one.epoch, "inner_log_loss": round(one.loss, 5), "seconds": one.seconds}
                    for one in done.curve
                ],
            }
        )


def _learn(clinic: Clinic, arguments: argparse.Namespace) -> ModelTuned:
    if not arguments.all:
        seconds = arguments.seconds or tuning.SECONDS
        return tuning.tune_model(clinic, Job(), arguments.name, findings=arguments.finding, seconds=seconds)
    return tuning_whole.tune_whole_model(
        clinic,
        Job(),
        arguments.name,
        findings=arguments.finding,
        seconds=arguments.seconds or tuning_whole.SECONDS,
        megabytes=arguments.megabytes or tuning_whole.MEGABYTES,
    )


def _tuned(model: str, one: FindingTuned, *, whole: bool) -> dict[str, object]:
    there, tuned = one.enough, one.tuned
    missing = tuning_whole.WholeEnough(there) if whole else there
    return {
        "model": model,
        "finding": one.finding,
        "verdict": tuned.verdict.value if tuned is not None else None,
        "may_be_promoted": tuned is not None and tuned.verdict is tuning.Verdict.BETTER,
        "cases": there.cases,
        "present": there.present,
        "absent": there.absent,
        "missing": {
            "cases": there.missing_cases,
            "present": missing.missing_present,
            "absent": missing.missing_absent,
            "locked_present": max(0, tuning.LEAST_LOCKED - there.locked_present),
            "locked_absent": max(0, tuning.LEAST_LOCKED - there.locked_absent),
        },
        "locked_present": there.locked_present,
        "locked_absent": there.locked_absent,
        "champion": tuning.figures_json(tuned.champion) if tuned is not None else None,
        "challenger": tuning.figures_json(tuned.challenger) if tuned is not None else None,
        "worse": [point.value for point in tuned.worse] if tuned is not None else [],
        "original_validation": "not re-run",
    }


def _board(finding: str, model: str | None, group: str, board: Board, own: str) -> dict[str, object]:
    return {
        "finding": finding,
        "model": model,
        "group": group,
        "basis": board.basis.value,
        "shared": board.shared,
        "gold": board.gold,
        "alpha": _share(board.agreement),
        "labellers": [
            {
                "labeller": row.labeller,
                "you": row.labeller == own,
                "answers": row.answers,
                "unsure": _share(row.unsure),
                "sensitivity": _share(row.sensitivity),
                "specificity": _share(row.specificity),
                "agreement": _share(row.agreement),
            }
            for row in board.rows
        ],
    }


def _painted(thing: mask_agreement.PaintedBoard, own: str) -> dict[str, object]:
    """Shares are means against the merged masks; dice is twice what both hold by the sum of both."""
    return {
        "finding": thing.name,
        "model": None,
        "group": "painters",
        "basis": "staple",
        "shared": thing.series,
        "gold": 0,
        "alpha": None,
        "labellers": [
            {
                "labeller": row.labeller,
                "you": row.labeller == own,
                "answers": row.masks,
                "unsure": None,
                "sensitivity": round(row.sensitivity, 4),
                "specificity": round(row.specificity, 4),
                "agreement": None,
                "dice": round(row.dice, 4),
            }
            for row in thing.rows
        ],
    }


def _share(share: Share) -> dict[str, object] | None:
    """A figure with its interval and whether it rests on enough; null where it rests on none."""
    if share.n == 0 or not math.isfinite(share.value):
        return None
    low, high = (round(value, 4) if math.isfinite(value) else None for value in (share.low, share.high))
    enough = share.n >= queueing.TOO_FEW
    return {"value": round(share.value, 4), "low": low, "high": high, "cases": share.n, "enough": enough}


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 400:
        raise ValueError
    return value


def _megabytes(text: str) -> int:
    value = int(text)
    if not 300 <= value <= 1_000_000:
        raise ValueError
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 1 <= value <= 86_400:
        raise ValueError
    return value


VERBS = {"queue": queue, "label": label, "quality": quality}
"""What `suggestions` hands on."""
