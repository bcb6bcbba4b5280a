"""Windows to offer for a picture, by what is in it: in Hounsfield units, or as parts of the histogram."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from desktop.records import Photometric, Picture, VoiWindow


class BodyPart(StrEnum):
    """What a window is made for."""

    CHEST = "chest"
    ABDOMEN = "abdomen"
    HEAD = "head"
    SPINE = "spine"
    LIMB = "limb"
    OTHER = "other"


_WORDS: Mapping[BodyPart, tuple[str, ...]] = {
    BodyPart.CHEST: ("CHEST", "THORAX", "LUNG", "RIB", "HEART", "STERNUM", "CLAVICLE", "BREAST", "MEDIASTINUM"),
    BodyPart.ABDOMEN: ("ABDOMEN", "PELVIS", "LIVER", "KIDNEY", "BLADDER", "KUB", "COLON", "STOMACH", "PROSTATE"),
    BodyPart.SPINE: ("SPINE", "NECK", "SACRUM", "COCCYX"),
    BodyPart.LIMB: (
        *("HAND", "FINGER", "THUMB", "WRIST", "FOREARM", "ELBOW", "HUMERUS", "ARM", "SHOULDER", "SCAPULA", "HIP"),
        *("FEMUR", "THIGH", "KNEE", "PATELLA", "LEG", "TIBIA", "FIBULA", "ANKLE", "CALCANEUS", "HEEL", "FOOT", "TOE"),
        "EXTREMITY",
    ),
    BodyPart.HEAD: ("HEAD", "SKULL", "BRAIN", "FACE", "SINUS", "ORBIT", "JAW", "MANDIBLE", "MAXILLA", "EAR", "NOSE"),
}
"""Stems of Body Part Examined (PS3.16 Annex L, CSPINE and the like included), asked in this order."""


@dataclass(frozen=True)
class Recipe:
    """A window to be. key: names its sentence. low, high: Hounsfield units, or percentiles of the picture's values."""

    key: str
    low: float
    high: float

    def window(self) -> VoiWindow:
        """As a window from low to high exactly."""
        return VoiWindow((self.low + self.high) / 2, self.high - self.low, function="LINEAR_EXACT")


def _hu(key: str, width: float, center: float) -> Recipe:
    return Recipe(f"imaging.preset.{key}", center - width / 2, center + width / 2)


_LUNG, _MEDIASTINUM, _BONE = _hu("lungs", 1500, -600), _hu("mediastinum", 350, 50), _hu("bones", 1800, 400)
_BRAIN, _STROKE, _BLOOD = _hu("brain", 80, 40), _hu("stroke", 40, 40), _hu("subdural", 215, 75)
_ABDOMEN, _LIVER, _SPINE = _hu("abdomen", 400, 50), _hu("liver", 150, 30), _hu("spine", 250, 50)
_SOFT = _hu("soft_tissue", 400, 40)

_HOUNSFIELD: Mapping[BodyPart, tuple[Recipe, ...]] = {
    BodyPart.CHEST: (_LUNG, _MEDIASTINUM, _BONE, _ABDOMEN),
    BodyPart.ABDOMEN: (_ABDOMEN, _LIVER, _BONE, _LUNG),
    BodyPart.HEAD: (_BRAIN, _STROKE, _BLOOD, _BONE),
    BodyPart.SPINE: (_SPINE, _BONE, _SOFT),
    BodyPart.LIMB: (_BONE, _SOFT),
    BodyPart.OTHER: (_SOFT, _LUNG, _BONE, _BRAIN),
}
"""Width and level as radiopaedia.org, "Windowing (CT)", lists as typical; the middle where it gives a range."""


def _part(key: str, low: float, high: float) -> Recipe:
    return Recipe(f"imaging.preset.{key}", low, high)


_PERCENT: Mapping[BodyPart, tuple[Recipe, ...]] = {
    BodyPart.CHEST: (_part("lungs", 0.5, 70), _part("bones", 40, 99.5)),
    BodyPart.ABDOMEN: (_part("gas", 0.5, 60), _part("soft_tissue", 20, 90), _part("bones", 50, 99.8)),
    BodyPart.HEAD: (_part("soft_tissue", 0.5, 60), _part("bones", 40, 99.8)),
    BodyPart.SPINE: (_part("soft_tissue", 0.5, 70), _part("bones", 40, 99.8)),
    BodyPart.LIMB: (_part("soft_tissue", 0.5, 75), _part("bones", 45, 99.9)),
    BodyPart.OTHER: (_part("lungs", 0.5, 70), _part("bones", 40, 99.5)),
}
"""Of a film, which has no fixed units: the dark end holds air and soft parts, the bright end bones and what lies behind
the heart. Points to begin from, which follow each film's own values; where the file does not say what was filmed it is
most often a chest."""


_NOT_DENSE = ("CT", "MR", "US", "PT", "NM", "XA", "RF")
"""Kinds whose values are no film's: CT has fixed units; contrast may be dark; echoes and uptake are no density."""


def body_part(picture: Picture) -> BodyPart:
    """What is in a picture, by its file's word for it; OTHER where there is none we know."""
    word = "".join(picture.header.body_part.upper().split())
    for part, stems in _WORDS.items():
        if any(stem in word for stem in stems):
            return part
    return BodyPart.OTHER


def in_hounsfield(picture: Picture) -> Sequence[Recipe]:
    """The fixed windows of a CT picture; none for any other."""
    return _HOUNSFIELD[body_part(picture)] if picture.header.modality.value == "CT" else ()


def in_percentiles(picture: Picture) -> Sequence[Recipe]:
    """The windows of a film as parts of its histogram, dense parts bright; none for colour, and none where what is
    bright is not what is dense."""
    if picture.header.modality.value in _NOT_DENSE or picture.photometric is Photometric.RGB:
        return ()
    recipes = _PERCENT[body_part(picture)]
    if picture.photometric is not Photometric.MONOCHROME1:
        return recipes
    return tuple(Recipe(recipe.key, 100 - recipe.high, 100 - recipe.low) for recipe in recipes)
