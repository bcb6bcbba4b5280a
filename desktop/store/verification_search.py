"""Does the search index lead to every patient? One whom no search finds is lost.

`PRAGMA integrity_check` looks at the index's own form. Here it is compared with the patients: who is in it, and under
which tokens. Each patient's tokens fold into one number, and a million patients are compared at a time, so memory stays
the same however many there are.
"""

from array import array
from collections.abc import Iterable

from desktop.jobs import Job
from desktop.store.canonical import from_canonical
from desktop.store.database import Connection, value
from desktop.store.rows import Row
from desktop.store.search_keys import SearchKeys, tokens
from desktop.store.verification_findings import Findings, ProblemKind

_AT_ONCE = 1 << 20  # 8 bytes each
_PAGE = 1000
_BETWEEN_CHECKS = 100_000
# A record that was merged into another one is not in the index; the other one is found by what it says.
_STANDING = "merged_into IS NULL"


def check_search(connection: Connection, found: Findings, job: Job) -> None:
    """Patients the index misses or files wrongly, entries of nobody, and words unknown where typos are looked for.

    connection: one that may make temporary tables. Raises DatabaseError where the index cannot be read.
    """
    job.report("verify.step.search")
    leftover = (
        "SELECT 1 FROM patient_search_docsize AS filed "
        f"WHERE NOT EXISTS (SELECT 1 FROM patients WHERE key = filed.id AND {_STANDING}) LIMIT 1"
    )
    if value(connection, leftover):
        found.problem(ProblemKind.DATABASE, "patient_search", "verify.search_leftover")
    missing = f"SELECT id FROM patients WHERE {_STANDING} AND key NOT IN (SELECT id FROM patient_search_docsize)"
    for (identity,) in connection.execute(missing):
        found.problem(ProblemKind.DATABASE, f"patients/{identity}", "verify.search_index")
    if _segments_astray(connection):
        found.problem(ProblemKind.DATABASE, "patient_search", "verify.database_inconsistent")
    if _unknown_words(connection):
        found.problem(ProblemKind.DATABASE, "search_words", "verify.search_words")
    _compare(connection, found, job)


def _segments_astray(connection: Connection) -> bool:
    """Whether the index's parts and its directory of them differ, as an older page put back leaves it: FTS5's own check
    reads the parts one after the other and so never misses the directory."""
    parts = "SELECT DISTINCT id >> 37 FROM patient_search_data WHERE id >> 37 BETWEEN 1 AND 65535"
    listed = "SELECT DISTINCT segid FROM patient_search_idx"
    either = f"SELECT * FROM ({parts} EXCEPT {listed}) UNION ALL SELECT * FROM ({listed} EXCEPT {parts})"
    return value(connection, f"SELECT 1 FROM ({either}) LIMIT 1") is not None


def _compare(connection: Connection, found: Findings, job: Job) -> None:
    """Each patient's tokens against those the index has for him."""
    total, done = int(value(connection, "SELECT count(*) FROM patients") or 0), 0
    first = value(connection, "SELECT min(key) FROM patients")
    while first is not None:
        filed = _filed(connection, first, job)
        last = first - 1
        while page := _patients_after(connection, last, first + _AT_ONCE):
            job.report("verify.step.search", done, total)
            for key, identity, data, indexed, standing in page:
                # Who stands for himself and is not in it at all has been told.
                if standing and not indexed:
                    continue
                if filed[key - first] != (_expected(data) if standing else 0):
                    found.problem(ProblemKind.DATABASE, f"patients/{identity}", "verify.search_index")
            last, done = page[-1][0], done + len(page)
        first = value(connection, "SELECT min(key) FROM patients WHERE key >= ?", (first + _AT_ONCE,))


def _patients_after(connection: Connection, key: int, end: int) -> list[Row]:
    statement = (
        "SELECT key, id, search_keys, EXISTS (SELECT 1 FROM patient_search_docsize WHERE id = patients.key), "
        f"{_STANDING} FROM patients WHERE key > ? AND key < ? ORDER BY key LIMIT ?"
    )
    rows: list[Row] = connection.execute(statement, (key, end, _PAGE)).fetchall()
    return rows


def _filed(connection: Connection, first: int, job: Job) -> "array[int]":
    """For each patient's key from the first on, the exclusive or of the hashes of all tokens the index has for him."""
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_pairs USING fts5vocab(main, patient_search, instance)"
    )
    last = value(connection, "SELECT max(key) FROM patients WHERE key < ?", (first + _AT_ONCE,))
    filed = array("q", bytes(8 * (last - first + 1)))
    pairs = connection.execute(
        "SELECT term, doc - ?1 FROM temp.search_pairs WHERE doc BETWEEN ?1 AND ?2", (first, last)
    )
    # The hash of a text differs from run to run, so nobody can prepare two tokens that cancel out.
    for number, (term, place) in enumerate(pairs):
        if number % _BETWEEN_CHECKS == 0:
            job.check()
        filed[place] ^= hash(term)
    return filed


def _expected(search_keys: bytes) -> int | None:
    """The same number for what the index should have of a patient; None where his keys cannot be read."""
    try:
        return _folded(tokens(from_canonical(SearchKeys, search_keys)))
    except ValueError:
        return None


def _folded(terms: Iterable[str]) -> int:
    total = 0
    for term in terms:
        total ^= hash(term)
    return total


def _unknown_words(connection: Connection) -> bool:
    """Whether a whole word of the index is missing among those in which typos are looked for."""
    connection.execute(
        "CREATE VIRTUAL TABLE IF NOT EXISTS temp.search_terms USING fts5vocab(main, patient_search, row)"
    )
    statement = (
        "SELECT 1 FROM temp.search_terms WHERE term >= 'x' AND term < 'y' "
        "AND NOT EXISTS (SELECT 1 FROM search_words WHERE word = substr(term, 2)) LIMIT 1"
    )
    return value(connection, statement) is not None
