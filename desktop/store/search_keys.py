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
from itertools import groupby
from typing import TypeVar

from desktop.records import HumanName, Patient
from desktop.store.sounds import Syllables, is_han, name_readings, place_reading

T = TypeVar("T")

LONGEST_EDGE = 6
LONGEST_WORD = 100  # characters of a word, syllables of a name that are read; what is longer is nobody's name
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
    written = [_parts_of(text) for name in patient.names for text in _written_forms(name)]
    han_names = _unique(part for han, _ in written for part in han)
    village, village_words = _parts_of(patient.village)
    return SearchKeys(
        han_names=han_names,
        readings=_unique(reading for name in han_names for reading in name_readings(name[:LONGEST_WORD])),
        latin_words=_unique(word for _, latin in written for word in latin),
        phones=_unique(filter(None, map(number_key, patient.phones))),
        identifiers=_unique(filter(None, [number_key(identifier.value) for identifier in patient.identifiers])),
        card=number_key(patient.card_number),
        village="".join(village),
        village_reading=place_reading("".join(village)[:LONGEST_WORD]),
        village_words=_unique(village_words),
        birth_year=f"{patient.birth_date.year:04d}" if patient.birth_date else "",
    )


def number_key(text: str) -> str:
    """A phone, card or identifier as it is compared: letters and digits only, lower case."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return "".join(filter(str.isalnum, plain.casefold()))


def latin_key(text: str) -> str:
    """A Latin word as it is compared: lower case, no accents, no hyphens; ü is `v`, as pinyin is typed."""
    if text.isascii():
        return "".join(filter(str.isalnum, text.lower()))
    lowered = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", text).casefold()).translate(_LETTERS)
    plain = unicodedata.normalize("NFKD", lowered)
    return "".join(character for character in plain if character.isascii() and character.isalnum())


def tokens(keys: SearchKeys) -> set[str]:
    """All tokens of a patient."""
    return set(token_text(keys).split(" "))


def token_text(keys: SearchKeys) -> str:
    """All tokens of a patient with spaces between them, some more than once.

    What names and villages contribute is remembered: many people share them, and a clinic's whole register is loaded in
    one go when it comes from elsewhere.
    """
    parts = [
        *map(_name_text, keys.han_names),
        *map(_reading_text, keys.readings),
        *map(_word_text, keys.latin_words),
        *map(_number_text, filter(None, (*keys.phones, *keys.identifiers, keys.card))),
    ]
    if village := _village_text(keys.village, keys.village_reading, keys.village_words):
        parts.append(village)
    if keys.birth_year:
        parts.append("y" + keys.birth_year)
    return " ".join(parts)


def words(keys: SearchKeys) -> set[str]:
    """Whole words in which one typo is forgiven: Latin words, whole pinyin names, given names and single syllables."""
    found = {word[:LONGEST_WORD] for word in (*keys.latin_words, *keys.village_words)}
    for syllables in keys.readings:
        found |= _reading_words(syllables)
    return found


def edges(kind: str, word: str) -> Iterator[str]:
    """Tokens for the starts of a word, up to the longest edge."""
    return (kind + word[:length] for length in range(1, min(LONGEST_EDGE, len(word)) + 1))


def grams(text: str, longest: int) -> Iterator[str]:
    """All pieces of 1 to `longest` characters."""
    return (text[start : start + length] for length in range(1, longest + 1) for start in range(len(text) - length + 1))


def number_grams(number: str) -> list[str]:
    """All pieces of four characters, the last ones padded."""
    padded = number + PAD * (NUMBER_GRAM - 1)
    return [padded[start : start + NUMBER_GRAM] for start in range(len(number))]


def number_text(text: str) -> str:
    """The tokens of one number, with spaces between them."""
    number = number_key(text)
    return _number_text(number) if number else ""


def _number_text(number: str) -> str:
    # Not remembered: hardly anybody shares one.
    starts = ["s" + number[:length] for length in range(1, min(NUMBER_GRAM, len(number)) + 1)]
    return f"{' '.join(starts)} d{' d'.join(number_grams(number))}"


@lru_cache(maxsize=_REMEMBERED)
def _name_text(name: str) -> str:
    starts = ("a" + name[:length] for length in range(1, min(HAN_GRAM, len(name)) + 1))
    return " ".join((*starts, *("b" + gram for gram in grams(name, HAN_GRAM))))


@lru_cache(maxsize=_REMEMBERED)
def _reading_text(syllables: Syllables) -> str:
    starts = (*edges("p", "".join(syllables)), *edges("i", _initials(syllables)))
    return " ".join((*starts, *("x" + word for word in _reading_words(syllables)), *_later_tokens(syllables[1:])))


@lru_cache(maxsize=_REMEMBERED)
def _later_tokens(syllables: Syllables) -> tuple[str, ...]:
    """Those from a later syllable on: of the given name, which more people share than the whole."""
    found: list[str] = []
    for start in range(len(syllables)):
        found += edges("q", "".join(syllables[start:]))
        found += edges("j", _initials(syllables[start:]))
    return tuple(found)


@lru_cache(maxsize=_REMEMBERED)
def _reading_words(syllables: Syllables) -> frozenset[str]:
    starts = ("".join(syllables[start:]) for start in range(len(syllables)))
    return frozenset((*starts, *("".join(syllables[:end]) for end in range(1, len(syllables)))))


@lru_cache(maxsize=_REMEMBERED)
def _word_text(word: str) -> str:
    inner = ("m" + word[start : start + length] for length in (2, 3) for start in range(1, len(word) - length + 1))
    return " ".join(("x" + word[:LONGEST_WORD], *edges("l", word), *inner))


@lru_cache(maxsize=_REMEMBERED)
def _village_text(village: str, reading: Syllables, village_words: tuple[str, ...]) -> str:
    found = ["u" + village[:length] for length in range(1, min(HAN_GRAM, len(village)) + 1)]
    found += ("v" + gram for gram in grams(village, HAN_GRAM))
    for start in range(len(reading)):
        found += edges("w", "".join(reading[start:]))
    found += edges("w", _initials(reading))
    for word in village_words:
        found += ("x" + word[:LONGEST_WORD], *edges("w", word))
    return " ".join(found)


def _initials(syllables: Syllables) -> str:
    return "".join([syllable[0] for syllable in syllables])


def _written_forms(name: HumanName) -> Iterator[str]:
    yield name.display
    if name.text.strip():
        yield f"{name.family} {' '.join(name.given)}"


@lru_cache(maxsize=_REMEMBERED)
def _parts_of(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A text's runs of 汉字, joined over the dot in transcribed names, and its words of letters."""
    if text.isascii():
        return (), tuple(_latin_words(text))
    joined = "".join(character for character in text if character not in _JOINERS)
    runs = ["".join(run) for together, run in groupby(joined, is_han) if together]
    rest = "".join(" " if is_han(character) else character for character in text)
    return tuple(runs), tuple(_latin_words(rest))


def _latin_words(text: str) -> list[str]:
    """Words of letters, each whole and, where it is hyphenated, in parts."""
    found: list[str] = []
    for word in _SEPARATORS.split(text.strip()):
        parts = _PARTS.split(word)
        for piece in [word, *parts] if len(parts) > 1 else [word]:
            key = latin_key(piece)
            found += [key, key.replace("v", "u")] if "ü" in unicodedata.normalize("NFC", piece).lower() else [key]
    return [word for word in found if word]


def _unique(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
