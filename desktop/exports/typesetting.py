"""Words to PDF/A by Typst, in memory: a template of ours, and data that is never read as markup.

The data reach the template as one JSON text (`sys.inputs`), so that a name can hold nothing but a name. No plain text
touches the disk. Typst is imported on first use only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from desktop.exports.paper_fonts import PaperFonts
from desktop.i18n import Language
from desktop.i18n.catalogue import resource_folder

_PDF_STANDARD: Literal["a-2u"] = "a-2u"
"""PDF/A-2, level u: made to be kept, and every character can be searched and copied (ISO 19005-2)."""

_REGIONS = {Language.ENGLISH: "gb", Language.CHINESE: "cn"}


def template_folder() -> Path:
    """Where our templates lie."""
    return resource_folder() / "templates"


def typeset(template: str, paper: object, language: Language, fonts: PaperFonts, moment: datetime) -> bytes:
    """The PDF of a template filled with a paper, the same bytes for the same input.

    template: a file name under `resources/templates`. paper: a dataclass of texts. language: the one that leads.
    moment: what the file says of its making; it must have a time zone.
    """
    import typst

    if not is_dataclass(paper) or isinstance(paper, type):
        raise TypeError("a paper is a dataclass")
    setting: Mapping[str, object] = {
        "families": fonts.families,
        "bold": fonts.has_bold,
        "language": language.value,
        "region": _REGIONS[language],
    }
    folder = template_folder()
    return typst.compile(
        folder / template,
        root=folder,
        font_paths=fonts.handle,
        ignore_system_fonts=True,
        sys_inputs={"data": json.dumps({"paper": asdict(paper), "setting": setting}, ensure_ascii=False)},
        pdf_standards=[_PDF_STANDARD],
        timestamp=int(moment.timestamp()),
    )
