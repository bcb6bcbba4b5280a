"""PINs of a shift: from this process's memory only, five tries, and an end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from desktop import vault
from desktop.errors import ErrorKind, UserFacingError
from desktop.records import UserId, new_id
from desktop.vault import Shift, ShiftRules, attempts
from tests.vault.helpers import PASSPHRASE, USER, Made, make_keystore

PIN = "280641"
MORNING = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


@dataclass
class Clock:
    """A wall clock and the seconds that nobody can turn back."""

    now: datetime = MORNING
    ticks: float = field(default=1000.0)

    def wall(self) -> datetime:
        return self.now

    def steady(self) -> float:
        return self.ticks

    def pass_time(self, **span: float) -> None:
        step = timedelta(**span)
        self.now += step
        self.ticks += step.total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def made(tmp_path: Path, cheap_keys: None) -> Made:
    return make_keystore(tmp_path / "clinic")


@pytest.fixture
def unlocked(made: Made) -> Iterator[vault.Unlocked]:
    opened = vault.unlock(made.folder, USER, PASSPHRASE)
    yield opened
    opened.close()


def shift_of(clock: Clock, **rules: object) -> Shift:
    return Shift(ShiftRules(**rules), clock.wall, clock.steady)  # type: ignore[arg-type]  # fields by name


def refusal(shift: Shift, made: Made, pin: str = PIN, user: str = USER) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        shift.open(made.folder, user, pin)
    assert caught.value.kind is ErrorKind.UNLOCK
    return caught.value


def test_a_pin_gives_back_the_same_keys(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    public = unlocked.public_key
    unlocked.close()
    again = shift.open(made.folder, USER, PIN)
    assert again.master.derive("test") == made.sub_key
    assert (again.user_id, again.public_key, again.by_pin) == (made.user_id, public, True)
    assert vault.verify_signature(public, b"words", again.signing_key.sign(b"words"))
    assert shift.users(made.folder) == (USER,)
    assert shift.users(made.folder.parent) == ()


@pytest.mark.parametrize("pin", ["", "123", "12a4", "1234567890123", "１２３５", "12 35"])
def test_a_pin_is_four_to_twelve_digits(made: Made, unlocked: vault.Unlocked, clock: Clock, pin: str) -> None:
    with pytest.raises(UserFacingError, match=r"people\.pin_digits"):
        shift_of(clock).set_pin(made.folder, unlocked, pin)


@pytest.mark.parametrize("pin", ["0000", "999999", "1234", "4321", "7890", "0987654321"])
def test_what_everybody_tries_first_is_refused(made: Made, unlocked: vault.Unlocked, clock: Clock, pin: str) -> None:
    with pytest.raises(UserFacingError, match=r"people\.pin_too_simple"):
        shift_of(clock).set_pin(made.folder, unlocked, pin)


def test_the_fifth_wrong_try_wipes_it(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    wrapped = next(iter(shift._entries.values())).wrapped
    for left in (4, 3, 2, 1):
        error = refusal(shift, made, "1357")
        assert (error.key, error.details) == ("people.pin_wrong", {"count": left})
    assert refusal(shift, made, "1357").key == "people.pin_gone"
    assert not wrapped
    assert refusal(shift, made).key == "people.pin_gone"
    assert [entry.user for entry in attempts.pending(made.folder)] == [made.user_id] * 5
    assert vault.seconds_to_wait(made.folder) == 0


def test_a_right_pin_gives_the_five_tries_back(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    for _ in range(3):
        for _ in range(4):
            assert refusal(shift, made, "1357").key == "people.pin_wrong"
        assert shift.open(made.folder, USER, PIN).user_id == made.user_id


@pytest.mark.parametrize(
    ("rules", "last_hour"),
    [({}, 12.0), ({"hours": 8.0}, 8.0), ({"ends_at": time(17, 30)}, 10.0), ({"ends_at": time(6, 0)}, 12.0)],
)
def test_it_ends_with_the_shift(
    made: Made, unlocked: vault.Unlocked, clock: Clock, rules: dict[str, object], last_hour: float
) -> None:
    shift = shift_of(clock, **rules)
    shift.set_pin(made.folder, unlocked, PIN)
    clock.pass_time(hours=last_hour - 0.01)
    assert shift.open(made.folder, USER, PIN).user_id == made.user_id
    clock.pass_time(hours=0.02)
    assert refusal(shift, made).key == "people.pin_gone"
    assert shift.users(made.folder) == ()


def test_a_clock_set_back_does_not_lengthen_the_shift(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    clock.pass_time(hours=12.1)
    clock.now = MORNING
    assert refusal(shift, made).key == "people.pin_gone"


def test_another_pin_does_not_lengthen_the_shift_but_the_passphrase_does(
    made: Made, unlocked: vault.Unlocked, clock: Clock
) -> None:
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    clock.pass_time(hours=10)
    shift.set_pin(made.folder, shift.open(made.folder, USER, PIN), "90210")
    assert refusal(shift, made).key == "people.pin_wrong"
    clock.pass_time(hours=2.1)
    assert refusal(shift, made, "90210").key == "people.pin_gone"
    shift.set_pin(made.folder, unlocked, PIN)
    clock.pass_time(hours=10)
    assert shift.open(made.folder, USER, PIN).user_id == made.user_id


@pytest.mark.parametrize("survives", [False, True])
def test_sleep_ends_it_unless_the_rules_say_otherwise(
    made: Made, unlocked: vault.Unlocked, clock: Clock, survives: bool
) -> None:
    shift = shift_of(clock, survives_sleep=survives)
    shift.set_pin(made.folder, unlocked, PIN)
    shift.slept()
    assert shift.users(made.folder) == ((USER,) if survives else ())


def test_several_people_share_a_shift_and_end_it_together(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    identity = UserId(new_id())
    vault.add_user(made.folder, unlocked, user_id=identity, name="Anna", roles=(), passphrase="a nurse's words")
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    shift.set_pin(made.folder, vault.unlock(made.folder, "Anna", "a nurse's words"), "5093")
    assert set(shift.users(made.folder)) == {USER, "Anna"}
    assert shift.open(made.folder, "anna", "5093").user_id == identity
    assert refusal(shift, made, PIN, "Anna").key == "people.pin_wrong"
    shift.forget(made.folder, identity)
    assert shift.users(made.folder) == (USER,)
    shift.end()
    assert refusal(shift, made).key == "people.pin_gone"


def test_it_dies_with_the_right_to_unlock(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    identity = UserId(new_id())
    vault.add_user(made.folder, unlocked, user_id=identity, name="Anna", roles=(), passphrase="a nurse's words")
    shift = shift_of(clock)
    ways: tuple[Callable[[], object], ...] = (
        lambda: vault.reset_user(made.folder, unlocked, user_id=identity, passphrase="a nurse's words"),
        lambda: vault.NextEpoch(unlocked).begin(made.folder),
        lambda: vault.drop_user(made.folder, unlocked, user_id=identity),
    )
    for withdraw in ways:
        shift.set_pin(made.folder, vault.unlock(made.folder, "Anna", "a nurse's words"), "5093")
        assert shift.open(made.folder, "Anna", "5093").user_id == identity
        withdraw()
        assert refusal(shift, made, "5093", "Anna").key == "people.pin_gone"
        assert shift.users(made.folder) == ()


def test_it_knows_the_keystore_of_now(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    """Else the database, which remembers the newest one, would take it for one that was put back."""
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    vault.add_user(made.folder, unlocked, user_id=UserId(new_id()), name="Anna", roles=(), passphrase="a nurse's words")
    assert shift.open(made.folder, USER, PIN).generation == unlocked.generation > 1


def test_the_card_has_no_pin(made: Made, clock: Clock) -> None:
    with pytest.raises(UserFacingError, match=r"people\.pin_needs_user"):
        shift_of(clock).set_pin(made.folder, vault.unlock_with_card(made.folder, made.code), PIN)


def test_nothing_of_it_reaches_a_file(made: Made, unlocked: vault.Unlocked, clock: Clock) -> None:
    before = {path: path.read_bytes() for path in made.folder.parent.rglob("*") if path.is_file()}
    shift = shift_of(clock)
    shift.set_pin(made.folder, unlocked, PIN)
    shift.open(made.folder, USER, PIN).close()
    after = {path: path.read_bytes() for path in made.folder.parent.rglob("*") if path.is_file()}
    assert after == before


def test_master_key_and_seed_are_kept_wrapped(made: Made, clock: Clock) -> None:
    opened = vault.unlock(made.folder, USER, PASSPHRASE)
    with opened.master.lent() as master, opened.signing_key.lent() as seed:
        secrets = bytes(master), bytes(seed)
    shift = shift_of(clock)
    shift.set_pin(made.folder, opened, PIN)
    opened.close()
    kept = b"".join(bytes(entry.wrapped) for entry in shift._entries.values())
    assert len(kept) == 12 + 64 + 16
    assert not [secret for secret in secrets if secret in kept]


@pytest.mark.parametrize("hours", [0, -1, 25])
def test_rules_that_make_no_shift_are_refused(hours: float) -> None:
    with pytest.raises(ValueError):
        ShiftRules(hours=hours)
