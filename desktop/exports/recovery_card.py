"""The recovery card on paper: the one thing that opens a clinic when every passphrase is forgotten."""

from dataclasses import dataclass
from datetime import datetime

from desktop.exports.paper_fonts import PaperFonts, Typecase, bundled_fonts
from desktop.exports.paper_image import qr_svg
from desktop.exports.paper_patient import Field
from desktop.exports.typesetting import typeset
from desktop.exports.words import Words
from desktop.i18n import Language


@dataclass(frozen=True)
class RecoveryCardContent:
    """What the card says. code: as it is to be typed, groups apart by spaces or hyphens. created: with a time zone."""

    clinic_name: str
    code: str
    store_id: str
    created: datetime


@dataclass(frozen=True)
class PaperCard:
    """The card, ready to set. groups: of the code, in reading order."""

    title: str
    clinic: str
    groups: list[str]
    qr: str
    qr_note: str
    purpose: list[str]
    keeping: list[list[str]]
    fields: list[Field]
    warning: str
    hand: str


def render(card: RecoveryCardContent, languages: tuple[Language, ...]) -> bytes:
    """The card as PDF/A-2u, one A4 page. Its bytes are as secret as the code: print them, keep them nowhere."""
    return render_with(card, languages, bundled_fonts())


def render_with(card: RecoveryCardContent, languages: tuple[Language, ...], fonts: PaperFonts) -> bytes:
    """As `render`, with other fonts."""
    words = Words(languages)
    case = Typecase(fonts)
    rules = ("card.keep.print", "card.keep.apart", "card.keep.two", "card.keep.never", "card.keep.lost")
    paper = PaperCard(
        title=words.label("card.title"),
        clinic=case.line(card.clinic_name),
        groups=[case.line(group) for group in card.code.replace("-", " ").split()],
        qr=qr_svg(card.code),
        qr_note=words.label("card.qr_note"),
        purpose=list(words.sentences("card.purpose")),
        keeping=[list(words.sentences(rule)) for rule in rules],
        fields=[
            Field(words.label("card.created"), words.moment(card.created)),
            Field(words.label("card.store_id"), card.store_id, fine=True),
        ],
        warning=words.label("card.warning"),
        hand=words.label("card.kept_by"),
    )
    return typeset("recovery_card.typ", paper, languages[0], fonts, card.created)
