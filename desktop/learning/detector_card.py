"""The card of a detector, and the limits in its manifest: whatever states its figures."""

from collections.abc import Mapping
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning.card_words import credits_text, figure, share
from desktop.learning.detector_sets import DetectorSet
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json

_GOALS = "mAP at 0.5 of 0.90 and counts wrong by 5 % at most"


def texts(
    wanted: DetectorSet, manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Json]
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, and the manifest with its limits."""
    stated = {**manifest, "limits": limits(wanted, figures)}
    return {CARD: card(wanted, stated, training, figures).encode(), MANIFEST: manifest_text(stated).encode()}


def limits(wanted: DetectorSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    precision, source = figures["mean_average_precision"], _source(wanted, figures)
    errors = {kind.key: figures["kinds"][kind.key]["count_error"]["value"] for kind in wanted.kinds}
    english = ", ".join(f"{kind.name['en'].lower()}s {100 * errors[kind.key]:.0f} %" for kind in wanted.kinds)
    chinese = "、".join(f"{kind.name['zh']} {100 * errors[kind.key]:.0f}%" for kind in wanted.kinds)
    return {
        "en": f"Learned from {source['en']}. On photographs it had not seen, mean average precision was "
        f"{precision['value']:.2f}, and the counts of one photograph were off by (mean): {english}. "
        f"{wanted.caution['en']} No clinician has reviewed it yet.",
        "zh": f"学习自{source['zh']}。在未参与训练的照片上，平均精度均值为 {precision['value']:.2f}，"
        f"单张照片计数的平均偏差为：{chinese}。{wanted.caution['zh']}尚未经过临床医生审阅。",
    }


def card(
    wanted: DetectorSet, manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any]
) -> str:
    """The card's text."""
    parts = (_head(wanted, manifest, training), _main(wanted, figures), _battery(figures), _end(wanted, figures))
    return "\n\n".join(parts) + "\n"


def _source(wanted: DetectorSet, figures: Mapping[str, Any]) -> dict[str, str]:
    boxes = sum(figures["kinds"][kind.key]["drawn"] for kind in wanted.kinds)
    return {
        language: text.format(n=figures["photographs"], boxes=f"{boxes:,}") for language, text in wanted.source.items()
    }


def _head(wanted: DetectorSet, manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    kinds = ", ".join(f"`{kind.key}`" for kind in wanted.kinds)
    settings, megabytes = training["settings"], manifest["weights"]["bytes"] / 1e6
    members = settings["members"]
    return f"""# {wanted.model} {manifest["version"]}

Boxes and counts of {kinds} on a photograph. No clinician has reviewed this model yet.

{wanted.intended_use["en"]}

{members} small networks of our own ({megabytes:.1f} MB in one ONNX graph, weights in half precision), \
each asked about the picture and its three
mirror images, trained from scratch for {settings["epochs"]} epochs ({training["seconds"] / 60:.0f} minutes). A thing is
a peak of its kind's map; how far it reaches is learned around the peak. This page is written by `lantern models train`
and made again by `lantern models evaluate {wanted.model} --data DIR`.

**How the figures are honest.** Photographs are split into {members} parts, neighbours by name kept together; each
network never saw one part, and a photograph is judged here only by that network. Calibration, the threshold from which
a box counts, and the interval of a count are fitted on the other parts. The last weights of the training are taken:
nothing held out chose anything. The shipped model is the mean of the {members}, which no photograph here can judge
fairly."""


def _main(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    rows = "\n".join(_row(kind.key, figures["kinds"][kind.key]) for kind in wanted.kinds)
    counts = "\n".join(_counts(kind.key, figures["kinds"][kind.key]) for kind in wanted.kinds)
    return f"""## Figures

{figures["photographs"]} photographs. Intervals: 95 %; shares by Wilson, the others by drawing runs of neighbouring
photographs with replacement. A box is right where it shares half of the union with one that was drawn (IoU 0.5).

Mean average precision: **{figure(figures["mean_average_precision"])}**. Goals: {_GOALS}.
{wanted.published}

| | drawn | average precision | found, of those drawn | right, of those counted | calibration error |
|---|---|---|---|---|---|
{rows}

| | count of a photograph wrong by | count of all together | "the average", said of each | interval holds the truth |
|---|---|---|---|---|
{counts}

"The average", said of each photograph without looking, is the trivial comparator."""


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


def _battery(figures: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {row['spoilt']} | {row['mean_average_precision']:.3f} | {100 * row['count_error']:.1f} % |"
        for row in figures["battery"]
    )
    return f"""## Spoilt photographs

Every sixth photograph, judged as above; counts with the threshold fitted on these photographs unspoilt.

| photographs | mean average precision | count of the first kind wrong by |
|---|---|---|
{rows}"""


def _end(wanted: DetectorSet, figures: Mapping[str, Any]) -> str:
    return f"""## Limits

Learned from {_source(wanted, figures)["en"]}. {wanted.caution["en"]}
It was never tried on photographs from elsewhere.

## Data

{credits_text(wanted.data)}"""
