"""The same deeds as the window, without a window.

May import `workflow` and what the window may import; never Qt.
"""
