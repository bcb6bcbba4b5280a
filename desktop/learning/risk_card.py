"""CARD.md of a model of risk: every figure comes from an evaluation or the training record."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from desktop.inference.registry import MANIFEST
from desktop.learning import card_words, robustness_card, subgroups
from desktop.learning.publishing import CARD, manifest_text
from desktop.learning.records import Json
from desktop.learning.risk_export import INTENDED_USE
from desktop.learning.risk_sets import RiskSet
from desktop.learning.subgroups import Failed


def texts(
    risk: RiskSet, manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Json], people: int
) -> dict[str, bytes]:
    """The files that state the figures of one evaluation: the card, and the manifest with its limits. Nothing else
    writes either of them, so they cannot differ."""
    told = replace(risk, people={language: text.format(n=people) for language, text in risk.people.items()})
    stated = subgroups.with_withheld({**manifest, "limits": limits(told, figures)}, _failed(manifest, figures))
    return {CARD: card(told, stated, training, figures).encode(), MANIFEST: manifest_text(stated).encode()}


def limits(risk: RiskSet, figures: Mapping[str, Any]) -> dict[str, str]:
    """The few sentences beside an answer, by language."""
    area, decided = figures["all"]["auc"], figures["all"]["decided"]
    low, high = f"{area['low']:.2f}", f"{area['high']:.2f}"
    share, lost = f"{100 * decided['value']:.0f}", robustness_card.limits(figures)
    return {
        "en": f"Learned from {risk.people['en']}. Models made in the same way reached an area under the ROC curve of "
        f"{area['value']:.2f} ({low} to {high}) on people they had not seen, and decided for {share} in a hundred. "
        f"{risk.caution['en']}{lost['en']} It was never tried elsewhere, and no clinician has reviewed it yet.",
        "zh": f"学习自{risk.people['zh']}。用同样方法训练的模型在未参与训练的人中，ROC 曲线下面积为 {area['value']:.2f}"
        f"（{low}–{high}），其中 {share}% 的人得到明确判断。{risk.caution['zh']}{lost['zh']}"
        "从未在其他地方验证过，也尚未经过临床医生审阅。",
    }


def card(risk: RiskSet, manifest: Mapping[str, Any], training: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    """The card's text."""
    groups = f"{_groups(figures)}\n\n{subgroups.withheld_text(_failed(manifest, figures))}"
    lost = robustness_card.section(
        figures,
        "the mean of sensitivity and specificity at probability one half",
        "people",
        "Refused: too much is absent, or a value lies beyond what was learned from. Ages are known, not measured, and "
        "stay as they are.",
    )
    parts = (_head(risk, manifest, training), _main(risk, figures), groups, lost, _columns(manifest), _end(risk))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(risk: RiskSet, manifest: Mapping[str, Any], training: Mapping[str, Any]) -> str:
    finding, penalty = manifest["findings"][0], training["settings"]["penalty"]
    return f"""# {risk.model} {manifest["version"]}

{risk.finding_name["en"]} (`{finding["key"]}`: icd-10 {risk.coding[0]}), from {len(manifest["columns"])} values of one
person. No clinician has reviewed this model yet.

{INTENDED_USE["en"]}

An additive model: log-odds are a baseline plus one curve per column, so what each value adds is exact and shown. Curves
are piecewise linear and smoothed (bend {penalty["bend"]:g}, slope {penalty["slope"]:g}, choice {penalty["choice"]:g},
chosen by cross-validated log-loss), and their spread was corrected by {training["calibration"]["slope"]:.3f}. Fitted
in {training["seconds"]:.0f} seconds. This page is written by `lantern models train` and made
again by `lantern models evaluate {risk.model} --data DIR`.

**How the figures are honest.** Each person is judged by one model made without him (five parts); smoothness,
correction, thresholds, weights and ranges are chosen anew each time without him, and he gets no decision where the
clinic would get none. The shipped model is made in the same way from everybody, whom it cannot be judged on. Equal
rows count once."""


