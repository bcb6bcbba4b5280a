"""CARD.md of ecg-rhythm: every figure comes from an evaluation or the training record."""

from collections.abc import Mapping, Sequence
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.inference.rhythm_beats import NAMES
from desktop.inference.rhythm_reading import RHYTHMS
from desktop.learning import robustness_card
from desktop.learning.card_words import codes, credits_text, figure, share, size
from desktop.learning.learning_curve import RISES, CurvePoint, curve_points, curve_table, not_measured
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Study
from desktop.learning.rhythm_export import INTENDED_USE
from desktop.learning.rhythm_judging import GOALS, measures

_GOAL_F1, _GOAL_QRS = 0.83, 0.995
_MEASURES = {"sensitivity": "sensitivity", "predictive value": "ppv"}
_RISES = 2 * RISES
"""Both figures together; a smaller gain from half of the patients to all of them is none."""


def texts(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any], study: Study | None
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, the manifest with its limits, and the study beside
    them."""
    stated = {**manifest, "limits": limits(figures)}
    curve = study.files() if study is not None else {}
    told = card(stated, training, figures, study)
    return curve | {CARD: told.encode(), MANIFEST: manifest_text(stated).encode()}


def limits(figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    mean, lost = figures["rhythm"]["mean_f1"], robustness_card.limits(figures)
    above, below = figures["beats"]["supraventricular"], figures["beats"]["ventricular"]
    caught, true = (100 * above[name]["value"] for name in ("sensitivity", "ppv"))
    caught_v, true_v = (100 * below[name]["value"] for name in ("sensitivity", "ppv"))
    return {
        "en": f"The rhythm was learned from hand-held single-lead strips of half a minute (mean F1 {mean['value']:.2f} "
        f"on strips not seen before), the beats from 22 half hours of adults. Of ventricular extra beats of people not "
        f"seen before {caught_v:.0f} in a hundred were found, and {true_v:.0f} in a hundred so called were; of "
        f"supraventricular ones {caught:.0f} and {true:.0f}: these are hints only.{lost['en']} It reads one lead, "
        "knows no paced hearts and no children, was never tried elsewhere, and no clinician has reviewed it yet.",
        "zh": f"节律学习自手持单导联半分钟心电条（在未见过的心电条上平均 F1 为 {mean['value']:.2f}），"
        f"心搏学习自 22 份成人半小时记录。对未见过的患者，室性早搏检出 {caught_v:.0f}%，"
        f"判为室性的心搏中 {true_v:.0f}% 正确；室上性早搏分别为 {caught:.0f}% 和 {true:.0f}%，仅供提示。{lost['zh']}"
        "模型只读取一个导联，未学习起搏心律和儿童心电图，从未在其他地方验证过，也尚未经过临床医生审阅。",
    }


def card(
    manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any], study: Study | None
) -> str:
    """The card's text."""
    parts = (
        _head(manifest, training),
        _goals(figures),
        _rhythm(figures["rhythm"]),
        _beats(figures),
        _curve(study),
        _records(figures["beats"]),
        robustness_card.section(
            figures,
            "the mean share of N, A and O that is told right (the most probable rhythm), and of the mean of beats "
            "missed and beats wrongly called so, as shares of all there are",
            "records",
            "Refused: called too noisy instead, or nothing decided since contact was lost: in these gaps "
            "nothing moves at all, and an open lead that hums was not tried. Strips as above, and ten minutes of each "
            "half hour.",
        ),
        _end(manifest),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    settings, limits_ = training["settings"], manifest["beats"]
    total = manifest["weights"]["bytes"] + sum(graph["bytes"] for graph in manifest["graphs"])
    findings = "\n".join(f"- `{item['key']}`: {item['name']['en']}. {codes(item)}" for item in manifest["findings"])
    cores = "one core" if training["threads"] == 1 else f"{training['threads']} cores"
    return f"""# ecg-rhythm {manifest["version"]}

{INTENDED_USE["en"]}

{findings}

The probabilities of the four sum to 1, and at most the first of them is `likely`. No clinician has reviewed this model
yet. {size(total)} of weights; made in {training["seconds"] / 60:.0f} minutes on {cores}. This page is written by
`lantern models train` and made again by `lantern models evaluate ecg-rhythm --data DIR`.

**How it works.** Lead II is read where it is good, else I, else the best one. QRS complexes are found by their
steepness in two passes. The lead is cut into strips of half a minute; {len(settings["members"])} small networks see the
wave at 100 Hz, its intervals, and 34 counted numbers (irregularity, early beats, likeness, P waves, noise); their mean
is calibrated. In records beyond a minute fibrillation counts as in the worst minute. {settings["beat_members"]} smaller
networks see each beat, what is left of it without the record's usual beat, and {len(NAMES)} numbers that hold it
against its neighbours and the record, and tell whether it stands in a run that began and ended with a step; they also
learn from copies in which stretches of beats have another form, as when somebody lies down. What beats of one shape are
said to be, ventricular or not, is shared among them; likewise, supraventricular or not, among beats near each other
that come after the same interval. A beat is ventricular from {limits_["ventricular_at"]:g}, supraventricular from
{limits_["supraventricular_at"]:g} (in fibrillation from {limits_["supraventricular_in_fibrillation_at"]:g}); F is said
rarely, Q where nothing is probable.

**How the figures are honest.** Each record and patient is judged by the one member that never saw it; the clinic asks
all members together. The same records set the calibration (four numbers), the thresholds and the limits for beats, so
these figures flatter a little there; a table below has beats also with limits that only other patients chose. The same
22 half hours guided what the networks for beats are shown and how their answers are shared, so expect less elsewhere.
CinC 2017 names no patients: its parts are by record. Intervals: 95 %, by drawing records with replacement; with 22
patients, few of them with many extra beats, those for beats are wide."""


def _goals(figures: Mapping[str, Any]) -> str:
    beats, qrs, rhythm = figures["beats"], figures["qrs"], figures["rhythm"]
    goal = f"{_GOAL_F1:g}"
    rows = [("mean F1 of N, A, O (CinC 2017)", figure(rhythm["mean_f1"]), goal, "0.83, challenge winners")]
    published = {"ventricular": ("77.7 %", "81.9 %"), "supraventricular": ("75.9 %", "38.5 %")}
    for word, (caught, true) in GOALS.items():
        rows.append(
            (
                f"{word} beats, sensitivity",
                share(beats[word]["sensitivity"]),
                f"{100 * caught:.0f} %",
                published[word][0],
            )
        )
        rows.append(
            (f"{word} beats, predictive value", share(beats[word]["ppv"]), f"{100 * true:.0f} %", published[word][1])
        )
    rows.append(("QRS complexes, sensitivity", share(qrs["sensitivity"], 2), f"{100 * _GOAL_QRS:g} %", ""))
    rows.append(("QRS complexes, predictive value", share(qrs["ppv"], 2), f"{100 * _GOAL_QRS:g} %", ""))
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"""## Figures

| | on records and patients not seen | to reach | published |
|---|---|---|---|
{table}

The published figures for beats are de Chazal, O'Dwyer and Reilly (IEEE Trans Biomed Eng 51:1196, 2004) on the other
half of MIT-BIH (DS2), with beats marked by hand; ours are on DS1, by networks that have seen 20 other patients, with
beats found by the model. DS1 is another mixture of patients (many of its supraventricular beats follow each other
in runs or are conducted aberrantly), so the columns cannot be compared line by line. {_missed(figures)}"""


def _missed(figures: Mapping[str, Any]) -> str:
    """Which goals were not reached, and which only with limits that the patients judged had a part in choosing."""
    qrs = figures["qrs"]
    short = [] if figures["rhythm"]["mean_f1"]["value"] >= _GOAL_F1 else ["the mean F1"]
    short += _short_of(figures["beats"], "")
    short += [f"QRS complexes' {name}" for name, key in _MEASURES.items() if qrs[key]["value"] < _GOAL_QRS]
    told = "Every figure that was to be\nreached is reached on this data"
    if short:
        told = f"Not reached on this data:\n{', '.join(short)} (see the learning curve below)"
    flattered = [one for one in _short_of(figures["beats"], "others_") if one not in short]
    if flattered:
        weaker = " and ".join(flattered)
        told += f"; with limits for beats\nthat only other patients chose, this falls short: {weaker} (see below)"
    return f"{told}."


def _short_of(beats: Mapping[str, Any], way: str) -> list[str]:
    return [
        f"{word} beats' {name}"
        for word in GOALS
        for (name, key), goal in zip(_MEASURES.items(), GOALS[word], strict=True)
        if beats[f"{way}{word}"][key]["value"] < goal
    ]


def _rhythm(figures: Mapping[str, Any]) -> str:
    rows = "\n".join(
        f"| `{word}` | {figures['counts'][word]} | {figure(figures['f1'][word])} | {figures['plain_f1'][word]:.3f} |"
        for word in RHYTHMS
    )
    confusion = "\n".join(
        f"| {word} | {' | '.join(str(count) for count in row)} |"
        for word, row in zip(RHYTHMS, figures["confusion"], strict=True)
    )
    return f"""## Rhythm ({figures["records"]} records, natural prevalence)

| | records | F1 | F1 of the plain comparator |
|---|---|---|---|
{rows}
| mean of the first three | | {figure(figures["mean_f1"])} | {figure(figures["plain_mean_f1"])} |

The comparator is logistic regression on the intervals between beats alone. Some rhythm is `likely` in
{share(figures["decided"])}, and then right in {share(figures["right_among_decided"])}; expected calibration error of
the first probability {figures["calibration_error"]:.3f}. People agree on these labels only in part.

| true \\ said | {" | ".join(RHYTHMS)} |
|---|---|---|---|---|
{confusion}"""


def _beats(figures: Mapping[str, Any]) -> str:
    beats, qrs = figures["beats"], figures["qrs"]
    lines = []
    for word in GOALS:
        own, plain, others = beats[word], beats[f"plain_{word}"], beats[f"others_{word}"]
        lines.append(
            f"| {word} | {own['beats']} | {share(own['sensitivity'])} | {share(own['ppv'])} | "
            f"{share(own['ppv_strict'])} | {share(others['sensitivity'])} / {share(others['ppv'])} | "
            f"{share(plain['sensitivity'])} / {share(plain['ppv'])} |"
        )
    table = "\n".join(lines)
    seconds = beats["fibrillation_seconds"]
    hard = qrs.get("difficult")
    difficult = (
        f" On {hard['strips']} strips chosen for their difficulty (CPSC 2019, 10 s, within 75 ms, never learned from): "
        f"sensitivity {share(hard['sensitivity'])}, predictive value {share(hard['ppv'])}."
        if hard
        else ""
    )
    return f"""## Beats ({beats["records"]} half hours, beats found by the model)

| | beats | sensitivity | predictive value | the same, fusion beats wrong | limits chosen by the other patients: \
sensitivity / value | intervals alone: sensitivity / value |
|---|---|---|---|---|---|---|
{table}

A beat that was not found counts as missed. Ventricular flutter has no single beats and is left out.{difficult}

Atrial fibrillation or flutter by the second ({seconds["seconds"]} s in two patients): sensitivity
{share(seconds["sensitivity"])}, predictive value {share(seconds["ppv"])}."""


def _curve(study: Study | None) -> str:
    """What fewer patients teach."""
    points = curve_points(study.rows) if study is not None else ()
    if not points:
        return f"## Learning curve\n\n{not_measured('ecg-rhythm')}"
    return f"""## Learning curve

The networks for beats again, each taught with a share of the patients it learns from for as many epochs, so that fewer
patients are fewer steps, and judged on the same patients it never saw. Each has learned from every quarter and from
either half of its patients, dealt out so that each has its portion of whatever is rare; the figures are their mean. The
limits are chosen for the answers of every point, as the model's are. Of all patients: the shipped networks.

{curve_table(points, "patients")}

{_verdict(points)}"""


def _verdict(points: Sequence[CurvePoint]) -> str:
    """What the curve shows, in words."""
    half, whole = points[-2], points[-1]
    told = []
    for word in GOALS:
        gains = [whole.figures[name] - half.figures[name] for name in measures(word)]
        change = "still rises" if sum(gains) >= _RISES else "is flat" if sum(gains) > -_RISES else "falls"
        told.append(f"{word} beats it {change} ({gains[0]:+.3f} sensitivity, {gains[1]:+.3f} predictive value)")
    rising = any("still rises" in one for one in told)
    end = "more patients would help" if rising else "more patients like these would not help much"
    shown = ";\nof ".join(told)
    return f"From {half.learned} to {whole.learned} patients: of {shown}:\n{end}."


def _records(beats: Mapping[str, Any]) -> str:
    parts = []
    for word in GOALS:
        rows = "\n".join(
            f"| {name} | {hits} | {missed} | {wrong} | {fused} |"
            for name, hits, missed, wrong, fused in beats[word]["by_record"]
        )
        parts.append(
            f"## {word.capitalize()} beats by record\n\n| record | found | missed | wrongly so called | of "
            f"these fusion beats |\n|---|---|---|---|---|\n{rows}"
        )
    return "\n\n".join(parts)


def _end(manifest: Mapping[str, Any]) -> str:
    return f"""## Limits

{manifest["limits"]["en"]}

Flutter counts as fibrillation or another rhythm. Aberrantly conducted early beats (in fibrillation above all) look
ventricular in one lead and are called so. Runs of supraventricular beats in which no usual beat is left, escape beats
and pre-excitation are not told apart reliably. Paced hearts were not learned from.

## Data

{credits_text(manifest["data"])}"""
