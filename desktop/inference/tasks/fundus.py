"""Grades and vessels of one photograph of a retina."""

from desktop.inference.fundus_manifest import read_fundus_manifest
from desktop.inference.fundus_model import FundusModel
from desktop.inference.tasks.task import Task

TASK = Task(read_fundus_manifest, FundusModel)
