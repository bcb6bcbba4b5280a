"""What the cards of the research packs say beside, or instead of, a plain detector's figures."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from desktop.learning import robustness_card
from desktop.learning.card_words import figure, share
from desktop.learning.detector_sets import DetectorSet, Graded

RESEARCH = """

**For research only.** It is not bundled: `lantern models train` makes it where it is used, and it is asked only by name
or once somebody has switched it on."""


def grade_section(graded: Graded, figures: Mapping[str, Any]) -> str:
    """How the grade by the count agrees with that of the boxes drawn, and what simpler ways reach."""
    grade, words = figures["grade"], _grades(graded)
    header = " | ".join(f"said {name}" for name in words)
    rows = "\n".join(
        f"| drawn {name} | " + " | ".join(str(count) for count in row) + " |"
        for name, row in zip(words, grade["table"], strict=True)
    )
    text = f"""## The grade

The grade is how many of {", ".join(str(cut) for cut in graded.cuts)} the count reaches. The threshold from which on a
box counts is the one whose grades agree best on the other parts.

Quadratic kappa: **{figure(grade["kappa"])}**, the same grade on {share(grade["right"])}. Goal: kappa of 0.6 \
(two people who drew the same
field: 0.56).

| | {header} |
|---|{"---|" * len(words)}
{rows}"""
    return "\n\n".join([text, *_beside(figures)])


def _beside(figures: Mapping[str, Any]) -> list[str]:
    """Comparators and the finding, where the figures hold them: they are measured on the photographs learned from."""
    parts = []
    if "comparators" in figures:
        red, usual = figures["comparators"]["red_pixels"], figures["comparators"]["most_frequent"]
        parts.append(
            f"Beside it: the share of red pixels, cut where the grades of the other parts agree best: kappa "
            f"{figure(red['kappa'])}, the same\ngrade on {share(red['right'])}; the most frequent grade, said of each "
            f"without looking: kappa 0, the same on {share(usual['right'])}."
        )
    if "finding" in figures:
        found = figures["finding"]
        said = {name: found["decisions"][name] for name in ("likely", "cannot_say", "unlikely")}
        parts.append(
            f"The finding, any bacillus at all: AUC {figure(found['auc'])}, with only {found['none_drawn']} "
            "photographs without a box. Said of photographs\nwith and without a box: likely "
            + ", cannot say ".join(f"{there} and {none}" for none, there in (said["likely"], said["cannot_say"]))
            + f", unlikely {said['unlikely'][1]} and {said['unlikely'][0]}."
        )
    return parts


def sorted_section(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """The figures of a detector that tells two sorts of one thing apart."""
    first, second = wanted.kinds
    one, other, whole = figures["kinds"][first.key], figures["kinds"][second.key], figures["share"]
    rows = "\n".join(
        f"| `{key}` | {row['drawn']} | {share(row['boxed'])} | {share(row['named'])} | {share(row['count_error'])} | "
        f"{100 * row['count_error_all']:.1f} % | {share(row['interval_holds'])} |"
        for key, row in ((first.key, one), (second.key, other))
    )
    beside = figures.get("comparators")
    simple = (
        f"logistic regression on a tiny copy of the box {beside['thumbnail']:.3f}, on its mean colour "
        f"{beside['mean_colour']:.3f}"
        if beside
        else "not measured on these photographs"
    )
    return f"""## Figures

{figures["photographs"]} photographs. Intervals: 95 %; shares by Wilson, the others by drawing groups of neighbouring
exposures with replacement. A cell is boxed where a listed box shares half of the union with the one drawn (IoU 0.5).

`{second.key}` against `{first.key}` among the boxed cells: **AUC {figure(figures["auc"])}**. Goals: {wanted.goals}.
Beside it: {simple}. {wanted.published}

| | drawn | boxed | then named so | count of a photograph wrong by | count of all together | interval holds the truth |
|---|---|---|---|---|---|---|
{rows}

Of the labelled cells that are named `{second.key}`, {share(figures["right_of_second"])} are. Calibration error \
{figures["calibration_error"]:.3f}.

