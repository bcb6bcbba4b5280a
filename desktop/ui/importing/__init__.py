"""Bringing films in: from a drop, the dialog or a folder, into the record of the right patient.

start_import(context, paths, patient, parent)     no paths: asks for files first; no patient: asks whose they are
start_folder_import(context, patient, parent)     asks for a folder
"""

from desktop.ui.importing.flow import ImportFlow, start_folder_import, start_import

__all__ = ["ImportFlow", "start_folder_import", "start_import"]
