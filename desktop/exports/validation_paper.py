"""How right a model was in one clinic, on paper: after STARD 2015 (Bossuyt et al.), A4, black and white, no names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from desktop.exports.paper_fonts import PaperFonts, Typecase, bundled_fonts
from desktop.exports.paper_patient import Field
from desktop.exports.typesetting import typeset
from desktop.exports.words import Words
from desktop.i18n import Language, Translator
from desktop.i18n.catalogue import catalogue
from desktop.records import PartialDate

_ALWAYS = ("refused", "unknown")
"""Steps of the flow that are shown though nobody leaves there: STARD asks for them."""


@dataclass(frozen=True)
class Figure:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ValidationLine:
    """One group. key: of the sentence that names it, else `name` does. None where there are too few cases."""

    key: str
    name: str
    cases: int
    patients: int
    present: int
    absent: int
    decided: Figure | None
    sensitivity: Figure | None
    specificity: Figure | None
    sensitivity_decided: Figure | None
    specificity_decided: Figure | None
    likely_right: Figure | None
    unlikely_right: Figure | None
    area: Figure | None


@dataclass(frozen=True)
class ValidationGroups:
    """key: of the sentence that says what these groups are."""

    key: str
    lines: tuple[ValidationLine, ...]


@dataclass(frozen=True)
class PaperBin:
    """One point of the reliability diagram. low, high: of the interval of the share seen."""

    said: float
    seen: float
    low: float
    high: float
    cases: int


@dataclass(frozen=True)
class PaperCalibration:
    """slope: None where it cannot be told."""

    slope: Figure | None
    offset: Figure
    brier: Figure
    brier_of_share: float
    bins: tuple[PaperBin, ...]


@dataclass(frozen=True)
class ValidationContent:
    """What the paper says. answers: likely, cannot say, unlikely of those with and of those without the finding. flow:
    key of each step's sentence and how many leave there. made: with a time zone.
    least: slug of the weakest reference that counts. afterwards: answers asked for once the truth was known. reviewed:
    cases decided after the suggestion had been seen."""

    clinic_name: str
    author: str
    made: datetime
    synthetic: bool
    model: str
    version: str
    sha256: str
    title: Mapping[Language, str]
    finding: Mapping[Language, str]
    likely_from: float
    unlikely_to: float
    least: str
    first: date | None
    last: date | None
    seen: int
    afterwards: int
    flow: tuple[tuple[str, int], ...]
    present: tuple[int, int, int]
    absent: tuple[int, int, int]
    strengths: tuple[tuple[str, int], ...]
    reviewed: int
    whole: ValidationLine
    groups: tuple[ValidationGroups, ...]
    roc: tuple[tuple[float, float], ...]
    band: tuple[tuple[float, float, float], ...]
    calibration: PaperCalibration | None
    fewest_cases: int
    fewest_of_class: int


@dataclass(frozen=True)
class PaperTable:
    """heading may be empty. rows: cells, the first one names the row."""

    heading: str
    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class PaperSection:
    """A heading, then sentences, then tables."""

    heading: str
    sentences: list[str]
    tables: list[PaperTable]


@dataclass(frozen=True)
class PaperStep:
    """One box of the flow, and what leaves to its side (empty for none)."""

    words: str
    leaves: str


@dataclass(frozen=True)
class PaperValidation:
    """The paper, ready to set. roc, band, bins: in shares of the diagrams' sides."""

    title: str
    clinic: str
    warnings: list[str]
    fields: list[Field]
    method: PaperSection
    flow_heading: str
    flow: list[PaperStep]
    answers: PaperSection
    accuracy: PaperSection
    roc_heading: str
    roc_axes: list[str]
    roc: list[list[float]]
    band: list[list[float]]
    bins_heading: str
    bins_axes: list[str]
    bins: list[list[float]]
    calibration: PaperSection
    groups: PaperSection
    limits: PaperSection
    running_head: str
    footer: list[str]


def render(content: ValidationContent, languages: tuple[Language, ...]) -> bytes:
    """The paper as PDF/A-2u. The same content gives the same bytes. Raises KnownFailure (`report.no_fonts`)."""
    return render_with(content, languages, bundled_fonts())


def render_with(content: ValidationContent, languages: tuple[Language, ...], fonts: PaperFonts) -> bytes:
    """As `render`, with other fonts."""
    paper = validation_paper(content, Words(languages), Typecase(fonts))
    return typeset("validation.typ", paper, languages[0], fonts, content.made)


