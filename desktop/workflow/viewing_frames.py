"""Looking at pictures of a study: which of them are paged as one run, and each decoded when somebody looks at it.

A file of several frames is a run. So are single pictures of one series that are of one size and one view, in the order
of where they lie, else as they are numbered. What is left is a run of one: a film.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError, from_os_error
from desktop.imaging.frame_run import FramePlace, FrameRun
from desktop.intake.reader import HEADER_BYTES
from desktop.intake.signatures import is_video
from desktop.jobs import Job
from desktop.records import ImagingStudy, Instance, Picture
from desktop.workflow.clinic import Clinic, requires
from desktop.workflow.importing import CLIPS, stored_picture

if TYPE_CHECKING:
    from desktop.intake.picture_frames import FramesFile
    from desktop.intake.video_frames import VideoFile

_PAGED = frozenset(("US", "XA", "RF", "PT", "NM", "OT", "SC", "CT", "MR", "ES", "IVUS", "OPT", "OCT"))
"""Modalities whose single pictures are read one after the other; films, mammograms and photographs stand alone."""
_MODALITY, _SERIES = 0x00080060, 0x0020000E
_FRAMES, _INSTANCE_NUMBER = 0x00280008, 0x00200013
_POSITION, _ORIENTATION = 0x00200032, 0x00200037
_BATCH = 16
_MANY = 2
"""Frames of a video clip, before anybody counted them."""


@dataclass(frozen=True)
class _Facts:
    """What sorting needs of a file. position: along the normal of its plane, in mm; None where it says nothing."""

    instance: Instance
    modality: str = ""
    series: str = ""
    frames: int = 1
    number: int | None = None
    position: float | None = None

    @property
    def key(self) -> tuple[object, ...] | None:
        """The same for single pictures that are paged together; None for what stands alone."""
        one = self.instance
        if self.frames != 1 or not self.series or self.modality not in _PAGED:
            return None
        return self.series, one.rows, one.columns, one.view_position, one.laterality


@requires(Permission.VIEW_IMAGES)
def frame_runs(clinic: Clinic, job: Job, study: ImagingStudy) -> tuple[FrameRun, ...]:
    """The pictures of a study in runs, in the order of their first files; nothing is decoded.

    Raises KnownFailure where a sealed file is damaged, Cancelled. What is wrong with a picture is said when it is read.
    """
    groups: dict[object, list[_Facts]] = {}
    for number, instance in enumerate(study.instances):
        if number % _BATCH == 0:
            job.report("workflow.progress.opening", number, len(study.instances))
        facts = _facts(clinic, instance)
        groups.setdefault(facts.key or instance.id, []).append(facts)
    return tuple(_run(clinic, group) for group in groups.values())


def printed_picture(clinic: Clinic, study: ImagingStudy, place: FramePlace) -> Picture:
    """One picture of a study for the paper. Raises as `FrameRun.read`."""
    instance = next(one for one in study.instances if one.id == place.instance)
    return _FileReader(clinic, instance).read(place.frame - 1)


def _facts(clinic: Clinic, instance: Instance) -> _Facts:
    from desktop.intake.dicom_scan import scan

    try:
        with closing(clinic.store.attachments.open(instance.attachment)) as stream:
            if is_video(stream.read(HEADER_BYTES)):
                return _Facts(instance, frames=_MANY)
            stream.seek(0)
            header = scan(stream)
    except OSError as error:
        raise from_os_error(error) from error
    except KnownFailure:
        raise
    except UserFacingError:  # a photograph, or what its reader will say is wrong with it
        return _Facts(instance)
    frames, number = _whole(header.text(_FRAMES)), _whole(header.text(_INSTANCE_NUMBER))
    place = _along_normal(_numbers(header.text(_POSITION)), _numbers(header.text(_ORIENTATION)))
    word, series = header.text(_MODALITY).upper(), header.text(_SERIES)
    return _Facts(instance, word, series, frames if frames and frames > 0 else 1, number, place)


def _run(clinic: Clinic, group: Sequence[_Facts]) -> FrameRun:
    if len(group) == 1:
        return _run_of_file(clinic, group[0])
    placed = all(one.position is not None for one in group)
    ordered = sorted(group, key=_position if placed else _number)
    reader = _FilesReader(clinic, tuple(one.instance for one in ordered))
    return FrameRun(tuple(FramePlace(one.instance.id) for one in ordered), reader.read)


def _run_of_file(clinic: Clinic, facts: _Facts) -> FrameRun:
    reader = _FileReader(clinic, facts.instance)
    if facts.frames == 1:
        return FrameRun((FramePlace(facts.instance.id),), reader.read)
    file = reader.file()
    places = tuple(FramePlace(facts.instance.id, number + 1) for number in range(file.count))
    return FrameRun(places, reader.read, file.rate, file.sweep)


class _FileReader:
    """The frames of one file."""

    def __init__(self, clinic: Clinic, instance: Instance) -> None:
        self._clinic = clinic
        self._instance = instance
        self._file: FramesFile | VideoFile | None = None

    def file(self) -> "FramesFile | VideoFile":
        """Its header, read once. Raises UserFacingError, KnownFailure."""
        from desktop.intake.picture_frames import read_frames_file
        from desktop.intake.video_frames import read_video_file

        if self._file is None:
            source = partial(self._clinic.store.attachments.open, self._instance.attachment)
            try:
                with closing(source()) as stream:
                    video = is_video(stream.read(HEADER_BYTES))
                self._file = read_video_file(source) if video else read_frames_file(source)
            except OSError as error:
                raise from_os_error(error) from error
        return self._file

    def read(self, number: int) -> Picture:
        """A single film as films are read; what is none, frame by frame."""
        if self._file is None and number == 0:
            try:
                return stored_picture(self._clinic, self._instance)
            except UserFacingError as error:
                if error.key not in CLIPS:
                    raise
        return _frame(self.file(), number)


class _FilesReader:
    """Single pictures, each in a file of its own."""

    def __init__(self, clinic: Clinic, instances: tuple[Instance, ...]) -> None:
        self._clinic = clinic
        self._instances = instances

    def read(self, number: int) -> Picture:
        """Colour stays colour, so that one picture of a run is shown like the next."""
        return _frame(_FileReader(self._clinic, self._instances[number]).file(), 0)


def _frame(file: "FramesFile | VideoFile", number: int) -> Picture:
    try:
        return file.picture(number)
    except OSError as error:
        raise from_os_error(error) from error
    except MemoryError as error:
        raise KnownFailure("workflow.out_of_memory", kind=ErrorKind.BAD_INPUT) from error


def _position(facts: _Facts) -> float:
    return facts.position or 0.0


def _number(facts: _Facts) -> float:
    """Pictures without a number come last, in the order they were brought in."""
    return float(facts.number) if facts.number is not None else float("inf")


def _whole(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split("\\"))
    except ValueError:
        return ()


def _along_normal(position: tuple[float, ...], directions: tuple[float, ...]) -> float | None:
    """How far along the normal of its plane a picture lies, in mm (PS3.3 C.7.6.2)."""
    if len(position) != 3 or len(directions) != 6:
        return None
    distance = float(np.dot(np.cross(directions[:3], directions[3:]), position))
    return distance if np.isfinite(distance) else None
