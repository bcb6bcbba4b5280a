"""What a patient can be found by, and the tokens under which the search index files it.

FTS5 serves as a plain inverted index of our own tokens: its trigram tokenizer finds nothing for two Chinese characters,
and a word such as `wangxm` has no words in it. A token is one letter for its kind and the text:

    a, b    first / any 1 to 3 characters of a name        p, q    start of a pinyin name / from a later syllable
    i, j    initials from the first / a later syllable      l, m    start of a Latin word / any 2 or 3 letters of it
    s, d    start / any 4 digits of a number                u, v    first / any 1 to 3 characters of a village
    w       start of a village's pinyin or Latin word       x       a whole word, where one typo is looked for
    y       year of birth, which only the search for duplicates asks for
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from desktop.records import HumanName, Patient
from desktop.store.sounds import Syllables, is_han, name_readings, place_reading

T = TypeVar("T")

LONGEST_EDGE = 6
HAN_GRAM = 3
NUMBER_GRAM = 4
PAD = "¶"  # fills the last number grams, so that a short query is a plain prefix of them

_REMEMBERED = 1 << 14
_JOINERS = "·•・‧.'’-‐"
_SEPARATORS = re.compile(r"[\s,;/()，、；（）]+")
_PARTS = re.compile(f"[{re.escape(_JOINERS)}]+")
_LETTERS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i", "ü": "v"})


@dataclass(frozen=True)
class SearchKeys:
    """A patient's fields in the form in which they are compared.

    Stored beside the record, so that a hit can be explained without reading pinyin again. readings: of names, spelled
    by syllable. phones, identifiers, card: letters and digits only, lower case.
    """

    han_names: tuple[str, ...]
    readings: tuple[Syllables, ...]
    latin_words: tuple[str, ...]
    phones: tuple[str, ...]
    identifiers: tuple[str, ...]
    card: str
    village: str
    village_reading: Syllables
    village_words: tuple[str, ...]
    birth_year: str


def keys_of(patient: Patient) -> SearchKeys:
    """The keys of a patient's record."""
    han, latin = [], []
    for name in patient.names:
        for text in _written_forms(name):
            han += _han_parts(text)
            latin += _latin_words(text)
    han_names = _unique(han)
    village = _han_parts(patient.village)
    return SearchKeys(
        han_names=han_names,
        readings=_unique(reading for name in han_names for reading in name_readings(name)),
        latin_words=_unique(latin),
        phones=_unique(filter(None, (number_key(phone) for phone in patient.phones))),
        identifiers=_unique(filter(None, (number_key(identifier.value) for identifier in patient.identifiers))),
        card=number_key(patient.card_number),
        village="".join(village),
        village_reading=place_reading("".join(village)),
        village_words=_unique(_latin_words(patient.village)),
        birth_year=f"{patient.birth_date.year:04d}" if patient.birth_date else "",
    )


def number_key(text: str) -> str:
    """A phone, card or identifier as it is compared: letters and digits only, lower case."""
    return "".join(character for character in unicodedata.normalize("NFKC", text).casefold() if character.isalnum())


def latin_key(text: str) -> str:
    """A Latin word as it is compared: lower case, no accents, no hyphens; ü is `v`, as pinyin is typed."""
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", lowered)
    return "".join(character for character in plain if character.isascii() and character.isalnum())


def tokens(keys: SearchKeys) -> set[str]:
    """All tokens of a patient.

    What names and villages contribute is remembered: many people share them, and a clinic's whole register is loaded in
    one go when it comes from elsewhere.
    """
    found: set[str] = set()
    for name in keys.han_names:
        found |= _name_tokens(name)
    for syllables in keys.readings:
        found |= _reading_tokens(syllables)
    for word in (*keys.latin_words, *keys.village_words):
        found.add("x" + word)
    for word in keys.latin_words:
        found |= _word_tokens(word)
    for number in (*keys.phones, *keys.identifiers, keys.card):
        found.update(["s" + number[:length] for length in range(1, min(NUMBER_GRAM, len(number)) + 1)])
        found.update(["d" + gram for gram in number_grams(number)])
    found |= _village_tokens(keys.village, keys.village_reading, keys.village_words)
    if keys.birth_year:
        found.add("y" + keys.birth_year)
    return found


