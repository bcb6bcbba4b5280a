"""The texts a report starts from. They only ask; nothing is filled in, because missing is never normal."""

from desktop.exports.typesetting import template_folder
from desktop.i18n import Language


def default_findings(language: Language) -> str:
    """The prompts for the findings of a child's chest film, one a line, each to be answered or deleted."""
    path = template_folder() / f"findings_{language.value}.txt"
    return path.read_text(encoding="utf-8").rstrip("\n")
