"""A test that asserts nothing passes whatever the program does: here is none."""

from pathlib import Path

from dev import ROOT

from tests.house.silent_tests import silent_tests

SAMPLES = """
import pytest
from helpers import check, run

def test_loud(): assert 1
def test_raises():
    with pytest.raises(ValueError): int("x")
def test_by_a_helper(): check(3)
def test_by_a_helper_of_a_helper(thing): thing.check_twice()
def test_with_a_mock(mock): mock.assert_called_once()
def test_that_waits(qtbot): qtbot.waitUntil(lambda: True)
def test_that_expects_a_record(expected_log):
    with expected_log("desktop"): run()
def test_silent(): run()
def test_silent_by_a_helper_that_calls_itself(): run_again()
def test_by_a_machine(): run_state_machine_as_test(Machine)
def test_silent_by_a_machine(): run_state_machine_as_test(IdleMachine)
def test_silent_beside_a_class(): Machine()
class Machine:
    def rule(self): assert self
class IdleMachine:
    def rule(self): pass
class TestClass:
    def test_silent_in_a_class(self): print(run())
    def test_loud_in_a_class(self): assert run()
def run_again(): return run_again()
def expected_log(name): pytest.fail("never came")
"""

HELPERS = """
def check(number): assert number
def check_twice(self): check(1); check(2)
def run(): return "no assertion here"
"""


def test_every_test_asserts_something() -> None:
    assert silent_tests(ROOT / "tests") == []


def test_the_reader_tells_silent_tests_from_others(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "test_samples.py").write_text(SAMPLES, encoding="utf-8")
    (tmp_path / "helpers.py").write_text(HELPERS, encoding="utf-8")
    assert silent_tests(tmp_path) == [
        "part/test_samples.py::test_silent",
        "part/test_samples.py::test_silent_by_a_helper_that_calls_itself",
        "part/test_samples.py::test_silent_by_a_machine",
        "part/test_samples.py::test_silent_beside_a_class",
        "part/test_samples.py::test_silent_in_a_class",
    ]
