"""The audit trail: ids and hashes only, never a name."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AuditAction(StrEnum):
    """What somebody did."""

    CREATE_CLINIC = "create_clinic"
    UNLOCK = "unlock"
    UNLOCK_FAILED = "unlock_failed"
    LOCK = "lock"
    ADD_PATIENT = "add_patient"
    EDIT_PATIENT = "edit_patient"
    VIEW_PATIENT = "view_patient"
    IMPORT_STUDY = "import_study"
    ADD_ATTACHMENT = "add_attachment"
    VIEW_STUDY = "view_study"
    ADD_SUGGESTION = "add_suggestion"
    REVEAL_SUGGESTION = "reveal_suggestion"
    RECORD_IMPRESSION = "record_impression"
    REVIEW_FINDING = "review_finding"
    ANNOTATE = "annotate"
    MARK_KEY_IMAGE = "mark_key_image"
    PAINT_MASK = "paint_mask"
    EXPORT_MASK = "export_mask"
    MERGE_MASKS = "merge_masks"
    IMPORT_MARKS = "import_marks"
    HIDE_MARKS = "hide_marks"
    EXPORT_MARKS = "export_marks"
    SIGN_REPORT = "sign_report"
    ADD_ADDENDUM = "add_addendum"
    PRINT_REPORT = "print_report"
    EXPORT_REPORT = "export_report"
    CHANGE_POLICY = "change_policy"
    VIEW_AUDIT = "view_audit"
    EXPORT_AUDIT = "export_audit"
    VERIFY_CLINIC = "verify_clinic"
    SALVAGE_CLINIC = "salvage_clinic"
    CLOCK_CHANGED = "clock_changed"
    BACK_UP = "back_up"
    BACKUP_FAILED = "backup_failed"
    RESTORE_BACKUP = "restore_backup"
    PROVE_BACKUP = "prove_backup"
    CHANGE_BACKUP_PLAN = "change_backup_plan"
    RECORD_VISIT = "record_visit"
    EDIT_VISIT = "edit_visit"
    ADD_DOCUMENT = "add_document"
    VIEW_DOCUMENT = "view_document"
    EXPORT_DOCUMENT = "export_document"
    RECORD_CONSENT = "record_consent"
    MERGE_PATIENTS = "merge_patients"
    UNMERGE_PATIENTS = "unmerge_patients"
    KEEP_CONFLICT = "keep_conflict"
    SETTLE_CONFLICT = "settle_conflict"
    ADD_USER = "add_user"
    CHANGE_PASSPHRASE = "change_passphrase"
    CHANGE_ROLES = "change_roles"
    DISABLE_USER = "disable_user"
    ENABLE_USER = "enable_user"
    RESET_USER = "reset_user"
    SET_PIN = "set_pin"
    NEW_RECOVERY_CARD = "new_recovery_card"
    NEW_EPOCH = "new_epoch"
    RESEAL_ATTACHMENTS = "reseal_attachments"
    TAKE_OVER_KEYSTORE = "take_over_keystore"
    CHANGE_NODE = "change_node"
    RECEIVE_OBJECT = "receive_object"
    FILE_ARRIVAL = "file_arrival"
    SET_ASIDE_ARRIVAL = "set_aside_arrival"
    SERVE_WORKLIST = "serve_worklist"
    PROMISE_TO_KEEP = "promise_to_keep"
    QUERY_PEER = "query_peer"
    SEND_STUDY = "send_study"
    VIEW_TO_LABEL = "view_to_label"
    ADD_LABEL = "add_label"
    ASK_AFTERWARDS = "ask_afterwards"
    TUNE_MODEL = "tune_model"
    IMPORT_MODEL = "import_model"
    ACTIVATE_MODEL = "activate_model"
    ROLL_BACK_MODEL = "roll_back_model"
    FIT_SITE_THRESHOLDS = "fit_site_thresholds"
    DROP_SITE_THRESHOLDS = "drop_site_thresholds"


@dataclass(frozen=True)
class AuditEntry:
    """One line of the chain.

    sequence: from 1, without gaps. subject: id of what was touched. content_sha256: of the record's canonical bytes
    after the change, or empty. hash: SHA-256 (hex) over this line's canonical bytes and the previous hash.
    """

    sequence: int
    time: datetime
    actor: str
    action: AuditAction
    subject: str
    content_sha256: str
    reason: str
    previous: str
    hash: str


@dataclass(frozen=True)
class AuditHead:
    """The newest line's number and hash."""

    sequence: int
    hash: str
