"""The card of a detector, and the limits in its manifest: whatever states its figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import detector_pack_card as pack_card
from desktop.learning import robustness_card
from desktop.learning.card_words import credits_text, figure, share
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.learning_curve import RISES, CurvePoint, curve_points, curve_table, not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json, Study

MEAN_PRECISION = "mean average precision"
"""What a learning curve calls it."""


def texts(
    wanted: DetectorSet,
    manifest: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Json],
    study: Study | None,
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, the manifest with its limits, and the study beside
    them."""
    stated = {**manifest, "limits": limits(wanted, figures)}
    curve = study.files() if study is not None else {}
    told = card(wanted, stated, training, figures, study)
    return curve | {CARD: told.encode(), MANIFEST: manifest_text(stated).encode()}


def limits(wanted: DetectorSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    source = _source(wanted, figures)
    if wanted.each_once:
        return pack_card.sorted_limits(wanted, figures, source)
    precision, lost = figures["mean_average_precision"], robustness_card.limits(figures)
    graded = pack_card.graded_limits(figures) if wanted.graded else {"en": "", "zh": ""}
    errors = {kind.key: figures["kinds"][kind.key]["count_error"]["value"] for kind in wanted.kinds}
    english = ", ".join(f"{kind.name['en'].lower()}s {100 * errors[kind.key]:.0f} %" for kind in wanted.kinds)
    chinese = "、".join(f"{kind.name['zh']} {100 * errors[kind.key]:.0f}%" for kind in wanted.kinds)
    return {
        "en": f"Learned from {source['en']}. On photographs it had not seen, mean average precision was "
        f"{precision['value']:.2f}, and the counts of one photograph were off by (mean): {english}."
        f"{graded['en']} {wanted.caution['en']}{lost['en']} No clinician has reviewed it yet.",
        "zh": f"学习自{source['zh']}。在未参与训练的照片上，平均精度均值为 {precision['value']:.2f}，"
        f"单张照片计数的平均偏差为：{chinese}。{graded['zh']}{wanted.caution['zh']}{lost['zh']}尚未经过临床医生审阅。",
    }


def card(
    wanted: DetectorSet,
    manifest: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Any],
    study: Study | None,
) -> str:
    """The card's text."""
    if wanted.each_once:
        middle = [
            pack_card.sorted_section(wanted, figures),
            pack_card.sorted_refusals(wanted, figures),
            pack_card.sorted_battery(wanted, figures),
            _lost(wanted, figures),
        ]
    else:
        grade = [pack_card.grade_section(wanted.graded, figures)] if wanted.graded else []
        middle = [_main(wanted, figures), *grade, _fields(wanted, figures), _battery(figures), _lost(wanted, figures)]
    parts = [_head(wanted, manifest, training), *middle, _curve(wanted, training, study), _end(wanted, figures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _source(wanted: DetectorSet, figures: Mapping[str, Any]) -> dict[str, str]:
    boxes = sum(figures["kinds"][kind.key]["drawn"] for kind in wanted.kinds)
    return {
        language: text.format(n=figures["photographs"], boxes=f"{boxes:,}") for language, text in wanted.source.items()
    }


def _head(wanted: DetectorSet, manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    kinds = ", ".join(f"`{kind.key}`" for kind in wanted.kinds)
    settings, megabytes = training["settings"], manifest["weights"]["bytes"] / 1e6
    members = settings["members"]
    return f"""# {wanted.model} {manifest["version"]}{" (research)" if wanted.research else ""}

Boxes and counts of {kinds} on a photograph. No clinician has reviewed this model yet.

{wanted.intended_use["en"]}{pack_card.RESEARCH if wanted.research else ""}

{members} small {_networks(wanted)} of our own ({megabytes:.1f} MB in one ONNX graph, weights in half precision), \
each asked about {_views(settings)}, \
trained from scratch for {settings["epochs"]} epochs ({training["seconds"] / 60:.0f} minutes). A thing is
a peak of its kind's map; how far it reaches is learned around the peak. This page is written by `lantern models train`
and made again by `lantern models evaluate {wanted.model} --data DIR`.

**How the figures are honest.** Photographs are split into {members} parts, neighbours by name kept together; each
network never saw one part, and a photograph is judged here only by that network. Calibration, the threshold from which
a box counts, and the interval of a count are fitted on the other parts. The last weights of the training are taken:
nothing held out chose anything. The shipped model is the mean of the {members}, which no photograph here can judge
fairly.{f"{chr(10) * 2}{wanted.tried}" if wanted.tried else ""}"""


def _networks(wanted: DetectorSet) -> str:
    if wanted.each_once:
        return "networks that find cells at half the resolution, and as many that tell their sorts apart at the whole,"
    return "networks"


def _views(settings: Mapping[str, Any]) -> str:
    return (
        "the picture and its three\nmirror images"
        if settings.get("views", 4) == 4
        else "the picture and its half\nturn"
    )


def _main(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    rows = "\n".join(_row(kind.key, figures["kinds"][kind.key]) for kind in wanted.kinds)
    counts = "\n".join(_counts(kind.key, figures["kinds"][kind.key]) for kind in wanted.kinds)
    return f"""## Figures

{figures["photographs"]} photographs. Intervals: 95 %; shares by Wilson, the others by drawing runs of neighbouring
photographs with replacement. A box is right where it shares half of the union with one that was drawn (IoU 0.5).

Mean average precision: **{figure(figures["mean_average_precision"])}**. \
Goals: {wanted.goals}.{_missed(wanted, figures)}
{wanted.published}

| | drawn | average precision | found, of those drawn | right, of those counted | calibration error |
|---|---|---|---|---|---|
{rows}

| | count of a photograph wrong by | count of all together | "the average", said of each | interval holds the truth |
|---|---|---|---|---|
{counts}

"The average", said of each photograph without looking, is the trivial comparator."""


def _missed(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """Which goals the figures fall short of."""
    each = {f"`{kind.key}`": figures["kinds"][kind.key] for kind in wanted.kinds}
    missed = ["the mean"] if figures["mean_average_precision"]["value"] < wanted.least_precision else []
    for what, off in (
        ("the count of a photograph", {key: one["count_error"]["value"] for key, one in each.items()}),
        ("the count of all together", {key: one["count_error_all"] for key, one in each.items()}),
    ):
        if over := [key for key, value in off.items() if value > wanted.most_off]:
            missed.append(f"{what}, of {' and '.join(over)}")
    return f" Not reached: {'; '.join(missed)}\n(see the learning curve below)." if missed else ""


def _row(key: str, one: Mapping[str, Any]) -> str:
    return (
        f"| `{key}` | {one['drawn']} | {figure(one['average_precision'])} | {share(one['recall'])} | "
        f"{share(one['precision'])} | {one['calibration_error']:.3f} |"
    )


def _counts(key: str, one: Mapping[str, Any]) -> str:
    return (
        f"| `{key}` | {share(one['count_error'])} | {100 * one['count_error_all']:.1f} % | "
        f"{100 * one['count_error_of_the_mean']:.1f} % | {share(one['interval_holds'])} |"
    )


def _fields(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """What looking in tiles brings; nothing where it never does."""
    if not figures.get("fields"):
        return ""

    def errors(row: Mapping[str, Any], name: str) -> str:
        return " · ".join(f"{100 * row[name][kind.key]:.0f} %" for kind in wanted.kinds)

    rows = "\n".join(
        f"| {row['fields']} | {row['in_tiles']} of {row['pictures']} | {errors(row, 'count_error_whole')} | "
        f"{errors(row, 'count_error')} |"
        for row in figures["fields"]
    )
    kinds = ", ".join(f"`{kind.key}`" for kind in wanted.kinds)
    return f"""## Pictures of several fields

Where things are smaller than on any photograph of one field, a picture is looked at in overlapping tiles. Here
photographs were put together, as many across as down, and each such picture judged by the network that saw none of
them, with the calibration and thresholds shipped. Counts wrong by ({kinds}; share of what was drawn):

| fields | looked at in tiles | seen whole | as the clinic counts |
|---|---|---|---|
{rows}

They are only put together: a real photograph of a wide field has no seams, and lies elsewhere in focus."""


def _battery(figures: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {row['spoilt']} | {row['mean_average_precision']:.3f} | {100 * row['count_error']:.1f} % |"
        for row in figures["battery"]
    )
    count = figures["battery"][0]["photographs"]
    chosen = "Every sixth photograph" if count == -(-figures["photographs"] // 6) else f"{count} photographs"
    return f"""## Spoilt photographs

{chosen}, judged as above; counts with the threshold fitted on these photographs unspoilt.

| photographs | mean average precision | count of the first kind wrong by |
|---|---|---|
{rows}"""


def _lost(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    """What may be lost of what the clinic goes by."""
    of = "each photograph's counts, off as a share of all that was drawn"
    if wanted.graded:
        of = "the share of photographs whose grade is that of the boxes drawn"
    elif wanted.each_once:
        second = wanted.kinds[1].key
        of = f"the mean of the shares of drawn cells of either sort that are, or are not, boxed and named `{second}`"
    return robustness_card.section(figures, of, "runs of neighbouring photographs", "The same photographs as above.")


def _curve(wanted: DetectorSet, training: Mapping[str, Any], study: Study | None) -> str:
    """What fewer photographs teach."""
    if wanted.each_once:
        return "## Learning curve\n\nNone is made where some networks find and others tell apart."
    points = curve_points(study.rows) if study is not None else ()
    if not points:
        return f"## Learning curve\n\n{not_measured(wanted.model)}"
    return f"""## Learning curve

The first network again, taught with a share of the photographs (neighbours kept together, smaller shares within
larger ones) for as many epochs, so that fewer photographs are fewer steps; from all of them it is the shipped one.
Each was taught once and judged on the {training["films"] - points[-1].learned} photographs that none of them saw, by \
scores that are not calibrated, so that the
last line is not that of all parts above, and small differences are chance. Counts are left out: their threshold is
fitted on photographs that these networks have learned from.

{curve_table(points, "photographs")}

{_verdict(points)}"""


def _verdict(points: Sequence[CurvePoint]) -> str:
    """What the curve shows, in words."""
    half, whole = points[-2], points[-1]
    gains = {name: whole.figures[name] - half.figures[name] for name in whole.figures}
    rising = [name for name, gain in gains.items() if name != MEAN_PRECISION and gain >= RISES]
    told = f"From {half.share} % to {whole.share} % the mean went {gains[MEAN_PRECISION]:+.3f}"
    if not rising:
        return f"{told}: the curve is flat, and more photographs drawn like these would not help."
    flat = [name for name in gains if name != MEAN_PRECISION and name not in rising]
    but = f"; {' and '.join(flat)} gained less than {RISES} by twice as many drawn like these" if flat else ""
    return f"{told}: it still rises for {' and '.join(rising)}, where more photographs would help{but}."


def _end(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    return f"""## Limits

Learned from {_source(wanted, figures)["en"]}. {wanted.caution["en"]}
{wanted.elsewhere}

## Data

{credits_text(wanted.data)}"""
