"""The reading room: the film at the left, the reading at the right, the doctor first and the model after.

May import `viewers`, `review`, `reports` and `importing` beside it, and what `ui` may import.
"""

from desktop.ui.reading.room import ReadingRoom

__all__ = ["ReadingRoom"]
