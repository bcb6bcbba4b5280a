"""Findings on chest films of grown-ups: the NIH films, after the children's and small ones."""

import csv
from collections.abc import Mapping
from pathlib import Path

from desktop.errors import ErrorKind, UserFacingError
from desktop.learning.films import CHILD_SETS, read_children, table
from desktop.learning.picture_sets import Drawn, Example, PictureFinding, PictureSet
from desktop.learning.picture_settings import PictureSettings

_BOXES = "boxes.csv"
_MAIN, _SMALL, _TURNED = "nih_chestxray14", "nih64", "nih_orientation100"
_YOUNGEST = 15
_WORDS = {
    "effusion": ("Effusion",),
    "cardiomegaly": ("Cardiomegaly",),
    "edema": ("Edema",),
    "consolidation": ("Consolidation",),
    "emphysema": ("Emphysema",),
    "nodule_or_mass": ("Nodule", "Mass"),
    "pneumothorax": ("Pneumothorax",),
    "pneumonia": ("Pneumonia",),
    "no_finding": ("No Finding",),
    "infiltration": ("Infiltration",),
    "atelectasis": ("Atelectasis",),
    "pleural_thickening": ("Pleural_Thickening",),
    "fibrosis": ("Fibrosis",),
    "hernia": ("Hernia",),
}
_OLDER = (35, 50, 65)
_SIDE = (
    "infiltration",
    "atelectasis",
    "pleural_thickening",
    "fibrosis",
    "hernia",
    "male",
    "from_the_front",
    *(f"older_than_{age}" for age in _OLDER),
)


def _codes(icd: tuple[str, str], snomed: tuple[str, str] | None) -> tuple[dict[str, str], ...]:
    found = [{"system": "http://hl7.org/fhir/sid/icd-10", "code": icd[0], "display": icd[1]}]
    if snomed:
        found.append({"system": "http://snomed.info/sct", "code": snomed[0], "display": snomed[1]})
    return tuple(found)


def read_adults(data: Path) -> list[Example]:
    """The NIH films below a data folder. Raises UserFacingError where a table is not as it should be."""
    cxr = _folder(data)
    if not (cxr / _MAIN / "labels.csv").is_file():
        raise UserFacingError("learning.no_data", kind=ErrorKind.NOT_FOUND, wanted=f"cxr/{_MAIN}")
    return sorted((one for name in (_MAIN, _TURNED) for one in _films(cxr / name)), key=lambda one: one.name)


def _folder(data: Path) -> Path:
    """The one of the X-ray sets."""
    return data / "cxr" if (data / "cxr").is_dir() else data


def _films(folder: Path) -> list[Example]:
    """None where the set is not there. Raises UserFacingError."""
    return [_example(folder, row) for row in table(folder)] if (folder / "labels.csv").is_file() else []


def _example(folder: Path, row: Mapping[str, str]) -> Example:
    """Raises UserFacingError."""
    try:
        told = set(row["finding_labels" if folder.name == _TURNED else "label"].split("|"))
        if told - {word for words in _WORDS.values() for word in words}:
            raise ValueError("a finding nobody knows")
        answers = {key: float(bool(told & set(words))) for key, words in _WORDS.items()}
        age = float(row["age"]) if row.get("age") else None
        facts = {"collector": row.get("collector") or folder.name, "view": row.get("view") or ""}
        if row.get("sex"):
            answers["male"] = float(row["sex"].upper() == "M")
            facts["sex"] = row["sex"].upper()
        if row.get("view"):
            answers["from_the_front"] = float(row["view"].upper() == "AP")
        if age is not None:
            answers |= {f"older_than_{limit}": float(age > limit) for limit in _OLDER}
            facts["age"] = next((f"up to {limit}" for limit in _OLDER if age <= limit), f"over {_OLDER[-1]}")
        return Example(
            path=folder / row["file"],
            name=f"{folder.name}/{Path(row['file']).name}",
            group=f"nih:{row['patient_id']}",
            answers=answers,
            facts=facts,
            turns=-1 if row["label"] == "rotated90_anticlockwise" else 0,
            judged=folder.name == _MAIN and age is not None and age >= _YOUNGEST,
        )
    except (KeyError, ValueError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=folder.name) from error


