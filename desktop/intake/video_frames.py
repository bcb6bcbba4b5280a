"""Video clips as runs of pictures: decoded from a stream by OpenCV's FFmpeg, so that none lies open on the disk.

OpenCV reads the stream through calls back into Python; it is given no path, and nothing is written anywhere. Sound is
kept in the file and not played.
"""

import math
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.limits import MAX_SAMPLES
from desktop.intake.video_stream import ClipStream
from desktop.records import FileHeader, Modality, Photometric, Picture

if TYPE_CHECKING:
    from cv2 import VideoCapture

_SLOWEST, _FASTEST = 0.2, 200.0
_MOST_FRAMES = 100_000
"""An hour at 25 per second is less."""


def media_type(header: bytes) -> str:
    """What a clip that begins so is called."""
    if header[:4] == b"RIFF":
        return "video/x-msvideo"
    if header[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "video/quicktime" if header[8:12] == b"qt  " or header[4:8] != b"ftyp" else "video/mp4"
    return "video/x-matroska" if header[:4] == b"\x1a\x45\xdf\xa3" else "video/mpeg"


@dataclass(eq=False)
class VideoFile:
    """A clip whose frames are decoded when somebody looks at them; one call at a time, from any thread.

    count: frames that can be decoded. rate: per second, None where the file says nothing. sweep: never.
    """

    source: Callable[[], BinaryIO]
    count: int
    rows: int
    columns: int
    rate: float | None
    sweep: bool = False
    _opened: "_Opened | None" = field(default=None, init=False, repr=False)

    def picture(self, number: int) -> Picture:
        """The n-th frame, counted from 0: RGB as shown. Going on is quick; going back begins at the first frame, which
        is exact where seeking by time is not. Raises UserFacingError, OSError."""
        opened = self._opened
        if opened is None or number < opened.at:
            self.close()
            opened = self._opened = _Opened(self.source())
        try:
            return opened.read(number)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()


def read_video_file(source: Callable[[], BinaryIO]) -> VideoFile:
    """Open a clip and count its frames: what its header says of them is an estimate.

    source: opens the file anew, to be read from anywhere. Raises UserFacingError (damaged, too long or large), OSError.
    """
    opened = _Opened(source())
    try:
        count = opened.count()
        return VideoFile(source, count, opened.rows, opened.columns, opened.rate)
    finally:
        opened.close()


class _Opened:
    """A clip being decoded. at: the frame that comes next."""

    def __init__(self, stream: BinaryIO) -> None:
        # Both would print what they think of a file.
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
        import cv2

        self.at = 0
        self._stream = ClipStream(stream)
        try:
            opened = cv2.VideoCapture(self._stream, cv2.CAP_FFMPEG, [])  # type: ignore[call-overload]  # the stub wants its own
            self._clip: VideoCapture = opened
            self.rows, self.columns = (
                int(self._clip.get(what)) for what in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH)
            )
            rate = float(self._clip.get(cv2.CAP_PROP_FPS))
        except cv2.error as error:
            stream.close()
            self._stream.raise_failure()
            raise UserFacingError("intake.clip_damaged") from error
        if not self._clip.isOpened() or self.rows < 1 or self.columns < 1:
            self.close()
            self._stream.raise_failure()
            raise UserFacingError("intake.clip_damaged")
        if self.rows * self.columns * 3 > MAX_SAMPLES:
            self.close()
            raise UserFacingError("intake.too_many_pixels", megapixels=MAX_SAMPLES // 1_000_000)
        self.rate = rate if math.isfinite(rate) and _SLOWEST <= rate <= _FASTEST else None

    def count(self) -> int:
        """How many frames there are; then none is left."""
        while self._clip.grab():
            self.at += 1
            if self.at > _MOST_FRAMES:
                raise UserFacingError("video.too_long", frames=_MOST_FRAMES)
        self._stream.raise_failure()
        if not self.at:
            raise UserFacingError("intake.clip_damaged")
        return self.at

    def read(self, number: int) -> Picture:
        while self.at < number:
            if not self._clip.grab():
                self._stream.raise_failure()
                raise UserFacingError("intake.clip_cut_off")
            self.at += 1
        there, frame = self._clip.read()
        if not there:
            self._stream.raise_failure()
            raise UserFacingError("intake.clip_cut_off")
        self.at += 1
        # Blue comes first.
        pixels = np.ascontiguousarray(np.asarray(frame)[:, :, ::-1])
        return Picture(pixels, Photometric.RGB, FileHeader(Modality.OT))

    def close(self) -> None:
        self._clip.release()
        self._stream.close()
