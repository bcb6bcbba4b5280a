"""CARD.md of the pack of head CT: every figure comes from an evaluation or the training record."""

from collections.abc import Mapping
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import robustness_card
from desktop.learning.card_words import credits_text, figure, share
from desktop.learning.head_ct_data import FINDINGS
from desktop.learning.head_ct_export import INTENDED_USE, NAMES
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json

_ASKED = {"haemorrhage": 0.87, "fracture": 0.88}


def texts(manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Json]) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, and the manifest with its limits. Nothing else
    writes either of them, so they cannot differ."""
    stated = {**manifest, "limits": limits(figures)}
    return {CARD: card(stated, training, figures).encode(), MANIFEST: manifest_text(stated).encode()}


def limits(figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    (blood, break_) = (figures["findings"][key]["auc"] for key in FINDINGS)
    lost = robustness_card.limits(figures)
    said = [f"{one['value']:.2f}" for one in (blood, break_)]
    ranges = [f"{one['low']:.2f}" for one in (blood, break_)], [f"{one['high']:.2f}" for one in (blood, break_)]
    return {
        "en": f"For research only. Learned from {figures['slices']} slices of {figures['patients']} people of one "
        "hospital, all hurt, nearly half of the slices with blood and most of that epidural. Made in the same way, it "
        f"reached an area under the ROC curve of {said[0]} ({ranges[0][0]} to {ranges[1][0]}) for haemorrhage and "
        f"{said[1]} ({ranges[0][1]} to {ranges[1][1]}) for fracture on people it had not seen. It sees no bone window: "
        "of a fracture it mostly sees the swelling and the blood beside it. Where findings are rarer, its "
        f"probabilities are too high.{lost['en']} No clinician has reviewed it.",
        "zh": f"仅供研究。学习自一家医院 {figures['patients']} 名外伤者的 {figures['slices']} 层图像，"
        "其中近一半有出血，且以硬膜外为主。用同样方法训练的模型在未参与训练的人中，ROC 曲线下面积："
        f"出血 {said[0]}（{ranges[0][0]}–{ranges[1][0]}），骨折 {said[1]}（{ranges[0][1]}–{ranges[1][1]}）。"
        "它看不到骨窗：对骨折，主要依据旁边的肿胀和出血。在异常较少见的地方，概率偏高。"
        f"{lost['zh']}尚未经临床医生审阅。",
    }


def card(manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """The card's text."""
    parts = (
        _head(manifest, training),
        _main(figures),
        _decisions(manifest, figures),
        _kinds(figures),
        _more(figures),
        robustness_card.section(figures, "the mean of sensitivity and specificity at probability one half", "people"),
        _end(manifest),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    settings = training["settings"]
    return f"""# {manifest["name"]} {manifest["version"]} (research)

Haemorrhage and fracture on one slice of a head CT. A research pack: trained where it is used, not bundled, never asked
unless it is named. No clinician has reviewed it.

{INTENDED_USE["en"]}

The clinic cuts the head out of the slice, turns it until its halves are alike, brings it to one size and measures
{manifest["preparation"]["count"]} numbers (`{manifest["preparation"]["method"]}`): how far the brightest and darkest
patches lie from the middle of the brain's grey values and from the same place of the other half, near the skull and
within, in three sizes; how thick, large, uneven and bright the soft tissue outside the skull is; gaps, thickness and
sides of the bone; air. For each finding a straight line of these numbers ({settings["clipped"]:g} spreads from the
usual at most, ridge penalty {settings["ridge"]:g}) gives the log-odds. With so few people this did better than a small
network, than forests, and than both together. Made in {training["seconds"]:.0f} seconds on one thread of a busy PC, the
same again from the same seed. This page is written by `lantern models train` and made again by
`lantern models evaluate {manifest["name"]} --data DIR`.

**How the figures are honest.** People are in {settings["folds"]} parts, {settings["repeats"]} times anew; each is
judged by the mean of the lines made without his part, and his calibration and thresholds come from people of other
parts. {_chosen(training)} The pack itself is made in the same way from everybody,
whom it cannot be judged on."""


def _chosen(training: Mapping[str, Any]) -> str:
    """How the settings came about."""
    tried = training.get("tried", [])
    if not tried:
        return """The penalty, how far a number counts, and the numbers themselves were chosen by the same kind of
cross-validation on these people, so the figures flatter a little."""
    return f"""The penalty and how far a number counts were chosen among {len(tried)} settings (`tried` in
`training.json`) by the log-loss on inner parts of the people learned from, for each part that is judged anew without
it; the numbers themselves were chosen by cross-validation on these people, so the figures still flatter a little."""


def _main(figures: Mapping[str, Any]) -> str:
    lines = [
        f"| {NAMES[key]['en']} (`{key}`) | {one['with_finding']} | {figure(one['auc'])} | {_beside(figures, key)} | "
        f"{_ASKED[key]:.2f} |"
        for key, one in figures["findings"].items()
    ]
    repeats = "; ".join(
        f"{key} {', '.join(f'{value:.3f}' for value in values)}" for key, values in figures.get("repeats", {}).items()
    )
    return f"""## Figures

{figures["slices"]} slices of {figures["patients"]} people. Area under the ROC curve with 95 % intervals, by drawing
people with replacement. Beside it: a regression on the slice at 24 × 24 pixels, made in the same way.

| finding | slices with it | this pack | thumbnail | asked |
|---|---|---|---|---|
{chr(10).join(lines)}

Each of the cross-validations by itself: {repeats or "not on these data"}; so much
depends on who is left out together. Of a network trained for four minutes on these data 0.81 and 0.86 are known, on
other people; the paper's own network told slices with haemorrhage with a sensitivity of
97 % at a specificity of 50 % (Hssayeni et al. 2020)."""


def _beside(figures: Mapping[str, Any], key: str) -> str:
    return figure(figures["thumbnail"][key]) if "thumbnail" in figures else "–"


def _decisions(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    lines = [
        f"| `{key}` | {share(one['sensitivity'], 0)} | {share(one['specificity'], 0)} | {share(one['decided'], 0)} | "
        f"{share(one['decided_right'], 0)} | {one['calibration_error']:.3f} |"
        for key, one in figures["findings"].items()
    ]
    alphas = ", ".join(
        f"`{one['key']}` {100 * one['thresholds']['alpha_positive']:.0f} %" for one in manifest["findings"]
    )
    return f"""## Decisions and calibration

Sensitivity and specificity at probability one half; then of the three-way answer how many are decided and how many of
those rightly; intervals by Wilson, as if every slice were another person's. Share of each class that the decisions may
get wrong: {alphas}.

| finding | sensitivity | specificity | decided | of those right | calibration error |
|---|---|---|---|---|---|
{chr(10).join(lines)}"""


def _kinds(figures: Mapping[str, Any]) -> str:
    lines = [
        f"| {kind} | {one['slices'] if one else '–'} | {figure(one['auc']) if one else '–'} |"
        for kind, one in figures["kinds"].items()
    ]
    return f"""## By kind of haemorrhage

Slices with that kind against those with none.

| kind | slices | area under the ROC curve |
|---|---|---|
{chr(10).join(lines)}"""


def _more(figures: Mapping[str, Any]) -> str:
    if "learning_curve" not in figures:
        return "## Fewer people, poor slices\n\nOnly known for the data the pack was made from."
    curve = [
        f"| {row['people']} | {row['haemorrhage']:.3f} | {row['fracture']:.3f} |" for row in figures["learning_curve"]
    ]
    worse = [f"| {row['name']} | {row['haemorrhage']:.3f} | {row['fracture']:.3f} |" for row in figures["battery"]]
    return f"""## Fewer people, poor slices

Area under the ROC curve with fewer people, each judged by lines made without him.

| people | haemorrhage | fracture |
|---|---|---|
{chr(10).join(curve)}

Some of the slices made worse ({figures["battery"][0]["slices"]} of them), judged by lines that learned from good ones
of other people.

| change | haemorrhage | fracture |
|---|---|---|
{chr(10).join(worse)}"""


def _end(manifest: Mapping[str, Any]) -> str:
    return f"""## Limits

- One hospital, people who were hurt, of all ages; nearly two thirds of the slices with haemorrhage show an epidural
  one.
- A slice in a brain window (about -20 to 100 HU) with bone white and air black. Slices in a bone window, films, and
  other pictures are refused. Of several slices side by side the answer means nothing: give one at a time.
- It does not say on which side or where. It has learned from no picture with contrast, no tumour, no old infarction.
- Nothing here knows the neighbouring slices; a haemorrhage seen on one slice only may be noise, and the reverse.

## Data

{credits_text(manifest["data"])}"""
