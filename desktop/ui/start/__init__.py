"""Before the clinic is open: first start, the recovery card, unlocking."""

from desktop.ui.start.area import StartArea

__all__ = ["StartArea"]
