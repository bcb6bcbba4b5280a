"""The window: the only package that imports Qt.

May import `workflow` (everything that reads or writes the clinic), `imaging`, `signals` and `jobs` and below.
Screens are widgets with `retranslate()`, `activated()` and `clear()`; slow work goes through `operations`.
`application` starts it.
"""
