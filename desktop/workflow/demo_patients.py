"""The twelve people of the demo clinic. None of them exists: numbers, villages and names are made up.

Phone numbers lie in 199-0000-…, which no operator has given out in that form, and every identifier says DEMO.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from desktop.imaging.synthetic import Opacity
from desktop.records import (
    AllergyIntolerance,
    HumanName,
    Identifier,
    PartialDate,
    Patient,
    PatientId,
    Sex,
)

_NAMESPACE = "demo"
_EAST_DITCH = "东沟村（虚构）"
_WILLOW_BAY = "柳树湾（虚构）"
_NORTH_SLOPE = "北坡村（虚构）"
_STONE_BRIDGE = "石桥镇（虚构）"
_RIVERSIDE = "Riverside (fictitious)"


@dataclass(frozen=True)
class DemoFilm:
    """A film to draw. seed: see `imaging.synthetic.demo_film`. days_ago: when it is said to have been taken."""

    seed: int
    opacity: Opacity | None
    days_ago: int


@dataclass(frozen=True)
class DemoPatient:
    """One person who does not exist, and their films."""

    patient: Patient
    films: tuple[DemoFilm, ...] = ()


def demo_patients(today: date) -> tuple[DemoPatient, ...]:
    """Twelve people of fixed ages on `today`, seven of them children of 1 to 5 years with films."""
    return (*_children(today), *_grown_ups(today))


def _children(today: date) -> tuple[DemoPatient, ...]:
    return (
        _child(today, 1, "王", "小禾", "Wang", "Xiaohe", Sex.FEMALE, 2.4, _EAST_DITCH, (_clear(30, 1),)),
        _child(
            today,
            2,
            "李",
            "明远",
            "Li",
            "Mingyuan",
            Sex.MALE,
            3.6,
            _WILLOW_BAY,
            (DemoFilm(6, Opacity.RIGHT_LOWER, 16), _clear(6, 2)),
            AllergyIntolerance("青霉素 Penicillin", "皮疹 rash"),
        ),
        _child(today, 3, "曾", "雨桐", "Zeng", "Yutong", Sex.FEMALE, 1.3, _NORTH_SLOPE, (_clear(8, 0),)),
        _child(
            today,
            4,
            "单",
            "嘉树",
            "Shan",
            "Jiashu",
            Sex.MALE,
            4.8,
            _STONE_BRIDGE,
            (DemoFilm(28, Opacity.LEFT_LOWER, 3),),
        ),
        _child(today, 5, "吕", "安然", "Lü", "Anran", Sex.FEMALE, 5.2, _EAST_DITCH, (_clear(24, 5),)),
        _child(
            today,
            6,
            "欧阳",
            "星野",
            "Ouyang",
            "Xingye",
            Sex.MALE,
            2.9,
            _WILLOW_BAY,
            (DemoFilm(34, Opacity.BOTH_LOWER, 0),),
            AllergyIntolerance("花生 Peanut", "喘息 wheeze"),
        ),
        DemoPatient(
            _person(
                7,
                (HumanName(family="Okello", given=("Amani", "Grace")),),
                Sex.FEMALE,
                _born(today, 4.1),
                _RIVERSIDE,
                no_known_allergies=True,
            ),
            (DemoFilm(25, Opacity.RIGHT_UPPER, 1),),
        ),
    )


def _grown_ups(today: date) -> tuple[DemoPatient, ...]:
    return (
        DemoPatient(
            _person(8, _chinese("赵", "国安", "Zhao", "Guoan"), Sex.MALE, PartialDate(today.year - 67), _STONE_BRIDGE)
        ),
        DemoPatient(
            _person(
                9,
                _chinese("陈", "秀兰", "Chen", "Xiulan"),
                Sex.FEMALE,
                _born(today, 58.2),
                _NORTH_SLOPE,
                allergies=(AllergyIntolerance("磺胺 Sulfonamides", "荨麻疹 hives"),),
            )
        ),
        DemoPatient(
            _person(
                10,
                (HumanName(family="Fernández", given=("Lucía",)),),
                Sex.FEMALE,
                _born(today, 31.7),
                _RIVERSIDE,
                no_known_allergies=True,
            )
        ),
        DemoPatient(
            _person(
                11,
                _chinese("刘", "建国", "Liu", "Jianguo"),
                Sex.MALE,
                PartialDate(today.year - 45, 6),
                _EAST_DITCH,
            )
        ),
        DemoPatient(
            _person(
                12,
                (HumanName(text="阿依古丽"), HumanName(text="Ayguli")),
                Sex.FEMALE,
                _born(today, 24.5),
                _WILLOW_BAY,
                no_known_allergies=True,
            )
        ),
    )


def _clear(seed: int, days_ago: int) -> DemoFilm:
    return DemoFilm(seed, None, days_ago)


def _born(today: date, years: float) -> PartialDate:
    return PartialDate.from_date(today - timedelta(days=round(years * 365.25)))


def _chinese(family: str, given: str, family_latin: str, given_latin: str) -> tuple[HumanName, ...]:
    return HumanName(family=family, given=(given,)), HumanName(family=family_latin, given=(given_latin,))


def _child(
    today: date,
    number: int,
    family: str,
    given: str,
    family_latin: str,
    given_latin: str,
    sex: Sex,
    years: float,
    village: str,
    films: tuple[DemoFilm, ...],
    *allergies: AllergyIntolerance,
) -> DemoPatient:
    person = _person(
        number,
        _chinese(family, given, family_latin, given_latin),
        sex,
        _born(today, years),
        village,
        allergies=allergies,
        no_known_allergies=not allergies and number != 3,
    )
    return DemoPatient(person, films)


def _person(
    number: int,
    names: tuple[HumanName, ...],
    sex: Sex,
    born: PartialDate,
    village: str,
    *,
    allergies: tuple[AllergyIntolerance, ...] = (),
    no_known_allergies: bool = False,
) -> Patient:
    return Patient(
        id=PatientId(f"{_NAMESPACE}-{number}"),
        names=names,
        sex=sex,
        birth_date=born,
        phones=(f"1990000{number:04d}",),
        village=village,
        identifiers=(Identifier(f"DEMO-{number:04d}", "demo"),),
        allergies=allergies,
        no_known_allergies=no_known_allergies,
        synthetic=True,
    )
