"""What is installed is complete: the package carries its resources and models, an editable install does not."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from dev import ROOT
from hatchling.builders.wheel import WheelBuilder


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names in a wheel built from this clone."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("lantern_clinic-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(archive.namelist())


@pytest.mark.parametrize("folder", ["resources", "models"])
def test_the_wheel_carries_the_data_folders(contents: frozenset[str], folder: str) -> None:
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, check=True).stdout
    tracked = {f"desktop/_bundle/{name}" for name in listed.decode().split("\0") if name}
    assert tracked <= contents


def test_the_wheel_holds_the_package_and_its_licence_and_nothing_else(contents: frozenset[str]) -> None:
    assert "desktop/__main__.py" in contents
    assert [name for name in contents if name.endswith("/licenses/LICENSE")]
    assert {name.split("/")[0].split("-")[0] for name in contents} == {"desktop", "lantern_clinic"}


def test_an_editable_install_reads_the_clone(tmp_path: Path) -> None:
    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["editable"]))
    with zipfile.ZipFile(built) as archive:
        assert not [name for name in archive.namelist() if "_bundle" in name]


def test_the_command_is_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["name"] == "lantern-clinic"
    assert project["scripts"] == {"lantern": "desktop.__main__:main"}
