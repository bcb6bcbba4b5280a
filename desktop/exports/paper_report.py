"""What stands on a report's paper: every word ready to set, none of it markup.

The template `resources/templates/report.typ` decides where things stand; this module decides what they say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from desktop.exports.bundle import ReportBundle
from desktop.exports.paper_fonts import REPLACEMENT, Typecase
from desktop.exports.paper_image import film_svg, qr_svg
from desktop.exports.paper_patient import Field, patient_fields
from desktop.exports.words import Words, answer_words
from desktop.i18n import Language, Translator
from desktop.i18n.catalogue import catalogue
from desktop.imaging.geometry import Length
from desktop.imaging.measure_lines import CLOSED, strokes
from desktop.records import (
    Annotation,
    AnnotationKind,
    PartialDate,
    ReportContent,
    ReportedCount,
    ReportedFinding,
    ReportedSuggestion,
    SignedReport,
)

_CELL = 22
"""Letters in one run that a cell of the table can hold."""

_HEAD = 26
"""Characters of a name or a number in the head of a later page."""

_NAMED = 12
"""Characters without a font that the footer names one by one."""


@dataclass(frozen=True)
class Section:
    """A heading and the doctor's own lines."""

    heading: str
    lines: list[str]


@dataclass(frozen=True)
class Mark:
    """A drawing over the film. points: fractions of the film's width and height. closed: a region, not a line."""

    number: str
    points: list[tuple[float, float]]
    closed: bool


@dataclass(frozen=True)
class Film:
    """The picture, what is drawn on it and what is said below it. aspect: width over height."""

    svg: str
    aspect: float
    alternative: str
    marks: list[Mark]
    legend: list[str]


@dataclass(frozen=True)
class Row:
    """One finding: its name, what the model suggested, what the doctor decided, why; a line for each language.

    heading: instead of all that, which picture and model the rows below it are about.
    """

    finding: str
    suggested: str
    decided: str
    reason: str
    heading: str = ""


@dataclass(frozen=True)
class Decided:
    """The table of suggestions and decisions with its notes."""

    heading: str
    columns: list[str]
    rows: list[Row]
    notes: list[str]


@dataclass(frozen=True)
class Signature:
    """The block at the end. qr: an SVG, empty for a draft."""

    fields: list[Field]
    hand: str
    stamp: str
    qr: str
    qr_note: str


@dataclass(frozen=True)
class PaperReport:
    """A report, ready to set. warnings: framed lines at the top. watermark: large and grey behind the text."""

    title: str
    clinic: str
    warnings: list[str]
    watermark: str
    patient: list[Field]
    examination: list[Field]
    sections: list[Section]
    addenda: list[Section]
    film: Film | None
    decided: Decided
    signature: Signature
    running_head: str
    footer: list[str]


def paper_report(bundle: ReportBundle, words: Words, case: Typecase) -> PaperReport:
    """Everything the template sets. The footer comes last: it names the characters that could not be printed."""
    content = bundle.content
    return PaperReport(
        title=_heading("report.title", content, words),
        clinic=case.line(content.clinic_name),
        warnings=_warnings(bundle, words),
        watermark=_watermark(bundle, words),
        patient=patient_fields(content, words, case),
        examination=_examination(content, words, case),
        sections=[
            Section(_heading("report.findings", content, words), _lines(content.findings_text, words, case)),
            Section(words.label("report.impression"), _lines(content.impression, words, case)),
        ],
        addenda=_addenda(bundle.signed, words, case),
        film=_film(bundle, words, case),
        decided=_decided(content, words, case),
        signature=_signature(bundle, words, case),
        running_head=_running_head(content, words, case),
        footer=[*words.sentences("report.honest"), *_missing_characters(words, case)],
    )


def qr_text(report: SignedReport) -> str:
    """What the QR code says: format, report, its SHA-256, and the audit line it was signed after, number and hash.

    Upper case throughout, which QR packs tightest; hexadecimal does not mind.
    """
    content = report.content
    parts = (content.report, report.sha256, str(content.audit_sequence), content.audit_head)
    return ":".join(("LANTERN-REPORT", "1", *parts)).upper()


def _running_head(content: ReportContent, words: Words, case: Typecase) -> str:
    """Whose report a later page belongs to. Shortened: the first page has it whole, and a head has one line."""
    parts = [case.line(part) for part in (content.patient.display_name, content.patient.card_number) if part]
    shortened = [part if len(part) <= _HEAD else part[: _HEAD - 1] + "…" for part in parts]
    return " · ".join([*shortened, words.label("report.number") + " " + content.report])


def _lines(text: str, words: Words, case: Typecase) -> list[str]:
    return case.lines(text) or list(words.sentences("report.nothing_written"))


def _warnings(bundle: ReportBundle, words: Words) -> list[str]:
    warnings: list[str] = []
    if bundle.signed is None:
        warnings.append(words.label("report.draft"))
    elif bundle.signed.addenda:
        warnings.append(words.label("report.has_addenda", count=len(bundle.signed.addenda)))
    if bundle.content.synthetic:
        warnings.append(words.label("report.synthetic"))
    return warnings


