"""CARD.md of the model of twelve leads: every figure comes from an evaluation, the study or the training record."""

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import robustness_card, subgroups
from desktop.learning.card_words import figure, share
from desktop.learning.ecg_data import FINDINGS
from desktop.learning.ecg_export import INTENDED_USE, NAMES
from desktop.learning.ecg_study import LOST
from desktop.learning.learning_curve import not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json
from desktop.learning.subgroups import OLDEST, Failed

_PARTS = {
    part.name: part
    for part in (
        subgroups.of_sex("women", "female"),
        subgroups.of_sex("men", "male"),
        subgroups.of_ages("under 60 years", 0, 59),
        subgroups.of_ages("60 years and over", 60, OLDEST),
    )
}


def texts(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Json], study: Sequence[Any]
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, and the manifest with its limits. Nothing else
    writes either of them, so they cannot differ."""
    figures = {**figures, "robustness": [row["told"] for row in study if row["kind"] == LOST]}
    stated = {**manifest, "limits": limits(training["patients"], figures)}
    stated = subgroups.with_withheld(stated, _failed(figures))
    return {CARD: card(stated, training, figures, study).encode(), MANIFEST: manifest_text(stated).encode()}


def limits(patients: int, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    whole = figures["macro_auc"]
    value, low, high = (f"{whole[name]:.2f}" for name in ("value", "low", "high"))
    areas = {key: one["auc"]["value"] for key, one in figures["findings"].items() if one["auc"] is not None}
    weakest, lost = min(areas, key=lambda key: areas[key]), robustness_card.limits(figures)
    return {
        "en": f"Learned from recordings of {patients} grown-up patients of one German institute, 1984 to 2001. Models "
        "made in the same way reached a mean area under the ROC curve of "
        f"{value} ({low} to {high}) on patients they "
        f"had not seen; weakest: {NAMES[weakest]['en'].lower()}, {areas[weakest]:.2f}. It knows no acute infarction "
        f"from an old one, and it was not tried on recorders and people elsewhere.{lost['en']} No clinician has "
        "reviewed it yet.",
        "zh": f"学习自德国一家机构 1984–2001 年间 {patients} 名成人患者的心电图。"
        "用同样方法训练的模型在未参与训练的患者中，"
        f"ROC 曲线下面积平均为 {value}（{low}–{high}）；最弱的一项是{NAMES[weakest]['zh']}，为 {areas[weakest]:.2f}。"
        f"模型不能区分急性与陈旧性心肌梗死，也未在其他地方的设备和人群中验证。{lost['zh']}尚未经过临床医生审阅。",
    }


def card(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any], study: Sequence[Any]
) -> str:
    """The card's text."""
    parts = (
        _head(manifest, training),
        _main(figures),
        _decisions(manifest, figures),
        _groups(figures),
        _study(study),
        _lost(figures),
        _end(manifest),
    )
    return "\n\n".join(parts) + "\n"


