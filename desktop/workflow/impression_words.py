"""What an impression says about a finding, told by its words: only as far as they leave no doubt.

It decides nothing about a patient. It keeps from being accepted in one stroke what the doctor's own words do not bear,
so whatever is not plain counts as unclear: a denial earlier in the sentence, a question mark, "possible", 待排.
"""

import re
from collections.abc import Iterable, Iterator
from enum import StrEnum

__all__ = ["Said", "says"]


class Said(StrEnum):
    """What an impression says of a finding. NOTHING: it is not spoken of."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "unclear"
    NOTHING = "nothing"


_NORMAL_KEYS = frozenset({"no_finding", "normal_ecg"})
_NORMAL = (
    *("normal", "unremarkable", "clear", "no abnormality", "no abnormalities", "no acute disease"),
    *("正常", "未见异常", "未见明显异常", "无异常", "无明显异常"),
)

_WORDS = {
    "pneumonia": ("pneumonia", "bronchopneumonia", "肺炎"),
    "bacterial_if_pneumonia": ("bacterial", "细菌"),
    "effusion": ("effusion", "effusions", "积液"),
    "cardiomegaly": ("cardiomegaly", "enlarged heart", "heart enlarged", "心影增大", "心影扩大", "心脏增大"),
    "edema": ("oedema", "edema", "水肿"),
    "consolidation": ("consolidation", "实变"),
    "emphysema": ("emphysema", "肺气肿"),
    "nodule_or_mass": ("nodule", "nodules", "mass", "masses", "结节", "肿块"),
    "pneumothorax": ("pneumothorax", "气胸"),
    "tuberculosis": ("tuberculosis", "tb", "结核"),
    "sinus_rhythm": ("sinus", "窦性"),
    "atrial_fibrillation": ("atrial fibrillation", "af", "afib", "房颤", "心房颤动"),
    "other_rhythm": ("arrhythmia", "extrasystole", "extrasystoles", "premature", "flutter", "心律失常", "早搏", "扑动"),
    "too_noisy": ("noise", "noisy", "artefact", "artifact", "干扰", "噪声", "伪差"),
    "myocardial_infarction": ("infarction", "infarct", "mi", "stemi", "nstemi", "心梗", "梗死"),
    "st_t_change": ("st-t", "st segment", "st elevation", "st depression", "t wave", "t waves", "st段", "t波"),
    "conduction_disturbance": ("block", "lbbb", "rbbb", "conduction", "传导阻滞", "束支", "预激"),
    "hypertrophy": ("hypertrophy", "lvh", "rvh", "肥厚", "肥大"),
    "referable_dr": ("retinopathy", "视网膜病变", "糖网"),
    "referable_dme": ("macular oedema", "macular edema", "黄斑水肿"),
    "parasitized": ("parasite", "parasites", "malaria", "plasmodium", "疟原虫", "疟疾"),
    "haemorrhage": ("haemorrhage", "hemorrhage", "bleed", "bleeding", "haematoma", "hematoma", "出血", "血肿"),
    "fracture": ("fracture", "fractures", "骨折"),
    "afb": ("acid-fast", "afb", "bacilli", "抗酸杆菌"),
}
"""Other words than the finding's own name, as doctors write them."""

_RELATED = {
    "pneumonia": (
        *("consolidation", "infiltrate", "infiltrates", "opacity", "opacities", "patchy"),
        *("实变", "浸润", "斑片", "片状", "渗出", "肺部感染"),
    ),
    "effusion": ("blunted", "blunting", "肋膈角变钝"),
    "tuberculosis": ("cavity", "cavities", "空洞"),
    "atrial_fibrillation": ("irregular", "flutter", "不齐", "扑动"),
    "myocardial_infarction": ("ischaemia", "ischemia", "q wave", "q waves", "st elevation", "缺血", "st段抬高"),
    "hypertrophy": ("high voltage", "高电压"),
}
"""What a doctor may mean the finding by: said, it is not clear whether they do."""

_SENTENCES = re.compile(r"[.;!\n。；！]+")
_CLAUSES = re.compile(r"[,，:：]|\bbut\b|\bwith\b|\bhowever\b|但|而|伴|，")
_DENIED = re.compile(r"\b(?:no|not|without|nor|never)\b|\bfree of\b|\bnegative for\b|未见|未示|未显示|没有|没|无|不$")
_DOUBTED = re.compile(
    r"\?|？|\b(?:possible|possibly|probable|probably|suspected|suspicion|maybe|perhaps|likely|unlikely|exclude[ds]?|"
    r"ruled?|versus|vs|query|history|previous|old|absent|negative|resolved|improved)\b|"
    r"非|可能|考虑|疑|待排|除外|排除|不支持|阴性|病史|陈旧|既往|吸收|好转"
)
_OR = re.compile(r"\bor\b|或")


def says(impression: str, finding: str, names: Iterable[str] = ()) -> Said:
    """What an impression says of a finding, in English or Chinese. names: what its model calls it, in any language."""
    text = impression.casefold()
    own = [*_WORDS.get(finding, ()), *(_NORMAL if finding in _NORMAL_KEYS else ()), *names]
    found = set(_spoken(text, own))
    if found:
        return found.pop() if len(found) == 1 else Said.UNCLEAR
    if {Said.YES, Said.UNCLEAR} & set(_spoken(text, _RELATED.get(finding, ()))):
        return Said.UNCLEAR
    if finding not in _NORMAL_KEYS and Said.YES in set(_spoken(text, _NORMAL)):
        return Said.NO
    return Said.NOTHING


def _spoken(text: str, words: Iterable[str]) -> Iterator[Said]:
    """What each mention of one of these words says."""
    sought = _any_of(words)
    if sought is None:
        return
    for sentence in _SENTENCES.split(text):
        denied_before = False
        for clause in _CLAUSES.split(sentence):
            for mention in sought.finditer(clause):
                yield _meant(clause, mention, denied_before=denied_before)
            denied_before = denied_before or _DENIED.search(clause) is not None


def _meant(clause: str, mention: re.Match[str], *, denied_before: bool) -> Said:
    outside = clause[: mention.start()] + " " + clause[mention.end() :]
    if denied_before or _DOUBTED.search(outside) or _DENIED.search(clause[mention.end() :]):
        return Said.UNCLEAR
    if _DENIED.search(clause[: mention.start()]):
        return Said.NO
    return Said.UNCLEAR if _OR.search(outside) else Said.YES


def _any_of(words: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of these words, the longest first: Latin ones whole, Chinese ones wherever they stand."""
    parts = []
    for word in sorted({one.strip().casefold() for one in words if one.strip()}, key=len, reverse=True):
        plain = re.escape(word)
        parts.append(rf"(?<![a-z0-9]){plain}(?![a-z0-9])" if word.isascii() else plain)
    return re.compile("|".join(parts)) if parts else None
