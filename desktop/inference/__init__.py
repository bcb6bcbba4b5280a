"""Models that run in the clinic: manifests, registry, runner, quality gate, calibration. No Qt, no torch.

May import `imaging`, `signals` and below. ONNX Runtime is only loaded when a model first runs.
"""

from desktop.inference.devices import providers
from desktop.inference.manifest import Manifest, parse_manifest
from desktop.inference.model import Model, SelfTestResult
from desktop.inference.registry import DamagedModel, Registry
from desktop.inference.subject import Subject

__all__ = [
    "DamagedModel",
    "Manifest",
    "Model",
    "Registry",
    "SelfTestResult",
    "Subject",
    "parse_manifest",
    "providers",
]
