"""Video clips, written by FFmpeg: each frame in its place, whichever way one pages, and no byte of them on the disk."""

import io
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.intake.inspection import InspectionStatus
from desktop.intake.video import survey
from desktop.intake.video_frames import VideoFile, media_type, read_video_file
from desktop.intake.video_stream import ClipStream
from tests.intake.other_formats import clip_bytes

FRAMES = 12


def opened(ending: str = ".mp4") -> VideoFile:
    return read_video_file(partial(io.BytesIO, clip_bytes(ending, FRAMES)))


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".mkv"])
def test_every_frame_is_in_its_place_forth_and_back(ending: str) -> None:
    clip = opened(ending)
    assert clip.count == FRAMES
    assert clip.rate is not None
    assert (clip.rows, clip.columns) == (48, 64)
    means = [float(clip.picture(number).pixels.mean()) for number in range(FRAMES)]
    assert np.all(np.diff(means) > 0), "the clip grows lighter from frame to frame"
    for number in (7, 3, 3, 11, 0):
        assert float(clip.picture(number).pixels.mean()) == means[number]


def test_kinds_are_told_by_their_beginning() -> None:
    assert [media_type(clip_bytes(ending)[:64]) for ending in (".mp4", ".avi", ".mkv")] == [
        "video/mp4",
        "video/x-msvideo",
        "video/x-matroska",
    ]
    assert media_type(b"\0\0\0\x14ftypqt  ") == "video/quicktime"


def test_a_damaged_clip_is_refused_in_words() -> None:
    for data in (b"\0\0\0\x18ftypisom" + bytes(4000), clip_bytes()[:200]):
        with pytest.raises(UserFacingError) as caught:
            read_video_file(partial(io.BytesIO, data))
        assert caught.value.key == "intake.clip_damaged"


def test_past_the_end_is_said() -> None:
    with pytest.raises(UserFacingError) as caught:
        opened().picture(FRAMES)
    assert caught.value.key == "intake.clip_cut_off"


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at the open files of this process on Linux")
def test_nothing_of_a_clip_is_put_into_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is read this process holds no file more than before, and the folder for temporary files is empty."""
    data = clip_bytes(".mp4", FRAMES)
    opened().picture(1).pixels.mean()  # libraries are loaded
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before = {os.readlink(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd") if _there(one)}
    clip = read_video_file(partial(io.BytesIO, data))
    clip.picture(FRAMES // 2)
    during = {os.readlink(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd") if _there(one)}
    assert during <= before
    assert list(tmp_path.iterdir()) == []


def _there(one: str) -> bool:
    """Not the one that lists them, which is gone by then."""
    return os.path.lexists(f"/proc/self/fd/{one}")


class FailingStream(io.BytesIO):
    """A clip on a disk, or in a sealed file, that stops giving bytes at the n-th call."""

    def __init__(self, data: bytes, calls: int, error: Exception) -> None:
        super().__init__(data)
        self._left = calls
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise self._error
        return super().read(size)


@pytest.mark.parametrize("ending", [".mp4", ".avi", ".mkv"])
@pytest.mark.parametrize(
    "error", [OSError(5, "Input/output error"), KnownFailure("store.attachment_damaged", kind=ErrorKind.IO)]
)
def test_a_disk_that_fails_while_a_clip_is_read_is_said(ending: str, error: Exception) -> None:
    """An error must not leave the call that the decoder makes: it would end the program."""
    data = clip_bytes(ending, FRAMES)
    for calls in (0, 1):
        with pytest.raises(type(error)) as caught:
            read_video_file(lambda calls=calls: FailingStream(data, calls, error)).picture(FRAMES - 1)  # type: ignore[misc]  # bound now
        assert caught.value is error


def test_places_before_the_beginning_are_no_places() -> None:
    stream = ClipStream(io.BytesIO(b"clip"))
    assert (stream.seek(-3), stream.seek(1 << 80)) == (-1, -1)
    assert (stream.seek(1), stream.read(2), stream.tell()) == (1, b"li", 3)
    stream.raise_failure()


def test_a_clip_that_asks_for_a_place_before_its_beginning_ends_nothing() -> None:
    """Lengths that lie lead there; one such clip among 65,121 spoilt files ended the process."""
    data = clip_bytes(".avi", FRAMES)
    for at in range(0, 400, 4):
        for length in (b"\xff\xff\xff\xff", b"\0\0\0\x80"):
            spoilt = data[:at] + length + data[at + 4 :]
            found = survey(io.BytesIO(spoilt))
            assert found.status in (InspectionStatus.OK, InspectionStatus.ERROR)
