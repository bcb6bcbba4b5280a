"""How models are made and measured: recipes, training, evaluation. Torch is loaded only inside a training.

May import `inference` and below.
"""

from collections.abc import Mapping

from desktop.learning.recipe import Recipe
from desktop.learning.recipes.chest_xray_child import ChestXrayChild
from desktop.learning.records import EvaluationRecord, TrainingRecord

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in (ChestXrayChild(),)}

__all__ = ["RECIPES", "EvaluationRecord", "Recipe", "TrainingRecord"]
