"""What Lantern is, its licence, what nobody has checked yet, and the recovery card."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLabel

import desktop
from desktop.ui.settings.section import Section
from desktop.ui.widgets.parts import label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_LIBRARIES = (
    "Qt 6 / PySide6 (LGPL-3.0) · pyqtgraph (MIT) · NumPy (BSD-3-Clause) · pydicom (MIT) · SimpleITK (Apache-2.0) · "
    "Pillow (MIT-CMU) · ONNX Runtime (MIT) · SQLCipher (BSD-3-Clause) · cryptography (Apache-2.0 / BSD-3-Clause) · "
    "argon2-cffi (MIT) · Typst (Apache-2.0) · PDFium (BSD-3-Clause / Apache-2.0) · fhir.resources (BSD-3-Clause) · "
    "pypinyin (MIT) · segno (BSD-3-Clause) · Noto Sans SC (OFL-1.1)"
)


class AboutSection(Section):
    """Plain words; nothing to press."""

    def __init__(self, context: "UiContext") -> None:
        super().__init__(context, "settings_about", "settings.section.about")
        lines = self.box("settings.about.product")
        self._version = label("about_version", "muted")
        lines.addWidget(self._version)
        self._add("settings.about.what", lines.addWidget)
        review = self.box("settings.about.review")
        self._add("settings.about.review.text", review.addWidget)
        recovery = self.box("settings.about.recovery")
        self._add("settings.about.recovery.text", recovery.addWidget)
        licences = self.box("settings.about.licences")
        self._add("settings.about.licences.text", licences.addWidget)
        libraries = label("about_libraries", "small", wrap=True, selectable=True)
        libraries.setText(_LIBRARIES)
        libraries.setProperty("verbatim", True)
        licences.addWidget(libraries)
        self.body.addStretch(1)
        self.retranslate()

    def retranslate(self) -> None:
        """Speak the window's language."""
        super().retranslate()
        self._version.setText(self.context.tr("settings.about.version", version=desktop.__version__))

    def _add(self, key: str, place: Callable[[QLabel], object]) -> None:
        words = label(wrap=True, selectable=True)
        self.texts.add(words.setText, key)
        place(words)
