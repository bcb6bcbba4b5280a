"""What was read in a study: the doctor's impressions, the models' suggestions, the decisions, the drawings, the draft.

Everything but the draft only grows.
"""

from dataclasses import dataclass
from datetime import datetime

from desktop.records import (
    Annotation,
    Impression,
    InstanceId,
    Review,
    StudyId,
    Suggestion,
    SuggestionId,
    UserId,
)
from desktop.store.canonical import from_canonical, parse_time, time_text
from desktop.store.rows import Rows, decoded

IMPRESSION = "impression"
SUGGESTION = "suggestion"
REVEAL = "suggestion_reveal"
REVIEW = "review"
ANNOTATION = "annotation"


@dataclass(frozen=True)
class Reveal:
    """When a suggestion was first shown, and to whom."""

    suggestion: SuggestionId
    user: UserId
    revealed: datetime


@dataclass(frozen=True)
class Draft:
    """What was typed and not yet signed."""

    findings_text: str
    impression_text: str
    saved: datetime


class Impressions:
    """The doctor's own readings."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, impression: Impression) -> None:
        """Keep a reading beside the earlier ones."""
        data = self._rows.written(IMPRESSION, impression.id, impression)
        self._rows.run(
            "INSERT INTO impressions (id, study, record) VALUES (?, ?, ?)",
            (impression.id, impression.study, data),
        )

    def for_study(self, study: StudyId) -> list[Impression]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM impressions WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(Impression, row[0]) for row in rows]


class Suggestions:
    """The models' answers. Activation maps are kept as float16."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, suggestion: Suggestion) -> None:
        """Keep an answer."""
        data = self._rows.written(SUGGESTION, suggestion.id, suggestion)
        self._rows.run(
            "INSERT INTO suggestions (id, study, record) VALUES (?, ?, ?)",
            (suggestion.id, suggestion.study, data),
        )

    def get(self, suggestion: SuggestionId) -> Suggestion:
        """One answer. Raises UserFacingError `store.suggestion_not_found`."""
        row = self._rows.one("SELECT record FROM suggestions WHERE id = ?", (suggestion,))
        return decoded(Suggestion, row, "store.suggestion_not_found")

    def for_study(self, study: StudyId) -> list[Suggestion]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM suggestions WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(Suggestion, row[0]) for row in rows]

    def revealed_page(self, after: int, limit: int) -> list[tuple[int, Suggestion]]:
        """Answers about all studies that were shown to somebody, in the order they came, each with its place. after:
        the last place one had, 0 at first."""
        rows = self._rows.all(
            """SELECT key, record FROM suggestions WHERE key > ?
               AND id IN (SELECT suggestion FROM suggestion_reveals) ORDER BY key LIMIT ?""",
            (after, limit),
        )
        return [(int(row[0]), from_canonical(Suggestion, row[1])) for row in rows]

    def revealed_at(self, suggestion: SuggestionId) -> datetime | None:
        """When the answer was first shown to somebody; None while it never was."""
        row = self._rows.one("SELECT record FROM suggestion_reveals WHERE suggestion = ?", (suggestion,))
        return from_canonical(Reveal, row[0]).revealed if row else None

    def mark_revealed(self, study: StudyId, user: UserId, when: datetime) -> tuple[SuggestionId, ...]:
        """Note that the study's answers are now shown; returns those that had not been shown before."""
        rows = self._rows.all(
            """SELECT id FROM suggestions WHERE study = ?
               AND id NOT IN (SELECT suggestion FROM suggestion_reveals) ORDER BY key""",
            (study,),
        )
        revealed = tuple(SuggestionId(row[0]) for row in rows)
        for suggestion in revealed:
            data = self._rows.written(REVEAL, f"{suggestion}/reveal", Reveal(suggestion, user, when))
            self._rows.run("INSERT INTO suggestion_reveals (suggestion, record) VALUES (?, ?)", (suggestion, data))
        return revealed


class Reviews:
    """What the doctor decided on each finding."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, review: Review) -> None:
        """Keep a decision; earlier ones on the same finding stay."""
        data = self._rows.written(REVIEW, review.id, review)
        self._rows.run("INSERT INTO reviews (id, study, record) VALUES (?, ?, ?)", (review.id, review.study, data))

    def for_study(self, study: StudyId) -> list[Review]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM reviews WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(Review, row[0]) for row in rows]


class Annotations:
    """Drawings. A change is a later row of the same id."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, annotation: Annotation) -> None:
        """Keep a drawing, or a later form of it."""
        data = self._rows.written(ANNOTATION, annotation.id, annotation)
        self._rows.run(
            "INSERT INTO annotations (id, instance, record) VALUES (?, ?, ?)",
            (annotation.id, annotation.instance, data),
        )

    def for_instance(self, instance: InstanceId) -> list[Annotation]:
        """The newest form of each drawing that is not deleted, in the order they were first drawn."""
        rows = self._rows.all("SELECT record FROM annotations WHERE instance = ? ORDER BY key", (instance,))
        newest: dict[str, Annotation] = {}
        for row in rows:
            annotation = from_canonical(Annotation, row[0])
            newest[annotation.id] = annotation
        return [annotation for annotation in newest.values() if not annotation.deleted]


class Drafts:
    """Each user's unsigned words, so that a crash loses at most what was typed since the last save.

    Not audited: not yet said.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def save(
        self, study: StudyId, user: UserId, findings_text: str, impression_text: str, *, now: datetime | None = None
    ) -> None:
        """Keep the words, in place of earlier ones."""
        moment = time_text(now or datetime.now().astimezone())
        self._rows.run(
            """INSERT INTO drafts (study, user, findings_text, impression_text, saved) VALUES (?, ?, ?, ?, ?)
               ON CONFLICT (study, user) DO UPDATE SET findings_text = excluded.findings_text,
               impression_text = excluded.impression_text, saved = excluded.saved""",
            (study, user, findings_text, impression_text, moment),
        )

    def get(self, study: StudyId, user: UserId) -> Draft | None:
        """The words kept for somebody, or None."""
        row = self._rows.one(
            "SELECT findings_text, impression_text, saved FROM drafts WHERE study = ? AND user = ?", (study, user)
        )
        return Draft(row[0], row[1], parse_time(row[2])) if row else None

    def clear(self, study: StudyId) -> None:
        """Drop everybody's words: the study was signed."""
        self._rows.run("DELETE FROM drafts WHERE study = ?", (study,))
