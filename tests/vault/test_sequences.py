"""Whatever happened in whatever order: everybody opens with the newest passphrase, and nobody and nothing else does."""

import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from desktop import vault
from desktop.errors import UserFacingError
from desktop.records import UserId, new_id
from desktop.vault import RecoveryCard, derive, keystore_file
from tests.vault.helpers import PASSPHRASE, USER

FILES = (keystore_file.PRIMARY, keystore_file.COPY)
NAMES = ("Anna", "阿依古丽", "Zoë", "b")
WORDS = ("first words", "second words", "third words", "fourth words")


class Keystore(RuleBasedStateMachine):
    """A keystore against a dictionary of who may open it with what."""

    cheap: ClassVar[tuple[tuple[str, float], ...]] = (
        ("_FLOOR_MEMORY_KIB", 64),
        ("_FLOOR_TIME", 1),
        ("_TARGET_SECONDS", 0.0),
    )

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        for name, number in self.cheap:
            self.patch.setattr(derive, name, number)
        self.folder = Path(tempfile.mkdtemp()) / "clinic"
        user = UserId(new_id())
        self.admin, card = vault.create(
            self.folder, new_id(), USER, user, ("administrator",), PASSPHRASE, calibrate=False
        )
        self.ids: dict[str, UserId] = {USER: user}
        self.opens = {USER: PASSPHRASE}
        self.withdrawn: set[tuple[str, str]] = set()
        self.cards = [card.code]
        self.before = self.content()

    def teardown(self) -> None:
        self.admin.close()
        self.patch.undo()
        shutil.rmtree(self.folder.parent)

    def content(self) -> list[bytes]:
        return [(self.folder / name).read_bytes() for name in FILES]

    def remember(self) -> None:
        self.before = self.content()

    def give(self, name: str, passphrase: str) -> None:
        if name in self.opens:
            self.withdrawn.add((name, self.opens[name]))
        self.opens[name] = passphrase
        self.withdrawn.discard((name, passphrase))

    @rule(name=st.sampled_from(NAMES), passphrase=st.sampled_from(WORDS))
    def add_or_let_in_again(self, name: str, passphrase: str) -> None:
        if name in self.opens:
            with pytest.raises(UserFacingError, match=r"vault\.name_taken"):
                vault.add_user(
                    self.folder, self.admin, user_id=UserId(new_id()), name=name, roles=(), passphrase=passphrase
                )
            return
        self.remember()
        identity = self.ids.setdefault(name, UserId(new_id()))
        vault.add_user(self.folder, self.admin, user_id=identity, name=name, roles=("nurse",), passphrase=passphrase)
        self.give(name, passphrase)

    @rule(name=st.sampled_from(NAMES), passphrase=st.sampled_from(WORDS))
    def reset(self, name: str, passphrase: str) -> None:
        if name not in self.opens:
            return
        self.remember()
        vault.reset_user(self.folder, self.admin, user_id=self.ids[name], passphrase=passphrase)
        self.give(name, passphrase)

    @rule(name=st.sampled_from((USER, *NAMES)), passphrase=st.sampled_from(WORDS))
    def change_passphrase(self, name: str, passphrase: str) -> None:
        if name not in self.opens:
            return
        self.remember()
        who = vault.unlock(self.folder, name, self.opens[name], touch=False)
        vault.change_passphrase(self.folder, who, old=self.opens[name], new=passphrase)
        who.close()
        self.give(name, passphrase)

    @rule(name=st.sampled_from(NAMES))
    def drop(self, name: str) -> None:
        if name not in self.opens:
            return
        self.remember()
        vault.drop_user(self.folder, self.admin, user_id=self.ids[name])
        self.withdrawn.add((name, self.opens.pop(name)))

    @rule()
    def new_epoch(self) -> None:
        self.remember()
        vault.NextEpoch(self.admin).begin(self.folder)

    @rule()
    def new_card(self) -> None:
        self.remember()
        handed: list[RecoveryCard] = []
        vault.new_recovery_card(self.folder, self.admin, clinic_name="", hand_over=handed.append)
        self.cards.append(handed[0].code)

    @precondition(lambda self: self.before != self.content() and len(set(self.content())) == 1)
    @rule(place=st.integers(0, 1))
    def power_cut_between_the_two_copies(self, place: int) -> None:
        (self.folder / FILES[place]).write_bytes(self.before[place])

    @rule()
    def unlock_again(self) -> None:
        self.admin.close()
        self.admin = vault.unlock(self.folder, USER, self.opens[USER])
        vault.mend(self.folder, self.admin)
        self.remember()

    @invariant()
    def everybody_opens_with_the_newest_and_nobody_else(self) -> None:
        secret = self.admin.master.derive("test")
        assert set(vault.users(self.folder)) == set(self.opens)
        for name, passphrase in self.opens.items():
            unlocked = vault.unlock(self.folder, name, passphrase, touch=False)
            assert unlocked.master.derive("test") == secret
            unlocked.close()
        for name, passphrase in self.withdrawn:
            self.is_refused(partial(vault.unlock, self.folder, name, passphrase, touch=False), "wrong_passphrase")

    @invariant()
    def only_the_newest_card_opens(self) -> None:
        unlocked = vault.unlock_with_card(self.folder, self.cards[-1], touch=False)
        assert unlocked.master.derive("test") == self.admin.master.derive("test")
        unlocked.close()
        for old in self.cards[:-1]:
            self.is_refused(partial(vault.unlock_with_card, self.folder, old, touch=False), "wrong_card")

    def is_refused(self, opening: Callable[[], vault.Unlocked], why: str) -> None:
        """A copy of the former epoch that a power cut left may still open, but never under the keys of now; what such
        keys are refused is for the store's tests (a withdrawn card and a copy left behind)."""
        try:
            unlocked = opening()
        except UserFacingError as error:
            if error.key != f"unlock.{why}":
                raise
            return
        assert unlocked.epoch < self.admin.epoch
        assert unlocked.master.derive("test") != self.admin.master.derive("test")
        unlocked.close()


Keystore.TestCase.settings = settings(
    max_examples=15, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
TestKeystore = Keystore.TestCase
