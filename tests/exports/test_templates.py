"""What a report begins with: questions, never answers."""

import pytest

from desktop.exports.templates import default_findings
from desktop.i18n import Language


@pytest.mark.parametrize("language", list(Language))
def test_prompts_ask_and_state_nothing(language: Language) -> None:
    lines = default_findings(language).splitlines()
    assert len(lines) >= 6
    colon = "：" if language is Language.CHINESE else ":"
    for line in lines:
        assert line.endswith(colon)
    for stated in ("normal", "clear", "no ", "正常", "未见", "清晰"):
        assert stated not in default_findings(language).lower()


def test_both_languages_ask_the_same_number_of_things() -> None:
    assert len(default_findings(Language.ENGLISH).splitlines()) == len(default_findings(Language.CHINESE).splitlines())
