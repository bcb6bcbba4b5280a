"""`export`, `annotations` and `key-images`: a study's drawings, and files of them for other programs."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from desktop import workflow
from desktop.cli.output import Output
from desktop.cli.session import unlocked
from desktop.errors import ErrorKind, UserFacingError
from desktop.jobs import Job
from desktop.records import AnnotationId, AnnotationKind, ImportedMarks, Instance, InstanceId, StudyId
from desktop.workflow import drawings_exporting as exporting
from desktop.workflow import drawings_importing as importing
from desktop.workflow import key_images as marking

_EXPORT_HELP = """A line for each file written: file, sha256. gsps: softcopy presentation states (one more file,
NAME-2.dcm, for pictures in colour); tid1500: a measurement report (Comprehensive 3D SR); ko: the key images as a key
object selection.
"""
_LIST_HELP = """One line for each drawing: id, instance, instance_uid, frame, kind (null: lines that are none of ours),
points [[x, y]] in pixels with pixel centres at integers, label, author, created, measurements [name, value, unit,
source], stated (what a file of another program says it measures), origin (null for ours, else source, format, title,
observer, made, attachment).
"""

Point = tuple[float, float]


def add_commands(commands: "argparse._SubParsersAction[Any]") -> None:
    """The grammar of the three."""
    plain = argparse.RawDescriptionHelpFormatter
    export = commands.add_parser(
        "export", help="drawings or key images as DICOM files", description=_EXPORT_HELP, formatter_class=plain
    )
    export.add_argument("study", metavar="STUDY")
    export.add_argument("--format", required=True, choices=exporting.DRAWING_FORMATS)
    export.add_argument("--out", type=Path, required=True, metavar="F")
    annotations = commands.add_parser("annotations", help="what is drawn on pictures").add_subparsers(
        dest="verb", required=True
    )
    listing = annotations.add_parser("list", description=_LIST_HELP, formatter_class=plain)
    add = annotations.add_parser("add", help="draw; points as X,Y in pixels")
    add.add_argument("--kind", required=True, choices=[kind.value for kind in AnnotationKind])
    add.add_argument("--points", required=True, nargs="+", type=_point, metavar="X,Y")
    add.add_argument("--label", default="", metavar="T")
    hide = annotations.add_parser("hide", help="take an imported drawing off the pictures; it stays on record")
    hide.add_argument("id", metavar="ID", help="of the drawing")
    marks = commands.add_parser("key-images", help="pictures to look at first").add_subparsers(
        dest="verb", required=True
    )
    shown = marks.add_parser("list", help="a line for each: id, instance, frame, author, created, origin")
    verbs = [add, marks.add_parser("add", help="mark a picture"), marks.add_parser("remove", help="take a mark away")]
    for verb in verbs:
        verb.add_argument("--instance", metavar="ID", help="which picture of the study; without it, the first")
        verb.add_argument("--frame", type=_frame, default=1, metavar="N", help="of a picture with several, from 1")
    for verb in (listing, hide, shown, *verbs):
        verb.add_argument("--study", required=True, metavar="ID")


def export(arguments: argparse.Namespace, output: Output) -> None:
    """`export`."""
    with unlocked(arguments) as clinic:
        done = exporting.export_drawings(clinic, Job(), StudyId(arguments.study), arguments.format, arguments.out)
        for written in done.files:
            output.answer({"file": str(written.file), "sha256": written.sha256})


def annotations(arguments: argparse.Namespace, output: Output) -> None:
    """`annotations list | add | hide`."""
    with unlocked(arguments) as clinic:
        study = StudyId(arguments.study)
        if arguments.verb == "list":
            output.answer_all(_drawings(clinic, study))
            return
        if arguments.verb == "hide":
            output.answer({"id": _hide(clinic, study, arguments.id)})
            return
        instance = _instance(clinic, study, arguments.instance)
        try:
            done = workflow.annotate(
                clinic,
                Job(),
                instance,
                AnnotationKind(arguments.kind),
                tuple(arguments.points),
                arguments.label,
                frame=arguments.frame,
            )
        except ValueError as error:
            raise UserFacingError("cli.not_a_drawing", kind=ErrorKind.BAD_INPUT) from error
        output.answer({"id": done.annotation.id})


def key_images(arguments: argparse.Namespace, output: Output) -> None:
    """`key-images list | add | remove`."""
    with unlocked(arguments) as clinic:
        study = StudyId(arguments.study)
        if arguments.verb == "list":
            output.answer_all(_key_images(clinic, study))
            return
        instance = _instance(clinic, study, arguments.instance)
        done = marking.mark_key_image(clinic, Job(), instance, marked=arguments.verb == "add", frame=arguments.frame)
        output.answer({"id": done.key_image.id if done.key_image is not None else None, "instance": instance})


def _instance(clinic: workflow.Clinic, study: StudyId, wanted: str | None) -> InstanceId:
    instances = _record(clinic, study)
    if wanted is None and instances:
        return instances[0].id
    found = next((one.id for one in instances if one.id == wanted), None)
    if found is None:
        raise UserFacingError("store.instance_not_found", kind=ErrorKind.NOT_FOUND)
    return found


def _hide(clinic: workflow.Clinic, study: StudyId, drawing: str) -> str:
    for imported in workflow.reading(clinic, Job(), study).imported:
        if any(one.id == drawing for one in imported.drawings):
            importing.hide_imported(clinic, Job(), imported.id, AnnotationId(drawing))
            return drawing
    raise UserFacingError("workflow.no_such_drawing", kind=ErrorKind.NOT_FOUND)


def _record(clinic: workflow.Clinic, study: StudyId) -> tuple[Instance, ...]:
    return exporting.pictures_of(clinic, Job(), study)


def _drawings(clinic: workflow.Clinic, study: StudyId) -> list[dict[str, object]]:
    state = workflow.reading(clinic, Job(), study)
    instances = _record(clinic, study)
    uids = {one.id: one.instance_uid for one in instances}
    numbers = exporting.measured_drawings(clinic, Job(), study) if state.annotations else {}
    lines: list[dict[str, object]] = [
        {
            "id": one.id,
            "instance": one.instance,
            "instance_uid": uids.get(one.instance, ""),
            "frame": one.frame,
            "kind": one.kind.value,
            "points": [list(point) for point in one.points],
            "label": one.label,
            "author": one.author,
            "created": one.created.isoformat(),
            "measurements": _numbers(numbers, one.id),
            "stated": [],
            "origin": None,
        }
        for one in state.annotations
    ]
    ids = {one.instance_uid: one.id for one in instances}
    for imported in state.imported:
        lines += [
            {
                "id": one.id,
                "instance": ids.get(one.instance_uid),
                "instance_uid": one.instance_uid,
                "frame": one.frame,
                "kind": one.kind.value if one.kind is not None else None,
                "points": [list(point) for point in one.points],
                "label": one.label,
                "author": imported.author,
                "created": _time(one.created),
                "measurements": [],
                "stated": list(one.stated),
                "origin": _origin(imported, one.observer),
            }
            for one in imported.shown
        ]
    return lines


def _key_images(clinic: workflow.Clinic, study: StudyId) -> list[dict[str, object]]:
    state = workflow.reading(clinic, Job(), study)
    lines: list[dict[str, object]] = [
        {
            "id": one.id,
            "instance": one.instance,
            "frame": one.frame,
            "author": one.author,
            "created": one.created.isoformat(),
            "origin": None,
        }
        for one in state.key_images
    ]
    ids = {one.instance_uid: one.id for one in _record(clinic, study)}
    lines += [
        {
            "id": imported.id,
            "instance": ids.get(one.instance_uid),
            "frame": one.frame,
            "author": imported.author,
            "created": _time(imported.made),
            "origin": _origin(imported, ""),
        }
        for imported in state.imported
        for one in imported.key_images
    ]
    return lines


def _numbers(numbers: Mapping[AnnotationId, Sequence[exporting.Measured]], drawing: AnnotationId) -> list[object]:
    return [
        {
            "name": one.quantity.value,
            "value": one.value,
            "unit": one.unit,
            "source": one.source.value if one.source is not None else None,
        }
        for one in numbers.get(drawing, ())
    ]


def _origin(imported: ImportedMarks, observer: str) -> dict[str, object]:
    return {
        "source": imported.source,
        "format": imported.format.value,
        "title": imported.title,
        "observer": observer,
        "made": _time(imported.made),
        "attachment": imported.attachment,
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _point(text: str) -> Point:
    x, y = (float(part) for part in text.split(","))
    return x, y


def _frame(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("frames are counted from 1")
    return number
