"""Kinds of task a manifest may name. A new kind is one module with `prepare` and `interpret` and one line here."""

from collections.abc import Mapping

from desktop.inference.tasks import classification
from desktop.inference.tasks.task import Task

TASKS: Mapping[str, Task] = {"image-classification": classification.TASK}

__all__ = ["TASKS", "Task"]
