"""A made-up population: names as common as in life, numbers, villages, visits. A seed always gives the same."""

import random
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from desktop.records import (
    Encounter,
    EncounterId,
    HumanName,
    Identifier,
    Observation,
    PartialDate,
    Patient,
    PatientId,
    Sex,
    UserId,
)
from desktop.store.card_numbers import card_number
from desktop.store.sounds import name_readings

# The most common surnames with their share in percent, then rarer ones that are read unusually.
_SURNAMES = {
    "王": 7.2, "李": 7.1, "张": 6.8, "刘": 5.4, "陈": 4.5, "杨": 3.1, "黄": 2.2, "赵": 2.1, "吴": 2.0, "周": 1.9,
    "徐": 1.5, "孙": 1.5, "马": 1.3, "朱": 1.3, "胡": 1.2, "郭": 1.1, "何": 1.1, "林": 1.1, "高": 1.0, "罗": 1.0,
    "郑": 0.9, "梁": 0.9, "谢": 0.8, "宋": 0.8, "唐": 0.7, "许": 0.7, "韩": 0.7, "邓": 0.6, "冯": 0.6, "曹": 0.6,
    "曾": 0.6, "吕": 0.4, "单": 0.1, "仇": 0.05, "解": 0.05, "查": 0.05, "尉迟": 0.02, "欧阳": 0.1,
}  # fmt: skip  # a table reads better with several to a line
_GIVEN = (
    "伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂英华玉萍红建文国志海兰春梅小晓东林云飞雪宇浩轩子涵梓欣怡佳琪"
    "思雨晨阳博天俊辉鹏程龙凤山河川江永福贵荣光宗耀祖德才学友良善美惠珍珠宝金银银山石玲珑巧慧颖莹莲菊竹松柏青"
)
_LATIN_GIVEN = [
    "Maria",
    "José",
    "Anna",
    "Juan",
    "Fatima",
    "Ahmed",
    "Grace",
    "Samuel",
    "Priya",
    "Arjun",
    "Thanh",
    "Linh",
    "Amina",
    "Joseph",
    "Elena",
    "Ivan",
]
_LATIN_FAMILY = [
    "González",
    "Okafor",
    "Nguyen",
    "Sharma",
    "Hassan",
    "Müller",
    "Rossi",
    "Kimani",
    "Silva",
    "Haile",
    "Petrov",
    "Santos",
    "Mbeki",
    "Diallo",
]
_PLACES = "清石大小上下东西南北新老青白红黄龙凤桥河湾塘沟岭坪坝庄屯营"
_LATIN_SHARE = 0.1


# Read otherwise in names than elsewhere, or typed with a letter that pinyin itself has not.
_RARE_SURNAMES = {"曾": "zeng", "单": "shan", "仇": "qiu", "解": "xie", "查": "zha", "吕": "lv"}
# LOINC, unit, smallest and largest value, digits behind the point: what a nurse measures at a visit.
_VITALS = (
    ("8310-5", "Cel", 36.0, 39.9, 1),
    ("8867-4", "/min", 55, 130, 0),
    ("9279-1", "/min", 12, 40, 0),
    ("8480-6", "mm[Hg]", 90, 180, 0),
    ("8462-4", "mm[Hg]", 50, 110, 0),
    ("29463-7", "kg", 8.0, 95.0, 1),
)
OBSERVATIONS_OF_A_VISIT = len(_VITALS)
_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)
_SAMPLED_OF_EACH = 400


@dataclass(frozen=True)
class Query:
    """What somebody types, of which kind, and whom it must find; `more` is what is typed on where too many fit."""

    kind: str
    text: str
    wanted: Patient

    @property
    def more(self) -> str:
        """The same and the end of the telephone number."""
        return f"{self.text} {self.wanted.phones[0][-6:]}"


