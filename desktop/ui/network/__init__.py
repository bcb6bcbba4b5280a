"""Other DICOM programs in the window: fetching from an archive, a worklist elsewhere, sending, and what is on its way.

Each is a dialog that does not block the window; import the module at the moment it is wanted.
"""