def read_earlier(data: Path) -> list[Example]:
    """What the folder holds of the children's films (pneumonia or not, and whether bacteria caused it), and of the NIH
    films of 64 pixels, which show less: only of people of whom there is no other film. Raises UserFacingError."""
    cxr = _folder(data)
    examples = []
    if any((cxr / name / "labels.csv").is_file() for name in CHILD_SETS):
        for film in read_children(cxr):
            answers = {"pneumonia": float(film.pneumonia)}
            if film.subtype in ("bacterial", "viral"):
                answers["bacterial"] = float(film.subtype == "bacterial")
            examples.append(Example(film.path, film.name, f"child:{film.group}", answers))
    later = {one.group for one in read_adults(data)}
    return examples + [one for one in _films(cxr / _SMALL) if one.group not in later]


def read_drawn(data: Path) -> list[Drawn]:
    """The findings that radiologists boxed on the NIH films, as far as the folder has them. Raises UserFacingError."""
    path = _folder(data) / _MAIN / _BOXES
    if not path.is_file():
        return []
    finding = {word: key for key, words in _WORDS.items() for word in words} | {"Infiltrate": "infiltration"}
    found: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                wide, high = (float(side) for side in row["frame"].split("x"))
                x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
                name = f"{_MAIN}/{Path(row['file']).name}"
                boxes = found.setdefault((name, finding[row["label"]]), [])
                boxes.append((x / wide, y / high, (x + w) / wide, (y + h) / high))
    except (KeyError, TypeError, ValueError) as error:
        raise UserFacingError("learning.bad_table", kind=ErrorKind.BAD_INPUT, table=_MAIN) from error
    return [Drawn(name, key, tuple(boxes)) for (name, key), boxes in found.items()]


