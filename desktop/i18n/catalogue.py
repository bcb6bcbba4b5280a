"""Sentence catalogues: one flat JSON file per language and area under `resources/translations`."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from desktop.errors import UserFacingError

_log = logging.getLogger(__name__)


class Language(StrEnum):
    """Languages of the interface, by BCP 47 tag."""

    ENGLISH = "en"
    CHINESE = "zh"

    @property
    def own_name(self) -> str:
        """The language's name in itself, for the language switch."""
        return {"en": "English", "zh": "简体中文"}[self.value]


def resource_folder() -> Path:
    """Folder of `resources/`: beside the package in a checkout, inside it in an installed wheel."""
    package = Path(__file__).resolve().parent.parent
    bundled = package / "_bundle" / "resources"
    return bundled if bundled.is_dir() else package.parent / "resources"


@cache
def catalogue(language: Language) -> Mapping[str, str]:
    """All sentences of a language by key. Raises ValueError where two areas define one key."""
    sentences: dict[str, str] = {}
    for path in sorted((resource_folder() / "translations" / language.value).glob("*.json")):
        for key, sentence in json.loads(path.read_text(encoding="utf-8")).items():
            if key in sentences:
                raise ValueError(f"{path.name} defines {key} again")
            sentences[key] = sentence
    return sentences


@dataclass(frozen=True)
class ErrorText:
    """An error in words: what happened, and what to do."""

    message: str
    advice: str


@dataclass(frozen=True)
class Translator:
    """Renders sentences in one language."""

    language: Language

    def text(self, key: str, **details: object) -> str:
        """The sentence for `key` with its {fields} filled in.

        With a `count` of 1 the sentence `key.one` is taken where there is one. A key nobody wrote gives the key
        itself: a strange word on the screen is better than a crash in a consultation (the tests refuse both).
        """
        sentences = catalogue(self.language)
        sentence = sentences.get(f"{key}.one") if details.get("count") == 1 else None
        sentence = sentence or sentences.get(key) or catalogue(Language.ENGLISH).get(key)
        if sentence is None:
            _log.error("no sentence for key %s", key)
            return key
        return sentence.format_map(details) if details else sentence

    def error(self, error: UserFacingError) -> ErrorText:
        """What happened and what to do, in words."""
        return ErrorText(self.text(error.key, **error.details), self.text(f"{error.key}.advice", **error.details))
