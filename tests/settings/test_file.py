import json
from pathlib import Path

import pytest

from desktop.i18n import Language
from desktop.settings import Settings, SettingsFile, Theme


def test_what_is_saved_comes_back(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new" / "settings.json")
    settings = Settings(Language.CHINESE, Theme.LIGHT, 12, "li", "/clinic")
    file.save(settings)
    assert file.load() == settings


@pytest.mark.parametrize("text", ["", "[]", "{", '{"theme": "pink"}', '{"idle_minutes": 0}', '{"idle_minutes": "x"}'])
def test_a_broken_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text, encoding="utf-8")
    assert SettingsFile(path).load() == Settings()


def test_saving_replaces_the_file_whole(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.save(Settings(last_user="a"))
    file.save(Settings(last_user="b"))
    assert json.loads(file.path.read_text(encoding="utf-8"))["last_user"] == "b"
    assert [p.name for p in tmp_path.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("minutes", [0, 61, -1])
def test_idle_minutes_have_bounds(minutes: int) -> None:
    with pytest.raises(ValueError):
        Settings(idle_minutes=minutes)
