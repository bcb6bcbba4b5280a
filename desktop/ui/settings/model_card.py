"""A model's own page, as its CARD.md writes it: headings, tables, sentences that run on."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import (
    QColor,
    QImage,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextTable,
    QTextTableFormat,
)
from PySide6.QtWidgets import QDialog, QTextBrowser, QWidget

from desktop.i18n import Language
from desktop.ui.widgets.parts import button, column, label

if TYPE_CHECKING:
    from desktop.ui.context import UiContext
    from desktop.workflow import ModelCard

_SIZE = (1100, 680)
_PADDING, _BETWEEN, _BEFORE_HEADING = 4, 8, 14
_SMALL = 12
# Whoever imports a bundle brings its page along: no HTML, and tables as GitHub writes them.
_FEATURES = QTextDocument.MarkdownFeature.MarkdownDialectGitHub | QTextDocument.MarkdownFeature.MarkdownNoHTML


class CardText(QTextBrowser):
    """Markdown to be read, searched by eye and copied; it fetches nothing and follows no link."""

    def __init__(self, context: "UiContext", text: str) -> None:
        super().__init__()
        self.setObjectName("model_card_text")
        self.setOpenLinks(False)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._context = context
        self.document().setMarkdown(text, _FEATURES)
        self._give_room()
        self._draw_tables()
        self.moveCursor(QTextCursor.MoveOperation.Start)
        context.theme_changed.connect(self._draw_tables)

    def loadResource(self, kind: int, name: QUrl | str) -> QImage:
        """One clear pixel: a page may name any file of this PC, and without a picture Qt looks for it by itself."""
        clear = QImage(1, 1, QImage.Format.Format_ARGB32)
        clear.fill(Qt.GlobalColor.transparent)
        return clear

    def _give_room(self) -> None:
        """Between paragraphs, which Markdown sets close; figures a little smaller, so that they stay on one line."""
        small = QTextCharFormat()
        small.setProperty(QTextFormat.Property.FontPixelSize, _SMALL)
        cursor = QTextCursor(self.document())
        cursor.beginEditBlock()
        block = self.document().begin()
        while block.isValid():
            cursor.setPosition(block.position())
            if cursor.currentTable() is not None:
                cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
                cursor.mergeCharFormat(small)
            else:
                look = block.blockFormat()
                look.setTopMargin(_BEFORE_HEADING if look.headingLevel() and block.position() else 0)
                look.setBottomMargin(_BETWEEN if block.textList() is None else 0)
                cursor.setBlockFormat(look)
            block = block.next()
        cursor.endEditBlock()

    def _draw_tables(self) -> None:
        """Room around the figures, and one thin line between them."""
        line = QColor(self._context.colours.line)
        for frame in self.document().rootFrame().childFrames():
            if isinstance(frame, QTextTable):
                look = QTextTableFormat(frame.format())
                look.setCellPadding(_PADDING)
                look.setCellSpacing(0)
                look.setTopMargin(_BETWEEN)
                look.setBottomMargin(_BETWEEN)
                look.setBorder(1)
                look.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
                look.setBorderBrush(line)
                look.setBorderCollapse(True)
                frame.setFormat(look)


class CardDialog(QDialog):
    """The page over the window."""

    def __init__(self, context: "UiContext", model: "ModelCard", parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("model_card_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(model.title)
        self.resize(QSize(*_SIZE).boundedTo(parent.size()))
        text = CardText(context, model.card)
        text.setAccessibleName(model.title)
        close = button("model_card_close", "primary")
        close.setText(context.tr("ui.close"))
        close.clicked.connect(self.accept)
        layout = column(self, margin=16, spacing=12)
        if context.language is not Language.ENGLISH:
            note = label("model_card_language", "muted", wrap=True)
            note.setText(context.tr("settings.models.card.language"))
            layout.addWidget(note)
        layout.addWidget(text)
        layout.addWidget(close, alignment=Qt.AlignmentFlag.AlignRight)
