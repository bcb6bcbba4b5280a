"""Who may already be registered: candidates from the search index, scored with reasons.

Weights are our own judgement: an identifier nearly decides, a name alone does not, a name with a birth date or a phone
does; a contradiction of sex or birth date takes away.
"""

from collections.abc import Iterator

from desktop.records import DuplicateCandidate, PartialDate, Patient, Sex
from desktop.store.rows import Rows
from desktop.store.search import forgiven_words, one_edit_apart
from desktop.store.search_keys import LONGEST_WORD, NUMBER_GRAM, SearchKeys, number_grams

THRESHOLD = 0.5

_IDENTIFIER = 0.95
_NAME = 0.45
_NAME_SOUND = 0.35
_NAME_CLOSE = 0.3
_BIRTH_DATE = 0.35
_BIRTH_DATE_IN_PART = 0.2
_PHONE = 0.25
_VILLAGE = 0.1
_SEX_DIFFERS = -0.25
_BIRTH_DATE_DIFFERS = -0.2
_NOTHING_AGAINST = 0.05
_MOST_CANDIDATES = 100
_MOST_WORDS = 16  # of a name that are compared one by one


def candidate_keys(rows: Rows, keys: SearchKeys) -> Iterator[int]:
    """Keys of patients who share an identifier, a phone, or a name as written, as it sounds, or nearly.

    Of a very common name only the latest registered are looked at, but all of those born in the same year are.
    """
    alternatives = [_number_expression(number) for number in (*keys.identifiers, *keys.phones)]
    for name in _name_expressions(rows, keys):
        alternatives += [f'{name} AND "y{keys.birth_year}"', name] if keys.birth_year else [name]
    seen: set[int] = set()
    for alternative in alternatives:
        found = rows.all(
            "SELECT rowid FROM patient_search WHERE patient_search MATCH ? ORDER BY rowid DESC LIMIT ?",
            (alternative, _MOST_CANDIDATES),
        )
        for (key,) in found:
            if key not in seen:
                seen.add(key)
                yield key


def _name_expressions(rows: Rows, keys: SearchKeys) -> list[str]:
    """Names in one piece of letters; and Latin names word by word, each as it is or one typo apart."""
    found = [f'"x{word[:LONGEST_WORD]}"' for word in sorted(_spelled(keys))]
    choices = []
    for word in keys.latin_words[:_MOST_WORDS]:
        near = forgiven_words(rows, word) if len(word) > NUMBER_GRAM else frozenset()
        choices.append("(" + " OR ".join(f'"x{choice}"' for choice in (word[:LONGEST_WORD], *sorted(near))) + ")")
    return [*found, "(" + " AND ".join(choices) + ")"] if choices else found


def score(new: Patient, new_keys: SearchKeys, old: Patient, old_keys: SearchKeys) -> DuplicateCandidate:
    """How likely two records are the same person, and why."""
    found: dict[str, float] = {}
    if set(new_keys.identifiers) & set(old_keys.identifiers):
        found["identifier"] = _IDENTIFIER
    found |= _name_reason(new_keys, old_keys)
    contradiction = 0.0
    if new.birth_date is not None and old.birth_date is not None:
        if new.birth_date == old.birth_date and new.birth_date.day is not None:
            found["birth_date"] = _BIRTH_DATE
        elif new.birth_date.agrees_with(old.birth_date):
            found["birth_date"] = _BIRTH_DATE_IN_PART
        elif not _a_guess_apart(new.birth_date, old.birth_date):
            contradiction += _BIRTH_DATE_DIFFERS
    if set(new_keys.phones) & set(old_keys.phones):
        found["phone"] = _PHONE
    if new.village.strip() and new.village.strip().casefold() == old.village.strip().casefold():
        found["village"] = _VILLAGE
    if {new.sex, old.sex} == {Sex.MALE, Sex.FEMALE}:
        contradiction += _SEX_DIFFERS
    total = sum(found.values()) + contradiction
    if "name" in found and contradiction == 0.0:
        total += _NOTHING_AGAINST  # the same name and nothing known that speaks against it
    return DuplicateCandidate(old, round(min(1.0, max(0.0, total)), 3), tuple(found))


def _a_guess_apart(one: PartialDate, other: PartialDate) -> bool:
    """Whether both can be right: a year worked out from an age told at the door may be one off."""
    return None in (one.month, other.month) and abs(one.year - other.year) <= 1


def _name_reason(new: SearchKeys, old: SearchKeys) -> dict[str, float]:
    """The best likeness of the names: as written, as it sounds, or a letter apart."""
    if set(new.han_names) & set(old.han_names):
        return {"name": _NAME}
    if new.latin_words and set(new.latin_words) == set(old.latin_words):
        return {"name": _NAME}
    if _spelled(new) & _spelled(old):
        return {"name_sound": _NAME_SOUND}
    if _close(new.latin_words, old.latin_words):
        return {"name_close": _NAME_CLOSE}
    return {}


def _spelled(keys: SearchKeys) -> set[str]:
    """The names in letters, in one piece, in both orders for those written in letters."""
    spelled = {"".join(syllables) for syllables in keys.readings}
    if keys.latin_words:
        spelled |= {"".join(keys.latin_words), "".join((*keys.latin_words[1:], keys.latin_words[0]))}
    return spelled


def _close(new: tuple[str, ...], old: tuple[str, ...]) -> bool:
    """Whether each word has its like, equal or one typo apart."""
    return (
        1 < len(new) <= _MOST_WORDS
        and len(new) == len(old)
        and all(any(word == other or one_edit_apart(word, other) for other in old) for word in new)
    )


def _number_expression(number: str) -> str:
    return "(" + " AND ".join(f'"d{gram}"' for gram in dict.fromkeys(number_grams(number)[:LONGEST_WORD])) + ")"
