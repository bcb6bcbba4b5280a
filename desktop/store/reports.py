"""Signed reports and their addenda. Both only grow."""

import hashlib
from dataclasses import dataclass

from desktop.records import Addendum, ReportId, SignedReport, StudyId
from desktop.records.canonical_report import report_canonical_bytes, report_from_canonical
from desktop.store.canonical import from_canonical
from desktop.store.rows import Row, Rows, decoded

REPORT = "report"
ADDENDUM = "addendum"


@dataclass(frozen=True)
class Seal:
    """What was signed and by whom; the content lies beside it as the very bytes that were signed."""

    report: ReportId
    sha256: str
    signature: bytes
    public_key: bytes


class Reports:
    """The rows of reports and addenda."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, report: SignedReport) -> None:
        """Keep a signed report; its study counts as signed. Raises ValueError where the hash is not the content's."""
        content = report_canonical_bytes(report.content)
        if hashlib.sha256(content).hexdigest() != report.sha256:
            raise ValueError("the hash is not that of the content")
        identity, study = report.content.report, report.content.study
        seal = Seal(identity, report.sha256, report.signature, report.public_key)
        self._rows.run(
            "INSERT INTO reports (id, study, content, record) VALUES (?, ?, ?, ?)",
            (identity, study, content, self._rows.written(REPORT, identity, seal)),
        )
        self._rows.run("UPDATE imaging_studies SET signed = 1 WHERE id = ?", (study,))
        for addendum in report.addenda:
            self.add_addendum(identity, addendum)

    def add_addendum(self, report: ReportId, addendum: Addendum) -> None:
        """Add words to a signed report. Raises UserFacingError `store.report_not_found`."""
        row = self._rows.one(
            "SELECT (SELECT count(*) FROM addenda WHERE report = reports.id), record FROM reports WHERE id = ?",
            (report,),
        )
        decoded(Seal, row, "store.report_not_found")
        assert row is not None
        number = row[0] + 1
        identity = f"{report}/{number}"
        self._rows.run(
            "INSERT INTO addenda (id, report, number, record) VALUES (?, ?, ?, ?)",
            (identity, report, number, self._rows.written(ADDENDUM, identity, addendum)),
        )

    def get(self, report: ReportId) -> SignedReport:
        """A report with its addenda. Raises UserFacingError `store.report_not_found`."""
        row = self._rows.one("SELECT id, content, record FROM reports WHERE id = ?", (report,))
        decoded(Seal, row, "store.report_not_found")
        assert row is not None
        return self._report(row)

    def canonical(self, report: ReportId) -> bytes:
        """The very bytes that were signed. Raises UserFacingError `store.report_not_found`."""
        row = self._rows.one("SELECT content, record FROM reports WHERE id = ?", (report,))
        decoded(Seal, row, "store.report_not_found")
        assert row is not None
        return bytes(row[0])

    def for_study(self, study: StudyId) -> list[SignedReport]:
        """Oldest first."""
        rows = self._rows.all("SELECT id, content, record FROM reports WHERE study = ? ORDER BY key", (study,))
        return [self._report(row) for row in rows]

    def _report(self, row: Row) -> SignedReport:
        seal = from_canonical(Seal, row[2])
        addenda = self._rows.all("SELECT record FROM addenda WHERE report = ? ORDER BY number", (row[0],))
        return SignedReport(
            report_from_canonical(bytes(row[1])),
            seal.sha256,
            seal.signature,
            seal.public_key,
            tuple(from_canonical(Addendum, addendum[0]) for addendum in addenda),
        )
