import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.workflow.words import plain_line, plain_text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" 右下肺斑片影。\r\n二 \n", "右下肺斑片影。\n二"),
        ("a\x00b\x07\tc", "ab\tc"),
        ("half \ud83d", "half"),
        ("whole 😀 𠮷", "whole 😀 𠮷"),
        ("\x0c\n", ""),
    ],
)
def test_words_are_kept_and_what_is_no_text_is_not(typed: str, kept: str) -> None:
    assert plain_text(typed) == kept


def test_a_line_has_no_breaks() -> None:
    assert plain_line(" 王\n小\t明\x07\udc80 ") == "王 小 明"


@given(st.text())
def test_what_is_kept_can_always_be_written_and_stays_as_it_is(typed: str) -> None:
    kept = plain_text(typed)
    assert kept.encode("utf-8").decode("utf-8") == kept
    assert plain_text(kept) == kept
