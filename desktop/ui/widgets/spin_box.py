"""A field for a whole number."""

from PySide6.QtWidgets import QSpinBox

_MARGIN = 8


class SpinBox(QSpinBox):
    """Its number stands as far from the border as the text of every other field: Qt ignores a style's padding here."""

    def __init__(self, name: str, lowest: int, highest: int, width: int) -> None:
        super().__init__()
        self.setObjectName(name)
        self.setRange(lowest, highest)
        self.setFixedWidth(width)
        self.lineEdit().setTextMargins(_MARGIN, 0, 0, 0)
