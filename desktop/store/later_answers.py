"""What later versions of models say of pictures whose truth was known before they were asked. It only grows."""

from desktop.records import LaterAnswer, StudyId
from desktop.store.canonical import from_canonical
from desktop.store.rows import Rows

LATER_ANSWER = "later_answer"


class LaterAnswers:
    """The rows of later answers."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, answer: LaterAnswer) -> None:
        """Keep an answer."""
        data = self._rows.written(LATER_ANSWER, answer.id, answer)
        self._rows.run(
            "INSERT INTO later_answers (id, study, record) VALUES (?, ?, ?)", (answer.id, answer.study, data)
        )

    def for_study(self, study: StudyId) -> list[LaterAnswer]:
        """Oldest first."""
        rows = self._rows.all("SELECT record FROM later_answers WHERE study = ? ORDER BY key", (study,))
        return [from_canonical(LaterAnswer, row[0]) for row in rows]

    def page(self, after: int, limit: int) -> list[tuple[int, LaterAnswer]]:
        """Answers about all studies in the order they came, each with its place. after: the last place one had, 0 at
        first."""
        rows = self._rows.all(
            "SELECT key, record FROM later_answers WHERE key > ? ORDER BY key LIMIT ?", (after, limit)
        )
        return [(int(row[0]), from_canonical(LaterAnswer, row[1])) for row in rows]
