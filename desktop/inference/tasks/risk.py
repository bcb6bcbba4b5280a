"""One yes-or-no finding from a row of values, with what each value adds to it."""

from desktop.inference.table_manifest import read_table_manifest
from desktop.inference.table_model import TableModel
from desktop.inference.tasks.task import Task

TASK = Task(read_table_manifest, TableModel)
