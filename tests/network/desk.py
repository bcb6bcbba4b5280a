"""A desk that keeps what it is handed in memory."""

import threading
from collections.abc import Sequence

from desktop.network.parts import (
    Answer,
    Caller,
    Committed,
    KeepingAnswer,
    KeepingAsked,
    Listening,
    NotKept,
    Received,
    Step,
    StepQuery,
)

ANYBODY_HERE = (Caller("", "127.0.0.1"),)


class MemoryDesk:
    """Answers as it is told to. held: where set, `receive` waits for it."""

    def __init__(self, answer: Answer = Answer.STORED, steps: Sequence[Step] = ()) -> None:
        self.answer = answer
        self.steps = steps
        self.received: list[Received] = []
        self.queries: list[StepQuery] = []
        self.words: list[Committed] = []
        self.asked: list[KeepingAsked] = []
        self.owed: list[tuple[KeepingAsked, KeepingAnswer]] = []
        self.over = threading.Event()
        self.begun = threading.Event()
        self.held: threading.Event | None = None

    def receive(self, received: Received) -> Answer:
        """Keep it."""
        self.begun.set()
        if self.held is not None:
            self.held.wait(30)
        self.received.append(received)
        return self.answer

    def worklist(self, query: StepQuery) -> Sequence[Step]:
        """What was given."""
        self.queries.append(query)
        return self.steps

    def committed(self, word: Committed) -> None:
        """Keep it."""
        self.words.append(word)

    def keeping(self, asked: KeepingAsked) -> KeepingAnswer:
        """Whatever was received is here."""
        self.asked.append(asked)
        here = {received.instance_uid for received in self.received}
        kept = tuple(name for name in asked.objects if name.instance_uid in here)
        lost = tuple((name, NotKept.UNKNOWN) for name in asked.objects if name.instance_uid not in here)
        return KeepingAnswer(asked.transaction, kept, lost)

    def untold(self, asked: KeepingAsked, answer: KeepingAnswer) -> None:
        """Keep it."""
        self.owed.append((asked, answer))

    def quiet(self) -> None:
        """An association is over."""
        self.over.set()


def here(title: str = "LANTERN", callers: tuple[Caller, ...] = ANYBODY_HERE) -> Listening:
    """Listening on a free port of this PC only."""
    return Listening(title, 0, "127.0.0.1", callers)
