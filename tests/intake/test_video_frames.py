"""Video clips, written by FFmpeg: each frame in its place, whichever way one pages, and no byte of them on the disk."""

import io
import os
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import UserFacingError
from desktop.intake.video_frames import VideoFile, media_type, read_video_file
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
