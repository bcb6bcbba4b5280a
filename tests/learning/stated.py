"""What a model's folder says of its own figures: read back from the card and from the manifest's limits."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from desktop.learning import child_card


@dataclass(frozen=True)
class CardFigures:
    """As they stand on a card: areas under the curve to three digits, shares in per cent, or empty where the card has a
    dash: a network that decides on nothing is right in no share of it. hint: empty where the model gives none."""

    area: str
    area_on_test: str
    decided: str
    decided_right: str
    hint: str = ""

    @classmethod
    def read(cls, card: str) -> "CardFigures":
        """From a card's text."""
        rows = (
            r"area under the ROC curve \| (\d\.\d{3})",
            r"published part test \|[^|]*\| (\d\.\d{3})",
            r"decided \(likely or unlikely\) \| (?:([\d.]+) %|–)",
            r"right among the decided \| (?:([\d.]+) %|–)",
        )
        found = [re.search(rf"^\| {row}", card, re.MULTILINE) for row in rows]
        area, on_test, decided, right = (match[1] or "" for match in found if match is not None)
        hint = re.search(r"^\| all \| \d+ / \d+ \| (\d\.\d{3})", card, re.MULTILINE)
        return cls(area, on_test, decided, right, hint[1] if hint else "")


def lost_beyond(card: str) -> list[dict[str, Any]]:
    """The changes that a card says cost more than is permitted, and not perhaps by chance, as an evaluation would have
    them."""
    lines = re.search(r"\*\*Beyond what is permitted\*\*.*\n\n((?:- .*\n)+)", card)
    sure = [line for line in lines[1].splitlines() if "(perhaps by chance)" not in line] if lines else []
    changes = [line.removeprefix("- ").split(": ")[0] for line in sure]
    lost = {"value": 1.0, "low": 1.0, "high": 1.0}
    return [{"change": change, "of": "", "lost": lost, "refused": 0.0} for change in changes]


def check_figures_agree(model: Path) -> None:
    """The limits in the manifest are the sentences the recipe makes of the card's figures, to the letter."""
    card = (model / "CARD.md").read_text(encoding="utf-8")
    said = CardFigures.read(card)
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    training = json.loads((model / "training.json").read_text(encoding="utf-8"))
    figures: dict[str, Any] = {
        "robustness": lost_beyond(card),
        "all": {"auc": {"value": float(said.area)}},
        "groups": {"published part test": {"auc": {"value": float(said.area_on_test)}}},
    }
    if said.hint:
        figures["hint"] = {"all": {"auc": {"value": float(said.hint)}}}
    assert manifest["limits"] == child_card.limits(training["patients"], figures)
    for text in manifest["limits"].values():
        assert re.findall(r"\d\.\d{3}", text) == [one for one in (said.area, said.area_on_test, said.hint) if one]
