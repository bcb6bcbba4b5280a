"""The DICOM node: receives, answers and asks. What arrives is handed to a desk, never to the store.

May import `records` and below. pynetdicom takes a fifth of a second and some megabytes to load, so nothing is exported
from here: who needs the node imports `node`, `calls` or `certificates` at that moment.
"""
