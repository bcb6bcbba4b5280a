"""Lantern (明灯): an offline clinic workstation.

Imports go down only, `__main__ > app > ui | cli > workflow > … > errors`; README.md has the map.
"""

import os

__version__ = "0.1.0"

# Names need pypinyin's single characters only; its table of phrases costs 44 MB and a quarter of a second.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "true")
