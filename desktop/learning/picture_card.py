"""The card of a picture model, and the limits in its manifest: whatever states its figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import picture_curve_card, picture_pointing_card, robustness_card, subgroups
from desktop.learning.card_words import codes, credits_text, figure, reliability_rows, share, size, software_text
from desktop.learning.learning_curve import RISES, CurvePoint
from desktop.learning.picture_sets import PictureFinding, PictureSet
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json
from desktop.learning.subgroups import Failed

_KNOWN = {
    part.name: part
    for part in (
        subgroups.of_sex("sex F", "female"),
        subgroups.of_sex("sex M", "male"),
        subgroups.of_view("view AP", "AP"),
        subgroups.of_view("view PA", "PA"),
    )
}
"""Parts of the people whom a clinic knows, by the card's names."""


def texts(
    wanted: PictureSet,
    manifest: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Json],
    points: Sequence[CurvePoint] = (),
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, and the manifest with its limits. points: of the
    learning curve place by place, where there is one."""
    stated = {**manifest, "limits": limits(wanted, figures)} | _explanation(manifest, figures)
    stated = subgroups.with_withheld(stated, _failed(wanted, figures))
    told = card(wanted, stated, training, figures, points)
    return {CARD: told.encode(), MANIFEST: manifest_text(stated).encode()}


def _explanation(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> dict[str, object]:
    """What the manifest says of its maps."""
    said = {name: value for name, value in manifest.get("explanation", {}).items() if name != "map"}
    if picture_pointing_card.points_nowhere(figures):
        said["map"] = "weak"
    return {"explanation": said} if said or "explanation" in manifest else {}


def limits(wanted: PictureSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    told, pointed = _told(wanted, figures), picture_pointing_card.limits(wanted, figures)
    lost = robustness_card.limits(figures)
    source = {
        language: text.format(n=f"{figures['pictures']:,}", groups=f"{figures['groups']:,}")
        for language, text in wanted.source.items()
    }
    english = ", ".join(f"{one.name['en'].lower()} {figures['findings'][one.key]['auc']['value']:.2f}" for one in told)
    chinese = "、".join(f"{one.name['zh']} {figures['findings'][one.key]['auc']['value']:.2f}" for one in told)
    return {
        "en": f"Learned from {source['en']}. On people it had not seen, the area under the ROC curve was: {english}. "
        f"{wanted.caution['en']}{pointed['en']}{lost['en']} No clinician has reviewed it yet.",
        "zh": f"学习自{source['zh']}。在未参与训练的人中，ROC 曲线下面积为：{chinese}。{wanted.caution['zh']}"
        f"{pointed['zh']}{lost['zh']}尚未经过临床医生审阅。",
    }


def _told(wanted: PictureSet, figures: Mapping[str, Any]) -> list[PictureFinding]:
    """The findings with figures, in order."""
    return [one for one in wanted.findings if one.key in figures["findings"]]


def card(
    wanted: PictureSet,
    manifest: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Any],
    points: Sequence[CurvePoint] = (),
) -> str:
    """The card's text."""
    parts = (
        _head(wanted, manifest, training),
        _splits(wanted, training),
        _main(wanted, figures),
        _left_out(wanted, training),
        _groups(wanted, figures),
        _honesty(wanted, manifest, figures),
        picture_pointing_card.section(wanted, figures),
        _refused(figures, manifest),
        _battery(wanted, figures),
        robustness_card.section(
            figures,
            "the mean of sensitivity and specificity where likely and unlikely part, midway between the two thresholds",
            "people",
            "More pictures than above, so that no finding is rare among them.",
        ),
        picture_curve_card.section(wanted, figures, points),
        _learning(wanted, figures, training),
        _end(wanted),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(wanted: PictureSet, manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    settings = training["settings"]
    findings = ", ".join(f"`{one['key']}`" + (f" ({codes(one)})" if codes(one) else "") for one in manifest["findings"])
    gate = manifest["quality"]
    looked = f", and the quality gate of {wanted.gate} ({size(gate['bytes'])}) looks first" if wanted.gate else ""
    beside = ""
    if settings["gradients"] and wanted.lines is None:
        around = (
            ", of the picture as it is and of each place told against its surroundings,"
            if settings.get("surroundings")
            else ""
        )
        waves = " with the energies of Gabor filters," if settings.get("texture") else ""
        beside = (
            f", each with a ridge regression on gradient histograms and texture{around}{waves} beside it that counts "
            f"{1 - settings.get('network_share', 2 / 3):.0%} of both".replace("%", " %")
        )
    first = (
        f"They start from a network that learned {settings['earlier_epochs']} epochs of other pictures first. "
        if "first" in training["curves"]
        else ""
    )
    research = "**A research pack: not bundled, asked only when named or switched on.**\n\n" if wanted.research else ""
    return f"""# {wanted.model} {manifest["version"]}

{research}Says, each on its own: {findings}. No clinician has reviewed this model yet.

{wanted.intended_use["en"]}

{_made(wanted, settings, beside)} ({size(manifest["weights"]["bytes"])} in one ONNX
graph, weights in half precision), trained from scratch in {training["seconds"] / 60:.0f} minutes{looked}. {first}This
page is written by `lantern models train` and made again by `lantern models evaluate {wanted.model} --data DIR`.

{_honest(wanted, settings)}"""


def _made(wanted: PictureSet, settings: Mapping[str, Any], beside: str) -> str:
    if wanted.lines is None:
        return f"{settings['members']} small residual networks of our own{beside}"
    return (
        f"The mean of {settings['members']} ridge regressions on gradient histograms and on texture by its width and "
        "direction (Gabor filters), each place told against its surroundings and both halves counting alike; with so "
        "few pictures this did better than small networks"
    )


def _honest(wanted: PictureSet, settings: Mapping[str, Any]) -> str:
    parts = f"""**How the figures are honest.** Patients are split into {settings["members"]} parts by a hash of their
number."""
    if wanted.lines is not None:
        return f"""{parts} Each regression never saw one part. A picture is judged here only by the one that never saw
that patient, with calibration and thresholds fitted on the other parts. The shipped model is the mean of them, which no
picture here can judge fairly. What is measured, the surroundings' width and the penalty were chosen by cross-validation
on all patients, among some three dozen, with an eye to each place and to one tested by the other, so that all figures
flatter a little."""
    early = settings.get("stop_after", 0)
    left = (
        f" The schedule of {settings['epochs']} epochs was left after {early} for want of processor time."
        if early
        else ""
    )
    return f"""{parts} Each network never saw one part, and what is held out does not choose how long it learns.{left}
A picture is judged here only by the network that never saw that patient, with calibration and thresholds fitted on the
other parts. The shipped model is the mean of the networks, which no picture here can judge fairly; on people kept apart
it should do no worse than one of them. Network and settings were chosen by a few short trials on one third of the
patients, what the regression is told of by cross-validation on all of them, among some dozen, so that the figures
flatter a little."""


def _splits(wanted: PictureSet, training: Mapping[str, Any]) -> str:
    """Learned here, tested there, which is stated first."""
    rows = [
        f"| {name} | {key} | {one['n']} / {one['positive']} | {figure(one['auc'])} |"
        for name, found in training["calibration"]["splits"].items()
        for key, one in found.items()
    ]
    if not rows:
        return ""
    return """## Learned from one source, tested on another

Made in the same way without any picture of the source it is tested on. A new place must expect
figures like these rather than those below.

| | finding | pictures / with it | AUC |
|---|---|---|---|
""" + "\n".join(rows)


def _main(wanted: PictureSet, figures: Mapping[str, Any]) -> str:
    rows = []
    for one in _told(wanted, figures):
        found = figures["findings"][one.key]
        goal = "–" if one.goal is None else f"{one.goal:.2f}"
        rows.append(
            f"| {one.key} | {found['n']} / {found['positive']} | {figure(found['auc'])} | {goal} "
            f"| {figure(found.get('thumbnail'))} | {figure(found.get('margin'))} "
            f"| {share(found['decided'])} | {share(found['decided_right'])} | {found['calibration_error']:.3f} |"
        )
    missed = [one.key for one in _told(wanted, figures) if _missed(one, figures)]
    verdict = f"\n\nThe goal was not reached for {', '.join(missed)}; see the learning curve below." if missed else ""
    weak = [one.key for one in _told(wanted, figures) if _weak(figures["findings"][one.key])]
    if weak:
        verdict += (
            f" For {', '.join(weak)} it does not beat the thumbnail beyond chance, or is worse: do not rely on it "
            "there."
        )
    verdict += picture_curve_card.goals(wanted, figures)
    return (
        f"""## Figures

{figures["pictures"]:,} pictures of {figures["groups"]:,} people. Intervals: 95 %; shares by Wilson, AUC and lead by
drawing whole patients with replacement. AUC: over the pairs of pictures that the same network ranks. Thumbnail: ridge
regression on 32 × 32 pixels, learned from the same patients.

| finding | pictures / with it | AUC | goal | thumbnail | lead | decided | right among decided | ECE |
|---|---|---|---|---|---|---|---|---|
"""
        + "\n".join(rows)
        + verdict
        + (f"\n\n{wanted.published}" if wanted.published else "")
    )


def _missed(finding: PictureFinding, figures: Mapping[str, Any]) -> bool:
    area = figures["findings"][finding.key]["auc"]
    return finding.goal is not None and (area is None or area["value"] < finding.goal)


def _weak(found: Mapping[str, Any]) -> bool:
    lead = found.get("margin")
    return lead is not None and (lead["low"] is None or lead["low"] <= 0)


def _left_out(wanted: PictureSet, training: Mapping[str, Any]) -> str:
    goals = {one.key: f"{one.goal:.2f}" for one in wanted.findings if one.goal is not None}
    rows = [
        f"| {key} | {one['positive']} | {one['auc']:.3f} | {goals.get(key, '–')} | {figure(one['margin'])} |"
        for key, one in training["calibration"]["left_out"].items()
    ]
    if not rows:
        return ""
    return """## What it does not speak of

These were learned too, but did not beat their thumbnail beyond chance or tell pictures apart too little (area under the
curve below 0.7), so that they are in no answer.

| finding | pictures with it | AUC | goal | lead over the thumbnail |
|---|---|---|---|---|
""" + "\n".join(rows)


def _groups(wanted: PictureSet, figures: Mapping[str, Any]) -> str:
    told = _told(wanted, figures)
    names = list(dict.fromkeys(name for one in told for name in figures["findings"][one.key]["by"]))
    if not names:
        return ""
    rows = []
    for name in names:
        cells = [_cell(figures["findings"][one.key]["by"].get(name)) for one in told]
        rows.append(f"| {name} | " + " | ".join(cells) + " |")
    head = " | ".join(one.key for one in told)
    return f"""## By part of the data

AUC with its interval; in brackets the thumbnail's, then how many pictures with the finding of how many. A dash: fewer
than five of one kind.

| | {head} |
|---|{"---|" * len(told)}
""" + "\n".join([*rows, "", subgroups.withheld_text(_failed(wanted, figures))])


def _failed(wanted: PictureSet, figures: Mapping[str, Any]) -> list[Failed]:
    """Findings and parts of the data in which they are told worse."""
    found = []
    for one in _told(wanted, figures):
        told = figures["findings"][one.key]
        ages = subgroups.of_age_words(list(told["by"]), up_to="age up to ", over="age over ")
        known = _KNOWN | {part.name: part for part in ages}
        parts = [(known.get(name, subgroups.of_origin(name)), part["auc"]) for name, part in told["by"].items()]
        found += subgroups.failed_parts(one.key, told["auc"], parts)
    return found


def _cell(one: Mapping[str, Any] | None) -> str:
    if one is None:
        return "–"
    count = f"{one['positive']} of {one['n']}"
    if one["auc"] is None:
        return f"– {count}"
    simple = "" if one["thumbnail"] is None else f" [{one['thumbnail']:.2f}]"
    return f"{figure(one['auc'], 2)}{simple} {count}"


def _honesty(wanted: PictureSet, manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    thresholds = "\n".join(
        f"| {one['key']} | logit / {one['calibration']['temperature']:.3f} {one['calibration']['offset']:+.3f} "
        f"| {one['thresholds']['positive']:.3f} | {one['thresholds']['negative']:.3f} |"
        for one in manifest["findings"]
    )
    tables = "\n\n".join(
        f"| said, {one.key} | pictures | mean said | seen |\n|---|---|---|---|\n"
        + reliability_rows(figures["findings"][one.key]["reliability"])
        for one in _told(wanted, figures)
    )
    alphas = manifest["findings"][0]["thresholds"]
    ages = "For" if wanted.ages is None else f"Below {wanted.ages[0]} completed years, with unknown age, and for"
    return f"""## Probabilities and the three-way answer

*likely* where the probability is at least `positive` and above `negative`, *unlikely* the other way round; else *cannot
say*. {100 * alphas["alpha_positive"]:.0f} % of those with a finding may wrongly be called unlikely, and
{100 * alphas["alpha_negative"]:.1f} % of those without it likely (class-conditional conformal prediction). {ages}
a picture unlike those learned from (distance above {manifest["out_of_distribution"]["limit"]:.2f}) the answer is
*cannot say*, with the probability still given.

| finding | calibration | positive | negative |
|---|---|---|---|
{thresholds}

{tables}"""


def _refused(figures: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    found = figures.get("refused")
    if not found:
        return ""
    rows = "\n".join(f"| {name} | {one['n'] if one else 0} | {share(one)} |" for name, one in found.items())
    gate = "The gate has learned from most of the good pictures itself. " if "file" in manifest["quality"] else ""
    return f"""## What it refuses

{gate}Asked as the clinic asks, by the model's name.

| pictures | n | refused |
|---|---|---|
{rows}"""


def _battery(wanted: PictureSet, figures: Mapping[str, Any]) -> str:
    if "battery" not in figures:
        return ""
    told = _told(wanted, figures)
    rows = "\n".join(
        f"| {name} | " + " | ".join(_number(areas[one.key]) for one in told) + " |"
        for name, areas in figures["battery"].items()
    )
    head = " | ".join(one.key for one in told)
    return f"""## Pictures changed on purpose

AUC on some of the pictures, each judged by the network that never saw the patient.

| change | {head} |
|---|{"---|" * len(told)}
{rows}"""


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _learning(wanted: PictureSet, figures: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    curve = _data_curve(wanted, figures, training)
    last = "\n".join(
        f"| {name} | {len(epochs)} | {epochs[-1]['training_loss']:.4f} | {epochs[-1]['validation_loss']:.4f} "
        f"| {_steps(epochs)} | {sum(one['seconds'] for one in epochs):.0f} |"
        for name, epochs in training["curves"].items()
    )
    epochs_table = (
        f"""

| network | epochs | training loss | loss, held out | mean AUC held out, every fifth epoch | seconds |
|---|---|---|---|---|---|
{last}"""
        if last
        else ""
    )
    title = "Training record" if wanted.lines is not None else "Training record and learning curve"
    return f"""## {title}

Seed {training["seed"]}, data SHA-256 `{training["data_sha256"][:16]}…` ({training["films"]:,} pictures of
{training["patients"]:,} people), {software_text(training)}. Settings and full curves are in `training.json`. Nothing is
ever mirrored.{curve}{epochs_table}"""


def _data_curve(wanted: PictureSet, figures: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    """Of what the model speaks of, and of what it does not although a goal was set."""
    curve = training["calibration"]["learning_curve"]
    if not curve:
        return ""
    wished = [one.key for one in wanted.findings if one.goal is not None]
    keys = [one.key for one in _told(wanted, figures)]
    keys += [key for key in wished if key in training["calibration"]["left_out"]]
    rows = "\n".join(
        f"| regressions alone, {name} of the patients | " + " | ".join(_number(areas[key]) for key in keys) + " |"
        for name, areas in curve.items()
    )
    *_, before, last = curve.values()
    missed = {one.key for one in _told(wanted, figures) if _missed(one, figures)}
    missed |= {
        one.key
        for one in wanted.findings
        if one.goal is not None and training["calibration"]["left_out"].get(one.key, {"auc": 1.0})["auc"] < one.goal
    }
    gains = {key: last[key] - before[key] for key in keys if key in missed}
    rising = [key for key, gain in gains.items() if gain >= RISES]
    flat = [key for key in gains if key not in rising]
    said = [f"still rises for {' and '.join(rising)}, where more patients would help"] if rising else []
    said += [f"is flat for {' and '.join(flat)}, where more patients with such labels would not"] if flat else []
    verdict = f"\n\nWhere a goal was not reached, the curve {'; it '.join(said)}." if said else ""
    return f"""

| learned from | {" | ".join(keys)} |
|---|{"---|" * len(keys)}
{rows}{verdict}"""


def _steps(epochs: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['score']:.3f}" for one in epochs if one["epoch"] % 5 == 0 or one is epochs[-1])


def _map_says(wanted: PictureSet) -> str:
    if wanted.lines is not None:
        return "The map shows what each neighbourhood adds to the sum; it is no outline of a disease."
    return (
        "The map shows where the networks' evidence lay on a coarse grid; it is no outline of a disease, and the "
        "regression beside the networks has no part in it."
    )


def _end(wanted: PictureSet) -> str:
    return f"""## Limits

{wanted.caution["en"]} {_map_says(wanted)}

## Data and licences

{credits_text(wanted.data)}

{_licence(wanted)}"""


def _licence(wanted: PictureSet) -> str:
    if wanted.research:
        return "The weights are for research where they were made, and are not passed on."
    return "The weights are under Apache-2.0; no picture can be got back from them."