def words(keys: SearchKeys) -> set[str]:
    """Whole words in which one typo is forgiven: Latin words, whole pinyin names, given names and single syllables."""
    found = set(keys.latin_words) | set(keys.village_words)
    for syllables in keys.readings:
        found |= _reading_words(syllables)
    return found


def edges(kind: str, word: str) -> Iterator[str]:
    """Tokens for the starts of a word, up to the longest edge."""
    return (kind + word[:length] for length in range(1, min(LONGEST_EDGE, len(word)) + 1))


def grams(text: str, longest: int) -> Iterator[str]:
    """All pieces of 1 to `longest` characters."""
    return (text[start : start + length] for length in range(1, longest + 1) for start in range(len(text) - length + 1))


def number_grams(number: str) -> Iterator[str]:
    """All pieces of four characters, the last ones padded."""
    padded = number + PAD * (NUMBER_GRAM - 1)
    return (padded[start : start + NUMBER_GRAM] for start in range(len(number)))


@lru_cache(maxsize=_REMEMBERED)
def _name_tokens(name: str) -> frozenset[str]:
    starts = ("a" + name[:length] for length in range(1, min(HAN_GRAM, len(name)) + 1))
    return frozenset((*starts, *("b" + gram for gram in grams(name, HAN_GRAM))))


@lru_cache(maxsize=_REMEMBERED)
def _reading_tokens(syllables: Syllables) -> frozenset[str]:
    found: set[str] = set()
    for start in range(len(syllables)):
        found.update(edges("q" if start else "p", "".join(syllables[start:])))
        found.update(edges("j" if start else "i", "".join(syllable[0] for syllable in syllables[start:])))
    found.update("x" + word for word in _reading_words(syllables))
    return frozenset(found)


@lru_cache(maxsize=_REMEMBERED)
def _reading_words(syllables: Syllables) -> frozenset[str]:
    starts = ("".join(syllables[start:]) for start in range(len(syllables)))
    return frozenset((*starts, *("".join(syllables[:end]) for end in range(1, len(syllables)))))


@lru_cache(maxsize=_REMEMBERED)
def _word_tokens(word: str) -> frozenset[str]:
    inner = ("m" + word[start : start + length] for length in (2, 3) for start in range(1, len(word) - length + 1))
    return frozenset((*edges("l", word), *inner))


@lru_cache(maxsize=_REMEMBERED)
def _village_tokens(village: str, reading: Syllables, village_words: tuple[str, ...]) -> frozenset[str]:
    found = {"u" + village[:length] for length in range(1, min(HAN_GRAM, len(village)) + 1)}
    found.update("v" + gram for gram in grams(village, HAN_GRAM))
    for start in range(len(reading)):
        found.update(edges("w", "".join(reading[start:])))
    found.update(edges("w", "".join(syllable[0] for syllable in reading)))
    for word in village_words:
        found.update(edges("w", word))
    return frozenset(found)


def _written_forms(name: HumanName) -> Iterator[str]:
    yield name.display
    if name.text.strip():
        yield f"{name.family} {' '.join(name.given)}"


def _han_parts(text: str) -> list[str]:
    """Runs of 汉字, joined over the dot in transcribed names."""
    joined = "".join(character for character in text if character not in _JOINERS)
    return ["".join(run) for run in _runs(joined)]


def _runs(text: str) -> list[list[str]]:
    runs: list[list[str]] = [[]]
    for character in text:
        if is_han(character):
            runs[-1].append(character)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _latin_words(text: str) -> list[str]:
    """Words of letters, each whole and, where it is hyphenated, in parts."""
    rest = "".join(" " if is_han(character) else character for character in text).strip()
    found: list[str] = []
    for word in _SEPARATORS.split(rest) if rest else ():
        parts = _PARTS.split(word)
        for piece in [word, *parts] if len(parts) > 1 else [word]:
            key = latin_key(piece)
            found += [key, key.replace("v", "u")] if "ü" in unicodedata.normalize("NFC", piece).lower() else [key]
    return [word for word in found if word]


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
