"""CARD.md of the malaria cell model: every figure comes from an evaluation or the training record."""

import json
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import robustness_card
from desktop.learning.card_words import codes, credits_text, figure, reliability_rows, share, size, software_text
from desktop.learning.cell_battery import CELLS
from desktop.learning.cell_manifest import DATA, INTENDED_USE, KEY, NAME
from desktop.learning.learning_curve import RISES, CurvePoint, curve_points, curve_table, not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json, Study, training_document

COLOUR, GREY = "colour", "grey, 50 × 50"
GOAL = 0.99


def texts(model_folder: Path, figures: Mapping[str, Json], study: Study | None) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, the manifest with its limits, and the study beside
    them. Nothing else writes any of them, so they cannot differ."""
    training = training_document(model_folder)
    manifest = {
        **json.loads((model_folder / MANIFEST).read_text(encoding="utf-8")),
        "limits": limits(training["patients"], figures),
    }
    curve = study.files() if study is not None else {}
    return curve | {CARD: card(manifest, training, figures, study).encode(), MANIFEST: manifest_text(manifest).encode()}


def limits(patients: int, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences the window shows beside a suggestion, by language. figures: as in the card."""
    lost = robustness_card.limits(figures)
    colour, grey = (f"{figures['groups'][name]['auc']['value']:.3f}" for name in (COLOUR, GREY))
    return {
        "en": (
            f"Learned from single red cells of {patients} people at one hospital in Chittagong, Bangladesh; three in "
            f"four had P. falciparum malaria. On people it had not seen the area under the ROC curve was {colour} in "
            f"colour and {grey} in grey of 50 × 50 pixels, cell by cell. It has seen no other species, no thick films "
            "and no other stain than Giemsa's; it finds no cells and counts none, and was never tried elsewhere. Half "
            "of the cells it learned from were parasitized: where few are, most cells it calls so are not."
            f"{lost['en']} No clinician has reviewed it yet."
        ),
        "zh": (
            f"本模型学习自孟加拉国吉大港一家医院 {patients} 人的单个红细胞图像，其中约四分之三为恶性疟患者。"
            f"在未参与训练的人中，按单个细胞计算的 ROC 曲线下面积：彩色图像为 {colour}，50 × 50 像素灰度图像为 {grey}。"
            "它没有见过其他虫种、厚血膜和吉姆萨以外的染色；不会寻找或计数细胞，也未在其他地方验证过。"
            "学习所用的细胞有一半含有疟原虫：在感染细胞很少的血膜中，它判为阳性的细胞大多并非如此。"
            f"{lost['zh']}尚未经过临床医生审阅。"
        ),
    }


