"""Other DICOM programs in the window: fetching from an archive, a worklist elsewhere, sending, and what is on its way.

Each is a dialog; import its module at the moment it is wanted.
"""
