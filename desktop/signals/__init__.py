"""Pure array maths on traces: filters, beats, intervals. No files, no screen.

May import `jobs`, `records` and below.
"""
