import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest

from desktop.errors import Cancelled, ErrorKind, KnownFailure, UserFacingError
from desktop.intake import read_bytes, read_file
from desktop.jobs import Job
from tests.intake.dicom_files import film_bytes, gradient


def test_gives_the_bytes_unchanged_and_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "片子 1.dcm"
    path.write_bytes(film_bytes())
    data, picture = read_file(path, Job())
    assert data == film_bytes()
    assert np.array_equal(picture.pixels, gradient())


def test_says_how_far_it_is(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes())
    job = Job()
    read_bytes(path, job)
    assert job.progress.key == "intake.progress.reading"
    assert job.progress.done == job.progress.total == len(film_bytes())
    read_file(path, job)
    assert job.progress.key == "intake.progress.decoding"


def test_stops_when_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes())
    job = Job()
    job.cancel()
    with pytest.raises(Cancelled):
        read_file(path, job)


@pytest.mark.parametrize(("name", "key"), [("missing.dcm", "error.file_not_found"), ("folder", "intake.not_a_file")])
def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path, name: str, key: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserFacingError) as caught:
        read_file(tmp_path / name, Job())
    assert caught.value.key == key


def test_a_missing_file_is_not_found_for_the_command_line(tmp_path: Path) -> None:
    with pytest.raises(KnownFailure) as caught:
        read_file(tmp_path / "missing.dcm", Job())
    assert caught.value.kind is ErrorKind.NOT_FOUND


@pytest.mark.skipif(sys.platform == "win32", reason="permissions work otherwise there")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_a_file_nobody_may_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes())
    path.chmod(0)
    with pytest.raises(KnownFailure) as caught:
        read_file(path, Job())
    assert caught.value.key == "error.file_not_permitted"


def test_a_permission_error_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "film.dcm"
    path.write_bytes(film_bytes())

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(KnownFailure) as caught:
        read_file(path, Job())
    assert caught.value.key == "error.file_not_permitted"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserFacingError) as caught:
        read_file(tmp_path / "pipe", Job())
    assert caught.value.key == "intake.not_a_file"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets with names there")
def test_a_path_with_a_nul_is_no_file() -> None:
    with pytest.raises(UserFacingError) as caught:
        read_file(Path("a\0b"), Job())
    assert caught.value.key == "intake.not_a_file"


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.dcm"
    with path.open("wb") as sparse:
        sparse.truncate(600 * 1024 * 1024)
    with pytest.raises(UserFacingError) as caught:
        read_file(path, Job())
    assert caught.value.key == "intake.too_large"
    assert caught.value.details == {"megabytes": 512}


def test_of_a_foreign_file_only_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "film.avi"
    with path.open("wb") as sparse:
        sparse.write(b"RIFF")
        sparse.truncate(400 * 1024 * 1024)
    job = Job()
    with pytest.raises(UserFacingError) as caught:
        read_file(path, job)
    assert caught.value.key == "intake.not_recognised"
    assert job.progress.done == 0
