"""Patient search: every word must match, each in any field; starts of fields before inner parts before typos."""

import json
import re
import string
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from itertools import pairwise

from desktop.store.rows import Rows
from desktop.store.search_keys import (
    HAN_GRAM,
    LONGEST_EDGE,
    LONGEST_WORD,
    NUMBER_GRAM,
    SearchKeys,
    latin_key,
    number_key,
    words,
)
from desktop.store.sounds import Syllables, is_han

_MOST_WORDS = 8
_PAGE = 200
_MOST_LOOKED_AT = 2000
_SHORTEST_FORGIVEN = 4
_MOST_FORGIVEN = 200


_HEX = re.compile(r"[0-9a-f]{8,32}")
_UUID_PARTS = (8, 12, 16, 20)


class Rank(IntEnum):
    """How good a hit is."""

    START = 0
    INSIDE = 1
    TYPO = 2


@dataclass(frozen=True)
class Word:
    """One word of a query. han: its 汉字, or empty. latin: letters and digits for names; number: for numbers. identity:
    a patient's own id, or at least its first eight characters, if the word can be that."""

    han: str
    latin: str
    number: str
    forgiven: frozenset[str] = frozenset()
    identity: str = ""


@dataclass(frozen=True)
class Reason:
    """Why a word matched."""

    rank: Rank
    field: str


def parse(text: str) -> list[Word]:
    """The words of a query; 汉字 and letters that touch are two words. At most eight."""
    found = []
    for part in _split_scripts(re.sub(r"[,;，、；]", " ", text)).split():
        if is_han(part[0]):
            found.append(Word(part, "", ""))
        elif latin_key(part) or number_key(part):
            found.append(Word("", latin_key(part), number_key(part), identity=_identity(number_key(part))))
    return found[:_MOST_WORDS]


def _identity(text: str) -> str:
    """The id, or the start of one, as it is written; empty for what is none."""
    if not _HEX.fullmatch(text):
        return ""
    bounds = (0, *_UUID_PARTS, len(text))
    return "-".join(filter(None, (text[start:end] for start, end in pairwise(bounds))))


def _split_scripts(text: str) -> str:
    """The text with a space wherever 汉字 meet something else; the dot in transcribed names is dropped."""
    parts: list[str] = []
    for character in text:
        if character in "·•・‧":
            continue
        if parts and is_han(parts[-1]) != is_han(character):
            parts.append(" ")
        parts.append(character)
    return "".join(parts)


def explain(keys: SearchKeys, word: Word, ids: Collection[str] = ()) -> Reason | None:
    """The best way in which a word matches a patient, or None. ids: of the records that were asked for by id and that
    this one stands for."""
    if word.identity and any(identity.startswith(word.identity) for identity in ids):
        return Reason(Rank.START, "id")
    reasons = _han_reasons(keys, word) if word.han else (*_latin_reasons(keys, word), *_number_reasons(keys, word))
    return min(reasons, key=lambda reason: reason.rank, default=None)


def _han_reasons(keys: SearchKeys, word: Word) -> list[Reason]:
    found = []
    for field, texts in (("name", keys.han_names), ("village", (keys.village,))):
        for text in texts:
            if word.han in text:
                found.append(Reason(Rank.START if text.startswith(word.han) else Rank.INSIDE, field))
    return found


def _latin_reasons(keys: SearchKeys, word: Word) -> list[Reason]:
    text = word.latin
    if not text:
        return []
    found = []
    for candidate in keys.latin_words:
        if text in candidate and (len(text) > 1 or candidate.startswith(text)):
            found.append(Reason(Rank.START if candidate.startswith(text) else Rank.INSIDE, "name"))
    for syllables in keys.readings:
        found += _syllable_reasons(syllables, text)
    starts = ("".join(keys.village_reading[place:]) for place in range(len(keys.village_reading)))
    if any(start.startswith(text) for start in (*starts, *keys.village_words)) or _initials(
        keys.village_reading
    ).startswith(text):
        found.append(Reason(Rank.INSIDE, "village"))
    if not found and word.forgiven and not word.forgiven.isdisjoint(words(keys)):
        found.append(Reason(Rank.TYPO, "typo"))
    return found


def _syllable_reasons(syllables: Syllables, text: str) -> list[Reason]:
    found = []
    initials = _initials(syllables)
    for place in range(len(syllables)):
        rank = Rank.INSIDE if place else Rank.START
        if "".join(syllables[place:]).startswith(text):
            found.append(Reason(rank, "pinyin"))
        if len(text) > 1 and initials[place:].startswith(text):
            found.append(Reason(rank, "initials"))
    return found


def _number_reasons(keys: SearchKeys, word: Word) -> list[Reason]:
    found = []
    fields = (("phone", keys.phones), ("identifier", keys.identifiers), ("card", (keys.card,)))
    for field, numbers in fields:
        for number in numbers:
            if word.number and word.number in number:
                start = number.startswith(word.number)
                if start or _has_digit(word.number):
                    found.append(Reason(Rank.START if start else Rank.INSIDE, field))
    return found


def _initials(syllables: Syllables) -> str:
    return "".join(syllable[0] for syllable in syllables)


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _expression(word: Word, rank: Rank) -> str:
    """The FTS5 expression of a word: everything that may match it at this rank or a better one. Of a very long word the
    index is asked for the beginning; the fields decide."""
    if word.han:
        alternatives = _han_alternatives(word.han[:LONGEST_WORD], rank)
    else:
        asked = replace(word, latin=word.latin[:LONGEST_WORD])
        alternatives = [*_latin_alternatives(asked, rank), *_number_alternatives(word.number[:LONGEST_WORD], rank)]
    return "(" + " OR ".join(alternatives) + ")"


