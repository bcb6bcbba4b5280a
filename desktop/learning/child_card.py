"""CARD.md of the child pneumonia model: every figure comes from an evaluation, a study or the training record."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import robustness_card
from desktop.learning.card_words import codes, credits_text, figure, reliability_rows, share, size, software_text
from desktop.learning.child_graph import ALONE
from desktop.learning.child_hint import GRID
from desktop.learning.child_manifest import DATA, INTENDED_USE
from desktop.learning.child_stretches import IN_LINE, OUT_OF_LINE
from desktop.learning.films import PUBLISHED_TEST
from desktop.learning.learning_curve import curve_points, curve_table, not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json, Study, training_document

_HINT_GOAL = 0.90
# Less than this between the smallest share of the children and all of them is no rise.
_RISING = 0.01


def texts(model_folder: Path, figures: Mapping[str, Json], study: Study | None) -> dict[str, bytes]:
    """What states the figures of one evaluation wherever people read them: the card, the limits in the manifest, and
    the study beside them. Nothing else writes either, so they cannot differ; the manifest comes last. Raises OSError.
    """
    training = training_document(model_folder)
    manifest = {
        **json.loads((model_folder / MANIFEST).read_text(encoding="utf-8")),
        "limits": limits(training["patients"], figures),
    }
    compared = study.files() if study is not None else {}
    stated = {CARD: card(manifest, training, figures, study).encode(), MANIFEST: manifest_text(manifest).encode()}
    return compared | stated


def limits(children: int, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences the window shows beside a suggestion, by language. figures: as in the card."""
    area = f"{figures['all']['auc']['value']:.3f}"
    hint, hint_zh = _hint_limits(figures)
    lost = robustness_card.limits(figures)
    tested = figures["groups"].get(f"published part {PUBLISHED_TEST}", {"auc": None})["auc"]
    on_test = "" if tested is None else f" ({tested['value']:.3f} on the films published as the test part)"
    on_test_zh = "" if tested is None else f"（公开数据的测试部分为 {tested['value']:.3f}）"
    return {
        "en": (
            f"Trained on frontal films of {children:,} children aged 1 to 5 from one hospital in Guangzhou, seven in "
            f"ten with pneumonia. On children it had not seen the area under the ROC curve was {area}{on_test}. "
            "It has seen no side views, no newborns, no tuberculosis and no other disease to tell apart, and it was "
            "never tried in another hospital. A mirrored film is not noticed. Where pneumonia is rarer than in that "
            f"hospital, its probabilities are too high.{lost['en']}{hint} No clinician has reviewed it yet."
        ),
        "zh": (
            f"本模型用广州一家医院 {children:,} 名 1–5 岁儿童的正位胸片训练，其中约七成为肺炎。"
            f"在未参与训练的儿童中，ROC 曲线下面积为 {area}{on_test_zh}。"
            "它没有见过侧位片、新生儿、结核，也不能鉴别其他疾病，且未在其他医院验证过。"
            f"左右镜像的胸片不会被发现。在肺炎比该医院少见的地方，它给出的概率偏高。{lost['zh']}{hint_zh}尚未经过临床医生审阅。"
        ),
    }


def _hint_limits(figures: Mapping[str, Any]) -> tuple[str, str]:
    """What has to be said of the hint, in both languages; nothing where there is none."""
    if "hint" not in figures:
        return "", ""
    area = f"{figures['hint']['all']['auc']['value']:.3f}"
    return (
        " Whether a pneumonia looks bacterial or viral is a hint from the film alone, with an area of "
        f"{area} on children it had not seen: it was learned from two readers without microbiology, decides nothing "
        "where pneumonia is unlikely, and must never decide on antibiotics.",
        "肺炎更像细菌性还是病毒性，只是凭胸片给出的提示："
        f"在未参与训练的儿童中 ROC 曲线下面积为 {area}，标签来自两位读片者、没有病原学检查，"
        "只在不排除肺炎时给出，绝不能据此决定是否使用抗生素。",
    )


