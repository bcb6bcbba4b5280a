"""Who gets in, who does not, and what a changed keystore does."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from desktop import vault
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.records import UserId, new_id
from desktop.vault import KeystoreHealth, derive, keystore_file
from tests.vault.helpers import PASSPHRASE, USER, Made, make_keystore

pytestmark = pytest.mark.full_keys

FILES = ("keystore.json", "keystore.copy.json")


def edit(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    raw = json.loads(path.read_text(encoding="utf-8"))
    change(raw)
    path.write_text(json.dumps(raw, ensure_ascii=False), encoding="utf-8")


def refused(made: Made, passphrase: str = PASSPHRASE, user: str = USER) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        vault.unlock(made.folder, user, passphrase, touch=False)
    return caught.value


def enter(made: Made) -> vault.Unlocked:
    """Unlock, and mend as the store does once the database has opened."""
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
    vault.mend(made.folder, unlocked)
    return unlocked


def test_the_passphrase_gives_the_same_master_key(made: Made) -> None:
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
    assert unlocked.master.derive("test") == made.sub_key
    assert (unlocked.store_id, unlocked.user_id, unlocked.roles) == (made.store_id, made.user_id, ("doctor",))
    assert vault.verify_signature(unlocked.public_key, b"words", unlocked.signing_key.sign(b"words"))


def test_names_are_listed_without_unlocking(made: Made) -> None:
    assert vault.users(made.folder) == (USER,)
    assert vault.users(made.folder / "elsewhere") == ()


def test_the_file_is_the_documented_one(made: Made) -> None:
    for name in FILES:
        raw = json.loads((made.folder / name).read_text(encoding="utf-8"))
        assert [slot["user"] for slot in raw["slots"]] == [USER]
        kdf = raw["slots"][0]["kdf"]
        assert kdf["memory_kib"] >= 65536
        assert kdf["time"] >= 3
        assert kdf["lanes"] >= 1
        assert raw["version"] == 1
        assert raw["epoch"] == 1


def test_a_wrong_name_and_a_wrong_passphrase_look_alike(made: Made) -> None:
    assert refused(made, passphrase="wrong horse").key == "unlock.wrong_passphrase"
    unknown = refused(made, user="nobody")
    assert unknown.key == "unlock.wrong_passphrase"
    assert unknown.kind is ErrorKind.UNLOCK


def test_an_unknown_name_costs_a_key_derivation_too(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    derivations: list[str] = []
    real = derive.KdfParameters.derive

    def counted(parameters: derive.KdfParameters, text: str) -> bytes:
        derivations.append(text)
        return real(parameters, text)

    monkeypatch.setattr(derive.KdfParameters, "derive", counted)
    refused(made, user="nobody")
    assert derivations == [PASSPHRASE]


def test_letter_case_and_unicode_form_of_a_name_do_not_matter(tmp_path: Path) -> None:
    vault.create(tmp_path / "c", new_id(), "Zoë", UserId(new_id()), (), PASSPHRASE, calibrate=False)
    assert vault.unlock(tmp_path / "c", " ZOE\u0308 ", PASSPHRASE).user_name == "Zoë"


def test_a_passphrase_may_be_typed_in_another_unicode_form(tmp_path: Path) -> None:
    vault.create(tmp_path / "c", new_id(), "li", UserId(new_id()), (), "cafe\u0301 au lait", calibrate=False)
    assert vault.unlock(tmp_path / "c", "li", "café au lait").user_name == "li"


def test_short_passphrases_and_nameless_users_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserFacingError, match=r"unlock\.passphrase_too_short"):
        vault.create(tmp_path / "c", new_id(), "li", UserId(new_id()), (), "short", calibrate=False)
    with pytest.raises(UserFacingError, match=r"unlock\.user_name_missing"):
        vault.create(tmp_path / "c", new_id(), "  ", UserId(new_id()), (), PASSPHRASE, calibrate=False)
    assert not (tmp_path / "c").exists()


def test_a_clinic_is_never_created_over_another(made: Made) -> None:
    (made.folder / "clinic.db").write_bytes(b"records")
    before = (made.folder / FILES[0]).read_bytes()
    with pytest.raises(UserFacingError) as caught:
        make_keystore(made.folder)
    assert caught.value.kind is ErrorKind.NOT_EMPTY
    assert (made.folder / FILES[0]).read_bytes() == before


def test_an_interrupted_creation_may_be_repeated(made: Made) -> None:
    again = make_keystore(made.folder)
    assert vault.unlock(made.folder, USER, PASSPHRASE).master.derive("test") == again.sub_key != made.sub_key


def test_the_recovery_card_opens(made: Made) -> None:
    unlocked = vault.unlock_with_card(made.folder, made.code.lower().replace("-", " "))
    assert unlocked.master.derive("test") == made.sub_key
    assert unlocked.by_card
    assert unlocked.roles == ("administrator",)


def test_the_card_of_another_clinic_is_named_as_such(made: Made, tmp_path: Path) -> None:
    other = make_keystore(tmp_path / "other")
    with pytest.raises(UserFacingError) as caught:
        vault.unlock_with_card(made.folder, other.code)
    assert (caught.value.key, caught.value.kind) == ("unlock.wrong_card", ErrorKind.WRONG_RECOVERY_CARD)


def test_sub_keys_differ_by_purpose_store_and_epoch(made: Made) -> None:
    master = vault.MasterKey(bytes(32), "store", 1)
    others = (vault.MasterKey(bytes(32), "store", 2), vault.MasterKey(bytes(32), "shop", 1))
    keys = {master.derive("db"), master.derive("audit"), *(other.derive("db") for other in others)}
    assert len(keys) == 4


def test_closing_wipes_the_keys(made: Made) -> None:
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE)
    secret = unlocked.master._secret
    seed = unlocked.signing_key._seed
    unlocked.close()
    unlocked.close()
    assert not secret
    assert not seed
    with pytest.raises(ValueError):
        unlocked.master.derive("db")
    with pytest.raises(ValueError):
        unlocked.signing_key.sign(b"")


# The two copies


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [b"", b"{}", b"\x00" * 900, b'{"format": "lantern-keystore", "version": 2}'])
def test_one_damaged_copy_is_noticed_and_mended(made: Made, name: str, damage: bytes) -> None:
    (made.folder / name).write_bytes(damage)
    unlocked = enter(made)
    assert unlocked.master.derive("test") == made.sub_key
    assert {finding.file: finding.health for finding in unlocked.found}[name] is KeystoreHealth.DAMAGED
    assert {finding.health for finding in vault.check_copies(made.folder, unlocked)} == {KeystoreHealth.WHOLE}
    assert (made.folder / FILES[0]).read_bytes() == (made.folder / FILES[1]).read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_bit_is_noticed_and_locks_nobody_out(made: Made, name: str) -> None:
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE, touch=False)
    data = (made.folder / name).read_bytes()
    for place in range(0, len(data), 7):
        spoiled = bytearray(data)
        spoiled[place] ^= 1 << place % 8
        (made.folder / name).write_bytes(spoiled)
        states = {finding.file: finding.health for finding in vault.check_copies(made.folder, unlocked)}
        assert states[name] in (KeystoreHealth.DAMAGED, KeystoreHealth.CHANGED), f"byte {place}"
    assert enter(made).master.derive("test") == made.sub_key
    assert (made.folder / name).read_bytes() == data


def test_a_reformatted_keystore_is_reported_and_still_opens(made: Made) -> None:
    for name in FILES:
        edit(made.folder / name, lambda raw: None)
    unlocked = enter(made)
    assert [finding.health for finding in unlocked.found] == [KeystoreHealth.CHANGED] * 2
    assert {finding.health for finding in vault.check_copies(made.folder, unlocked)} == {KeystoreHealth.WHOLE}


@pytest.mark.parametrize("name", FILES)
def test_one_missing_copy_is_noticed_and_mended(made: Made, name: str) -> None:
    (made.folder / name).unlink()
    unlocked = enter(made)
    assert {finding.file: finding.health for finding in unlocked.found}[name] is KeystoreHealth.MISSING
    assert (made.folder / name).exists()


def test_looking_without_touching_mends_nothing(made: Made) -> None:
    (made.folder / FILES[0]).unlink()
    vault.unlock(made.folder, USER, PASSPHRASE, touch=False)
    refused(made, passphrase="wrong horse")
    assert sorted(path.name for path in made.folder.iterdir()) == [FILES[1]]


def test_no_copy_and_no_readable_copy_are_told_apart(made: Made) -> None:
    (made.folder / FILES[0]).write_bytes(b"?")
    (made.folder / FILES[1]).write_bytes(b"?")
    assert refused(made).key == "vault.keystore_damaged"
    for name in FILES:
        (made.folder / name).unlink()
    assert refused(made).key == "vault.keystore_missing"


def test_a_newer_keystore_is_no_damage_and_is_left_alone(made: Made) -> None:
    newer = (made.folder / FILES[0]).read_bytes().replace(b'"version": 1', b'"version": 2')
    for name in FILES:
        (made.folder / name).write_bytes(newer)
    assert (refused(made).key, refused(made).kind) == ("vault.keystore_too_new", ErrorKind.UNLOCK)
    with pytest.raises(KnownFailure, match=r"vault\.keystore_too_new"):
        vault.describe(made.folder)
    with pytest.raises(KnownFailure, match=r"vault\.keystore_too_new"):
        vault.unlock_with_card(made.folder, made.code)
    assert [(made.folder / name).read_bytes() for name in FILES] == [newer, newer]
    for word in (b"true", b'"2"', b"0"):
        for name in FILES:
            (made.folder / name).write_bytes(newer.replace(b'"version": 2', b'"version": ' + word))
        assert refused(made).key == "vault.keystore_damaged"


def test_an_older_copy_is_an_honest_remain(made: Made) -> None:
    unlocked = vault.unlock(made.folder, USER, PASSPHRASE, touch=False)
    newest = keystore_file.parse((made.folder / FILES[0]).read_bytes())
    raised = keystore_file.Keystore(**{**vars(newest), "generation": 2}).sealed(unlocked.master.derive("keystore"))
    (made.folder / FILES[0]).write_bytes(raised.to_bytes())
    again = enter(made)
    assert again.generation == 2
    assert [finding.health for finding in again.found] == [KeystoreHealth.WHOLE, KeystoreHealth.OLDER]
    assert (made.folder / FILES[1]).read_bytes() == raised.to_bytes()


# Tampering


def inject_slot(raw: dict[str, Any]) -> None:
    raw["slots"].append({**raw["slots"][0], "user": "intruder"})


def cheaper_cost(raw: dict[str, Any]) -> None:
    raw["slots"][0]["kdf"]["time"] = 1


def less_memory(raw: dict[str, Any]) -> None:
    raw["slots"][0]["kdf"]["memory_kib"] = 8


def ruinous_cost(raw: dict[str, Any]) -> None:
    raw["slots"][0]["kdf"] |= {"memory_kib": 1 << 40, "time": 1 << 30}


def more_rights(raw: dict[str, Any]) -> None:
    raw["slots"][0]["roles"].append("administrator")


def drop_the_card(raw: dict[str, Any]) -> None:
    raw["recovery"] = []


TAMPERS = (inject_slot, cheaper_cost, less_memory, ruinous_cost, more_rights, drop_the_card)


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
def test_a_tampered_keystore_opens_nothing(made: Made, tamper: Callable[[dict[str, Any]], None]) -> None:
    for name in FILES:
        edit(made.folder / name, tamper)
    started = time.monotonic()
    error = refused(made)
    assert time.monotonic() - started < 5, "the cost must be judged before it is paid"
    assert isinstance(error, KnownFailure)
    assert (error.key, error.kind) == ("vault.keystore_changed", ErrorKind.UNLOCK)


@pytest.mark.parametrize("tamper", TAMPERS, ids=lambda tamper: tamper.__name__)
def test_one_tampered_copy_is_named_and_replaced(made: Made, tamper: Callable[[dict[str, Any]], None]) -> None:
    edit(made.folder / FILES[0], tamper)
    unlocked = enter(made)
    assert unlocked.roles == ("doctor",)
    assert [finding.health for finding in unlocked.found] == [KeystoreHealth.CHANGED, KeystoreHealth.WHOLE]
    assert (made.folder / FILES[0]).read_bytes() == (made.folder / FILES[1]).read_bytes()


def test_a_slot_of_another_clinic_does_not_open(made: Made, tmp_path: Path) -> None:
    other = make_keystore(tmp_path / "other")
    foreign = json.loads((other.folder / FILES[0]).read_text(encoding="utf-8"))["slots"][0]
    for name in FILES:
        edit(made.folder / name, lambda raw: raw["slots"].__setitem__(0, foreign))
    assert refused(made).key == "unlock.wrong_passphrase"


def test_the_cost_is_calibrated_to_this_pc() -> None:
    parameters = derive.fresh_parameters(calibrate=True)
    assert parameters.within_bounds()
    assert parameters.time >= 3
    started = time.perf_counter()
    parameters.derive(PASSPHRASE)
    assert time.perf_counter() - started > 0.3, "far below the target of 0.7 to 1.0 s, even on a busy machine"


@pytest.mark.parametrize(
    ("memory_kib", "time", "lanes", "fits"),
    [
        (65536, 3, 4, True),
        (65536, 200, 4, True),
        (131072, 3, 4, True),
        (65535, 3, 4, False),
        (65536, 2, 4, False),
        (65536, 201, 4, False),
        (131072, 101, 4, False),
        (1 << 40, 3, 4, False),
        (65536, 3, 0, False),
        (65536, 3, 17, False),
        (-65536, 3, 4, False),
    ],
)
def test_the_cost_is_bounded_both_ways(
    monkeypatch: pytest.MonkeyPatch, memory_kib: int, time: int, lanes: int, fits: bool
) -> None:
    monkeypatch.setattr(derive, "_memory_of_this_pc", lambda: 8 << 30)
    parameters = derive.KdfParameters(memory_kib, time, lanes, bytes(16))
    assert parameters.within_bounds() is fits
    assert not derive.KdfParameters(memory_kib, time, lanes, bytes(8)).within_bounds()
    if not fits:
        with pytest.raises(ValueError):
            parameters.derive(PASSPHRASE)


def test_info_tells_damage_from_absence(made: Made) -> None:
    assert vault.describe(made.folder) == vault.KeystoreInfo(made.store_id, 1, 1)
    (made.folder / FILES[0]).write_bytes(b"?")
    assert vault.describe(made.folder).store_id == made.store_id
    (made.folder / FILES[1]).unlink()
    with pytest.raises(KnownFailure, match=r"vault\.keystore_damaged"):
        vault.describe(made.folder)
    (made.folder / FILES[0]).unlink()
    with pytest.raises(KnownFailure, match=r"vault\.keystore_missing"):
        vault.describe(made.folder)


def test_a_copied_clinic_opens(made: Made, tmp_path: Path) -> None:
    shutil.copytree(made.folder, tmp_path / "stick")
    assert vault.unlock(tmp_path / "stick", USER, PASSPHRASE).master.derive("test") == made.sub_key