def validation_paper(content: ValidationContent, words: Words, case: Typecase) -> PaperValidation:
    """Every word of it."""
    calibration = content.calibration
    return PaperValidation(
        title=words.label("validation.paper.title"),
        clinic=case.line(content.clinic_name),
        warnings=[words.label("validation.paper.synthetic")] if content.synthetic else [],
        fields=_fields(content, words, case),
        method=PaperSection(words.label("validation.paper.method"), _method(content, words), []),
        flow_heading=words.label("validation.paper.flow"),
        flow=_flow(content, words),
        answers=_answers(content, words),
        accuracy=_accuracy(content, words),
        roc_heading=words.label("validation.roc"),
        roc_axes=[words.label("validation.roc.x"), words.label("validation.roc.y")],
        roc=[[x, y] for x, y in content.roc],
        band=[[x, low, high] for x, low, high in content.band],
        bins_heading=words.label("validation.bins"),
        bins_axes=[words.label("validation.bins.x"), words.label("validation.bins.y")],
        bins=[[one.said, one.seen, one.low, one.high] for one in calibration.bins] if calibration else [],
        calibration=_calibration(calibration, words),
        groups=_groups(content, words, case),
        limits=PaperSection(words.label("validation.paper.limits"), _limits(content, words), []),
        running_head=f"{case.line(content.clinic_name)} · {words.label('validation.paper.title')} · {content.model}",
        footer=list(words.sentences("report.honest")),
    )


def percent(figure: Figure | None) -> str:
    """A share in whole per cent with its interval; a dash where there are too few cases."""
    if figure is None:
        return "–"
    return f"{100 * figure.value:.0f}% ({100 * figure.low:.0f}–{100 * figure.high:.0f})"


def decimal(figure: Figure | None) -> str:
    """A figure of two decimals with its interval; a dash where there are too few cases."""
    if figure is None:
        return "–"
    value, low, high = (f"{number:.2f}".replace("-", "−") for number in (figure.value, figure.low, figure.high))
    return f"{value} ({low} … {high})" if figure.low < 0 else f"{value} ({low}–{high})"


def _fields(content: ValidationContent, words: Words, case: Typecase) -> list[Field]:
    def day(when: date | None) -> str:
        return "–" if when is None else words.date(PartialDate.from_date(when))

    return [
        Field(words.label("validation.paper.model"), _named(content.title, words), wide=True, strong=True),
        Field(words.label("validation.paper.finding"), _named(content.finding, words), wide=True, strong=True),
        Field(words.label("validation.paper.version"), f"{content.model} {content.version}"),
        Field(words.label("validation.paper.period"), f"{day(content.first)} – {day(content.last)}"),
        Field(words.label("validation.paper.made"), words.moment(content.made)),
        Field(words.label("validation.paper.author"), case.line(content.author)),
        Field(words.label("validation.paper.sha256"), content.sha256, wide=True, fine=True),
    ]


def _named(names: Mapping[Language, str], words: Words) -> str:
    return " ".join(dict.fromkeys(names[language] for language in words.languages))


def _method(content: ValidationContent, words: Words) -> list[str]:
    afterwards = words.sentences("validation.paper.afterwards", count=content.afterwards) if content.afterwards else ()
    return [
        *words.sentences(
            "validation.paper.index_test",
            likely=_threshold(content.likely_from),
            unlikely=_threshold(content.unlikely_to),
        ),
        *afterwards,
        *words.sentences(f"validation.paper.reference.{content.least}"),
        *words.sentences("validation.paper.figures"),
        *words.sentences("validation.paper.too_few", cases=content.fewest_cases, of_class=content.fewest_of_class),
    ]


def _threshold(probability: float) -> str:
    return f"{100 * probability:.1f}%"


def _flow(content: ValidationContent, words: Words) -> list[PaperStep]:
    key = "validation.flow.seen_and_afterwards" if content.afterwards else "validation.flow.seen"
    steps = [PaperStep(words.label(key, count=content.seen, afterwards=content.afterwards), "")]
    left = content.seen + content.afterwards
    for key, leaving in content.flow:
        if leaving == 0 and key not in _ALWAYS:
            continue
        left -= leaving
        steps.append(
            PaperStep(
                words.label(f"validation.flow.after.{key}", count=left),
                words.label(f"validation.flow.{key}", count=leaving),
            )
        )
    cannot = content.present[1] + content.absent[1]
    decided = sum(content.present) + sum(content.absent) - cannot
    steps.append(
        PaperStep(
            words.label("validation.flow.after.cannot_say", count=decided),
            words.label("validation.flow.cannot_say", count=cannot),
        )
    )
    return steps