def _main(risk: RiskSet, figures: Mapping[str, Any]) -> str:
    every, plain = figures["all"], figures["plain_logistic"]
    repeats = ", ".join(f"{value:.3f}" for value in figures["auc_of_each_repeat"])
    return f"""## Figures

{figures["people"]} people, {figures["with_disease"]} with the disease. Intervals: 95 %; shares by Wilson, AUC by
drawing people with replacement, slope by Wald.

| | this model | plain logistic regression beside it |
|---|---|---|
| area under the ROC curve | {_figure(every["auc"])} | {_figure(plain["auc"])} |
| calibration slope (1 is right) | {_figure(every["calibration_slope"], 2)} | {_figure(plain["calibration_slope"], 2)} |
| Brier score | {every["brier"]:.3f} | {plain["brier"]:.3f} |
| sensitivity at probability ½ | {_share(every["sensitivity"])} | |
| specificity at probability ½ | {_share(every["specificity"])} | |
| expected calibration error, 10 bins | {every["calibration_error"]:.3f} | |
| decided (likely or unlikely) | {_share(every["decided"])} | |
| right among the decided | {_share(every["decided_right"])} | |

The same made anew with other parts, AUC: {repeats}. A dash for the slope: the classes overlap too little to tell. On
rows kept apart by whoever prepared the data, a plain logistic regression is said
to reach {risk.compared:.2f}; those rows are not here."""


def _groups(figures: Mapping[str, Any]) -> str:
    lines = [
        f"| {name} | {group['people']} / {group['with_disease']} | {_figure(group['auc'])} | "
        f"{_figure(group['calibration_slope'], 2)} | {_share(group['decided'])} | {_share(group['decided_right'])} |"
        for name, group in figures["groups"].items()
    ]
    table = "\n".join(lines) if lines else "| (the table tells no group) | | | | | |"
    return f"""## By group

| group | people / with disease | AUC | calibration slope | decided | right among decided |
|---|---|---|---|---|---|
{table}"""


def _failed(manifest: Mapping[str, Any], figures: Mapping[str, Any]) -> list[Failed]:
    """Groups in which the finding is told worse. Who lacks a measurement is no group of people."""
    names = list(figures["groups"])
    ages = subgroups.of_age_words(names, up_to="up to ", over="above ")
    known = [subgroups.of_sex(name, name) for name in names if name in ("female", "male")] + ages
    parts = [(part, figures["groups"][part.name]["auc"]) for part in known]
    return subgroups.failed_parts(manifest["findings"][0]["key"], figures["all"]["auc"], parts)


def _columns(manifest: Mapping[str, Any]) -> str:
    ordered: Sequence[Mapping[str, Any]] = sorted(manifest["columns"], key=lambda column: -float(column["weight"]))
    lines = [
        f"| `{column['key']}` | {column['name']['en']} | {_range(column)} | {100 * column['weight']:.1f} % |"
        for column in ordered
    ]
    limit = 100 * manifest["applicability"]["missing_limit"]
    return (
        "## Columns, by how much they make people differ\n\n"
        "| column | what | learned from | weight |\n|---|---|---|---|\n"
        + "\n".join(lines)
        + f"\n\nA value that is absent adds nothing; with more than {limit:.0f} % of weight absent the model "
        "names what to measure instead of deciding. A value beyond what it has learned from gets no decision either. "
        "The weight is the spread of what a column adds, as a share of that of all columns, or of the whole answer "
        "where columns take back what others add; then the weights sum to more than 100 %."
    )


def _range(column: Mapping[str, Any]) -> str:
    if "choices" in column:
        return ", ".join(f"{choice['value']}: {choice['name']['en']}" for choice in column["choices"])
    unit = f" {column['unit']}" if "unit" in column else ""
    return f"{column['low']:g} to {column['high']:g}{unit}"


def _end(risk: RiskSet) -> str:
    return f"""## Limits

Learned from {risk.people["en"]}. {risk.caution["en"]} So few people allow wide intervals only. It was
never tried on other people.

## Data

{risk.data_name}. Licence: {risk.licence}. {risk.credit}"""


def _figure(value: Any, digits: int = 3) -> str:
    return card_words.figure(value, digits, to=" to ")


def _share(value: Any) -> str:
    return card_words.share(value, to=" to ")
