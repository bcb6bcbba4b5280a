"""Every refusal has words and advice in both languages."""

import re
from pathlib import Path

import pytest

import desktop.imaging
import desktop.intake
from desktop.i18n import Language, catalogue
from desktop.imaging.display import presets
from desktop.records import FileHeader, Modality, Photometric, Picture, SpacingSource
from tests.intake.dicom_files import gradient


def raised_keys() -> set[str]:
    folder = Path(desktop.intake.__file__).parent
    source = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    return set(re.findall(r'"(intake\.[a-z_0-9.]+)"', source))


@pytest.mark.parametrize("language", Language)
def test_exist_for_every_key(language: Language) -> None:
    sentences = catalogue(language)
    keys = raised_keys()
    assert len(keys) > 15
    for key in keys:
        assert key in sentences
        if not key.startswith(("intake.progress.", "intake.remark.")):
            assert f"{key}.advice" in sentences


def test_have_the_same_details_in_both_languages() -> None:
    english, chinese = (
        {
            key: set(re.findall(r"{(\w+)}", text))
            for key, text in catalogue(language).items()
            if key.startswith(("intake.", "imaging."))
        }
        for language in (Language.ENGLISH, Language.CHINESE)
    )
    assert english == chinese


def test_name_every_preset_and_every_source_of_millimetres() -> None:
    picture = Picture(gradient(), Photometric.MONOCHROME2, FileHeader(modality=Modality.CR), bits=12)
    sentences = catalogue(Language.ENGLISH)
    assert all(preset.key in sentences for preset in presets(picture))
    assert all(f"imaging.spacing.{source.value}" in sentences for source in SpacingSource)
