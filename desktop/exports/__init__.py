"""Files out: reports as paper (PDF) and as data (FHIR R4), recovery cards, page images for a preview.

May import `inference` and everything below it; never `store`, `intake`, `workflow` or a user interface. Nothing here
writes a file or leaves plain text on a disk: every exporter turns records into bytes in memory.
"""

from collections.abc import Mapping

from desktop.exports.bundle import Exporter, ReportBundle
from desktop.i18n import Language


def _pdf(bundle: ReportBundle, languages: tuple[Language, ...]) -> bytes:
    from desktop.exports import pdf

    return pdf.render(bundle, languages)


def _fhir(bundle: ReportBundle, languages: tuple[Language, ...]) -> bytes:
    from desktop.exports import fhir

    return fhir.render(bundle, languages)


# Each is fetched when it is wanted, or by `warm_up`: the unlock screen need not wait for them.
EXPORTERS: Mapping[str, Exporter] = {
    "pdf": Exporter(media_type="application/pdf", suffix=".pdf", render=_pdf),
    "fhir": Exporter(media_type="application/fhir+json", suffix=".json", render=_fhir),
}
"""How a report can leave, by the name the command line and the window use."""


def warm_up() -> None:
    """Load what makes reports now, in the background, so that the day's first one is as quick as the others.

    Raises KnownFailure (`report.no_fonts`) where the bundled fonts are missing.
    """
    from desktop.exports import fhir, paper_fonts, paper_image, pdf  # noqa: F401  the first report needs `pdf`

    fhir.load_models()
    paper_image.load_libraries()
    paper_fonts.bundled_fonts()


__all__ = ["EXPORTERS", "Exporter", "ReportBundle", "warm_up"]
