"""The card of a model of retinas, and the limits in its manifest: whatever states its figures."""

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.inference.fundus_lesions import DIAMETER
from desktop.inference.registry import MANIFEST
from desktop.learning import robustness_card
from desktop.learning.card_words import credits_text, figure, share, size
from desktop.learning.fundus_export import LEAST_AGE, NAMES
from desktop.learning.fundus_grading import DME, DR, KINDS
from desktop.learning.fundus_sets import FundusSet
from desktop.learning.learning_curve import RISES, curve_points, curve_table, not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json, Study

OVERLAP, AREA = "overlap (Dice)", "area under the ROC curve"
"""What a learning curve calls them."""

_GOAL_AUC = 0.89


def texts(
    wanted: FundusSet,
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


def limits(wanted: FundusSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    source, dice = _source(wanted, figures), figures["vessels"]["dice"]["value"]
    grades, lost = figures.get("grades"), robustness_card.limits(figures)
    english = f"Learned from {source['en']}. On eyes that had not been learned from, "
    chinese = f"学习自{source['zh']}。在未参与训练的眼底上，"
    if grades is not None:
        dr, dme = (grades[kind] for kind in (DR, DME))
        english += (
            f"retinopathy to be referred was told with an area under the ROC curve of {dr['auc']['value']:.2f}, "
            f"exudates near the macula's centre with {dme['auc']['value']:.2f}, the grade of retinopathy was right in "
            f"{100 * dr['grade_right']:.0f} % (quadratic kappa {dr['kappa']['value']:.2f}), and "
        )
        chinese += (
            f"需转诊的视网膜病变 ROC 曲线下面积为 {dr['auc']['value']:.2f}，黄斑中心附近渗出为 "
            f"{dme['auc']['value']:.2f}，病变分级正确率 {100 * dr['grade_right']:.0f}%"
            f"（二次加权 kappa {dr['kappa']['value']:.2f}），"
        )
    english += f"vessels overlapped by {dice:.2f} (Dice) with what a person drew. "
    chinese += f"血管与人工描绘的重合度（Dice）为 {dice:.2f}。"
    if grades is not None:
        other = figures["grades_elsewhere"]
        likely, count = other[DR]["likely"], other["photographs"]
        english += (
            f"Of {count} photographs of schoolchildren from another camera, which nobody graded, it calls retinopathy "
            f"likely in {likely}: under {LEAST_AGE} years it decides no grade, and with another camera it must be "
            "doubted. "
        )
        chinese += (
            f"在另一台相机拍摄、无人分级的 {count} 张学龄儿童照片中，它认为 {likely} 张可能有病变："
            f"未满 {LEAST_AGE} 岁者不作分级判断，使用其他相机时须存疑。"
        )
    return {
        "en": f"{english}{wanted.caution['en']}{lost['en']} No clinician has reviewed it yet.",
        "zh": f"{chinese}{wanted.caution['zh']}{lost['zh']}尚未经过临床医生审阅。",
    }


def card(
    wanted: FundusSet,
    manifest: Mapping[str, Any],
    training: Mapping[str, Any],
    figures: Mapping[str, Any],
    study: Study | None,
) -> str:
    """The card's text."""
    parts = [_head(wanted, manifest, training), _vessels(wanted, figures), curve_section(wanted, figures, study)]
    if "grades" in figures:
        parts += [_grades(manifest, figures), _elsewhere(figures)]
    points = "each photograph's overlap (Dice)"
    if "grades" in figures:
        points += (
            ", and of the mean of sensitivity and specificity where likely and unlikely part, midway between the two "
            "thresholds"
        )
    lost = robustness_card.section(
        figures,
        points,
        "subjects and runs of neighbours",
        "The gate's limit on vessels is not asked here.",
    )
    parts += [_gate(figures), _battery(figures), lost, _end(wanted, figures)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _source(wanted: FundusSet, figures: Mapping[str, Any]) -> dict[str, str]:
    vessels = figures["vessels"]
    told = {
        "graded": figures.get("graded_photographs", 0),
        "drawn": vessels["photographs"],
        "subjects": vessels["subjects"],
    }
    return {language: text.format(**told) for language, text in wanted.source.items()}


def _head(wanted: FundusSet, manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    settings, smaller = training["settings"], training["calibration"]["whole_numbers"]
    what = "Draws the vessels on photographs of the retina"
    lights, begun = _lights(manifest), _begun(wanted, settings)
    grades, honest = "", ""
    if wanted.graded:
        what = "Grades diabetic retinopathy and the threat of macular oedema on photographs of the retina, and draws\n"
        what += "the vessels"
        count = manifest["grades"]["network_data_format"]["inputs"]["measures"]["shape"][0]
        grades = f"""

Grades: {count} numbers are measured on the retina at {DIAMETER} pixels across (`{manifest["grades"]["method"]}`: how
many dark and bright spots of six sizes there are in the green, red and yellow light against the median of their
surroundings, how strong, how large, how near the macula). For each level of a grade a forest of {settings["trees"]}
extremely randomised trees says whether the retina reaches it ({size(manifest["grades"]["bytes"])}). Neither the overall
colour of a retina nor its vessels are asked. A network has too little to learn grades from here: one from scratch
reached 0.66 in a trial made beside the data."""
        honest = f"""
Grades are judged by forests made without the eye: the {settings["folds"]} parts keep runs of {settings["run"]}
neighbouring numbers whole, as neighbours are often the two eyes of one person. Calibration and thresholds
come from the other parts. A grade is as many levels as are reached at even odds, one after the other."""
    return f"""# {wanted.model} {manifest["version"]}

{what}. No clinician has reviewed this model yet.

{wanted.intended_use["en"]}

Every photograph is first brought to one size of the retina's circle, and its uneven light is taken away.

Vessels: {settings["members"]} small networks of our own ({size(manifest["weights"]["bytes"])} in one ONNX graph)
look at the {lights} light at {manifest["preparation"]["diameter"]} pixels across; their mean is
drawn where it is at least {manifest["vessels"]["threshold"]:.2f}. Trained from {begun} for {settings["epochs"]} epochs
of {settings["steps"]} batches ({training["seconds"] / 60:.0f} minutes, processor cores: {training["threads"]}).{grades}

{_whole_numbers(smaller)}

This page is written by `lantern models train` and made again by `lantern models evaluate {wanted.model} --data DIR`.

**How the figures are honest.** Subjects with drawn vessels are split into {settings["members"]} parts; each network
never saw one, and an eye is judged here by that network alone, with the threshold that is best for the other parts. The
shipped model is the mean of the networks, which no eye here can judge fairly.{honest}
The last weights of the training are taken: {wanted.chosen}"""


def _lights(manifest: Mapping[str, Any]) -> str:
    """Whatever the networks look at, in words."""
    *most, last = manifest["preparation"].get("lights", ["green"])
    return f"{', '.join(most)} and {last}" if most else str(last)


def _begun(wanted: FundusSet, settings: Mapping[str, Any]) -> str:
    """What the networks' first weights are."""
    epochs = settings.get("first_epochs", 0)
    return f"one network that learned from {wanted.first} for {epochs} epochs," if epochs else "scratch"


def _whole_numbers(smaller: Mapping[str, Any]) -> str:
    before, after = smaller["bytes"]
    seen, seen_after = (f"{100 * value:.1f} %" for value in smaller["sensitivity"])
    dice, dice_after = (f"{value:.4f}" for value in smaller["dice"])
    said = f"{size(after)} for {size(before)}, sensitivity {seen_after} for {seen}, overlap {dice_after} for {dice}"
    if not smaller["taken"]:
        return f"Weights are in half precision. Whole numbers of eight bits lost too much: {said}."
    return f"""The networks calculate in whole numbers (static, a scale for each channel, ranges from photographs they
learned from): {said}, of eyes the judging network never saw.
More than half a point lost, and they would not have been taken. On a processor with VNNI the graph of `fundus` took
0.67 of the time of half precision (processor time, median of 22 photographs); others were not tried."""


def _vessels(wanted: FundusSet, figures: Mapping[str, Any]) -> str:
    one = figures["vessels"]
    second = one.get("dice_of_second_observer")
    beside = f"\n| overlap of a second observer with the first | {figure(second)} |" if second else ""
    reached = "reached" if one["dice"]["value"] >= wanted.goal else "not reached on these eyes; see the learning curve"
    return f"""## Vessels

{one["photographs"]} photographs of {one["subjects"]} subjects. Means of photographs, at the photograph's own size;
95 % intervals by drawing subjects with replacement.

| | |
|---|---|
| overlap (Dice) | **{figure(one["dice"])}** (goal {wanted.goal:g}: {reached}) |
| area under the ROC curve, points of the field | {figure(one["auc"])} |
| sensitivity | {share(one["sensitivity"])} |
| specificity | {share(one["specificity"])} |
| right, of all points of the field | {share(one["accuracy"])} |
| overlap of the darkest points alone, best cut (trivial comparator) | {figure(one["dice_of_darkness"])} |{beside}

{wanted.published}"""


def curve_section(wanted: FundusSet, figures: Mapping[str, Any], study: Study | None) -> str:
    """What fewer photographs teach."""
    points = curve_points(study.rows) if study is not None else ()
    if not points:
        return f"## Learning curve\n\n{not_measured(wanted.model)}"
    gain = points[-1].figures[OVERLAP] - points[-2].figures[OVERLAP]
    shown = "it still rises, and more photographs drawn like these would help"
    if gain < RISES:
        shown = "the curve is flat, and more photographs drawn like these would hardly help"
    return f"""## Learning curve

The first network of vessels again, taught with a share of the subjects (smaller shares within larger ones) for as many
epochs, so that fewer photographs are fewer steps; from all of them it is the shipped one. Each was taught once and
judged on the {figures["vessels"]["photographs"] - points[-1].learned} photographs that none of them saw, each by the \
threshold that is best for the others: the last line is
not that of all parts above, and small differences are chance.

{curve_table(points, "photographs")}

From {points[-2].share} % to {points[-1].share} % the overlap went {gain:+.3f}: {shown}."""


def _grades(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    grades, beside = figures["grades"], figures["thumbnails"]
    rows = "\n".join(
        f"| {NAMES[kind]['en']} (`{kind}`) | {one['with_finding']} | {figure(one['auc'])} | {figure(beside[kind])} | "
        f"{share(one['sensitivity'])} | {share(one['specificity'])} | {one['calibration_error']:.3f} |"
        for kind, one in ((kind, grades[kind]) for kind in KINDS)
    )
    decided = "\n".join(
        f"| `{kind}` | {share(one['decided'], 0)} | {share(one['decided_right'])} | {figure(one['kappa'], 2)} | "
        f"{100 * one['grade_right']:.1f} % |"
        for kind, one in ((kind, grades[kind]) for kind in KINDS)
    )
    tables = "\n\n".join(_confusion(kind, grades[kind]["confusion"]) for kind in KINDS)
    missed = ", ".join(f"{100 * one['thresholds']['alpha_positive']:.2g} %" for one in manifest["findings"])
    return f"""## Grades

{figures["graded_photographs"]} photographs. Goal: AUC {_GOAL_AUC} for retinopathy to be referred. `{DR}` means grade 2
or more of 0 to 4 (none, mild, moderate, severe, proliferative); `{DME}` means grade 2 of 0 to 2: hard exudates within
one disc diameter of the macula's centre (1: farther away). Intervals by drawing runs of neighbours with replacement;
shares by Wilson, at probability one half.

| | with it | AUC | tiny copy's pixels, logistic | sensitivity | specificity | calibration error |
|---|---|---|---|---|---|---|
{rows}

| | decided | right, of those | quadratic kappa of the grade | grade exactly right |
|---|---|---|---|---|
{decided}

A decision is given where one answer alone is compatible with the probability; of those with the finding, about {missed}
may be called unlikely. "The commonest grade", said of each eye, has a kappa of 0. Published for the winner of the
challenge with this data set: 63 % of the test photographs with both grades right.

{tables}"""


def _elsewhere(figures: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| `{kind}` | {one['likely']} | {one['cannot_say']} | {one['unlikely']} |"
        for kind, one in ((kind, figures["grades_elsewhere"][kind]) for kind in KINDS)
    )
    return f"""## Grades of eyes unlike those it learned from

The {figures["grades_elsewhere"]["photographs"]} photographs with drawn vessels are of British schoolchildren, taken
with another camera around the optic disc. Nobody graded them; disease to be referred is hardly to be expected among
them. By the forests of all parts together:

| | likely | cannot say | unlikely |
|---|---|---|---|
{rows}

Young retinas reflect more light, and that is probably taken for spots. Under {LEAST_AGE} years no grade is decided; of
a grown-up photographed with another camera it is not known how often this happens."""


def _confusion(kind: str, table: Sequence[Sequence[int]]) -> str:
    head = " | ".join(f"said {grade}" for grade in range(len(table)))
    rows = "\n".join(f"| is {grade} | {' | '.join(str(one) for one in row)} |" for grade, row in enumerate(table))
    return f"`{kind}`:\n\n| | {head} |\n|---{'|---' * len(table)}|\n{rows}"


def _gate(figures: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| {row['spoilt']} | {row['photographs']} | {share(row['refused'], 0)} |" for row in figures["refusals"]
    )
    good = figures["good_refused"]
    count = good["n"]
    others = "\n".join(f"| {row['pictures']} | {row['n']} | {row['taken_for_a_retina']} |" for row in figures["others"])
    beside = f"\n\n| other pictures | looked at | taken for a retina |\n|---|---|---|\n{others}" if others else ""
    return f"""## What is refused

Nobody has said of any photograph here that it cannot be judged, so the limits lie somewhat beyond what these
photographs show, and what they catch is seen on photographs spoilt on purpose. Of the {count} photographs, from which
the limits come, {share(good)} are refused as they are.

| photographs | | refused |
|---|---|---|
{rows}{beside}"""


def _battery(figures: Mapping[str, Any]) -> str:
    vessels = "\n".join(f"| {row['changed']} | {row['dice']:.3f} |" for row in figures["vessel_battery"])
    text = f"""## Changed photographs

Mild changes, which a camera or an export may make. Vessels of every second photograph, judged as above:

| photographs | overlap (Dice) |
|---|---|
{vessels}"""
    if "grade_battery" in figures:
        rows = "\n".join(f"| {row['changed']} | {row[DR]:.3f} | {row[DME]:.3f} |" for row in figures["grade_battery"])
        text += f"""

Grades of every eighth photograph, AUC by forests that had not seen it:

| photographs | `{DR}` | `{DME}` |
|---|---|---|
{rows}"""
    return text


def _end(wanted: FundusSet, figures: Mapping[str, Any]) -> str:
    return f"""## Limits

Learned from {_source(wanted, figures)["en"]}. {wanted.caution["en"]}

## Data

{credits_text(wanted.data)}"""