def card(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any], study: Study | None
) -> str:
    """The card's text."""
    parts = (
        _head(manifest, training, figures),
        _groups(figures),
        _comparators(figures),
        _honesty(figures, manifest),
        _others(figures, manifest),
        _battery(figures),
        robustness_card.section(
            figures,
            "the mean of sensitivity and both specificities at probability one half",
            "people",
            "In the table above refused cells are counted too.",
        ),
        curve_section(study),
        _training(training),
        _limits(manifest),
        _credit(),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    settings = training["settings"]
    return f"""# {NAME} {manifest["version"]}

A malaria parasite in a single red cell (`{KEY}`: {codes(manifest["findings"][0])}). No clinician has reviewed this
model yet.

{INTENDED_USE["en"]}

{settings["members"]} small residual networks of our own ({size(manifest["weights"]["bytes"])} in one ONNX graph), each
looking at a cell in all eight ways it may lie; trained from scratch in {training["seconds"] / 60:.0f} minutes. The same
networks take colour and grey: each channel is told against the cell's own mean there, in spreads of the cell, so that
lamp, white balance, stain and contrast are taken out, and aspect and size with them. This page is written by
`lantern models train` and made again by `lantern models evaluate {NAME} --data DIR`.

**How the figures are honest.** Patients are split into {settings["parts"]} parts by a hash of their number. Each
network never saw one part of its own and learns to the end of its schedule, so that what is held out chooses nothing
while it learns. Part 1 fitted calibration, thresholds and distance limits, on the answers of the network that never
saw it; the figures below are of part 2 ({figures["patients"]} people), on the answers of the network that never saw
that one. The shipped model is the mean of the networks, which no cell here can judge fairly; on people kept apart it
should do no worse than one of them. Size and kind of the network and the way cells are prepared were chosen by short
trials on part 1."""


def _groups(figures: Mapping[str, Any]) -> str:
    lines = "\n".join(
        f"| {name} | {one['cells']} / {one['parasitized']} | {one['patients']} | {figure(one['auc'])} "
        f"| {share(one['sensitivity'])} | {share(one['specificity'])} | {one['calibration_error']:.3f} "
        f"| {share(one['decided'])} | {share(one['decided_right'])} | {share(one['refused'])} |"
        for name, one in figures["groups"].items()
    )
    missed = [name for name in (COLOUR, GREY) if figures["groups"][name]["auc"]["value"] < GOAL]
    reached = f"was not reached in {' and '.join(missed)} (see the learning curve below)" if missed else "was reached"
    return f"""## Figures

Cell by cell. Intervals: 95 %; shares by Wilson, AUC by drawing whole patients with replacement. Sensitivity and
specificity at probability ½. Grey: luminosity, squeezed into 50 × 50 pixels. The goal of
{GOAL:.2f} {reached}.

| cells | all / parasitized | people | AUC | sensitivity | specificity | ECE | decided | right among decided | refused |
|---|---|---|---|---|---|---|---|---|---|
{lines}

A dash: no cell of one class. Published beside it (ResNet-50 features, colour, split by patient; as we know it):
accuracy about 0.957, sensitivity 0.945, specificity 0.97, AUC about 0.99. Some labels are wrong: cells called
parasitized that look clean, and stain dirt in others."""


def _comparators(figures: Mapping[str, Any]) -> str:
    lines = "\n".join(f"| {name} | {figure(value)} |" for name, value in figures.get("comparators", {}).items())
    if not lines:
        return "## Simple methods beside it\n\nThey learn from the patients of the training data only."
    return f"""## Simple methods beside it

Learned from all other patients, judged on the same cells in colour.

| method | AUC |
|---|---|
{lines}"""


def _honesty(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    finding = manifest["findings"][0]
    thresholds, calibration = finding["thresholds"], finding["calibration"]
    scale = f"logit / {calibration['temperature']:.3f} {calibration['offset']:+.3f}"
    tables = "\n\n".join(
        f"| said, {name} | cells | mean said | seen |\n|---|---|---|---|\n"
        + reliability_rows(figures[f"reliability, {name}"])
        for name in (COLOUR, GREY)
    )
    return f"""## Probabilities and the three-way answer

Calibration: {scale}, fitted on colour and grey together. *likely* where the probability is usual for a parasitized cell
(≥ {thresholds["positive"]:.3f}) and unusual for others (> {thresholds["negative"]:.3f}); *unlikely* the other way
round; else *cannot say*. Each class may be excluded wrongly in {100 * thresholds["alpha_positive"]:.0f} % of its cells
(class-conditional conformal prediction). Farther than {manifest["out_of_distribution"]["limit"]:.2f} from the cells
learned from the answer is *cannot say*, with the probability still given.

{tables}"""


def _others(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    lines = "\n".join(f"| {name} | {one['n']} | {share(one)} |" for name, one in figures["others"].items() if one)
    body, strange = manifest["applicability"]["picture"]["one_body"], manifest["out_of_distribution"]["refused"]
    return f"""## What it refuses

A picture must be of {manifest["applicability"]["picture"]["shortest_side"]} to
{manifest["applicability"]["picture"]["longest_side"]} pixels and show one body on black ground: the ground cut off, at
least {100 * body["border"]:.0f} % of the edge is black, {100 * body["even"]:.0f} % of the body lies within 35 % of its
median light, and at most {100 * body["murky"]:.0f} % is neither. Farther than {strange:.2f} from the cells learned from
it is refused, too. Pictures of other kinds, made as small as a cell (200 pixels), so that size does not help:

| pictures | n | refused |
|---|---|---|
{lines}"""


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _battery(figures: Mapping[str, Any]) -> str:
    usual = figures["battery"]["as it is"]
    lines = "\n".join(
        f"| {name} | {row['auc']:.3f} | {_percent(row['sensitivity'])} | {_percent(row['specificity_patients'])} "
        f"| {_percent(row['specificity_healthy'])} | {100 * _loss(usual, row):+.1f} | {_percent(row['changed_sides'])} "
        f"| {_percent(row['refused'])} |"
        for name, row in figures["battery"].items()
    )
    return f"""## How far the operating point moves

{CELLS} cells in colour changed on purpose; sensitivity and specificity at probability one half. Loss: of the mean of
sensitivity and both specificities, in points.

| change | AUC | sensitivity | specificity, patients | specificity, healthy | loss | changed sides | refused |
|---|---|---|---|---|---|---|---|
{lines}"""


def _loss(usual: Mapping[str, Any], row: Mapping[str, Any]) -> float:
    names = [name for name in ("sensitivity", "specificity_patients", "specificity_healthy") if row[name] is not None]
    return float(sum(usual[name] - row[name] for name in names)) / max(1, len(names))


def curve_section(study: Study | None) -> str:
    """What fewer people teach."""
    points = curve_points(study.rows) if study is not None else ()
    if not points:
        return f"## Learning curve\n\n{not_measured(NAME)}"
    return f"""## Learning curve

AUC of the network that the figures above are of, taught with all cells of a share of its people (smaller shares within
larger ones) for as many epochs, so that fewer people are fewer steps; from all of them it is the shipped one. Each was
taught once, and all are judged on the same cells as above. Steps smaller than the intervals above may be chance.

{curve_table(points, "people")}

{_verdict(points)}"""


def _verdict(points: Sequence[CurvePoint]) -> str:
    """What the curve shows, in words."""
    told = f"AUC {'; '.join(_gained(less, more) for less, more in pairwise(points))}"
    half, whole = points[-2:]
    rising = [name for name, area in whole.figures.items() if area - half.figures[name] >= RISES]
    if not rising:
        return f"{told}.\nThere is no clear rise at its end: how much more people like these would help cannot be told."
    less = ", though less each time" if _slower(points) else ""
    return f"{told}.\nIt still rises in {' and '.join(rising)}: more people would help{less}."


def _slower(points: Sequence[CurvePoint]) -> bool:
    """Whether each step up brought less than the one before it, in everything."""
    gains = [[more.figures[name] - area for name, area in less.figures.items()] for less, more in pairwise(points)]
    return len(gains) > 1 and all(
        late < early for before, after in pairwise(gains) for early, late in zip(before, after, strict=True)
    )


def _gained(less: CurvePoint, more: CurvePoint) -> str:
    gains = (f"{more.figures[name] - area:+.3f} {name}" for name, area in less.figures.items())
    return f"from {less.share} % to {more.share} %: {', '.join(gains)}"


def _training(training: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {name} | {len(curve)} | {curve[-1]['training_loss']:.4f} | {curve[-1]['validation_loss']:.4f} "
        f"| {curve[-1]['score']:.4f} | {sum(epoch['seconds'] for epoch in curve):.0f} |"
        for name, curve in training["curves"].items()
    )
    return f"""## Training record

Seed {training["seed"]}, data SHA-256 `{training["data_sha256"][:16]}…` ({training["films"]:,} cells of
{training["patients"]} people), {software_text(training)}. Settings and full curves are in `training.json`.

Every other cell is shown in grey. Augmentation: turned by any angle, mirrored, zoom, aspect, shift; contrast of all
and of single channels, colours mixed; coarser, sharpened, through a lossy file, grain. Labels are softened by 4 %.
Averaged weights after epoch {training["settings"]["stop_after"]} of a schedule of {training["settings"]["epochs"]}.

{_curve(training)}

| network | epochs | training loss | loss, held out | AUC, held out (every fourth cell, one view) | seconds |
|---|---|---|---|---|---|
{rows}"""


def _curve(training: Mapping[str, Any]) -> str:
    """How far the networks had come after each epoch, and whether there was more to learn."""
    epochs = range(len(next(iter(training["curves"].values()))))
    head = " | ".join(f"epoch {epoch + 1}" for epoch in epochs)
    rows = "\n".join(
        f"| {name} | " + " | ".join(f"{epoch['validation_loss']:.3f}, {epoch['score']:.4f}" for epoch in curve) + " |"
        for name, curve in training["curves"].items()
    )
    early = training["settings"]["stop_after"] < training["settings"]["epochs"]
    more = " The schedule was left early for want of processor time." if early else ""
    return f"""Epoch by epoch: loss and AUC on the part held out, one look at every fourth cell.{more}

| network | {head} |
|---|{"---|" * len(epochs)}
{rows}"""


def _limits(manifest: Mapping[str, Any]) -> str:
    grid = manifest["network_data_format"]["outputs"]["activation"]["shape"][1]
    return f"""## Limits

- One hospital, one stain, one microscope, one species (P. falciparum). Not tried anywhere else.
- Cropped cells only: platelets on a cell and stain dirt are the usual false alarms, and who cuts out the cells decides
  which are seen. It is no diagnosis of a film.
- Half of the cells learned from are parasitized. In a film with few, most cells called so are not: count them against
  how many are called so in healthy people, above.
- The map shows where the networks' evidence lay on a {grid} × {grid} grid. It is no outline of a parasite.
- Age and sex do not matter to it and were not in the data, so that no figure by age or sex can be given."""


def _credit() -> str:
    return f"""## Data and licences

{credits_text(DATA)}

The weights are under Apache-2.0; no cell can be got back from them."""
