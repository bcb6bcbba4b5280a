"""Work that takes time: progress, cancelling, and the two pools it runs in. No Qt, so every layer may use it.

May import `records` and below.
"""

from desktop.jobs.job import Job, Progress
from desktop.jobs.pools import Pools

__all__ = ["Job", "Pools", "Progress"]