def _head(manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    settings = training["settings"]
    inputs = manifest["network_data_format"]["inputs"]["features"]["shape"][0]
    return f"""# {manifest["name"]} {manifest["version"]}

Six findings on a resting electrocardiogram of twelve leads, each judged by itself. No clinician has reviewed this model
yet.

{INTENDED_USE["en"]}

The clinic measures {inputs} numbers on the recording (`{manifest["preparation"]["method"]}`: the waves of the usual
beat in every lead, axes, voltages, intervals, how even the beats are, what moves between them), at
{manifest["preparation"]["rate_hz"]:g} samples a second whatever the recorder takes. For each finding
{settings["trees"]} extremely randomised trees (at least {settings["least"]} recordings in a leaf,
{100 * settings["share"]:.0f} % of the numbers tried at each cut) average their shares; the whole is one ONNX graph.
With so few recordings this did better than straight lines, kernels, and curves of whole beats. Made in
{training["seconds"]:.0f} seconds on one thread of a busy PC. This page is written by `lantern models train` and made
again by `lantern models evaluate {manifest["name"]} --data DIR`.

**How the figures are honest.** Patients are in {settings["folds"]} parts; each is judged by forests made without his
part, and his calibration and thresholds come from patients of other parts. The number of trees and the size of leaves
were chosen by the same kind of cross-validation on all patients, among five settings that differed by less than the
interval. The shipped model is made in the same way from everybody, whom it cannot be judged on. Neither age nor sex
is asked: adding them did not help."""


def _main(figures: Mapping[str, Any]) -> str:
    compared = figures.get("comparator")
    lines = [
        f"| {NAMES[key]['en']} (`{key}`) | {one['with_finding']} | {figure(one['auc'])} | "
        f"{figure(compared['findings'][key]) if compared else '–'} |"
        for key, one in figures["findings"].items()
    ]
    beside = figure(compared["macro_auc"] if compared else None)
    mean = f"| mean of the six | | {figure(figures['macro_auc'])} | {beside} |"
    repeats = ", ".join(f"{value:.3f}" for value in figures.get("macro_auc_of_each_repeat", []))
    return f"""## Figures

{figures["recordings"]} recordings of {figures["patients"]} patients. Area under the ROC curve with 95 % intervals, by
drawing patients with replacement. Beside it: a plain logistic regression on what a recorder prints (rate, intervals,
axis, voltages, highest and lowest ST and T).

| finding | recordings with it | this model | comparator |
|---|---|---|---|
{chr(10).join(lines)}
{mean}

The same made anew with other parts, mean of the six: {repeats}. To compare: 0.93 is published for networks that learned
from 17,000 recordings of the same collection and five of these findings (Strodthoff et al. 2021), on other patients."""


def _decisions(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    lines = [
        f"| `{key}` | {share(one['decided'], 0)} | {share(one['sensitivity'], 0)} | {share(one['specificity'], 0)} | "
        f"{figure(one['calibration_slope'], 2)} | {one['calibration_error']:.3f} |"
        for key, one in figures["findings"].items()
    ]
    missed, wronged = (
        ", ".join(f"{100 * one['thresholds'][alpha]:.2g}" for one in manifest["findings"])
        for alpha in ("alpha_positive", "alpha_negative")
    )
    return f"""## Decisions and calibration

Sensitivity and specificity are of those that are decided (likely or unlikely); the others are told "cannot say".
Intervals by Wilson. At most so many per cent of those with the finding are to be called unlikely: {missed}; and of
those without it likely: {wronged}.

| finding | decided | sensitivity | specificity | calibration slope (1 is right) | calibration error |
|---|---|---|---|---|---|
{chr(10).join(lines)}"""


def _groups(figures: Mapping[str, Any]) -> str:
    head = " | ".join(f"`{key}`" for key in FINDINGS)
    lines = [
        f"| {name} | {group['recordings']} | "
        + " | ".join(figure(group["findings"][key], 2) for key in FINDINGS)
        + " |"
        for name, group in figures["groups"].items()
    ]
    return f"""## By group

Area under the ROC curve; a dash where fewer than five have, or have not, the finding.

| group | recordings | {head} |
|---|---|{"---|" * len(FINDINGS)}
{chr(10).join(lines)}

{subgroups.withheld_text(_failed(figures))}"""


def _failed(figures: Mapping[str, Any]) -> list[Failed]:
    """Findings and groups in which they are told worse."""
    found = []
    for key in FINDINGS:
        parts = [(_PARTS[name], group["findings"][key]) for name, group in figures["groups"].items()]
        found += subgroups.failed_parts(key, figures["findings"][key]["auc"], parts)
    return found


def _study(rows: Sequence[Any]) -> str:
    if not rows:
        return f"## Fewer patients, poor recordings\n\n{not_measured('ecg-12-lead')}"
    head = " | ".join(f"`{key}`" for key in FINDINGS)
    lines = [
        f"| {row['name']} | {row['macro_auc']:.3f} | "
        + " | ".join(f"{row['findings'][key]:.3f}" for key in FINDINGS)
        + " |"
        for row in rows
        if row["kind"] in ("learning curve", "battery")
    ]
    others = [
        f"Eight of the recordings exist at {row['name']} too. Of {row['answers']} answers to those, the probability "
        f"differs by {row['median_difference']:.3f} in the middle and {row['largest_difference']:.3f} at most from the "
        f"answer at 100 Hz, from which the model has learned; {row['other_decisions']} decisions differ."
        for row in rows
        if row["kind"] == "other rate"
    ]
    return f"""## Fewer patients, poor recordings

Area under the ROC curve, forests of 100 trees, every patient judged by forests made without him. The forests learned
from good recordings; the worse ones are only judged.

| | mean of the six | {head} |
|---|---|{"---|" * len(FINDINGS)}
{chr(10).join(lines)}

{" ".join(others)}"""


def _lost(figures: Mapping[str, Any]) -> str:
    told = robustness_card.section(
        figures,
        "the mean of sensitivity and specificity where likely and unlikely part, midway between the two thresholds",
        "patients",
        "Refused: nothing is decided, since a lead is silent or no beat is the usual one.",
    )
    return told or f"## What may be lost\n\n{not_measured('ecg-12-lead')}"


def _end(manifest: Mapping[str, Any]) -> str:
    ages = manifest["applicability"]["age_years"]
    data = manifest["data"][0]
    return f"""## Limits

- Learned from patients of one German institute, mostly recorded 1984 to 1991 on two kinds of recorder; 17 years old at
  least. Under {ages["minimum"]} years nothing is decided where the age is known; the answer does not wait for an age.
- One cardiologist's or a machine's report is the truth here, not an angiography or an ultrasound.
- Hypertrophy and atrial fibrillation rest on 38 recordings each, so their intervals are wide.
- A recording is refused under 5 seconds, with leads missing, or flat. With one lead flat, without a unit, without a
  usual beat, or too far from what it learned from, probabilities are given and nothing is decided. Exchanged cables are
  not noticed. Of a long recording the first minute is judged.

## Data

{data["name"]}. Licence: {data["licence"]} (file in the source, agrees with PhysioNet). {data["credit"]}"""
