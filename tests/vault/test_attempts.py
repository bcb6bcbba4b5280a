"""Guessing at the keyboard slows down and is remembered."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from desktop import vault
from desktop.errors import ErrorKind, UserFacingError
from desktop.vault import attempts
from tests.vault.helpers import PASSPHRASE, USER, Made


def fail(made: Made, *, passphrase: str = "wrong horse", user: str = USER) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        vault.unlock(made.folder, user, passphrase)
    return caught.value


def pretend(made: Made, failures: int, last: datetime) -> None:
    (made.folder / attempts.COUNTER).write_text(json.dumps({"failures": failures, "last": last.isoformat()}))


def test_the_first_slip_is_free_the_second_is_not(made: Made) -> None:
    fail(made)
    assert vault.seconds_to_wait(made.folder) == 0
    fail(made)
    assert vault.seconds_to_wait(made.folder) == 1
    error = fail(made, passphrase=PASSPHRASE)
    assert (error.key, error.kind, error.details) == ("unlock.wait", ErrorKind.UNLOCK, {"seconds": 1})


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (6, 16), (7, 30), (10**6, 30)]
)
def test_the_wait_grows_to_half_a_minute(made: Made, failures: int, seconds: int) -> None:
    pretend(made, failures, datetime.now(UTC))
    assert vault.seconds_to_wait(made.folder) == seconds


def test_a_caller_may_rather_wait(made: Made) -> None:
    pretend(made, 4, datetime.now(UTC))
    waited: list[float] = []
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE, wait=waited.append)
    assert unlocked.user_name == USER
    assert 3 < waited[0] <= 4


def test_success_clears_the_count(made: Made) -> None:
    fail(made)
    vault.unlock(made.folder, USER, PASSPHRASE)
    assert not (made.folder / attempts.COUNTER).exists()
    fail(made)
    assert vault.seconds_to_wait(made.folder) == 0


def test_a_clock_set_back_locks_nobody_out(made: Made) -> None:
    pretend(made, 50, datetime.now(UTC) + timedelta(days=3650))
    assert vault.seconds_to_wait(made.folder) == 30


@pytest.mark.parametrize("content", ["", "{", "[]", '{"failures": "x", "last": 3}'])
def test_a_spoiled_count_keeps_nobody_out(made: Made, content: str) -> None:
    (made.folder / attempts.COUNTER).write_text(content)
    assert vault.unlock(made.folder, USER, PASSPHRASE).user_name == USER


def test_a_try_counts_before_it_is_judged(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killing the program while it derives the key must not save the try."""

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("desktop.vault.derive.KdfParameters.derive", killed)
    with pytest.raises(KeyboardInterrupt):
        vault.unlock(made.folder, USER, "guess")
    assert json.loads((made.folder / attempts.COUNTER).read_text())["failures"] == 1


def test_failures_are_remembered_by_id_and_forgotten_when_told(made: Made) -> None:
    fail(made)
    fail(made, user="nobody")
    noted = attempts.pending(made.folder)
    assert [entry.user for entry in noted] == [made.user_id, ""]
    text = (made.folder / attempts.PENDING).read_text()
    assert "nobody" not in text
    assert "wrong horse" not in text
    attempts.forget(made.folder, {noted[0].id})
    assert attempts.pending(made.folder) == noted[1:]
    attempts.forget(made.folder, {noted[1].id})
    assert not (made.folder / attempts.PENDING).exists()


def test_a_wrong_card_counts_too(made: Made) -> None:
    other = "0" * 35
    with pytest.raises(UserFacingError):
        vault.unlock_with_card(made.folder, other)
    assert vault.seconds_to_wait(made.folder) == 0
    assert not (made.folder / attempts.COUNTER).exists(), "a mistyped card is not a try"


def test_a_folder_that_cannot_be_written_still_unlocks(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr("pathlib.Path.write_text", refuse)
    assert vault.unlock(made.folder, USER, PASSPHRASE).user_name == USER