def _watermark(bundle: ReportBundle, words: Words) -> str:
    keys = ["report.watermark.draft"] if bundle.signed is None else []
    keys += ["report.watermark.synthetic"] if bundle.content.synthetic else []
    return " · ".join(words.label(key) for key in keys)


def _term(translator: Translator, prefix: str, value: str) -> str:
    """A code's word where there is one (`report.body_part.CHEST`), else the code as the file wrote it."""
    key = f"{prefix}.{value.upper()}"
    return translator.text(key) if key in catalogue(translator.language) else value


def _heading(key: str, content: ReportContent, words: Words) -> str:
    """The heading for this kind of examination (`report.title.ECG`), else the one for films."""
    own = f"{key}.{content.modality.upper()}"
    return words.label(own if own in catalogue(words.languages[0]) else key)


def _examination(content: ReportContent, words: Words, case: Typecase) -> list[Field]:
    def kind(translator: Translator) -> str:
        modality = _term(translator, "report.modality", content.modality)
        part = _term(translator, "report.body_part", content.body_part)
        return translator.text("report.examination.of", kind=modality, part=part) if part else modality

    taken = words.label("report.unknown")
    if content.study_date:
        try:
            taken = words.date(PartialDate.parse(content.study_date))
        except ValueError:
            taken = case.line(content.study_date)
    return [
        Field(words.label("report.examination"), case.line(words.both(kind))),
        Field(words.label("report.study_date"), taken),
    ]


def _addenda(report: SignedReport | None, words: Words, case: Typecase) -> list[Section]:
    if report is None:
        return []
    sections = []
    for number, addendum in enumerate(report.addenda, 1):
        heading = words.label("report.addendum", number=number)
        signed = f"{case.line(addendum.author_name)} · {words.moment(addendum.signed)} · SHA-256 {addendum.sha256[:16]}"
        sections.append(Section(f"{heading} · {signed}", case.lines(addendum.text)))
    return sections


def _film(bundle: ReportBundle, words: Words, case: Typecase) -> Film | None:
    if bundle.image is None:
        return None
    rows, columns = bundle.image.shape
    drawn = bundle.drawings
    return Film(
        svg=film_svg(bundle.image),
        aspect=columns / rows,
        alternative=words.label("report.film", count=len(drawn)),
        marks=[mark for number, item in enumerate(drawn, 1) for mark in _marks(number, item, rows, columns)],
        legend=[
            *(_legend(number, item, bundle, words, case) for number, item in enumerate(drawn, 1)),
            words.label("report.film.reduced"),
            f"{words.label('report.image_sha256')} {bundle.content.image_sha256[:16]}",
        ],
    )


def _marks(number: int, annotation: Annotation, rows: int, columns: int) -> list[Mark]:
    """A mark for each line of a drawing, the number beside the first. Pixel centres are whole numbers, so the film's
    left edge lies at -0.5."""
    closed = annotation.kind in CLOSED
    marks: list[Mark] = []
    for line in strokes(annotation.kind, annotation.points):
        ends = line if len(line) > 1 else (line[0], (line[0][0] + 0.5, line[0][1]))
        fractions = [(_fraction(x, columns), _fraction(y, rows)) for x, y in ends]
        marks.append(Mark("" if marks else str(number), fractions, closed))
    return marks


def _fraction(position: float, pixels: int) -> float:
    return min(1.0, max(0.0, (position + 0.5) / pixels))


def _legend(number: int, annotation: Annotation, bundle: ReportBundle, words: Words, case: Typecase) -> str:
    kind = words.label(f"report.annotation.{annotation.kind.value}")
    if annotation.kind is AnnotationKind.COUNT:
        kind = f"{kind} {len(annotation.points)}"
    measured = bundle.lengths.get(annotation.id)
    parts = [kind if measured is None else f"{kind} {_length(measured, words)}", case.line(annotation.label, _CELL)]
    return f"{number}  " + " · ".join(part for part in parts if part)


def _length(length: Length, words: Words) -> str:
    if length.source is None:
        return f"{length.value:.0f} px ({words.label('report.spacing.none')})"
    return f"{length.value:.1f} mm ({words.label(f'report.spacing.{length.source.value}')})"


def _decided(content: ReportContent, words: Words, case: Typecase) -> Decided:
    columns = ("report.column.finding", "report.column.suggested", "report.column.decided")
    return Decided(
        heading=words.label("report.suggestion"),
        columns=["\n".join(words.sentences(key)) for key in columns],
        rows=[*_rows(content, words, case)],
        notes=[case.line(note, 2 * _CELL) for note in _notes(content, words)],
    )


def _rows(content: ReportContent, words: Words, case: Typecase) -> Iterator[Row]:
    """The findings; where there were several suggestions, below a heading for each."""
    for said in content.suggestions:
        yield _heading_row(_about(content, said, words), case)
        yield from (_row(finding, words, case) for finding in said.findings)
    if content.suggestions and content.findings:
        yield _heading_row(words.sentences("report.answer.added"), case)
    yield from (_row(finding, words, case) for finding in content.findings)


