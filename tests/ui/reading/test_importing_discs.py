"""A folder, an archive or a disc: found, matched, asked about, stored study by study."""

import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pydicom
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import workflow
from desktop.jobs import Job
from desktop.records import HumanName, PartialDate, Patient
from desktop.ui import discs
from desktop.ui.context import UiContext
from desktop.ui.importing.disc_dialog import DiscDialog
from desktop.ui.importing.disc_flow import DiscFlow
from desktop.ui.importing.outcome import Status
from desktop.ui.importing.whose import WhoseDialog
from tests.ui.reading.test_importing import Import, button, importing, studies, write_dicom

__all__ = ["importing"]  # the fixture


def scan(path: Path, name: str, seed: int, **tags: str) -> Path:
    """A small film with these tags."""
    path.parent.mkdir(exist_ok=True, parents=True)
    dataset = pydicom.dcmread(write_dicom(path, name, seed))
    for keyword, value in tags.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    return path


def registered(clinic: workflow.Clinic, name: str, born: PartialDate | None = None) -> Patient:
    """Somebody on file."""
    draft = workflow.PatientDraft(names=(HumanName(text=name),), birth_date=born)
    return workflow.register_patient(clinic, Job(), draft).patient


class Disc:
    """The dialog of one import."""

    def __init__(self, importing: Import, paths: list[Path], patient: Patient | None) -> None:
        self.importing = importing
        flow = importing.start(paths, patient)
        importing.qtbot.waitUntil(lambda: flow.disc is not None, timeout=20_000)
        assert isinstance(flow.disc, DiscFlow)
        self.flow = flow.disc
        self.dialog: DiscDialog = flow.disc.dialog
        importing.qtbot.waitUntil(lambda: bool(self.dialog.list.rows.rows), timeout=20_000)

    def remarks(self) -> dict[str, str]:
        """Key of a row → its remark."""
        return {row.key: row.remark for row in self.dialog.list.rows.rows}

    def titles(self) -> list[str]:
        """What the rows are called."""
        return [row.title.strip() for row in self.dialog.list.rows.rows]

    def store(self) -> None:
        """Press Import and wait for the last word."""
        self.dialog.go.click()
        self.importing.qtbot.waitUntil(lambda: self.flow._task is None and not self.flow._tasks, timeout=30_000)

    def close(self) -> list[Status]:
        """Close it; what became of each file."""
        self.dialog.close_button.click()
        return [outcome.status for outcome in self.importing.wait()]


def test_several_patients_on_one_disc_are_each_matched_on_their_own(
    importing: Import, clinic: workflow.Clinic, tmp_path: Path
) -> None:
    anna = registered(clinic, "Anna Berg", PartialDate(1950, 4, 2))
    registered(clinic, "Otto Stern", PartialDate(1949, 1, 1))
    folder = tmp_path / "disc"
    scan(folder / "a1", "Berg^Anna", 11, PatientID="", PatientBirthDate="19500402", StudyInstanceUID="1.2.1")
    scan(folder / "a2", "Berg^Anna", 12, PatientID="", PatientBirthDate="19500402", StudyInstanceUID="1.2.1")
    scan(folder / "b1", "Stern^Otto", 13, PatientID="", PatientBirthDate="19620501")
    scan(folder / "c1", "Nemo^Cora", 14)
    (folder / "spoilt.dcm").write_bytes((folder / "a1").read_bytes()[:140])
    (folder / "viewer.exe").write_bytes(b"MZ" + bytes(200))
    disc = Disc(importing, [folder], None)
    remarks = disc.remarks()
    assert (remarks["p0"], remarks["p1"], remarks["p2"]) == ("→ Anna Berg", "Whose is it?", "Whose is it?")
    assert "1 other file that is no picture" in disc.titles()
    spoilt = disc.titles().index("spoilt.dcm")
    disc.dialog.list.setCurrentIndex(disc.dialog.list.rows.index(spoilt))
    told = disc.dialog.findChild(QLabel, "disc_note")
    assert told is not None
    assert told.text() == disc.dialog.list.rows.rows[spoilt].subtitle
    assert "damaged" in told.text() or "cut off" in told.text()
    disc.store()
    assert disc.remarks()["p0s0"] == "2 imported"
    (study,) = studies(clinic, anna)
    assert len(study.study.instances) == 2
    assert importing.opened == [study.study.id]
    assert disc.close() == [Status.OK, Status.OK]


def test_somebody_new_is_registered_from_the_file_in_two_keys(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, tmp_path: Path
) -> None:
    scan(tmp_path / "disc" / "a", "Lind^Greta", 21, PatientID="G-21", PatientBirthDate="19710203", PatientSex="F")
    disc = Disc(importing, [tmp_path / "disc"], None)
    disc.dialog.activateWindow()
    QTest.keyClick(disc.dialog, Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: disc.dialog.findChild(QWidget, "register_dialog") is not None, timeout=8000)
    asked = disc.dialog.findChild(QWidget, "register_dialog")
    assert asked is not None
    QTest.keyClick(asked, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: disc.remarks()["p0"] == "→ Lind Greta", timeout=8000)
    disc.store()
    assert disc.close() == [Status.OK]
    (match,) = workflow.search_patients(clinic, Job(), "Lind Greta")
    assert (str(match.patient.birth_date), match.patient.identifiers[0].value) == ("1971-02-03", "G-21")


