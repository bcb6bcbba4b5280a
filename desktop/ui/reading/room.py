"""The reading room: the films that wait, and the one being read."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from desktop import workflow
from desktop.records import Patient, PatientId, StudyId, StudySummary
from desktop.ui.action import bind
from desktop.ui.context import UiContext
from desktop.ui.importing import start_import
from desktop.ui.reading.actions import ROOM_ACTIONS
from desktop.ui.reading.sitting import Sitting
from desktop.ui.reading.study_page import StudyPage
from desktop.ui.reading.worklist import Worklist
from desktop.ui.widgets.empty_state import EmptyState


class ReadingRoom(QWidget):
    """A destination of the left rail.

    Signals: patient_changed(Patient or None) for the banner; study_opened(study id); register_requested() where the
    person wants to put a new patient on file first.
    """

    patient_changed = Signal(object)
    study_opened = Signal(str)
    register_requested = Signal()

    def __init__(self, context: UiContext, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reading_room")
        self._context = context
        self._lone_patient: Patient | None = None
        self.worklist = Worklist(context)
        self.study = StudyPage(context)
        self._no_film = EmptyState(context, "no_film", "import")
        self._pages = QStackedWidget()
        for page in (self.worklist, self.study, self._no_film):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        handlers = {"reading.worklist": self.toggle_worklist}
        self._bound = bind(context, self, ROOM_ACTIONS, handlers)
        self.worklist.chosen.connect(self.open_study)
        self.worklist.import_asked.connect(self._import)
        self._no_film.pressed.connect(self._import)
        self.study.opened.connect(self._opened)
        self.study.patient_changed.connect(self._patient_changed)
        self.study.not_opened.connect(self._show_worklist)
        self.study.worklist_asked.connect(self.toggle_worklist)
        self.study.study_asked.connect(self.open_study)
        self.retranslate()

    # What the frame calls

    @property
    def sitting(self) -> Sitting | None:
        """The study being read."""
        return self.study.sitting

    @property
    def patient(self) -> Patient | None:
        """Who is on the screen."""
        page = self._pages.currentWidget()
        if page is self._no_film:
            return self._lone_patient
        return self.sitting.study.patient if page is self.study and self.sitting is not None else None

    def open_study(self, study: str) -> None:
        """Read a study; what was typed for another one is kept."""
        self._lone_patient = None
        self._pages.setCurrentWidget(self.study)
        self.study.open(StudyId(study))
        self.patient_changed.emit(None)

    def open_patient(self, patient: str) -> None:
        """Read a patient's newest unsigned study, else the newest one; without any, offer to import."""
        clinic, wanted = self._context.open_clinic, PatientId(patient)
        self._context.operations.run(
            lambda job: workflow.open_patient(clinic, job, wanted), initiator=self, done=self._take_chart
        )

    def activated(self) -> None:
        """The room came to the front."""
        page = self._pages.currentWidget()
        if page is self.study and self.sitting is not None:
            self.study.focus_next()
        elif page is self.worklist:
            self.worklist.load()
            self.worklist.focus_rows()

    def save_drafts(self) -> None:
        """Put typed words in the store's queue at once; called before the clinic is locked."""
        self.study.save_drafts()

    def clear(self) -> None:
        """Forget everything about every patient."""
        self.study.forget_drafts()
        self.study.leave()
        self.worklist.clear()
        self._lone_patient = None
        self._pages.setCurrentWidget(self.worklist)
        self.patient_changed.emit(None)

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._bound.retranslate()
        self._no_film.set_texts(self._context.tr("reading.no_film"), self._context.tr("reading.import"))
        self.study.retranslate()
        self.worklist.retranslate()

    def toggle_worklist(self) -> None:
        """To the films that wait, and back."""
        if self._pages.currentWidget() is self.worklist:
            if self.sitting is not None:
                self._pages.setCurrentWidget(self.study)
                self.patient_changed.emit(self.patient)
                self.study.focus_next()
            return
        self.study.save_drafts()
        self._show_worklist()

    # Inside

    def _show_worklist(self) -> None:
        self._pages.setCurrentWidget(self.worklist)
        self.patient_changed.emit(None)
        self.worklist.load()
        self.worklist.focus_rows()

    def _opened(self, sitting: Sitting) -> None:
        self.patient_changed.emit(self.patient)
        self.study_opened.emit(sitting.study.study.id)

    def _patient_changed(self, patient: Patient) -> None:
        if self._pages.currentWidget() is self.study:
            self.patient_changed.emit(patient)

    def _take_chart(self, chart: "workflow.PatientChart") -> None:
        studies = sorted(chart.studies, key=_signed)
        if studies:
            self.open_study(studies[0].study.id)
            return
        self.study.leave()
        self._lone_patient = chart.patient
        self._pages.setCurrentWidget(self._no_film)
        self.patient_changed.emit(chart.patient)

    def _import(self) -> None:
        start_import(self._context, (), self._patient_id(), self)

    def _patient_id(self) -> PatientId | None:
        return self.patient.id if self.patient is not None else None


def _signed(summary: StudySummary) -> bool:
    return summary.signed
