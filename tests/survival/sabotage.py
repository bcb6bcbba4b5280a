"""The same log, had Lantern been written carelessly: proof that the simulator would notice."""

import posixpath
from collections.abc import Callable, Iterator, Sequence

from tests.survival.disk import Record, What, with_paths

Carelessness = Callable[[Sequence[Record]], tuple[Record, ...]]


def without_folder_syncs(records: Sequence[Record]) -> tuple[Record, ...]:
    """Names are never made certain."""
    folders = {posixpath.dirname(path) for path in _paths(records)}
    return tuple(
        record for record, path in with_paths(records) if record.what is not What.SYNCED or path not in folders
    )


def without_syncs_of(part: str, records: Sequence[Record]) -> tuple[Record, ...]:
    """Files with `part` in their path are never made certain."""
    return tuple(record for record, path in with_paths(records) if record.what is not What.SYNCED or part not in path)


def acknowledged_early(records: Sequence[Record]) -> tuple[Record, ...]:
    """Each answer is given as soon as the one before was, instead of when it is true."""
    result: list[Record] = []
    place = 0
    for record in records:
        if record.what is What.SAID:
            result.insert(place, record)
            place += 1
            if b'"command"' in record.data:
                place = len(result)
        else:
            result.append(record)
    return tuple(result)


def _paths(records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        if record.what in (What.OPENED, What.MADE):
            yield record.path
        elif record.what is What.RENAMED:
            yield record.target
