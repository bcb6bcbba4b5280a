"""Video clips, frame by frame, by OpenCV's own FFmpeg; read from a stream, so that none need lie open on the disk."""

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.inspection import ContentKind, Inspection, InspectionStatus, tally
from desktop.intake.limits import MAX_SAMPLES
from desktop.intake.video_stream import ClipStream
from desktop.records.picture import Array

if TYPE_CHECKING:
    from cv2 import VideoCapture

_WHOLE = 0.9
"""A clip with fewer frames than this part of what its header counts is cut off; the count itself is an estimate."""


def survey(stream: BinaryIO) -> Inspection:
    """What `lantern inspect` says of a clip: red, green and blue of every frame."""
    found = Inspection(InspectionStatus.OK, ContentKind.IMAGE, samples=3)
    # Both would print what they think of a file.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    import cv2

    bytes_of_it = ClipStream(stream)
    try:
        clip = cv2.VideoCapture(bytes_of_it, cv2.CAP_FFMPEG, [])  # type: ignore[call-overload]  # the stub wants its own kind
        try:
            rows, columns = (int(clip.get(what)) for what in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH))
            if not clip.isOpened() or rows < 1 or columns < 1:
                raise UserFacingError("intake.clip_damaged")
            if rows * columns * 3 > MAX_SAMPLES:
                raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
            found = replace(found, rows=rows, columns=columns)
            counted = tally(_frames(clip))
            claimed = clip.get(cv2.CAP_PROP_FRAME_COUNT)
        finally:
            clip.release()
            bytes_of_it.raise_failure()
    except cv2.error:
        return found.failed(UserFacingError("intake.clip_damaged"))
    except UserFacingError as error:
        return found.failed(error)
    if not counted.frames:
        return found.failed(UserFacingError("intake.clip_damaged"))
    found = replace(found, frames=counted.frames, figures=counted.figures())
    return found.failed(UserFacingError("intake.clip_cut_off")) if counted.frames < _WHOLE * claimed else found


def _frames(clip: "VideoCapture") -> Iterator[Array]:
    while True:
        there, frame = clip.read()
        if not there:
            return
        # Blue comes first.
        yield np.asarray(frame)[:, :, ::-1]
