"""Where in the published numbering a film of pneumonia stands: the hint is as good as its labels are there.

The published training part numbers bacterial and viral films one after the other (`person1345_bacteria_3424.jpg`). By
the hint's answers, each by lines that never saw the child, whole stretches of neighbouring numbers do not look like the
others of their cause, with sharp ends: about a third of the bacterial ones, and four stretches of the viral ones.
The stretches were found by these answers themselves, so figures without them flatter; nothing is learned from where a
film stands, and no label was changed.
"""

import re

from desktop.learning.films import PUBLISHED_TEST, Film

IN_LINE, OUT_OF_LINE = "numbered where causes differ", "numbered where causes do not differ"
_BACTERIAL = ((3340, 10_000),)
_VIRAL = ((875, 984), (1253, 1474), (1906, 2058), (2454, 2622))
_NUMBERED = re.compile(r"person\d+_(bacteria|virus)_(\d+)[_.]")


def of(film: Film) -> tuple[str, ...]:
    """The kind of stretch a film of the published training part stands in; nothing for any other film."""
    numbered = _NUMBERED.match(film.path.name)
    if film.split == PUBLISHED_TEST or numbered is None:
        return ()
    cause, number = numbered[1], int(numbered[2])
    odd = any(first <= number < after for first, after in (_BACTERIAL if cause == "bacteria" else _VIRAL))
    return (OUT_OF_LINE if odd else IN_LINE,)
