import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.intake import NameVerdict, names_fit
from desktop.records import FileHeader, HumanName, Modality, PartialDate, Patient, PatientId, Sex

WANG_XIAOMING = (HumanName(text="王小明"),)
BOTH = (HumanName(family="王", given=("小明",)), HumanName(family="Wang", given=("Xiaoming",)))
MARIA = (HumanName(family="García López", given=("María", "Elena")),)


def patient(*names: HumanName, **more: Any) -> Patient:
    return Patient(id=PatientId("p"), names=names, **more)


def verdict(names: tuple[HumanName, ...], *groups: str) -> NameVerdict:
    return names_fit(FileHeader(modality=Modality.CR, name_groups=groups), patient(*names)).verdict


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        # The same characters, however they are cut and in whatever group.
        (WANG_XIAOMING, ("王^小明",)),
        (WANG_XIAOMING, ("王小明",)),
        (WANG_XIAOMING, ("", "王^小明")),
        (WANG_XIAOMING, ("SOMEBODY^ELSE", "王^小明")),
        ((HumanName(family="欧阳", given=("星野",)),), ("欧阳^星野",)),
        ((HumanName(text="王 小明"),), ("王小明",)),
        # Pinyin in either order, with and without spaces, any case, with tones or not.
        (WANG_XIAOMING, ("Wang^Xiaoming",)),
        (WANG_XIAOMING, ("WANG^XIAO MING",)),
        (WANG_XIAOMING, ("XIAOMING^WANG",)),
        (WANG_XIAOMING, ("WANGXIAOMING",)),
        (WANG_XIAOMING, ("Wáng^Xiǎomíng",)),
        (WANG_XIAOMING, ("Wang^Xiao^Ming",)),
        (WANG_XIAOMING, ("wang xiao-ming",)),
        # Surname readings that differ from the everyday one.
        ((HumanName(text="曾莉"),), ("ZENG^LI",)),
        ((HumanName(text="单雄信"),), ("SHAN^XIONGXIN",)),
        ((HumanName(text="解珍"),), ("XIE^ZHEN",)),
        ((HumanName(text="查良镛"),), ("ZHA^LIANGYONG",)),
        ((HumanName(text="仇英"),), ("QIU^YING",)),
        ((HumanName(text="尉迟恭"),), ("YUCHI^GONG",)),
        # ü as v, u, yu or itself.
        ((HumanName(text="吕布"),), ("LV^BU",)),
        ((HumanName(text="吕布"),), ("LU^BU",)),
        ((HumanName(text="吕布"),), ("LYU^BU",)),
        ((HumanName(text="吕布"),), ("Lü^Bu",)),
        # A file in characters, a chart in Latin letters.
        ((HumanName(family="Wang", given=("Xiaoming",)),), ("王^小明",)),
        ((HumanName(text="Xiaoming Wang"),), ("王^小明",)),
        (BOTH, ("WANG^XIAOMING", "王^小明")),
        # Case, accents, punctuation, order.
        (MARIA, ("GARCIA LOPEZ^MARIA ELENA",)),
        (MARIA, ("garcia-lopez^maria^elena",)),
        (MARIA, ("MARIA ELENA^GARCIA LOPEZ",)),
        ((HumanName(family="O'Neil", given=("Jörg",)),), ("ONEIL^JORG",)),
        ((HumanName(family="Nguyễn", given=("Văn", "Đức")),), ("NGUYEN^VAN DUC",)),
        ((HumanName(text="Jane Doe"),), ("DOE^JANE^^DR^PHD",)),
        # Middle names may be missing or shortened.
        (MARIA, ("GARCIA^MARIA",)),
        ((HumanName(family="Smith", given=("John", "Fitzgerald")),), ("SMITH^JOHN^F",)),
        ((HumanName(family="Smith", given=("John",)),), ("SMITH^JOHN^FITZGERALD",)),
        ((HumanName(text="Maria Garcia"),), ("GARCIA^MARIA ELENA",)),
        # One name only, as many people have.
        ((HumanName(text="Suharto"),), ("SUHARTO",)),
        # Kana and hangul, letter by letter.
        ((HumanName(text="やまだたろう"),), ("Yamada^Tarou", "山田^太郎", "やまだ^たろう")),
        ((HumanName(text="김희중"),), ("Hong^Gildong", "洪^吉洞", "김^희중")),
    ],
)
def test_fits(names: tuple[HumanName, ...], groups: tuple[str, ...]) -> None:
    assert verdict(names, *groups) is NameVerdict.FITS


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (WANG_XIAOMING, ("WANG^XIAOMIN",)),
        (WANG_XIAOMING, ("WANG",)),
        (WANG_XIAOMING, ("WANG^X",)),
        (WANG_XIAOMING, ("WANG^MING",)),
        (WANG_XIAOMING, ("WANG^MINGXIAO",)),
        (WANG_XIAOMING, ("LI^XIAOMING",)),
        (WANG_XIAOMING, ("ANONYMOUS",)),
        (WANG_XIAOMING, ("王^小",)),
        (WANG_XIAOMING, ("王",)),
        (WANG_XIAOMING, ("小明",)),
        # The same sound is not the same person.
        (WANG_XIAOMING, ("王^晓明",)),
        # Pinyin with a space in the given name: a further syllable is another name.
        ((HumanName(text="Li Wei"),), ("LI^WEI MING",)),
        ((HumanName(text="Li Wei Ming"),), ("LI^WEI",)),
        ((HumanName(text="李伟明"),), ("LI^WEI",)),
        ((HumanName(text="李伟"),), ("LI^WEIMING",)),
        # Brothers and sisters, mothers and children.
        (MARIA, ("GARCIA LOPEZ^CARMEN ELENA",)),
        (MARIA, ("GARCIA",)),
        (MARIA, ("GARCIA LOPEZ",)),
        (MARIA, ("MARIA ELENA",)),
        ((HumanName(family="Smith", given=("John",)),), ("SMITH^JANE",)),
        ((HumanName(family="Smith", given=("John",)),), ("SMITH^J",)),
        ((HumanName(family="Smith", given=("John", "Fitzgerald")),), ("SMITH^JOHN^Q",)),
        ((HumanName(family="Smith", given=("John",)),), ("SMITHSON^JOHN",)),
        ((HumanName(text="Suharto"),), ("SUHARTO^BAMBANG",)),
        (BOTH, ("LI^XIAOMING", "李^小明")),
    ],
)
def test_does_not_fit(names: tuple[HumanName, ...], groups: tuple[str, ...]) -> None:
    assert verdict(names, *groups) is NameVerdict.MISMATCH


