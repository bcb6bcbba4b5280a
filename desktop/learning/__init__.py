"""How models are made and measured: recipes, training, evaluation. Torch is loaded only inside a training.

May import `inference` and below.
"""

from collections.abc import Callable, Mapping
from functools import partial

from desktop.learning.recipe import Recipe, Searching
from desktop.learning.records import EvaluationRecord, TrainingRecord


def _blood_cells() -> Recipe:
    from desktop.learning.detector_sets import BLOOD_CELLS
    from desktop.learning.recipes.detector import Detector

    return Detector(BLOOD_CELLS)


def _chest_xray_adult() -> Recipe:
    from desktop.learning.picture_adult import CHEST_XRAY_ADULT
    from desktop.learning.recipes.pictures import Pictures

    return Pictures(CHEST_XRAY_ADULT)


def _chest_xray_child() -> Recipe:
    from desktop.learning.recipes.chest_xray_child import ChestXrayChild

    return ChestXrayChild()


def _head_ct() -> Recipe:
    from desktop.learning.recipes.head_ct import HeadCt

    return HeadCt()


def _chest_xray_tb() -> Recipe:
    from desktop.learning.picture_tb import CHEST_XRAY_TB
    from desktop.learning.recipes.pictures import Pictures

    return Pictures(CHEST_XRAY_TB)


def _malaria_field() -> Recipe:
    from desktop.learning.detector_packs import MALARIA_FIELD, MALARIA_SETTINGS
    from desktop.learning.recipes.detector import Detector

    return Detector(MALARIA_FIELD, MALARIA_SETTINGS)


def _sputum_afb() -> Recipe:
    from desktop.learning.detector_packs import SPUTUM_AFB, SPUTUM_SETTINGS
    from desktop.learning.recipes.detector import Detector

    return Detector(SPUTUM_AFB, SPUTUM_SETTINGS)


def _malaria_cell() -> Recipe:
    from desktop.learning.recipes.malaria_cell import MalariaCell

    return MalariaCell()


def _ecg_12_lead() -> Recipe:
    from desktop.learning.recipes.ecg_12_lead import Ecg12Lead

    return Ecg12Lead()


def _ecg_rhythm() -> Recipe:
    from desktop.learning.recipes.ecg_rhythm import EcgRhythm

    return EcgRhythm()


def _fundus(name: str) -> Recipe:
    from desktop.learning.fundus_sets import FUNDUS_SETS
    from desktop.learning.recipes.fundus import Fundus

    return Fundus(next(wanted for wanted in FUNDUS_SETS if wanted.model == name))


def _risk(name: str) -> Recipe:
    from desktop.learning.recipes.risk import Risk
    from desktop.learning.risk_sets import RISK_SETS

    return Risk(next(risk for risk in RISK_SETS if risk.model == name))


_RISKS = ("risk-diabetes", "risk-heart-disease", "risk-kidney-disease", "risk-liver-disease")

# Made when wanted: the window of a clinic that trains nothing starts without them.
RECIPES: Mapping[str, Callable[[], Recipe]] = {
    "blood-cells": _blood_cells,
    "chest-xray-adult": _chest_xray_adult,
    "chest-xray-child": _chest_xray_child,
    "chest-xray-tb": _chest_xray_tb,
    "ecg-12-lead": _ecg_12_lead,
    "ecg-rhythm": _ecg_rhythm,
    "head-ct": _head_ct,
    "fundus": partial(_fundus, "fundus"),
    "fundus-vessels-drive": partial(_fundus, "fundus-vessels-drive"),
    "malaria-cell": _malaria_cell,
    "malaria-field": _malaria_field,
    "sputum-afb": _sputum_afb,
    **{name: partial(_risk, name) for name in _RISKS},
}
"""What makes the recipe of each model of the shelf."""

__all__ = ["RECIPES", "EvaluationRecord", "Recipe", "Searching", "TrainingRecord"]
