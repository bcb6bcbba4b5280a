"""Boxes and counts of things on one photograph."""

from desktop.inference.detection_manifest import read_detection_manifest
from desktop.inference.detection_model import DetectionModel
from desktop.inference.tasks.task import Task

TASK = Task(read_detection_manifest, DetectionModel)
