"""Kinds of task a manifest may name. A new kind is one module with a `Task` and one line here."""

from collections.abc import Mapping
from typing import Any

from desktop.inference.tasks import classification, detection, fundus, rhythm, risk, trace_findings
from desktop.inference.tasks.task import Task

TASKS: Mapping[str, Task[Any]] = {
    "fundus": fundus.TASK,
    "image-classification": classification.TASK,
    "object-detection": detection.TASK,
    "table-additive": risk.TASK,
    "trace-findings": trace_findings.TASK,
    "trace-rhythm": rhythm.TASK,
}

__all__ = ["TASKS", "Task"]