def card(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any], study: Study | None
) -> str:
    """The card's text."""
    parts = (
        _head(manifest, training),
        _main(figures),
        _groups(figures),
        _honesty(figures, manifest),
        _hint(figures, manifest),
        _hint_curve(figures, study),
        _gate(figures),
        _battery(figures),
        robustness_card.section(figures, "the mean of sensitivity and specificity at probability one half", "children"),
        _comparators(study, training),
        _training(training),
        _limits(),
        _credit(),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    finding = manifest["findings"][0]
    hint = (
        f", and as a hint beside it `{manifest['findings'][1]['key']}`: {codes(manifest['findings'][1])}"
        if len(manifest["findings"]) > 1
        else ""
    )
    return f"""# chest-xray-child {manifest["version"]}

Pneumonia on frontal chest X-rays of children aged 1 to 5 (`pneumonia`: {codes(finding)}{hint}).

{INTENDED_USE["en"]}

Three small residual networks of our own, each with a straight line of what is measured on the film beside it
({size(manifest["weights"]["bytes"])} in one ONNX graph), trained from scratch in {training["seconds"] / 60:.0f} minutes
on {training["threads"]} processor cores, and a quality gate ({size(manifest["quality"]["bytes"])}) that looks at every
picture first. This page is written by `lantern models train` and made again by
`lantern models evaluate chest-xray-child --data DIR`.

**How the figures are honest.** Patients are split into three parts by a hash of their number; both published halves and
near-duplicates of one person stay together. Each member, a network and its line, never saw one part. A film is judged
here only by the member that never saw that child, with calibration and thresholds fitted on the other two parts. The
shipped model is the mean of the three, which no film here can judge fairly; on children kept apart it should do no
worse than a single member. Each network's best epoch was chosen on its held-out part, and the lines' two settings were
taken from seven pairs tried on all parts, which flatters these figures very slightly (by none of the seven was the area
over all films under 0.992)."""


def _main(figures: Mapping[str, Any]) -> str:
    every = figures["all"]
    rows = [
        ("area under the ROC curve", figure(every["auc"])),
        ("sensitivity at probability ½", share(every["sensitivity"])),
        ("specificity at probability ½", share(every["specificity"])),
        ("positive predictive value (at this data's prevalence)", share(every["ppv"])),
        ("negative predictive value", share(every["npv"])),
        ("F1", figure(every["f1"])),
        ("expected calibration error, 10 bins", f"{every['calibration_error']:.3f}"),
        ("Brier score", f"{every['brier']:.3f}"),
        ("decided (likely or unlikely)", share(every["decided"])),
        ("right among the decided", share(every["decided_right"])),
        ("good films refused by the gate", share(every["refused"])),
    ]
    lines = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return f"""## Figures

{every["films"]:,} films of {every["children"]:,} children, {every["pneumonia"]:,} with pneumonia. Intervals: 95 %;
shares by Wilson, AUC and F1 by drawing whole patients with replacement.

| | |
|---|---|
{lines}
{_alone(figures)}
Published beside it: Kermany 2018 AUC 0.968 (transfer learning), PneumoniaMNIST ResNet-18 / ResNet-50 at 224 px
0.956 / 0.962, all on the published test part alone."""


def _alone(figures: Mapping[str, Any]) -> str:
    """How well each half of the members does by itself; nothing where they have one half only."""
    if not figures.get("alone"):
        return ""
    networks, lines = (figure(figures["alone"][name]) for name in ALONE)
    return f"""
Each member answers by the mean of two log-odds, its network's and its line's. Alone, the networks reach an area under
the curve of {networks}, the lines {lines}: they err on different films.
What the lines are told of is measured on the film: directions of gradients on three scales, texture in four bands, and
the film in small.
"""


def _hint(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    if "hint" not in figures:
        return ""
    lines = "\n".join(
        f"| {name} | {group['films']} / {group['bacterial']} | {figure(group['auc'])} "
        f"| {share(group['sensitivity'])} | {share(group['specificity'])} | {group['calibration_error']:.3f} "
        f"| {share(group['decided'])} | {share(group['decided_right'])} |"
        for name, group in figures["hint"].items()
    )
    spec = manifest["findings"][1]
    thresholds, calibration = spec["thresholds"], spec["calibration"]
    scale = f"logit / {calibration['temperature']:.3f} {calibration['offset']:+.3f}"
    short = (
        ""
        if figures["hint"]["all"]["auc"]["value"] >= _HINT_GOAL
        else " It was reached on the part published as the test, which a third reader saw too, not over all films."
        if _reached_on_test(figures)
        else " It was not reached."
    )
    return f"""## The hint: bacteria or viruses

`{spec["key"]}` is the probability that a pneumonia looks like those the readers put down to bacteria rather than
viruses, and means nothing where there is none: it is given with every answer, but *likely* or *unlikely* only where
pneumonia itself is not *unlikely*. One straight line for each network on its last maps in small ({GRID} × {GRID}
places) and on what is measured on the film, learned from the same children; what is said of pneumonia is not touched.
It must never decide on antibiotics.
Goal: an area under the curve of {_HINT_GOAL:.2f}.{short} Sensitivity: of the bacterial ones.

Calibration: {scale}; positive {thresholds["positive"]:.3f}, negative {thresholds["negative"]:.3f}
({100 * thresholds["alpha_positive"]:.0f} % of either kind may wrongly be excluded).

| films of pneumonia | films / bacterial | AUC | sensitivity | specificity | ECE | decided | right among decided |
|---|---|---|---|---|---|---|---|
{lines}

| said | films | mean said | seen |
|---|---|---|---|
{reliability_rows(figures["hint_reliability"])}"""


def _hint_curve(figures: Mapping[str, Any], study: Study | None) -> str:
    """Why the hint falls short over all films, and whether more films would help; nothing where it does not."""
    if "hint" not in figures or figures["hint"]["all"]["auc"]["value"] >= _HINT_GOAL:
        return ""
    points = curve_points(study.rows if study is not None else [])
    if not points:
        curve = not_measured("chest-xray-child")
    else:
        first, last = (next(iter(one.figures.values())) for one in (points[0], points[-1]))
        told = (
            "rises with the children learned from: more films of this kind would still help a little"
            if last - first >= _RISING
            else "is flat: more films of this kind would not help"
        )
        curve = f"""The curve {told}.
It does not reach the goal. Areas under the curve; each line learned from two thirds of the children named, and the
other third judged it; the networks' maps are the shipped ones at every point, which were taught pneumonia alone.

{curve_table(points, "children")}"""
    return f"""### Why it falls short over all films
{_out_of_line(figures["hint"])}
{curve}"""


def _out_of_line(groups: Mapping[str, Any]) -> str:
    """What the published numbering tells of the labels; nothing where the films do not bear it."""
    if IN_LINE not in groups or OUT_OF_LINE not in groups:
        return ""
    within, beyond = groups[IN_LINE], groups[OUT_OF_LINE]
    return f"""
The published training part numbers its films one after the other, and the error lies in whole stretches of those
numbers with sharp ends: the bacterial films numbered 3340 and over, and four stretches of the viral ones. Of these
{beyond["films"]} films the bacterial ones look no more bacterial than the viral ones: AUC {figure(beyond["auc"])}.
Of the other {within["films"]:,} films of that part: {figure(within["auc"])}. The stretches were found by these very
answers, so the second figure flatters. Whether the labels there are wrong, or the children were of another age or
filmed in another way, the films do not tell; no label was changed, and nothing is learned from where a film stands.
The films published as the test part all lie outside those stretches, which is why the hint looks so much better there.
"""


def _reached_on_test(figures: Mapping[str, Any]) -> bool:
    """Whether the hint reaches its goal on the films published as the test part."""
    tested = figures["hint"].get(f"published part {PUBLISHED_TEST}")
    return tested is not None and tested["auc"]["value"] >= _HINT_GOAL


def _groups(figures: Mapping[str, Any]) -> str:
    lines = []
    for name, group in figures["groups"].items():
        lines.append(
            f"| {name} | {group['films']} / {group['pneumonia']} | {figure(group['auc'])} "
            f"| {share(group['sensitivity'])} | {share(group['specificity'])} | {share(group['ppv'])} "
            f"| {figure(group['f1'])} | {group['calibration_error']:.3f} "
            f"| {share(group['decided'])} | {share(group['decided_right'])} |"
        )
    return (
        """## By part of the data

Age and sex are not given for single films in this data set, so no figure by age or sex can be given. Collectors are
the collections a copy came from. `kermany_full` keeps the film's aspect; `kermany224` was stretched to a square.

| group | films / pneumonia | AUC | sensitivity | specificity | PPV | F1 | ECE | decided | right among decided |
|---|---|---|---|---|---|---|---|---|---|
"""
        + "\n".join(lines)
        + "\n\nA dash: the group holds one class only."
    )


def _honesty(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    lines = reliability_rows(figures["reliability"])
    thresholds = manifest["findings"][0]["thresholds"]
    positive, negative, alpha = (thresholds[name] for name in ("positive", "negative", "alpha_positive"))
    calibration = manifest["findings"][0]["calibration"]
    scale = f"logit / {calibration['temperature']:.3f} {calibration['offset']:+.3f}"
    limit = manifest["out_of_distribution"]["limit"]
    return f"""## Probabilities and the three-way answer

Calibration: {scale}. *likely* where the probability is usual for
pneumonia (≥ {positive:.3f}) and unusual for a normal film (> {negative:.3f});
*unlikely* the other way round; else *cannot say*. Each class may be excluded wrongly in {100 * alpha:.0f} % of its
films (class-conditional conformal prediction, fitted on held-out patients). Outside 1–5 completed years, with unknown
age, and for a picture unlike the training films (distance above {limit:.2f}) the answer is *cannot say* and the
probability is still given.

| said | films | mean said | seen |
|---|---|---|---|
{lines}"""


def _gate(figures: Mapping[str, Any]) -> str:
    lines = "\n".join(f"| {name} | {value['n']} | {share(value)} |" for name, value in figures["gate"].items() if value)
    return f"""## The quality gate

Share refused, only of patients and files the gate did not learn from. Kinds marked
"never shown" took no part in its training at all.

| pictures | n | refused |
|---|---|---|
{lines}

**No side view of a chest exists in this data.** Whether one is refused was not measured; the gate knows only that
it is not what it has learned to call a good frontal film. A mirrored film cannot be told from a rare
anatomy and is not refused."""


def _battery(figures: Mapping[str, Any]) -> str:
    lines = "\n".join(
        f"| {name} | {row['auc']:.3f} | {100 * row['sensitivity']:.1f} % | {100 * row['specificity']:.1f} % "
        f"| {row['mean_shift']:+.3f} | {100 * row['changed_sides']:.1f} % | {100 * row['refused']:.1f} % |"
        for name, row in figures["battery"].items()
    )
    return f"""## How far the operating point moves

300 films changed on purpose, each judged by the network that never saw the child; sensitivity and specificity at
probability one half.

| change | AUC | sensitivity | specificity | mean shift | changed sides | refused |
|---|---|---|---|---|---|---|
{lines}"""


def _comparators(study: Study | None, training: Mapping[str, Any]) -> str:
    if study is None:
        return "## Comparators\n\nNot measured on this data: `lantern models evaluate` does so with `--study`."
    rows: list[Any] = [row for row in study.rows if "auc" in row]  # type: ignore[operator]  # rows are tables
    lines = "\n".join(
        f"| {row['name']} | {row['trained_on']} | {row['tested_on']} | {figure(row['auc'])} |" for row in rows
    )
    epochs = f"{training['settings']['epochs']} epochs"
    return f"""## Comparators, learning curve and what leaks

One network each, trained by the same recipe (`lantern models evaluate … --study`) for {study.epochs} epochs only,
tested on patients it never saw: compare these rows with one another, not with the shipped members above, which get
{epochs}. The first rows show how much of the label leaks into what is no disease: the size and aspect of the file, a
32 × 32 thumbnail, and films whose lungs and heart are painted grey.

| what | trained on | tested on | AUC |
|---|---|---|---|
{lines}

The masked films still tell a good part of the labels (the posture of a sick child, the exposure, what surrounds the
chest): this model's figures are partly owed to that hospital's habits, and another clinic must expect less. Size and
aspect cannot help the network: every film becomes a square of one size before it is seen."""


def _training(training: Mapping[str, Any]) -> str:
    rows: list[str] = []
    for name, curve in training["curves"].items():
        best = max(curve, key=lambda epoch: (epoch["score"], -epoch["validation_loss"]))
        rows.append(
            f"| {name} | {len(curve)} | {best['epoch']} | {best['validation_loss']:.4f} | {best['score']:.4f} "
            f"| {sum(epoch['seconds'] for epoch in curve):.0f} |"
        )
    data = f"{training['films']:,} films of {training['patients']:,} children"
    return f"""## Training record

Seed {training["seed"]}, data SHA-256 `{training["data_sha256"][:16]}…` ({data}),
{software_text(training)}. Settings and full curves are in `training.json`.

Films are resampled without regard to aspect to one small square with an anti-aliased filter, clipped at the 0.5th and
99.5th percentile and standardised, so that size, aspect and exposure cannot tell the label. Augmentation: rotation to
8°, zoom, aspect, shift, coarser resampling, gamma, exposure, noise; nothing is ever mirrored. Early stop and averaged
weights, both judged on the held-out part.

| network | epochs | best | validation loss | score (AUC; gate: share right) | seconds |
|---|---|---|---|---|---|
{chr(10).join(rows)}"""


def _limits() -> str:
    return """## Limits

- One hospital, one country, up to 2018; films chosen for quality by the data's authors. Not tried anywhere else.
- Seven films in ten show pneumonia. Where pneumonia is rarer the probabilities are too high: re-fit them.
- Normal or pneumonia only: it knows nothing of tuberculosis, heart failure, foreign bodies, effusion or tumours.
- Ages 1 to 5. Others get *cannot say*. No newborns, no adults.
- The map shows where the networks' evidence lay on a 8 × 8 grid, not that of the lines beside them. It is no outline
  of a disease.
- Labels come from two readers (a third for the evaluation part) without microbiology."""


def _credit() -> str:
    return f"""## Data and licences

{credits_text(DATA)}

The gate's other pictures, only ever shown as "no chest film", are retinas (IDRiD CC BY 4.0, CHASE DB1 CC BY 4.0), red
blood cells (NIH malaria cells) and blood smears (BCCD, MIT). Data whose terms nobody has read yet trained nothing here;
some of it measured the gate. The weights are under Apache-2.0; no film can
be got back from them."""


def table_row(name: str, trained_on: str, tested_on: str, auc: Json) -> dict[str, Json]:
    """One row of a study."""
    return {"name": name, "trained_on": trained_on, "tested_on": tested_on, "auc": auc}
