"""The n-th sync fails once, for n = 1, 2, 3 …, and the power fails some time later.

After a failed fsync the system takes the lost bytes for written: whoever only syncs again loses them at the next power
cut.
"""

import random
import shutil
from pathlib import Path

import pytest

from tests.survival.disk import FATES, lay_out, read_log
from tests.survival.power_cuts import Following
from tests.survival.recording import Recorder, Run
from tests.survival.sweeping import DEFECTIVE_ONCE, SWEPT, SYNCS, sweep

AFTERWARDS = tuple(FATES[number][1] for number in (0, 2, 4))

Content = dict[Path, bytes]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SWEPT)
def test_a_failed_sync_is_never_taken_for_done(recorder: Recorder, scratch: Path, scenario: str) -> None:
    for number, run in enumerate(sweep(recorder, scenario, SYNCS, DEFECTIVE_ONCE, record=True), start=1):
        judged = [content(run.folder)]
        assert recorder.faults(scenario, run) == [], number
        after = end_of(recorder, scenario, run)
        for place, fate in enumerate(AFTERWARDS):
            state = scratch / "after a failed sync"
            lay_out(after.disk, state, random.Random(number * 100 + place), fate)
            # Mostly all is certain by the end, and every fate leaves the same: that is looked at once.
            if (found := content(state)) not in judged:
                judged.append(found)
                assert recorder.faults(scenario, run, state=state) == [], (number, fate)
            shutil.rmtree(state)


def end_of(recorder: Recorder, scenario: str, run: Run) -> Following:
    """The disk as the run left it, and what may still be lost of it."""
    assert run.log is not None
    records, said_before = read_log(run.log), recorder.prepared_words(scenario)
    after = Following(run.folder.with_name("before"), run.folder, records, said_before)
    after.go_to_end()
    return after


def content(folder: Path) -> Content:
    """Every file and its bytes; the memory shared by readers of a database, which no disk keeps, left out."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
    return {path.relative_to(folder): path.read_bytes() for path in files}
