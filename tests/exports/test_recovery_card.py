"""The recovery card: one page, the code in groups, the same code to scan, no trace on the disk."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop.exports.preview import pages
from desktop.exports.recovery_card import RecoveryCardContent, render
from desktop.i18n import Language

CARD = RecoveryCardContent(
    clinic_name='石桥村卫生室 #read("x") *Clinic*',
    code="K7QM2-9XWDA-BTRC4-H8PZN-3VEJ6-YF5SG-LK2MQ-7WX9D-TB",
    store_id="a3b1f0de-77c8-4f25-a3b0-0d4a4f9b2c10",
    created=datetime(2026, 5, 7, 10, 42, tzinfo=UTC),
)


def _text(pdf: bytes) -> str:
    import pypdfium2  # type: ignore[import-untyped]  # the library ships no types

    document = pypdfium2.PdfDocument(pdf)
    page = document[0]
    text_page = page.get_textpage()
    text = str(text_page.get_text_range())
    for opened in (text_page, page, document):
        opened.close()
    return text


@pytest.mark.parametrize("languages", [(Language.ENGLISH,), (Language.CHINESE,), (Language.CHINESE, Language.ENGLISH)])
def test_says_whose_it_is_and_every_group_of_the_code(languages: tuple[Language, ...]) -> None:
    pdf = render(CARD, languages)
    text = _text(pdf)
    assert len(pages(pdf, 20)) == 1
    assert CARD.clinic_name in text
    assert CARD.store_id in text
    for group in CARD.code.split("-"):
        assert group in text
    assert ("恢复卡" in text) == (Language.CHINESE in languages)
    assert ("Recovery card" in text) == (Language.ENGLISH in languages)


def test_a_long_code_and_name_still_fit_one_page() -> None:
    long_card = RecoveryCardContent("阿克苏地区 Aksu " * 12, "ABCD-" * 20 + "WXYZ", CARD.store_id, CARD.created)
    assert len(pages(render(long_card, tuple(Language)), 20)) == 1


def test_leaves_nothing_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("TMPDIR", "HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert render(CARD, tuple(Language)) == render(CARD, tuple(Language))
    assert list(tmp_path.iterdir()) == []
