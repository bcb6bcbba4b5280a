"""The printed card finds typing mistakes and says where."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.errors import ErrorKind, UserFacingError
from desktop.vault import RecoveryCard, recovery

SECRETS = st.binary(min_size=recovery.SECRET_BYTES, max_size=recovery.SECRET_BYTES)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def refusal(text: str) -> UserFacingError:
    with pytest.raises(UserFacingError) as caught:
        recovery.decode(text)
    assert caught.value.kind is ErrorKind.WRONG_RECOVERY_CARD
    return caught.value


def test_the_secret_has_at_least_128_bits() -> None:
    assert recovery.SECRET_BYTES * 8 >= 128
    assert len({recovery.new_secret() for _ in range(20)}) == 20


@given(SECRETS)
def test_a_code_reads_back(secret: bytes) -> None:
    code = recovery.encode(secret)
    assert len(code.split("-")) == 7
    assert recovery.decode(code) == secret
    assert recovery.decode(code.lower().replace("-", " ").replace("0", "o").replace("1", "l")) == secret


@given(SECRETS, st.integers(0, 34), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found_and_its_group_named(secret: bytes, place: int, character: str) -> None:
    code = recovery.encode(secret).replace("-", "")
    if code[place] == character:
        return
    error = refusal(code[:place] + character + code[place + 1 :])
    assert (error.key, error.details) == ("unlock.card_group", {"group": place // 5 + 1})


@given(SECRETS, st.integers(0, 6), st.integers(0, 3))
def test_two_swapped_neighbours_are_found(secret: bytes, group: int, place: int) -> None:
    code = recovery.encode(secret).replace("-", "")
    first = group * 5 + place
    if code[first] == code[first + 1]:
        return
    swapped = code[:first] + code[first + 1] + code[first] + code[first + 2 :]
    assert refusal(swapped).details == {"group": group + 1}


@given(SECRETS, st.integers(0, 5))
def test_two_swapped_groups_are_found(secret: bytes, place: int) -> None:
    groups = recovery.encode(secret).split("-")
    if groups[place][:4] == groups[place + 1][:4]:
        return
    groups[place], groups[place + 1] = groups[place + 1], groups[place]
    error = refusal("-".join(groups))
    assert (error.key, error.details) == ("unlock.card_group", {"group": place + 1})


@pytest.mark.parametrize("text", ["", "12345", "x" * 34, "🙂" * 35])
def test_anything_else_is_refused_in_words(text: str) -> None:
    assert refusal(text).key in ("unlock.card_length", "unlock.card_group")


def test_the_first_line_of_the_card_is_the_code() -> None:
    secret = recovery.new_secret()
    card = RecoveryCard(recovery.encode(secret), "store", "清河村卫生室", datetime(2026, 11, 21, tzinfo=UTC))
    first, *rest = card.text().splitlines()
    assert recovery.decode(first) == secret
    assert "清河村卫生室" in rest[0]


def test_each_group_is_judged_at_its_own_place() -> None:
    groups = recovery.encode(bytes(range(17))).split("-")
    assert all(recovery.group_fits(group.lower(), place) for place, group in enumerate(groups))
    assert not any(recovery.group_fits(groups[0], place) for place in range(1, recovery.GROUPS))
    assert not recovery.group_fits(groups[0][:4], 0)
    wrong = groups[2][:1] + ("7" if groups[2][1] != "7" else "8") + groups[2][2:]
    assert not recovery.group_fits(wrong, 2)


def test_full_width_letters_and_long_dashes_are_read_as_printed() -> None:
    code = recovery.encode(bytes(range(17)))
    wide = "".join(chr(ord(character) + 0xFEE0) if character != "-" else "—" for character in code)
    assert recovery.decode(wide) == bytes(range(17))
