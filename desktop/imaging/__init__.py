"""Pure array maths on pictures: window, orientation, lengths. No files, no screen.

May import `jobs`, `records` and below.
"""