def _heading_row(lines: Iterable[str], case: Typecase) -> Row:
    return Row("", "", "", "", "\n".join(case.line(line, 2 * _CELL) for line in lines))


def _about(content: ReportContent, said: ReportedSuggestion, words: Words) -> tuple[str, ...]:
    """Which picture a suggestion is about, whose it is, and what came of it besides findings."""

    def line(translator: Translator) -> str:
        parts = [answer_words(translator, content, said)]
        if said.refusal:
            parts.append(translator.text("report.model_refused", reason=translator.text(said.refusal)))
        if said.counts:
            parts.append(_counted(said.counts, translator))
        return " · ".join(parts)

    return words.each(line)


def _row(finding: ReportedFinding, words: Words, case: Typecase) -> Row:
    def name(translator: Translator) -> str:
        return finding.name_zh if translator.language is Language.CHINESE else finding.name_en

    def suggested(translator: Translator) -> str:
        if finding.suggested is None:
            return translator.text("report.not_suggested")
        said = translator.text(f"report.decision.{finding.suggested.value}")
        return said if finding.probability is None else f"{said}\u00a0{_percent(finding.probability)}"

    def decided(translator: Translator) -> str:
        if finding.verdict is None:
            return translator.text("report.undecided")
        if finding.decided is None:
            return translator.text(f"report.verdict.{finding.verdict.value}.alone")
        value = translator.text(f"report.decision.{finding.decided.value}")
        return translator.text(f"report.verdict.{finding.verdict.value}", value=value)

    reason = case.line(finding.reason, _CELL)
    return Row(
        finding="\n".join(case.line(text, _CELL) for text in words.each(name)),
        suggested="\n".join(words.each(suggested)),
        decided="\n".join(words.each(decided)),
        reason=f"{words.label('report.reason')}: {reason}" if reason else "",
    )


def _counted(counts: tuple[ReportedCount, ...], translator: Translator) -> str:
    """What the model counted in a sentence."""
    said = []
    for count in counts:
        name = count.name_zh if translator.language is Language.CHINESE else count.name_en
        key = "report.count" if count.low is None else "report.count.between"
        said.append(translator.text(key, name=name, number=count.number, low=count.low, high=count.high))
    return translator.text("report.counted", counts=translator.text("report.counted.between").join(said))


def _percent(probability: float) -> str:
    """Whole per cent, never rounded to certainty."""
    if 0 < probability < 0.01:
        return "<1%"
    if 0.99 < probability < 1:
        return ">99%"
    return f"{probability * 100:.0f}%"


def _notes(content: ReportContent, words: Words) -> Iterator[str]:
    """What a reader must know of the suggestion: what made it, whether it came before the doctor's own reading."""
    if not content.said:
        yield from words.sentences("report.no_model")
        return
    if content.model_refusal:
        yield from words.each(
            lambda translator: translator.text("report.model_refused", reason=translator.text(content.model_refusal))
        )
    if content.counts:
        yield from words.each(lambda translator: _counted(content.counts, translator))
    suggested = any(one.findings or one.counts for one in content.said)
    if suggested:
        yield from words.sentences(f"report.read_{'first' if content.read_before_reveal else 'after'}")
    if any(finding.verdict is None for one in content.said for finding in one.findings):
        yield from words.sentences("report.undecided_note")
    models = {(one.model_name, one.model_version, one.model_sha256, one.model_device) for one in content.said}
    for name, version, sha256, device in sorted(models):
        yield from words.sentences("report.model", name=name, version=version, sha256=sha256[:12], device=device or "–")


def _signature(bundle: ReportBundle, words: Words, case: Typecase) -> Signature:
    content, report = bundle.content, bundle.signed
    fields = [Field(words.label("report.author"), case.line(content.author_name), strong=True)]
    if report is not None:
        fields += [
            Field(words.label("report.signed"), words.moment(content.signed)),
            Field(words.label("report.number"), content.report, fine=True),
            Field(words.label("report.sha256"), report.sha256[:16], fine=True),
            Field(words.label("report.audit"), f"{content.audit_sequence} · {content.audit_head[:16]}", fine=True),
        ]
    return Signature(
        fields=fields,
        hand=words.label("report.hand_signature"),
        stamp=words.label("report.stamp"),
        qr="" if report is None else qr_svg(qr_text(report)),
        qr_note="" if report is None else words.label("report.qr_note"),
    )


def _missing_characters(words: Words, case: Typecase) -> tuple[str, ...]:
    if not case.missing:
        return ()
    named = [f"U+{ord(character):04X}" for character in list(case.missing)[:_NAMED]]
    codes = ", ".join(named if len(case.missing) <= _NAMED else [*named, "…"])
    return words.sentences("report.missing_characters", mark=REPLACEMENT, codes=codes)
