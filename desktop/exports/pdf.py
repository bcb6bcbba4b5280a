"""The report on paper: A4, in one language or both, searchable, with the bundled fonts embedded."""

from desktop.exports.bundle import ReportBundle
from desktop.exports.paper_fonts import PaperFonts, Typecase, bundled_fonts
from desktop.exports.paper_report import paper_report
from desktop.exports.typesetting import typeset
from desktop.exports.words import Words
from desktop.i18n import Language


def render(bundle: ReportBundle, languages: tuple[Language, ...]) -> bytes:
    """The report as PDF/A-2u; content nobody has signed becomes a draft with a watermark.

    languages: the first leads. The doctor's own words stand once, as written. The same bundle gives the same bytes.
    Raises KnownFailure (`report.no_fonts`) where the bundled fonts are missing.
    """
    return render_with(bundle, languages, bundled_fonts())


def render_with(bundle: ReportBundle, languages: tuple[Language, ...], fonts: PaperFonts) -> bytes:
    """As `render`, with other fonts."""
    paper = paper_report(bundle, Words(languages), Typecase(fonts))
    return typeset("report.typ", paper, languages[0], fonts, bundle.content.signed)
