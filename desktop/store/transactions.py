"""What one transaction may touch: a module per subject."""

from collections.abc import Callable
from datetime import datetime

from desktop.store.attachments import Attachments
from desktop.store.audit import Audit
from desktop.store.backup_runs import Backups
from desktop.store.cells import CellLabels
from desktop.store.clinic_settings import Policies, Users
from desktop.store.clinical import Conditions, Documents, Medications
from desktop.store.conflicts import Conflicts
from desktop.store.consents import Consents
from desktop.store.dicom_node import Arrivals, NodeLookups, Nodes, OwedAnswers, Sendings
from desktop.store.key_epochs import AttachmentKeys
from desktop.store.labels import Labels
from desktop.store.later_answers import LaterAnswers
from desktop.store.marks import Imported, KeyImages
from desktop.store.membership import Membership
from desktop.store.merges import Merges
from desktop.store.patients import Patients
from desktop.store.readings import Annotations, Drafts, Impressions, Reviews, Suggestions
from desktop.store.reports import Reports
from desktop.store.rows import Rows
from desktop.store.salvage_rows import SalvageRows
from desktop.store.segmentations import Segmentations
from desktop.store.studies import Studies
from desktop.store.unsaved import UnsavedForms
from desktop.store.visits import Visits


class Transaction:
    """Everything one transaction may touch, a module per subject. Use it only inside its `with`."""

    def __init__(self, rows: Rows, store_id: str, clock: Callable[[], datetime]) -> None:
        self.patients = Patients(rows, clock)
        self.merges = Merges(rows, self.patients)
        self.conflicts = Conflicts(rows)
        self.consents = Consents(rows)
        self.visits = Visits(rows)
        self.conditions = Conditions(rows)
        self.medications = Medications(rows)
        self.documents = Documents(rows)
        self.studies = Studies(rows)
        self.attachments = Attachments(rows)
        self.impressions = Impressions(rows)
        self.suggestions = Suggestions(rows)
        self.reviews = Reviews(rows)
        self.annotations = Annotations(rows)
        self.key_images = KeyImages(rows)
        self.imported = Imported(rows)
        self.segmentations = Segmentations(rows)
        self.labels = Labels(rows)
        self.cells = CellLabels(rows)
        self.later_answers = LaterAnswers(rows)
        self.reports = Reports(rows)
        self.drafts = Drafts(rows)
        self.unsaved = UnsavedForms(rows)
        self.policy = Policies(rows)
        self.users = Users(rows)
        self.attachment_keys = AttachmentKeys(rows)
        self.backups = Backups(rows)
        self.node = Nodes(rows)
        self.arrivals = Arrivals(rows)
        self.sendings = Sendings(rows)
        self.owed_answers = OwedAnswers(rows)
        self.lookups = NodeLookups(rows)
        self.audit = Audit(rows, store_id, clock)
        self.salvage = SalvageRows(rows, self.audit)
        self.membership = Membership(rows, self.users, self.audit)
