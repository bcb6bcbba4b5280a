import json
from pathlib import Path

import pytest

from desktop.settings import OwnLayout, Settings, SettingsFile

OWN = OwnLayout("u1", "x_ray", "CHEST", True, 2, 2, linked=False)


def test_own_layouts_come_back(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.save(Settings(own_layouts=(OWN,)))
    assert file.load().own_layouts == (OWN,)


@pytest.mark.parametrize("change", [{"rows": 4}, {"rows": 0}, {"columns": "2"}, {"columns": None}])
def test_a_layout_that_is_none_gives_the_defaults(tmp_path: Path, change: dict[str, object]) -> None:
    file = SettingsFile(tmp_path / "settings.json")
    file.save(Settings(own_layouts=(OWN,)))
    raw = json.loads(file.path.read_text(encoding="utf-8"))
    raw["own_layouts"][0] |= change
    file.path.write_text(json.dumps(raw), encoding="utf-8")
    assert file.load() == Settings()


@pytest.mark.parametrize(("rows", "columns"), [(0, 1), (4, 1), (1, 0), (1, 4)])
def test_layouts_have_one_to_three_rows_and_columns(rows: int, columns: int) -> None:
    with pytest.raises(ValueError, match="one to three"):
        OwnLayout("u1", "ct", "", False, rows, columns)