def test_a_disc_of_another_name_asks_and_takes_a_reason(
    qtbot: QtBot, importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    scan(tmp_path / "disc" / "a", "Zhao^Lei", 31)
    disc = Disc(importing, [tmp_path / "disc"], patient)
    assert disc.remarks()["p0"] == "Whose is it?"
    assert not disc.dialog.go.isEnabled()
    disc.dialog.choose.click()
    whose = disc.dialog.findChild(WhoseDialog)
    assert whose is not None
    whose.finder.chosen.emit(patient.id)
    qtbot.waitUntil(lambda: disc.dialog.findChild(QWidget, "mismatch_dialog") is not None, timeout=8000)
    mismatch = disc.dialog.findChild(QWidget, "mismatch_dialog")
    assert mismatch is not None
    reason = mismatch.findChild(QLineEdit, "mismatch_reason")
    assert reason is not None
    QTest.keyClicks(reason, "the machine kept the last name")
    button(mismatch, "mismatch_accept").click()
    disc.store()
    (summary,) = studies(clinic, patient)
    assert summary.study.mismatch_reason == "the machine kept the last name"
    assert disc.close() == [Status.OK]


def test_what_is_known_is_told_and_a_second_version_asks(
    importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    first = scan(tmp_path / "disc" / "a", "", 41, StudyInstanceUID="1.2.41")
    workflow.import_file(clinic, Job(), first, patient.id)
    changed = pydicom.dcmread(first)
    changed.SeriesDescription = "sent again"
    changed.save_as(tmp_path / "disc" / "b")
    disc = Disc(importing, [tmp_path / "disc"], patient)
    disc.store()
    assert disc.remarks()["p0s0"] == "1 on record already · 1 not imported"
    assert not disc.dialog.both.isHidden()
    disc.dialog.both.click()
    importing.qtbot.waitUntil(lambda: disc.remarks()["p0s0"].startswith("1 imported"), timeout=20_000)
    (summary,) = studies(clinic, patient)
    assert len(summary.study.instances) == 2
    disc.close()


def test_stopping_leaves_no_half_study(
    importing: Import, clinic: workflow.Clinic, patient: Patient, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "disc.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            film = scan(tmp_path / "film.dcm", "", 500 + number, StudyInstanceUID="1.2.5")
            archive.write(film, f"folder/{number:02d}.dcm")
    disc = Disc(importing, [tmp_path / "disc.zip"], patient)
    disc.dialog.go.click()
    disc.flow.stop()
    importing.qtbot.waitUntil(lambda: disc.flow._task is None, timeout=20_000)
    assert studies(clinic, patient) == ()
    assert disc.close() == []


def test_a_thousand_files_never_hold_the_window(
    qtbot: QtBot, importing: Import, context: UiContext, patient: Patient, tmp_path: Path
) -> None:
    film = scan(tmp_path / "film.dcm", "Many^Pictures", 61)
    data = film.read_bytes()
    folder = tmp_path / "disc"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number:04d}").write_bytes(data if number % 4 else data[:400])
    flow = importing.start([folder], patient)
    turns = []
    end = time.monotonic() + 60
    while time.monotonic() < end and not (flow.disc is not None and flow.disc.dialog.list.rows.rows):
        begun = time.thread_time()
        qtbot.wait(1)
        turns.append(time.thread_time() - begun)
    assert flow.disc is not None
    assert len(flow.disc.dialog.list.rows.rows) == 252
    # The main thread's own time in a turn, which a busy machine does not lengthen; building the dialog is the longest.
    assert max(turns) < 0.1
    flow.disc.stop()
    importing.wait()


@pytest.mark.parametrize("empty", ["disc", "disc.zip"])
def test_nothing_to_import_is_said(importing: Import, tmp_path: Path, empty: str) -> None:
    path = tmp_path / empty
    if path.suffix:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("readme.txt", "nothing")
    else:
        path.mkdir()
        (path / "readme.txt").write_text("nothing", encoding="utf-8")
    disc = Disc(importing, [path], None)
    assert disc.dialog.words.text() == "There is nothing here that can be imported."
    assert not disc.dialog.go.isEnabled()
    found = disc.dialog.findChild(QPushButton, "disc_register")
    assert found is not None
    assert found.isHidden()
    assert disc.close() == []


def test_a_disc_that_was_just_plugged_in_is_offered_once(
    qtbot: QtBot, importing: Import, context: UiContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged = {tmp_path / "system"}
    monkeypatch.setattr(discs, "volumes", lambda: frozenset(plugged))
    watch = discs.DiscWatch(context, importing.window)
    offered: list[tuple[str, str]] = []
    chosen: list[tuple[Path, ...]] = []

    def press(text: str, words: str, deed: Callable[[], None]) -> None:
        offered.append((text, words))
        deed()

    context.undo_offered.connect(press)
    watch.chosen.connect(chosen.append)

    def look() -> None:
        watch.look()
        qtbot.waitUntil(lambda: not watch._looking, timeout=8000)

    look()
    for name in ("letters", "films"):
        (tmp_path / name / "DATA").mkdir(parents=True)
        plugged.add(tmp_path / name)
    (tmp_path / "letters" / "DATA" / "letter.txt").write_text("Dear Dr Li", encoding="utf-8")
    scan(tmp_path / "films" / "DATA" / "IM0001", "Berg^Anna", 71)
    look()
    look()
    assert offered == [("A disc or stick with pictures was plugged in.", "Look at it")]
    assert chosen == [(tmp_path / "films",)]


def test_looking_for_discs_ends_with_the_program(
    importing: Import, context: UiContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    def closed(*given: object, **named: object) -> None:
        raise RuntimeError("cannot schedule new futures after shutdown")

    watch = discs.DiscWatch(context, importing.window)
    monkeypatch.setattr(context.operations, "run", closed)
    watch.look()
    assert not watch._timer.isActive()