def people(count: int, seed: int = 1) -> Iterator[Patient]:
    """`count` patients."""
    chance = random.Random(seed)
    surnames, weights = list(_SURNAMES), list(_SURNAMES.values())
    villages = ["".join(chance.sample(_PLACES, 2)) + chance.choice("村庄寨") for _ in range(400)]
    for number in range(count):
        sex = chance.choice((Sex.MALE, Sex.FEMALE))
        if chance.random() < _LATIN_SHARE:
            name = HumanName(family=chance.choice(_LATIN_FAMILY), given=(chance.choice(_LATIN_GIVEN),))
        else:
            given = "".join(chance.choices(_GIVEN, k=1 if chance.random() < 0.2 else 2))
            name = HumanName(text=chance.choices(surnames, weights)[0] + given)
        year, month, day = chance.randint(1935, 2026), chance.randint(1, 12), chance.randint(1, 28)
        yield Patient(
            id=PatientId(_id(chance)),
            names=(name,),
            sex=sex,
            birth_date=PartialDate(year, month, day),
            phones=(f"1{chance.choice('35789')}{chance.randrange(10**9):09d}",),
            village=chance.choice(villages),
            identifiers=(
                Identifier(f"{chance.randrange(10**6):06d}{year}{month:02d}{day:02d}{chance.randrange(10**4):04d}"),
            ),
            card_number=card_number(number + 1),
        )


def visit(owner: Patient, chance: random.Random) -> tuple[Encounter, list[Observation]]:
    """A visit at which the usual was measured."""
    started = _FIRST_DAY + timedelta(seconds=chance.randrange(600 * 86400))
    encounter = Encounter(
        EncounterId(_id(chance)),
        owner.id,
        started,
        UserId("bench"),
        chance.choice(("发热", "咳嗽三天", "头晕", "复诊")),
    )
    return encounter, [
        Observation(code, round(chance.uniform(low, high), digits), unit) for code, unit, low, high, digits in _VITALS
    ]


class Sample:
    """A few patients of every sort out of a stream that is too long to be kept."""

    def __init__(self, count: int) -> None:
        self.han: list[Patient] = []
        self.latin: list[Patient] = []
        self.rare: list[Patient] = []
        self._step = max(1, count // (5 * _SAMPLED_OF_EACH))

    def passing(self, stream: Iterable[Patient]) -> Iterator[Patient]:
        """The stream, looked at while it passes."""
        for number, person in enumerate(stream):
            name = person.names[0].text
            if name and name[0] in _RARE_SURNAMES and number % self._step < max(1, self._step // 8):
                self.rare.append(person)
            elif number % self._step == 0:
                (self.han if name else self.latin).append(person)
            yield person


def queries(sample: Sample, each: int, seed: int = 2) -> list[Query]:
    """`each` queries of every kind, about patients of the sample drawn at random."""
    chance = random.Random(seed)
    found = []
    for _ in range(each):
        person, foreigner, rare = chance.choice(sample.han), chance.choice(sample.latin), chance.choice(sample.rare)
        name, syllables = person.display_name, name_readings(person.display_name)[0]
        pinyin = "".join(syllables)
        phone, village = person.phones[0], person.village
        place = chance.randrange(len(phone) - 5)
        found += [
            Query("1 character", name[0], person),
            Query("2 characters", name[-2:], person),
            Query("whole name", name, person),
            Query("pinyin", pinyin, person),
            Query("pinyin, typing", pinyin[: chance.randint(2, max(2, len(pinyin) - 1))], person),
            Query("initials", "".join(syllable[0] for syllable in syllables), person),
            Query("pinyin, typo", _mistyped(chance, pinyin), person),
            Query("surname's reading", _surname_read(rare.display_name), rare),
            Query("latin", foreigner.names[0].family, foreigner),
            Query("latin, typo", _mistyped(chance, foreigner.names[0].family.lower()), foreigner),
            Query("part of phone", phone[place : place + 6], person),
            Query("part of identifier", person.identifiers[0].value[6:14], person),
            Query("identifier", person.identifiers[0].value, person),
            Query("card", person.card_number, person),
            Query("own id", person.id, person),
            Query("start of own id", person.id[:8], person),
            Query("village", village, person),
            Query("name and village", f"{name} {village}", person),
            Query("pinyin and phone", f"{syllables[0]} {phone[-4:]}", person),
        ]
    return found


def _surname_read(name: str) -> str:
    """A rare surname as it is read, the given name as pinyin has it."""
    given = name_readings(name[1:])[0]
    return _RARE_SURNAMES[name[0]] + "".join(given)


def _id(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _mistyped(chance: random.Random, word: str) -> str:
    """The word with one letter wrong, missing, doubled, or two swapped."""
    place = chance.randrange(len(word) - 1)
    match chance.randrange(4):
        case 0:
            return word[:place] + chance.choice("abcdefghijklmnopqrstuvwxyz") + word[place + 1 :]
        case 1:
            return word[:place] + word[place + 1 :]
        case 2:
            return word[:place] + word[place] + word[place:]
        case _:
            return word[:place] + word[place + 1] + word[place] + word[place + 2 :]