@pytest.mark.parametrize("groups", [(), ("",), ("^^^^",), ("", "^"), (" ^ ",), ("?",), ("-^-",)])
def test_a_file_without_letters_has_no_name(groups: tuple[str, ...]) -> None:
    assert verdict(WANG_XIAOMING, *groups) is NameVerdict.NO_NAME


def test_the_name_is_shown_as_people_write_it() -> None:
    header = FileHeader(modality=Modality.CR, name_groups=("Li^Mingyuan^^", "李^明远"))
    assert names_fit(header, patient(*WANG_XIAOMING)).file_name == "Li Mingyuan = 李 明远"


class TestRemarks:
    def remarks(self, names: tuple[HumanName, ...] = WANG_XIAOMING, **header: Any) -> tuple[str, ...]:
        file = replace(FileHeader(modality=Modality.CR, name_groups=("王^小明",)), **header)
        check = names_fit(file, patient(*names, sex=Sex.FEMALE, birth_date=PartialDate(2023, 7, 2)))
        assert check.verdict is NameVerdict.FITS
        return check.remarks

    def test_tell_another_birth_date(self) -> None:
        assert self.remarks(birth_date=PartialDate(2023, 7, 3)) == ("intake.remark.birth_date_differs",)

    @pytest.mark.parametrize("born", [PartialDate(2023, 7, 2), PartialDate(2023, 7), PartialDate(2023), None])
    def test_are_silent_where_dates_agree(self, born: PartialDate | None) -> None:
        assert self.remarks(birth_date=born) == ()

    def test_tell_another_sex(self) -> None:
        assert self.remarks(sex=Sex.MALE) == ("intake.remark.sex_differs",)

    @pytest.mark.parametrize("sex", [Sex.FEMALE, Sex.OTHER, Sex.UNKNOWN, None])
    def test_are_silent_where_sex_does_not_contradict(self, sex: Sex | None) -> None:
        assert self.remarks(sex=sex) == ()

    def test_tell_other_characters_of_the_same_sound(self) -> None:
        assert self.remarks(name_groups=("Wang^Xiaoming", "王^晓明")) == ("intake.remark.characters_differ",)

    def test_come_with_a_mismatch_too(self) -> None:
        header = FileHeader(modality=Modality.CR, name_groups=("LI^HUA",), sex=Sex.MALE)
        check = names_fit(header, patient(*WANG_XIAOMING, sex=Sex.FEMALE))
        assert (check.verdict, check.remarks) == (NameVerdict.MISMATCH, ("intake.remark.sex_differs",))


names = st.text(st.characters(codec="utf-8"), max_size=30)


@given(st.lists(names, max_size=4), names.filter(lambda text: text.strip()))
def test_any_text_gets_an_answer(groups: list[str], name: str) -> None:
    known = (HumanName(text=name),)
    check = names_fit(FileHeader(modality=Modality.CR, name_groups=tuple(groups)), patient(*known))
    assert (check.verdict is NameVerdict.NO_NAME) == (check.file_name == "")
    if any(re.search("[a-z0-9一-龥]", "^".join(group.split("^")[:3]), re.IGNORECASE) for group in groups):
        assert check.verdict is not NameVerdict.NO_NAME
    assert check.remarks == () or check.verdict is NameVerdict.FITS
    assert verdict(known, *reversed(groups)) is check.verdict
    # Whatever else the file says, a group that says the patient's name makes it fit.
    own = name.replace("^", " ")
    if verdict(known, own) is not NameVerdict.NO_NAME:
        assert verdict(known, *groups, own) is NameVerdict.FITS


@given(st.sampled_from(["王小明", "欧阳星野", "Maria Garcia", "吕布", "Jörg O'Neil"]))
def test_everybody_fits_their_own_name(name: str) -> None:
    assert verdict((HumanName(text=name),), name) is NameVerdict.FITS


def test_importing_intake_loads_no_decoder() -> None:
    import subprocess
    import sys

    script = (
        "import sys, desktop.intake, desktop.imaging, desktop.imaging.display, desktop.imaging.synthetic;"
        "print([m for m in ('pydicom', 'PIL', 'pypinyin', 'SimpleITK', 'gdcm') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
