"""The environment is made once, made again when it must be, and never trusted half-made."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import environment
import pytest
from dev import ROOT
from environment import Environment, InstallFailed, Layer, Plan, Stamp, Work, plan

NOW = Stamp("cpython-3.11", "/clone/.venv", "p1", (("core", "c1"), ("dev", "d1"), ("torch", "t1")))


def holding(*layers: Layer) -> Stamp:
    names = [layer.value for layer in layers]
    return dataclasses.replace(NOW, locks=tuple(pair for pair in NOW.locks if pair[0] in names))


class TestPlan:
    """The decision, from stamps alone."""

    def test_a_first_start_builds(self) -> None:
        assert plan(None, NOW, [Layer.CORE]) == Plan(Work.REBUILD, (Layer.CORE,))

    def test_a_second_start_does_nothing(self) -> None:
        assert plan(holding(Layer.CORE), NOW, [Layer.CORE]) == Plan(Work.NOTHING)

    def test_test_after_run_only_adds(self) -> None:
        wanted = [Layer.TORCH, Layer.DEV, Layer.CORE]
        assert plan(holding(Layer.CORE), NOW, wanted) == Plan(Work.ADD, (Layer.DEV, Layer.TORCH))

    def test_run_after_test_does_nothing(self) -> None:
        assert plan(holding(*Layer), NOW, [Layer.CORE]) == Plan(Work.NOTHING)

    @pytest.mark.parametrize(
        "change", [{"interpreter": "cpython-3.12"}, {"place": "/moved/.venv"}, {"locks": (("core", "old"),)}]
    )
    def test_other_ground_builds_anew(self, change: dict[str, str]) -> None:
        found = dataclasses.replace(holding(Layer.CORE), **change)  # type: ignore[arg-type]  # one field at a time
        assert plan(found, NOW, [Layer.CORE]) == Plan(Work.REBUILD, (Layer.CORE,))

    def test_a_rebuild_brings_the_tools_back_but_asks_for_torch_only_when_wanted(self) -> None:
        found = dataclasses.replace(holding(*Layer), interpreter="cpython-3.12")
        assert plan(found, NOW, [Layer.CORE]) == Plan(Work.REBUILD, (Layer.CORE, Layer.DEV))
        assert plan(found, NOW, [Layer.CORE, Layer.TORCH]).layers == tuple(Layer)

    def test_a_stale_layer_that_is_not_wanted_counts_too(self) -> None:
        found = dataclasses.replace(NOW, locks=(("core", "c1"), ("dev", "old")))
        assert plan(found, NOW, [Layer.CORE]).work is Work.REBUILD

    def test_a_changed_project_file_installs_the_project_again(self) -> None:
        found = dataclasses.replace(holding(Layer.CORE), project="p0")
        assert plan(found, NOW, [Layer.CORE]) == Plan(Work.PROJECT)


class TestStamp:
    """What is written can be read; what is torn cannot."""

    def test_round_trip(self) -> None:
        assert Stamp.from_json(NOW.to_json()) == NOW

    @pytest.mark.parametrize("length", range(0, len(NOW.to_json()), 7))
    def test_torn(self, length: int) -> None:
        with pytest.raises(ValueError):
            Stamp.from_json(NOW.to_json()[:length])

    @pytest.mark.parametrize("text", ["[]", "{}", '{"format": 0}', '{"format": 1, "interpreter": "x"}', "null"])
    def test_foreign(self, text: str) -> None:
        with pytest.raises(ValueError):
            Stamp.from_json(text)


def test_line_ends_do_not_change_a_digest(tmp_path: Path) -> None:
    (tmp_path / "unix").write_bytes(b"a==1\nb==2\n")
    (tmp_path / "windows").write_bytes(b"a==1\r\nb==2\r\n")
    assert environment.digest(tmp_path / "unix") == environment.digest(tmp_path / "windows")


def test_each_system_has_its_interpreter() -> None:
    assert environment.python_in(Path("v"), windows=True) == Path("v", "Scripts", "python.exe")
    assert environment.python_in(Path("v"), windows=False) == Path("v", "bin", "python")


def test_pip_checks_hashes_and_builds_nothing() -> None:
    command = environment.pip_install_command(Path("python"), Path("core.txt"))
    assert "--require-hashes" in command
    assert command[command.index("--only-binary") + 1] == ":all:"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows hands no lock on to a child")
def test_a_second_start_waits_for_the_first_and_for_what_it_left_running(tmp_path: Path) -> None:
    """The first start is killed; the step it had begun goes on for a moment and still holds the lock."""
    lock, ended = tmp_path / "lock", tmp_path / "ended"
    step = f"import time, pathlib; time.sleep(0.8); pathlib.Path({str(ended)!r}).touch()"
    first = (
        "import os, pathlib, subprocess, sys, environment\n"
        f"with environment.alone(pathlib.Path({str(lock)!r}), print) as held:\n"
        f"    subprocess.Popen([sys.executable, '-c', {step!r}], pass_fds=(held,))\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", first], cwd=ROOT / "packaging", check=False)
    assert killed.returncode == -9
    said: list[str] = []
    with environment.alone(lock, said.append):
        assert ended.exists()
    assert "waiting" in said[0]


class TestEnsure:
    """The deeds, on a clone whose pip and venv are pretended."""

    @pytest.fixture(autouse=True)
    def _clone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        (tmp_path / "packaging").mkdir()
        for layer in Layer:
            (tmp_path / "packaging" / f"{layer.value}.txt").write_text(f"{layer.value}==1\n")
        (tmp_path / "pyproject.toml").write_text("[project]\n")
        self.clone = Environment(tmp_path)
        self.ran: list[str] = []
        self.breaks_at = ""
        monkeypatch.setattr("subprocess.call", self.call)
        yield
        assert not (self.clone.folder / "lantern-stamp.json.new").exists()

    def call(self, command: Sequence[str], **_options: object) -> int:
        deed = Path(command[-1]).stem if "-r" in command else "project" if "-e" in command else command[2]
        self.ran.append(deed)
        assert self.clone.stamp_found() is None, "a stamp stood while work was going on"
        if deed == self.breaks_at:
            return 1
        if deed == "venv":
            assert "--clear" in command
            self.clone.python.parent.mkdir(parents=True, exist_ok=True)
            self.clone.python.write_text("")
        return 0

    def ensure(self, *layers: Layer) -> frozenset[Layer]:
        self.ran.clear()
        return self.clone.ensure(layers, lambda _text: None)

    def test_builds_once(self) -> None:
        assert self.ensure(Layer.CORE) == {Layer.CORE}
        assert self.ran == ["venv", "core", "project"]
        assert self.ensure(Layer.CORE) == {Layer.CORE}
        assert self.ran == []

    def test_adds(self) -> None:
        self.ensure(Layer.CORE)
        assert self.ensure(Layer.CORE, Layer.DEV) == {Layer.CORE, Layer.DEV}
        assert self.ran == ["dev", "project"]

    @pytest.mark.parametrize("step", ["venv", "core", "project"])
    def test_heals_after_being_ended_at(self, step: str) -> None:
        self.breaks_at = step
        with pytest.raises(InstallFailed):
            self.ensure(Layer.CORE)
        self.breaks_at = ""
        self.ensure(Layer.CORE)
        assert self.ran == ["venv", "core", "project"]

    def test_ended_while_adding_builds_anew(self) -> None:
        self.ensure(Layer.CORE)
        self.breaks_at = "dev"
        with pytest.raises(InstallFailed):
            self.ensure(Layer.CORE, Layer.DEV)
        self.breaks_at = ""
        self.ensure(Layer.CORE)
        assert self.ran == ["venv", "core", "project"]

    def test_goes_on_without_torch_and_asks_again_next_time(self) -> None:
        self.breaks_at = "torch"
        assert self.ensure(Layer.CORE, Layer.DEV, Layer.TORCH) == {Layer.CORE, Layer.DEV}
        assert self.ensure(Layer.CORE) == {Layer.CORE, Layer.DEV}
        assert self.ran == []
        self.breaks_at = ""
        assert self.ensure(Layer.CORE, Layer.DEV, Layer.TORCH) == set(Layer)
        assert self.ran == ["torch", "project"]

    def test_a_changed_lock_builds_anew_with_the_tools(self) -> None:
        self.ensure(Layer.CORE, Layer.DEV)
        self.clone.lock(Layer.CORE).write_text("core==2\n")
        assert self.ensure(Layer.CORE) == {Layer.CORE, Layer.DEV}
        assert self.ran == ["venv", "core", "dev", "project"]

    def test_an_environment_without_its_python_builds_anew(self) -> None:
        self.ensure(Layer.CORE)
        self.clone.python.unlink()
        self.ensure(Layer.CORE)
        assert self.ran == ["venv", "core", "project"]
