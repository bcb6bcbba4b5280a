"""How models are made and measured: recipes, training, evaluation. Torch is loaded only inside a training.

May import `inference` and below.
"""

from collections.abc import Callable, Mapping

from desktop.learning.recipe import Recipe
from desktop.learning.records import EvaluationRecord, TrainingRecord


def _chest_xray_child() -> Recipe:
    from desktop.learning.recipes.chest_xray_child import ChestXrayChild

    return ChestXrayChild()


# Made when wanted: the window of a clinic that trains nothing starts without them.
RECIPES: Mapping[str, Callable[[], Recipe]] = {"chest-xray-child": _chest_xray_child}
"""What makes the recipe of each model of the shelf."""

__all__ = ["RECIPES", "EvaluationRecord", "Recipe", "TrainingRecord"]
