"""Models that run in the clinic: manifests, registry, runner, quality gate, calibration. No Qt, no torch.

May import `imaging`, `signals` and below. ONNX Runtime is only loaded when a model first runs.
"""

from desktop.inference.calibration import ConformalThresholds
from desktop.inference.detection_model import DetectionModel
from desktop.inference.devices import providers
from desktop.inference.fundus_model import FundusModel
from desktop.inference.library import BUNDLED, MANIFEST, Incoming, Kept, Library, read_manifest, read_signature
from desktop.inference.manifest import Manifest
from desktop.inference.model import Model, SelfTestResult
from desktop.inference.picture_model import REASON_OTHER_KIND, PictureModel
from desktop.inference.registry import (
    DamagedModel,
    Registry,
    made_for_age,
    parse_manifest,
    read_model,
    read_picture_model,
    site_rule,
    takes_site,
)
from desktop.inference.site import SiteFile, SiteThresholds, SiteUse, decided_by_threshold
from desktop.inference.subject import Subject
from desktop.inference.table_model import TableModel
from desktop.inference.table_row import Row
from desktop.inference.trace_model import TraceModel
from desktop.inference.trial import try_out
from desktop.inference.trusted import Publisher, Trust, digest_of, known, signer_of

__all__ = [
    "BUNDLED",
    "MANIFEST",
    "REASON_OTHER_KIND",
    "ConformalThresholds",
    "DamagedModel",
    "DetectionModel",
    "FundusModel",
    "Incoming",
    "Kept",
    "Library",
    "Manifest",
    "Model",
    "PictureModel",
    "Publisher",
    "Registry",
    "Row",
    "SelfTestResult",
    "SiteFile",
    "SiteThresholds",
    "SiteUse",
    "Subject",
    "TableModel",
    "TraceModel",
    "Trust",
    "decided_by_threshold",
    "digest_of",
    "known",
    "made_for_age",
    "parse_manifest",
    "providers",
    "read_manifest",
    "read_model",
    "read_picture_model",
    "read_signature",
    "signer_of",
    "site_rule",
    "takes_site",
    "try_out",
]
