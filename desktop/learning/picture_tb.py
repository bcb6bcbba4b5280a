"""Tuberculosis on chest films of two places, a research pack: the NLM's Montgomery and Shenzhen sets at 128 pixels."""

from collections.abc import Mapping
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError
from desktop.learning.films import table
from desktop.learning.picture_sets import Example, LinesSettings, PictureFinding, PictureSet, Split
from desktop.learning.picture_settings import PictureSettings

_FOLDER = "tb_nlm128"
_EXTRA = "labels_augmented_extra.csv"
YOUNGEST = 15
SITES = ("shenzhen", "montgomery")
# There are eight times as many films of the other place, and what is learned there does not all hold here.
_WEIGHTS = {"shenzhen": 1.0, "montgomery": 3.0}


def read_films(data: Path) -> list[Example]:
    """Films below a data folder: of people of 15 years and more, and of those whose age is not known.

    Those of whom only a changed copy exists, half of them mirrored, are learned from and never judged. Raises
    UserFacingError where a table is not as it should be.
    """
    cxr = data / "cxr" if (data / "cxr").is_dir() else data
    folder = cxr / _FOLDER
    if not (folder / "labels.csv").is_file():
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"cxr/{_FOLDER}")
    rows = [(row, True) for row in table(folder)]
    if (folder / _EXTRA).is_file():
        rows += [(row, False) for row in table(folder, _EXTRA)]
    found = [_example(folder, row, judged) for row, judged in rows]
    return sorted((one for one in found if one is not None), key=lambda one: one.name)


def _example(folder: Path, row: Mapping[str, str], judged: bool) -> Example | None:
    """None of a child. Raises UserFacingError."""
    try:
        age = float(row["age"]) if row["age"] else None
        if row["tb"] not in ("0", "1") or row["site"] not in SITES or not row["patient_id"]:
            raise ValueError("an unknown label")
        if age is not None and age < YOUNGEST:
            return None
        facts = {"site": row["site"]}
        if row["sex"]:
            facts["sex"] = row["sex"]
        if age is not None:
            facts["age"] = "up to 40" if age <= 40 else "over 40"
        return Example(
            path=folder / row["file"],
            name=f"{folder.name}/{row['file']}",
            group=f"tb:{row['patient_id']}",
            answers={"tuberculosis": float(row["tb"])},
            facts=facts,
            judged=judged,
            weight=_WEIGHTS[row["site"]],
        )
    except (KeyError, ValueError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=folder.name) from error


CHEST_XRAY_TB = PictureSet(
    model="chest-xray-tb",
    version="1.1.1",
    title={"en": "Chest X-ray: tuberculosis (research)", "zh": "胸片：结核（研究）"},
    intended_use={
        "en": "A research pack: a second opinion on frontal chest X-rays of people aged 15 and over with a suspicion "
        "of tuberculosis of the lungs, shown after the doctor's own reading. It says whether a film looks like those "
        "of people with tuberculosis; sputum decides, not the film.",
        "zh": "研究包：对 15 岁及以上、怀疑肺结核者的正位胸片提供第二意见，在医生先读片之后显示。"
        "它只说明胸片是否像结核患者的胸片；确诊靠痰检，而不是胸片。",
    },
    source={
        "en": "{n} frontal films of {groups} people of a hospital in Shenzhen and a county in Maryland, at 128 pixels",
        "zh": "深圳一家医院和美国马里兰州一个县共 {groups} 人的 {n} 张正位胸片（128 像素）",
    },
    caution={
        "en": "For research only: what is learned in one of the two places holds much less in the other, and the area "
        "of both together says nothing of either. At 128 pixels miliary tuberculosis and small nodules are lost. Films "
        "are labelled by how they were read, not by culture. It knows no other disease to tell apart: a pneumonia, a "
        "tumour or an old scar may look like tuberculosis to it.",
        "zh": "仅供研究：在一处学到的东西到另一处效果明显下降，两处合并的数字不代表任何一处。"
        "128 像素下看不到粟粒性结核和小结节。标签来自读片结论，并非培养结果。"
        "它不能鉴别其他疾病：肺炎、肿瘤或陈旧病灶在它看来都可能像结核。",
    },
    findings=(
        PictureFinding(
            "tuberculosis",
            {"en": "Tuberculosis of the lungs", "zh": "肺结核"},
            (
                {
                    "system": "http://hl7.org/fhir/sid/icd-10",
                    "code": "A16.2",
                    "display": "Tuberculosis of lung, without mention of bacteriological or histological confirmation",
                },
                {"system": "http://snomed.info/sct", "code": "154283005", "display": "Pulmonary tuberculosis"},
            ),
            goals={"site shenzhen": 0.89, "site montgomery": 0.91},
        ),
    ),
    wanted=f"cxr/{_FOLDER}/labels.csv",
    read=read_films,
    data=(
        {
            "name": "Montgomery County and Shenzhen chest X-ray sets (476 films and 173 changed ones, at 128 pixels)",
            "licence": "free for research with citation and acknowledgement (National Library of Medicine; no formal "
            "licence text was read), so the weights are for research here and are not passed on",
            "credit": "U.S. National Library of Medicine; Montgomery County Department of Health and Human Services; "
            "Shenzhen No. 3 People's Hospital. Cite Jaeger et al., Quant Imaging Med Surg 2014;4:475, Jaeger et al. "
            "and Candemir et al., IEEE Trans Med Imaging 2014.",
        },
    ),
    published="To compare, AUC on these films, Shenzhen and Montgomery: Jaeger 2014 0.90 and 0.87, "
    "Hwang 2016 0.93 and 0.88, Pasa 2019 0.90 and 0.81 (from memory). Asked of this pack: 0.89 and 0.91. Thumbnails on "
    "other people of the same places: 0.85 and 0.58; a network trained for ten minutes 0.83 and 0.90.",
    modalities=("CR", "DX", "SC", "OT", "PHOTO"),
    golden="lung-phantom/1",
    format="radiograph",
    research=True,
    facts=("site", "sex", "age"),
    splits=tuple(
        Split(f"learned in {other.title()}, tested in {site.title()}", "site", site)
        for other, site in (SITES, SITES[::-1])
    ),
    ages=(YOUNGEST, 150),
    body_part="chest",
    view="frontal",
    gate="chest-xray-child",
    strangers={
        "head CT": "ct/head_ct_ich/brain_window/*",
        "blood smears": "blood_cells/images/*",
        "retinas": "fundus/*/images/*",
    },
    settings=PictureSettings(
        seed=20268, members=8, side=160, large_side=160, frame_level=0.12, corners=0.2, alpha=0.1, strictness=1.0
    ),
    lines=LinesSettings(painted=4, ridge=300.0),
)