def _han_alternatives(text: str, rank: Rank) -> list[str]:
    head = text[:HAN_GRAM]
    inner = _all_of("b", (text[start : start + HAN_GRAM] for start in range(len(text) - HAN_GRAM + 1)))
    village = _all_of("v", (text[start : start + HAN_GRAM] for start in range(len(text) - HAN_GRAM + 1)))
    if rank is Rank.START:
        if len(text) <= HAN_GRAM:
            return [_token("a" + head), _token("u" + head)]
        return [f"({_token('a' + head)} AND {inner})", f"({_token('u' + head)} AND {village})"]
    if len(text) <= HAN_GRAM:
        return [_token("b" + head), _token("v" + head)]
    return [inner, village]


def _latin_alternatives(word: Word, rank: Rank) -> list[str]:
    text = word.latin
    if not text:
        return []
    short = len(text) <= LONGEST_EDGE
    kinds = "pil" if rank is Rank.START else "pilqjw"
    head = text[:LONGEST_EDGE]
    found = [_token(kind + head) for kind in kinds]
    if not short:
        # Longer than any edge: the edge narrows down, a word that starts so decides.
        whole = f"{_token('x' + text)} *"
        found = [whole, *(found[3:] if rank is not Rank.START else [])]
    if rank is not Rank.START and len(text) > 1:
        length = min(3, len(text))
        found.append(_all_of("m", (text[start : start + length] for start in range(len(text) - length + 1))))
    if rank is Rank.TYPO:
        found += [_token("x" + candidate) for candidate in sorted(word.forgiven)]
    return found


def _number_alternatives(text: str, rank: Rank) -> list[str]:
    if not text:
        return []
    inner = _all_of("d", (text[start : start + NUMBER_GRAM] for start in range(len(text) - NUMBER_GRAM + 1)))
    start = _token("s" + text[:NUMBER_GRAM])
    if rank is Rank.START or not _has_digit(text):
        return [start] if len(text) <= NUMBER_GRAM else [f"({start} AND {inner})"]
    return [inner] if len(text) >= NUMBER_GRAM else [f"{_token('d' + text)} *"]


def _all_of(kind: str, pieces: Iterator[str]) -> str:
    return "(" + " AND ".join(_token(kind + piece) for piece in dict.fromkeys(pieces)) + ")"


def _token(text: str) -> str:
    return f'"{text}"'


def candidates(rows: Rows, query: Sequence[Word], rank: Rank) -> Iterator[int]:
    """Keys of patients whose tokens allow a match of at least this rank, the latest registered first. At most 2,000."""
    expression = " AND ".join(_expression(word, rank) for word in query)
    last = 1 << 62
    for _ in range(_MOST_LOOKED_AT // _PAGE):
        found = rows.all(
            "SELECT rowid FROM patient_search WHERE patient_search MATCH ? AND rowid < ? ORDER BY rowid DESC LIMIT ?",
            (expression, last, _PAGE),
        )
        for (key,) in found:
            yield key
        if len(found) < _PAGE:
            return
        last = found[-1][0]


def named_by_id(rows: Rows, query: Sequence[Word]) -> dict[str, int]:
    """Id and key of the records that words of the query name; a start that several ids have names nobody."""
    found: dict[str, int] = {}
    for word in query:
        if word.identity:
            named = rows.all(
                "SELECT id, key FROM patients WHERE id >= ? AND id < ? LIMIT 2", (word.identity, word.identity + "g")
            )
            found |= dict(named) if len(named) == 1 else {}
    return found


def with_typos(rows: Rows, query: Sequence[Word]) -> list[Word]:
    """The query with, for each Latin word, the known words that are one typo away."""
    return [
        replace(word, forgiven=forgiven_words(rows, word.latin))
        if len(word.latin) >= _SHORTEST_FORGIVEN and not _has_digit(word.latin)
        else word
        for word in query
    ]


def forgiven_words(rows: Rows, text: str) -> frozenset[str]:
    """Known words one edit away: a letter wrong, missing, too much, or two neighbours swapped.

    Every such spelling is looked up, some fifty for each letter: the cost does not grow with the number of patients,
    but with the square of the word's length; none is forgiven in what is too long for a word.
    """
    if len(text) > LONGEST_WORD:
        return frozenset()
    found = rows.all(
        "SELECT word FROM search_words WHERE word IN (SELECT value FROM json_each(?)) LIMIT ?",
        (json.dumps(sorted(_one_edit_away(text))), _MOST_FORGIVEN),
    )
    return frozenset(word for (word,) in found)


def _one_edit_away(text: str) -> set[str]:
    cuts = [(text[:place], text[place:]) for place in range(len(text) + 1)]
    near = {head + tail[1:] for head, tail in cuts if tail}
    near |= {head + tail[1] + tail[0] + tail[2:] for head, tail in cuts if len(tail) > 1}
    for letter in string.ascii_lowercase:
        near |= {head + letter + tail for head, tail in cuts}
        near |= {head + letter + tail[1:] for head, tail in cuts if tail}
    return near - {text}


def one_edit_apart(first: str, second: str) -> bool:
    """Whether two different words are one substitution, insertion, deletion or swap of neighbours apart."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    place = 0
    while place < len(first) and first[place] == second[place]:
        place += 1
    if len(first) < len(second):
        return first[place:] == second[place + 1 :]
    if first[place + 1 :] == second[place + 1 :]:
        return True
    return first[place : place + 2] == second[place : place + 2][::-1] and first[place + 2 :] == second[place + 2 :]