def _answers(content: ValidationContent, words: Words) -> PaperSection:
    """The table of three answers by two truths."""
    columns = ["", *(words.label(f"report.decision.{name}") for name in ("likely", "cannot_say", "unlikely"))]
    rows = []
    for key, counts in (("present", content.present), ("absent", content.absent)):
        rows.append([words.label(f"validation.truth.{key}"), *map(str, counts), str(sum(counts))])
    totals = [one + other for one, other in zip(content.present, content.absent, strict=True)]
    rows.append([words.label("validation.all"), *map(str, totals), str(sum(totals))])
    strengths = [[words.label(f"validation.strength.{key}"), str(count)] for key, count in content.strengths]
    return PaperSection(
        words.label("validation.paper.answers"),
        [],
        [
            PaperTable("", [*columns, words.label("validation.all")], rows),
            PaperTable("", [words.label("validation.by.strength"), words.label("validation.cases")], strengths),
        ],
    )


def _accuracy(content: ValidationContent, words: Words) -> PaperSection:
    whole = content.whole
    shown = (
        ("sensitivity", percent(whole.sensitivity), percent(whole.sensitivity_decided)),
        ("specificity", percent(whole.specificity), percent(whole.specificity_decided)),
        ("likely_right", "", percent(whole.likely_right)),
        ("unlikely_right", "", percent(whole.unlikely_right)),
        ("decided", percent(whole.decided), ""),
        ("area", decimal(whole.area), ""),
    )
    columns = ["", words.label("validation.of_all"), words.label("validation.of_decided")]
    rows = [[words.label(f"validation.{key}"), of_all, of_decided] for key, of_all, of_decided in shown]
    return PaperSection(
        words.label("validation.paper.accuracy"),
        [],
        [PaperTable("", columns, rows)],
    )


def _calibration(found: PaperCalibration | None, words: Words) -> PaperSection:
    heading = words.label("validation.calibration")
    if found is None:
        return PaperSection(heading, list(words.sentences("validation.calibration.none")), [])
    rows = [
        [words.label("validation.slope"), decimal(found.slope)],
        [words.label("validation.offset"), decimal(found.offset)],
        [words.label("validation.brier"), f"{decimal(found.brier)} / {found.brier_of_share:.2f}"],
    ]
    said = [
        [f"{100 * one.said:.0f}%", percent(Figure(one.seen, one.low, one.high)), str(one.cases)] for one in found.bins
    ]
    columns = [words.label(f"validation.{key}") for key in ("bins.x", "bins.y", "cases")]
    return PaperSection(
        heading,
        list(words.sentences("validation.calibration.about")),
        [PaperTable("", ["", ""], rows), PaperTable("", columns, said)],
    )


def _groups(content: ValidationContent, words: Words, case: Typecase) -> PaperSection:
    columns = ["cases", "decided", "sensitivity", "specificity", "area"]
    tables = []
    for group in content.groups:
        rows = []
        for line in group.lines:
            name = words.both(partial(_group, line))
            rows.append(
                [
                    case.line(name, 30),
                    f"{line.cases} ({line.present}/{line.absent})",
                    *map(percent, (line.decided, line.sensitivity, line.specificity)),
                    decimal(line.area),
                ]
            )
        heads = [words.label(f"validation.{name}") for name in columns]
        tables.append(PaperTable("", [words.label(group.key), *heads], rows))
    return PaperSection(
        words.label("validation.paper.groups"), list(words.sentences("validation.paper.groups.about")), tables
    )


def _group(line: ValidationLine, translator: Translator) -> str:
    return translator.text(line.key) if line.key in catalogue(translator.language) else line.name


def _limits(content: ValidationContent, words: Words) -> list[str]:
    found: list[str] = []
    if content.reviewed:
        found += words.sentences("validation.incorporation", count=content.reviewed)
    found += words.sentences("validation.limits.verification")
    found += words.sentences("validation.limits.as_given")
    found += words.sentences(
        "validation.limits.independent", cases=content.whole.cases, patients=content.whole.patients
    )
    found += words.sentences("validation.limits.place")
    return found
