"""Every command of the frame, declared once. The reading room's are declared in its own package."""

from desktop.ui.action import WINDOW, Action

WINDOW_ACTIONS: tuple[Action, ...] = (
    Action("go_today", WINDOW, ("Ctrl+1",)),
    Action("go_patients", WINDOW, ("Ctrl+2",)),
    Action("go_reading", WINDOW, ("Ctrl+3",)),
    Action("go_tools", WINDOW, ("Ctrl+4",)),
    Action("go_feedback", WINDOW, ("Ctrl+5",)),
    Action("go_settings", WINDOW, ("Ctrl+6",)),
    Action("register_patient", WINDOW, ("Ctrl+N",)),
    Action("import_film", WINDOW, ("Ctrl+O",)),
    Action("import_folder", WINDOW, ("Ctrl+Shift+O",)),
    Action("fetch_images", WINDOW, ("Ctrl+Shift+F",)),
    Action("fetch_planned", WINDOW),
    Action("send_study", WINDOW, ("Ctrl+Shift+E",)),
    Action("sendings", WINDOW),
    Action("search", WINDOW, ("/", "Ctrl+F")),
    Action("palette", WINDOW, ("Ctrl+K",)),
    Action("shortcuts", WINDOW, ("?", "F1")),
    Action("back_up", WINDOW),
    Action("switch_language", WINDOW),
    Action("switch_theme", WINDOW),
    Action("lock", WINDOW, ("Ctrl+L",)),
    Action("end_shift", WINDOW),
)

PATIENT_ACTIONS: tuple[Action, ...] = (
    Action("patients_back", "patients", ("Esc",)),
    Action("patients_edit", "patients", ("Ctrl+E",)),
    Action("patients_visit", "patients", ("Ctrl+Shift+N",)),
    Action("patients_merge", "patients", ("Ctrl+M",)),
    Action("patients_undo", "patients", ("Ctrl+Z",)),
)

ACTIONS: tuple[Action, ...] = (*WINDOW_ACTIONS, *PATIENT_ACTIONS)