**Share of infected cells** (parasitaemia) of a photograph: off by {share(whole["error"], 2)} of all cells in
the mean; "the average", said of each without looking, by {100 * whole["error_of_the_mean"]:.2f} %. All together: \
{100 * whole["said"]:.2f} % said, {100 * whole["drawn"]:.2f} % drawn."""


def sorted_battery(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """How it fares on spoilt photographs."""
    second = wanted.kinds[1].key
    rows = "\n".join(
        f"| {row['spoilt']} | {figure(row['figures']['auc'])} | {share(row['figures']['kinds'][second]['boxed'])} | "
        f"{share(row['figures']['share']['error'], 2)} | {share(row.get('refused'))} |"
        for row in figures["battery"]
    )
    return f"""## Spoilt photographs

{figures["battery"][0]["photographs"]} photographs, judged as above; thresholds fitted on these photographs unspoilt.

| photographs | AUC | `{second}` boxed | share of infected cells off by | would be refused |
|---|---|---|---|---|
{rows}"""


def sorted_refusals(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """How many ordinary photographs it answers, and what it says to others."""
    if not figures.get("answered"):
        return ""
    counted = " | ".join(f"`{kind.key}`" for kind in wanted.kinds)
    rows = "\n".join(
        f"| {row['name']} | {row['photographs']} | {share(row['refused'])} | "
        + " | ".join(str(row["counted"][kind.key]) for kind in wanted.kinds)
        + " |"
        for row in figures.get("strangers", ())
    )
    table = f"""

| photographs | n | refused | {counted} |
|---|---|---|{"---|" * len(wanted.kinds)}
{rows}"""
    return f"""## What it refuses

Beside the stain, a photograph's answers as a whole are held against those usual on photographs of this collection: how
sure the surest cells are, and how far the cells differ in how infected they look. {share(figures["answered"])} of this
collection's photographs pass, each held against other runs of exposures than its own, the limit taken from the other
part. Which numbers tell was chosen, two of three, after a look at the photographs of the other laboratory below; their
limit was not. A smear with far more infected cells than on any photograph here (7 of 100) may be refused too.
Counted below: on the photographs that were answered.{table if rows else ""}"""


def sorted_limits(wanted: DetectorSet, figures: Mapping[str, Any], source: Mapping[str, str]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    area, lost = _alone(figures["auc"], 1, 2), robustness_card.limits(figures)
    error, boxed = (
        _alone(value, 100, digits)
        for value, digits in ((figures["share"]["error"], 1), (figures["kinds"][wanted.kinds[1].key]["boxed"], 0))
    )
    return {
        "en": f"Learned from {source['en']}. On photographs it had not seen, it boxed {boxed} % of the infected "
        f"cells, told infected from other cells with an AUC of {area}, and the share of infected cells was off by "
        f"{error} % of all cells (mean). {wanted.caution['en']}{lost['en']} No clinician has reviewed it yet.",
        "zh": f"学习自{source['zh']}。在未参与训练的照片上，它框出了 {boxed}% 的受感染细胞，"
        f"区分受感染细胞与其他细胞的 AUC 为 {area}，受感染细胞比例平均偏差为全部细胞的 {error}%。"
        f"{wanted.caution['zh']}{lost['zh']}尚未经过临床医生审阅。",
    }


def graded_limits(figures: Mapping[str, Any]) -> dict[str, str]:
    """What the limits say of a grade, by language."""
    kappa = _alone(figures["grade"]["kappa"], 1, 2)
    return {
        "en": f" The grade by its count agreed with that of the boxes drawn with a quadratic kappa of {kappa}.",
        "zh": f"按计数得出的分级与按标注框得出的分级的二次加权 kappa 为 {kappa}。",
    }


def _alone(value: Mapping[str, float] | None, times: float, digits: int) -> str:
    """A figure without its interval."""
    return "–" if value is None else f"{times * value['value']:.{digits}f}"


def _grades(graded: Graded) -> list[str]:
    """What each grade stands for."""
    edges = [0, *graded.cuts]
    words = [str(low) if high - low == 1 else f"{low} to {high - 1}" for low, high in pairwise(edges)]
    return [*words, f"{edges[-1]} and more"]