CHEST_XRAY_ADULT = PictureSet(
    model="chest-xray-adult",
    version="1.2.1",
    title={"en": "Adult chest X-ray: findings", "zh": "成人胸片：征象"},
    intended_use={
        "en": "A second opinion on frontal chest X-rays of people aged 15 and over, shown after the doctor's own "
        "reading, on a few findings, each by itself. It says what a film looks like, not what the patient has; it is "
        "silent on all other findings, and a film on which it finds nothing may be anything but normal.",
        "zh": "用于 15 岁及以上患者的正位胸片，在医生先读片之后提供第二意见："
        "只涉及少数征象，逐项判断。它只说明胸片像什么，不说明患者得了什么病；对其他征象一概不作判断，没有提示绝不代表胸片正常。",
    },
    source={
        "en": "{n} frontal films of {groups} people from one American hospital",
        "zh": "一家美国医院 {groups} 人的 {n} 张正位胸片",
    },
    caution={
        "en": "Its labels were taken from written reports by a program and about one in ten is wrong; the collection "
        "is no sample of a clinic's patients, so that the probabilities have to be re-fitted for the site. It has seen "
        "no side views and was never tried in another hospital. A mirrored film is not noticed.",
        "zh": "标签由程序从文字报告中提取，约十分之一有误；所用胸片并非诊所患者的代表性样本，"
        "因此概率需要按本地重新校准。它没有见过侧位片，也未在其他医院验证过。左右镜像的胸片不会被发现。",
    },
    findings=(
        PictureFinding(
            "effusion",
            {"en": "Pleural effusion", "zh": "胸腔积液"},
            _codes(("J90", "Pleural effusion, not elsewhere classified"), ("60046008", "Pleural effusion (disorder)")),
            goal=0.83,
            earned=True,
        ),
        PictureFinding(
            "cardiomegaly",
            {"en": "Enlarged heart", "zh": "心影增大"},
            _codes(("I51.7", "Cardiomegaly"), ("8186001", "Cardiomegaly (disorder)")),
            goal=0.82,
            earned=True,
        ),
        PictureFinding(
            "edema",
            {"en": "Pulmonary oedema", "zh": "肺水肿"},
            _codes(("J81", "Pulmonary oedema"), ("19242006", "Pulmonary edema (disorder)")),
            goal=0.85,
            earned=True,
        ),
        PictureFinding(
            "consolidation",
            {"en": "Consolidation", "zh": "肺实变"},
            _codes(("R91", "Abnormal findings on diagnostic imaging of lung"), ("95436008", "Lung consolidation")),
            goal=0.76,
            earned=True,
        ),
        PictureFinding(
            "emphysema",
            {"en": "Emphysema", "zh": "肺气肿"},
            _codes(("J43.9", "Emphysema, unspecified"), ("87433001", "Pulmonary emphysema (disorder)")),
            goal=0.82,
            earned=True,
        ),
        PictureFinding(
            "nodule_or_mass",
            {"en": "Nodule or mass", "zh": "结节或肿块"},
            _codes(("R91", "Abnormal findings on diagnostic imaging of lung"), None),
            earned=True,
        ),
        PictureFinding(
            "pneumothorax",
            {"en": "Pneumothorax", "zh": "气胸"},
            _codes(("J93.9", "Pneumothorax, unspecified"), ("36118008", "Pneumothorax (disorder)")),
            earned=True,
        ),
        PictureFinding(
            "pneumonia",
            {"en": "Pneumonia", "zh": "肺炎"},
            _codes(("J18.9", "Pneumonia, unspecified"), ("233604007", "Pneumonia (disorder)")),
            earned=True,
        ),
        PictureFinding("no_finding", {"en": "No finding", "zh": "未见异常"}, (), earned=True),
    ),
    wanted=_MAIN,
    read=read_adults,
    data=(
        {
            "name": "NIH ChestX-ray14",
            "licence": "no restriction on use, attribution requested",
            "credit": "NIH Clinical Center; cite Wang et al., CVPR 2017.",
        },
        {
            "name": "Labeled Optical Coherence Tomography (OCT) and Chest X-Ray Images, Mendeley Data rscbjbr9sj "
            "(learned first; quality gate)",
            "licence": "CC BY 4.0",
            "credit": "Kermany D., Zhang K., Goldbaum M. (2018). Cite Kermany et al., Cell 172:1122-1131 (2018).",
        },
        {
            "name": "COVID-19 Image Repository, Hannover Medical School (quality gate only)",
            "licence": "CC BY 3.0",
            "credit": "Hannover Medical School, Diagnostic and Interventional Radiology (Winther et al. 2020).",
        },
    ),
    published="Published beside it, learned from 86 times as many films (CheXNet and its open retraining, official "
    "test part): effusion 0.86 and 0.88, cardiomegaly 0.93 and 0.91, edema 0.89 and 0.90, consolidation 0.79 and 0.80, "
    "emphysema 0.94.",
    modalities=("CR", "DX", "SC", "OT", "PHOTO"),
    golden="lung-phantom/1",
    format="radiograph",
    side_questions=_SIDE,
    earlier=read_earlier,
    earlier_questions=("bacterial", *_WORDS, *(question for question in _SIDE if question not in _WORDS)),
    facts=("collector", "view", "sex", "age"),
    ages=(_YOUNGEST, 120),
    body_part="CHEST",
    view="frontal",
    gate="chest-xray-child",
    strangers={
        "retinas": "fundus/idrid_grading/**/*.jpg",
        "red blood cells": "malaria_cells_rgb/images/*",
        "blood smears": "blood_cells/images/*.jpg",
        "sputum smears": "sputum_afb/images/*.jpg",
        "head CT slices": "ct/head_ct_ich/**/*.jpg",
    },
    drawn=read_drawn,
    settings=PictureSettings(
        members=5,
        widths=(24, 48, 96, 128),
        dropout=0.4,
        earlier_epochs=20,
        epochs=40,
        surroundings=0.075,
        texture=True,
        network_share=0.5,
    ),
)
