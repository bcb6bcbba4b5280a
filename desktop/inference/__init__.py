"""Models that run in the clinic: manifests, registry, runner, quality gate, calibration. No Qt, no torch.

May import `imaging`, `signals` and below. ONNX Runtime is only loaded when a model first runs.
"""

from desktop.inference.detection_model import DetectionModel
from desktop.inference.devices import providers
from desktop.inference.library import Library
from desktop.inference.manifest import Manifest
from desktop.inference.model import Model, SelfTestResult
from desktop.inference.picture_model import REASON_OTHER_KIND, PictureModel
from desktop.inference.registry import DamagedModel, Registry, parse_manifest, read_model, read_picture_model
from desktop.inference.subject import Subject
from desktop.inference.table_model import TableModel
from desktop.inference.table_row import Row
from desktop.inference.trace_model import TraceModel

__all__ = [
    "REASON_OTHER_KIND",
    "DamagedModel",
    "DetectionModel",
    "Library",
    "Manifest",
    "Model",
    "PictureModel",
    "Registry",
    "Row",
    "SelfTestResult",
    "Subject",
    "TableModel",
    "TraceModel",
    "parse_manifest",
    "providers",
    "read_model",
    "read_picture_model",
]
