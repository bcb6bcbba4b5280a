"""How the file's form came about: small named steps; all still to do run in one transaction with the version number.

A released step is never edited. A file newer than the last step is refused.
"""

from collections.abc import Callable, Iterable, Sequence

from desktop.errors import ErrorKind, KnownFailure
from desktop.store.database import Connection, value

_FIRST_TABLES = (
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE clinic (id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID",
    """CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, public_key BLOB NOT NULL,
       record BLOB NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE policies (name TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE patients (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, card_number TEXT UNIQUE,
       touched TEXT NOT NULL, search_keys BLOB NOT NULL, record BLOB NOT NULL) STRICT""",
    "CREATE INDEX patients_by_touch ON patients (touched)",
    """CREATE VIRTUAL TABLE patient_search USING fts5(tokens, content='', contentless_delete=1, detail=none,
       tokenize='ascii')""",
    "CREATE TABLE search_words (word TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
    """CREATE TABLE attachments (id TEXT PRIMARY KEY, patient TEXT NOT NULL REFERENCES patients (id),
       sha256 TEXT NOT NULL, file TEXT NOT NULL UNIQUE, record BLOB NOT NULL)
       STRICT, WITHOUT ROWID""",
    "CREATE INDEX attachments_by_content ON attachments (patient, sha256)",
    """CREATE TABLE imaging_studies (id TEXT PRIMARY KEY, patient TEXT NOT NULL REFERENCES patients (id),
       study_uid TEXT NOT NULL, added TEXT NOT NULL, signed INTEGER NOT NULL DEFAULT 0, record BLOB NOT NULL)
       STRICT, WITHOUT ROWID""",
    "CREATE INDEX imaging_studies_by_patient ON imaging_studies (patient, added)",
    "CREATE INDEX imaging_studies_by_work ON imaging_studies (signed, added)",
    """CREATE TABLE imaging_instances (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       study TEXT NOT NULL REFERENCES imaging_studies (id), attachment TEXT NOT NULL REFERENCES attachments (id),
       record BLOB NOT NULL) STRICT""",
    "CREATE INDEX imaging_instances_by_study ON imaging_instances (study)",
    "CREATE INDEX imaging_instances_by_attachment ON imaging_instances (attachment)",
    """CREATE TABLE suggestions (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX suggestions_by_study ON suggestions (study)",
    """CREATE TABLE suggestion_reveals (suggestion TEXT PRIMARY KEY REFERENCES suggestions (id),
       record BLOB NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE impressions (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX impressions_by_study ON impressions (study)",
    """CREATE TABLE reviews (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX reviews_by_study ON reviews (study)",
    """CREATE TABLE annotations (key INTEGER PRIMARY KEY, id TEXT NOT NULL,
       instance TEXT NOT NULL REFERENCES imaging_instances (id), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX annotations_by_instance ON annotations (instance, id, key)",
    """CREATE TABLE reports (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       study TEXT NOT NULL REFERENCES imaging_studies (id), content BLOB NOT NULL, record BLOB NOT NULL) STRICT""",
    "CREATE INDEX reports_by_study ON reports (study)",
    """CREATE TABLE addenda (id TEXT PRIMARY KEY, report TEXT NOT NULL REFERENCES reports (id),
       number INTEGER NOT NULL, record BLOB NOT NULL, UNIQUE (report, number)) STRICT, WITHOUT ROWID""",
    """CREATE TABLE drafts (study TEXT PRIMARY KEY REFERENCES imaging_studies (id), findings_text TEXT NOT NULL,
       impression_text TEXT NOT NULL, saved TEXT NOT NULL) STRICT, WITHOUT ROWID""",
    """CREATE TABLE audit_log (sequence INTEGER PRIMARY KEY, time TEXT NOT NULL, actor TEXT NOT NULL,
       action TEXT NOT NULL, subject TEXT NOT NULL, record TEXT NOT NULL, content_sha256 TEXT NOT NULL,
       reason TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL) STRICT""",
    "CREATE INDEX audit_log_records ON audit_log (record, subject, sequence) WHERE record <> ''",
    "CREATE INDEX audit_log_failed_unlocks ON audit_log (reason) WHERE action = 'unlock_failed'",
)

_FIRST_APPEND_ONLY = (
    "addenda",
    "annotations",
    "audit_log",
    "impressions",
    "reports",
    "reviews",
    "suggestion_reveals",
    "suggestions",
)

# Patients are referred to by row here, not by id: three million observations would carry each id twice.
_VISITS_CONSENTS_MERGES = (
    "ALTER TABLE patients ADD COLUMN merged_into INTEGER REFERENCES patients (key)",
    "CREATE INDEX patients_by_merge ON patients (merged_into) WHERE merged_into IS NOT NULL",
    """CREATE TABLE encounters (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), started INTEGER NOT NULL, record BLOB NOT NULL) STRICT""",
    "CREATE INDEX encounters_by_patient ON encounters (patient, started)",
    """CREATE TABLE observations (encounter INTEGER NOT NULL REFERENCES encounters (key), number INTEGER NOT NULL,
       patient INTEGER NOT NULL, code TEXT NOT NULL, effective INTEGER NOT NULL, record BLOB NOT NULL,
       PRIMARY KEY (encounter, number)) STRICT, WITHOUT ROWID""",
    "CREATE INDEX observations_by_code ON observations (patient, code, effective)",
    """CREATE TABLE conditions (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), encounter INTEGER REFERENCES encounters (key),
       record BLOB NOT NULL) STRICT""",
    "CREATE INDEX conditions_by_patient ON conditions (patient)",
    """CREATE TABLE medication_requests (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), encounter INTEGER REFERENCES encounters (key),
       record BLOB NOT NULL) STRICT""",
    "CREATE INDEX medication_requests_by_patient ON medication_requests (patient)",
    """CREATE TABLE documents (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), attachment TEXT NOT NULL REFERENCES attachments (id),
       record BLOB NOT NULL) STRICT""",
    "CREATE INDEX documents_by_patient ON documents (patient)",
    "CREATE INDEX documents_by_attachment ON documents (attachment)",
    """CREATE TABLE consents (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), retain_until TEXT, record BLOB NOT NULL) STRICT""",
    "CREATE INDEX consents_by_patient ON consents (patient)",
    "CREATE INDEX consents_by_retention ON consents (retain_until) WHERE retain_until IS NOT NULL",
    """CREATE TABLE patient_merges (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       kept INTEGER NOT NULL REFERENCES patients (key), gone INTEGER NOT NULL REFERENCES patients (key),
       undoes TEXT UNIQUE REFERENCES patient_merges (id), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX patient_merges_by_kept ON patient_merges (kept)",
    "CREATE INDEX patient_merges_by_gone ON patient_merges (gone)",
    """CREATE TABLE edit_conflicts (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
       patient INTEGER NOT NULL REFERENCES patients (key), record BLOB NOT NULL) STRICT""",
    "CREATE INDEX edit_conflicts_by_patient ON edit_conflicts (patient)",
    """CREATE TABLE conflict_settlements (conflict TEXT PRIMARY KEY REFERENCES edit_conflicts (id),
       record BLOB NOT NULL) STRICT, WITHOUT ROWID""",
)


def create_first_tables(connection: Connection) -> None:
    """Patients, imaging, readings, reports, policy, audit; and the triggers of what may only grow."""
    for statement in _FIRST_TABLES:
        connection.execute(statement)
    _let_only_grow(connection, _FIRST_APPEND_ONLY)


def add_visits_consents_and_merges(connection: Connection) -> None:
    """Visits with what was measured, found and prescribed; documents; consents; merged records, crossed edits."""
    for statement in _VISITS_CONSENTS_MERGES:
        connection.execute(statement)
    _let_only_grow(connection, ("observations", "consents", "patient_merges", "edit_conflicts", "conflict_settlements"))


def _let_only_grow(connection: Connection, tables: Iterable[str]) -> None:
    for table in tables:
        for change in ("UPDATE", "DELETE"):
            connection.execute(
                f"CREATE TRIGGER {table}_refuses_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} may only grow'); END"
            )


def create_backup_tables(connection: Connection) -> None:
    """Backups made, failed and proven, and the plan for those that are made unasked."""
    connection.execute(
        """CREATE TABLE backup_runs (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL,
           ok INTEGER NOT NULL, medium TEXT NOT NULL, record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE TABLE backup_plans (id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID")


def index_the_audit_trail(connection: Connection) -> None:
    """Who did it, what was done, to whom and when, so that the trail can be searched. What attests a record is found by
    `audit_log_records` already."""
    for statement in (
        "CREATE INDEX audit_log_by_actor ON audit_log (actor, sequence)",
        "CREATE INDEX audit_log_by_action ON audit_log (action, sequence)",
        "CREATE INDEX audit_log_by_time ON audit_log (time)",
        "CREATE INDEX audit_log_by_subject ON audit_log (subject, sequence) WHERE record = ''",
    ):
        connection.execute(statement)


def keep_unsaved_patients(connection: Connection) -> None:
    """What a user typed about somebody new and did not put on file. No record: it is replaced and dropped."""
    connection.execute(
        """CREATE TABLE unsaved_patients (user TEXT PRIMARY KEY REFERENCES users (id), form BLOB NOT NULL,
           saved TEXT NOT NULL) STRICT, WITHOUT ROWID"""
    )


def fit_the_search_index(connection: Connection) -> None:
    """A leaf of the index fits a page of the database, of which SQLCipher keeps 80 bytes, so that one page is read and
    not two; and a load of thousands is put in order once, in up to 8 MiB of memory, instead of megabyte by megabyte."""
    for name, size in (("pgsz", 3900), ("hashsize", 8 << 20)):
        connection.execute("INSERT INTO patient_search (patient_search, rank) VALUES (?, ?)", (name, size))


def keep_drafts_for_each_user(connection: Connection) -> None:
    """Two people who read the same film each find their own unsigned words. Clinics of the form before had one user."""
    connection.execute(
        """CREATE TABLE drafts_of_users (study TEXT NOT NULL REFERENCES imaging_studies (id),
           user TEXT NOT NULL REFERENCES users (id), findings_text TEXT NOT NULL, impression_text TEXT NOT NULL,
           saved TEXT NOT NULL, PRIMARY KEY (study, user)) STRICT, WITHOUT ROWID"""
    )
    connection.execute(
        """INSERT INTO drafts_of_users
           SELECT study, (SELECT id FROM users LIMIT 1), findings_text, impression_text, saved FROM drafts
           WHERE EXISTS (SELECT 1 FROM users)"""
    )
    connection.execute("DROP TABLE drafts")
    connection.execute("ALTER TABLE drafts_of_users RENAME TO drafts")


def keep_unsaved_edits_and_visits(connection: Connection) -> None:
    """Half-typed changes of a record and half-typed visits, beside half-typed registrations. patient: empty for
    somebody new."""
    connection.execute(
        """CREATE TABLE unsaved_forms (user TEXT NOT NULL REFERENCES users (id), kind TEXT NOT NULL,
           patient TEXT NOT NULL, form BLOB NOT NULL, saved TEXT NOT NULL, PRIMARY KEY (user, kind, patient))
           STRICT, WITHOUT ROWID"""
    )
    connection.execute(
        """INSERT INTO unsaved_forms (user, kind, patient, form, saved)
           SELECT user, 'registration', '', form, saved FROM unsaved_patients"""
    )
    connection.execute("DROP TABLE unsaved_patients")


def add_the_dicom_node(connection: Connection) -> None:
    """The node's settings, what arrived from the network and is to be sent there. A file may be nobody's while it is
    asked whose it is."""
    for statement in (
        "ALTER TABLE attachments ALTER COLUMN patient DROP NOT NULL",
        "CREATE TABLE dicom_nodes (id TEXT PRIMARY KEY, record BLOB NOT NULL) STRICT, WITHOUT ROWID",
        """CREATE TABLE arrivals (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
           attachment TEXT NOT NULL REFERENCES attachments (id), waiting INTEGER NOT NULL, study_uid TEXT NOT NULL,
           record BLOB NOT NULL) STRICT""",
        "CREATE INDEX arrivals_waiting ON arrivals (key) WHERE waiting = 1",
        "CREATE INDEX arrivals_by_attachment ON arrivals (attachment)",
        """CREATE TABLE dicom_sendings (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL,
           transaction_uid TEXT NOT NULL, record BLOB NOT NULL) STRICT""",
        "CREATE INDEX dicom_sendings_by_state ON dicom_sendings (state, key)",
        """CREATE INDEX dicom_sendings_by_transaction ON dicom_sendings (transaction_uid)
           WHERE transaction_uid <> ''""",
    ):
        connection.execute(statement)


def keep_key_images_and_imported_marks(connection: Connection) -> None:
    """Pictures marked as ones to look at, and drawings that came in files of other programs."""
    for statement in (
        """CREATE TABLE key_images (key INTEGER PRIMARY KEY, id TEXT NOT NULL,
           instance TEXT NOT NULL REFERENCES imaging_instances (id), record BLOB NOT NULL) STRICT""",
        "CREATE INDEX key_images_by_instance ON key_images (instance, key)",
        """CREATE TABLE imported_marks (key INTEGER PRIMARY KEY, id TEXT NOT NULL,
           patient TEXT NOT NULL REFERENCES patients (id), attachment TEXT NOT NULL REFERENCES attachments (id),
           study_uid TEXT NOT NULL, record BLOB NOT NULL) STRICT""",
        "CREATE INDEX imported_marks_by_id ON imported_marks (id, key)",
        "CREATE INDEX imported_marks_by_study ON imported_marks (study_uid, key)",
        "CREATE INDEX imported_marks_by_attachment ON imported_marks (attachment)",
    ):
        connection.execute(statement)
    _let_only_grow(connection, ("key_images", "imported_marks"))


def keep_segmentations(connection: Connection) -> None:
    """What was painted in volumes."""
    connection.execute(
        """CREATE TABLE segmentations (key INTEGER PRIMARY KEY, id TEXT NOT NULL,
           study TEXT NOT NULL REFERENCES imaging_studies (id), series TEXT NOT NULL, record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX segmentations_by_series ON segmentations (study, series, key)")
    connection.execute("CREATE INDEX segmentations_by_id ON segmentations (id, key)")
    _let_only_grow(connection, ("segmentations",))


def keep_owed_answers(connection: Connection) -> None:
    """Answers to requests for storage commitment that whoever asked has not heard yet."""
    connection.execute(
        """CREATE TABLE owed_answers (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, waiting INTEGER NOT NULL,
           record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX owed_answers_waiting ON owed_answers (key) WHERE waiting = 1")


def keep_labels(connection: Connection) -> None:
    """What people said about single findings, for learning and for judging models."""
    connection.execute(
        """CREATE TABLE labels (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
           study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX labels_by_study ON labels (study, key)")
    _let_only_grow(connection, ("labels",))


def keep_later_answers(connection: Connection) -> None:
    """What later versions of models say of pictures whose truth was known before. Apart from suggestions: nobody reads
    by them."""
    connection.execute(
        """CREATE TABLE later_answers (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
           study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX later_answers_by_study ON later_answers (study, key)")
    _let_only_grow(connection, ("later_answers",))


def keep_cell_labels(connection: Connection) -> None:
    """What people said about single cells, apart from what is said about pictures."""
    connection.execute(
        """CREATE TABLE cell_labels (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
           study TEXT NOT NULL REFERENCES imaging_studies (id), record BLOB NOT NULL) STRICT"""
    )
    connection.execute("CREATE INDEX cell_labels_by_study ON cell_labels (study, key)")
    _let_only_grow(connection, ("cell_labels",))


MIGRATIONS: Sequence[Callable[[Connection], None]] = (
    create_first_tables,
    create_backup_tables,
    add_visits_consents_and_merges,
    index_the_audit_trail,
    keep_unsaved_patients,
    fit_the_search_index,
    keep_drafts_for_each_user,
    keep_unsaved_edits_and_visits,
    add_the_dicom_node,
    keep_key_images_and_imported_marks,
    keep_segmentations,
    keep_owed_answers,
    keep_labels,
    keep_later_answers,
    keep_cell_labels,
)


def migrate(connection: Connection, before: Callable[[int], None] | None = None) -> None:
    """Bring the file to the newest form, all steps in one transaction: a power cut leaves the form of before.

    before: called with the file's version where an earlier release made it, and before anything is changed. Raises
    KnownFailure `store.too_new` for a file of a later release, and what `before` raises.
    """
    version = int(value(connection, "PRAGMA user_version"))
    if version > len(MIGRATIONS):
        raise KnownFailure("store.too_new", kind=ErrorKind.BAD_INPUT)
    if before is not None and 0 < version < len(MIGRATIONS):
        before(version)
    if version == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
