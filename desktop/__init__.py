"""Lantern (明灯): an offline clinic workstation.

Imports go down only, `__main__ > app > ui | cli > workflow > … > errors`; README.md has the map.
"""

__version__ = "0.1.0"
