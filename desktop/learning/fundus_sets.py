"""The photographs of retinas on which vessels were drawn, and what has to be said about each model that learns from
them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from desktop.inference.fundus_vessels import VesselPreparation

Words = Mapping[str, str]

PREPARATION = VesselPreparation(diameter=544, side=560, reach=34.0)
"""Of the vessels: about as many pixels as DRIVE's photographs have, which are then not resampled."""


@dataclass(frozen=True)
class VesselSet:
    """folder: below `fundus`. picture: of a photograph's name, group `eye` is its own, `subject` whose it is
    (photographs of one subject stay on one side of a split). drawing, second: the names of the observers' drawings for
    an eye; second: empty where there is none."""

    folder: str
    picture: re.Pattern[str]
    drawing: str
    second: str


@dataclass(frozen=True)
class FundusSet:
    """One model and what it learns from.

    version: of what its recipe makes; raised with whatever changes the weights. graded: it also grades (IDRiD).
    research: a pack that is not bundled. epochs: of each network of vessels. goal: of their overlap with what was
    drawn. chosen: what was chosen by which eyes, for the card. before: eyes of another data set, from which the network
    was taught for `first_epochs` that all begin from; first: these eyes, for the card.
    """

    model: str
    version: str
    title: Words
    intended_use: Words
    source: Words
    caution: Words
    vessels: VesselSet
    preparation: VesselPreparation
    graded: bool
    research: bool
    epochs: int
    goal: float
    data: Sequence[Mapping[str, str]]
    published: str
    chosen: str = "nothing held out chose anything."
    before: VesselSet | None = None
    first_epochs: int = 0
    first: str = ""


_CHASE = VesselSet(
    folder="CHASEDB1",
    picture=re.compile(r"(?P<eye>Image_(?P<subject>\d+)[LR])\.jpg"),
    drawing="{eye}_1stHO.png",
    second="{eye}_2ndHO.png",
)

_CHASE_DATA = {
    "name": "CHASE_DB1 retinal vessel reference dataset, first observer",
    "licence": "CC BY 4.0",
    "credit": "Fraz et al., IEEE Trans. Biomedical Engineering 59(9):2538 (2012), Kingston University.",
}

FUNDUS = FundusSet(
    model="fundus",
    version="1.0.0",
    title={
        "en": "Retina: diabetic retinopathy, macular oedema, vessels",
        "zh": "眼底：糖尿病视网膜病变、黄斑水肿与血管",
    },
    intended_use={
        "en": "A second opinion on a colour photograph of the retina of a grown-up with diabetes, shown after the "
        "doctor's own reading: whether it should be referred for diabetic retinopathy (moderate or worse) or for hard "
        "exudates within one disc diameter of the macula's centre, with a grade of each, and where the vessels are. It "
        "does not look for glaucoma, macular degeneration or anything else, and a photograph without signs does not "
        "exclude disease beyond its edge.",
        "zh": "为糖尿病成人患者的彩色眼底照片提供第二意见，在医生先读图之后显示：是否应因糖尿病视网膜病变（中度及以上）"
        "或距黄斑中心一个视盘直径以内的硬性渗出而转诊，并分别给出分级，同时标出血管位置。"
        "它不检查青光眼、黄斑变性或其他疾病；照片上没有征象也不能排除照片范围以外的病变。",
    },
    source={
        "en": "{graded} graded photographs of one Indian eye clinic and one camera (IDRiD), and vessels drawn on "
        "{drawn} photographs of {subjects} British schoolchildren (CHASE_DB1)",
        "zh": "印度一家眼科、一台相机的 {graded} 张已分级照片（IDRiD），以及在 {subjects} 名英国学龄儿童的 "
        "{drawn} 张照片上手工描绘的血管（CHASE_DB1）",
    },
    caution={
        "en": "It has seen grades from one camera only, 18 photographs with mild retinopathy, and no patient's age or "
        "second visit. In a grainy photograph small spots are lost, and it grades clearly worse. Whose photographs "
        "they are is not published: neighbours by number are taken for one person's.",
        "zh": "分级数据只来自一台相机，轻度病变仅 18 张，且没有年龄或随访信息。"
        "颗粒较重的照片会掩盖小病灶，分级明显变差。"
        "数据未公布照片属于哪位患者，因此编号相邻的照片按同一人处理。",
    },
    vessels=_CHASE,
    preparation=PREPARATION,
    graded=True,
    research=False,
    epochs=30,
    goal=0.80,
    data=(
        {
            "name": "Indian Diabetic Retinopathy Image Dataset (IDRiD), training part of the grading task",
            "licence": "CC BY 4.0",
            "credit": "Porwal et al., Data 3(3):25 (2018), and Medical Image Analysis 59:101561 (2020).",
        },
        _CHASE_DATA,
    ),
    published="Published for networks on CHASE_DB1: 0.78 to 0.81.",
)

FUNDUS_VESSELS_DRIVE = FundusSet(
    model="fundus-vessels-drive",
    version="1.1.0",
    title={"en": "Retinal vessels (research pack, DRIVE)", "zh": "眼底血管（研究包，DRIVE）"},
    intended_use={
        "en": "Draws the vessels on a colour photograph of the retina, for research. It tells nothing about disease.",
        "zh": "在彩色眼底照片上描出血管，仅供研究。它不说明任何疾病。",
    },
    source={
        "en": "vessels drawn on {drawn} photographs of a Dutch screening programme for diabetic retinopathy (DRIVE), "
        "and before that on photographs of British schoolchildren (CHASE_DB1)",
        "zh": "荷兰糖尿病视网膜病变筛查项目中 {drawn} 张照片上手工描绘的血管（DRIVE），"
        "此前先学习了英国学龄儿童照片上描绘的血管（CHASE_DB1）",
    },
    caution={
        "en": "All photographs it is judged by are from one camera. This is a research pack: its data were given for "
        "research.",
        "zh": "用于评测的照片都来自同一台相机。这是研究包：其数据仅供研究使用。",
    },
    vessels=VesselSet(
        folder="DRIVE",
        picture=re.compile(r"(?P<eye>(?P<subject>\d+))_image\.png"),
        drawing="{eye}_vessel.png",
        second="",
    ),
    preparation=replace(PREPARATION, inside=1.0, lights=("green", "red", "blue")),
    graded=False,
    research=True,
    epochs=30,
    goal=0.815,
    data=(
        {
            "name": "DRIVE: Digital Retinal Images for Vessel Extraction, official training photographs",
            "licence": "free for research",
            "credit": "Staal et al., IEEE Trans. Medical Imaging 23(4):501 (2004).",
        },
        _CHASE_DATA,
    ),
    published="Published on DRIVE's 20 test photographs: 0.814 to 0.82 for networks, 0.788 for a second observer.",
    chosen="no eye held out chose when to\n"
    "stop. How much of the field is looked at, in which lights, and the first lessons were chosen by four of these\n"
    "photographs after short trainings on nine others, one change after the other: overlap 0.753 with 0.985 of the\n"
    "radius in green light from scratch, 0.778 with the whole radius, 0.786 in all three lights, 0.805 after first\n"
    "lessons. On the seven photographs of the first part, which chose nothing, these networks reached 0.791, 0.795,\n"
    "0.800 and 0.807.",
    before=_CHASE,
    first_epochs=20,
    first="22 photographs of CHASE_DB1",
)

FUNDUS_SETS = (FUNDUS, FUNDUS_VESSELS_DRIVE)
