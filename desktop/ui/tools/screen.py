"""The list of tools, and the one that is open below a way back."""

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QStackedWidget, QVBoxLayout, QWidget

from desktop.ui.action import Action, bind
from desktop.ui.icons import pixmap
from desktop.ui.tools.registry import TOOLS, Tool, ToolPage, tools_for
from desktop.ui.widgets.parts import Icons, Texts, button, column, label, row

if TYPE_CHECKING:
    from desktop.ui.context import UiContext

_WIDTH = 820
_ICON = 28

TOOLS_ACTIONS: tuple[Action, ...] = (Action("tools_back", "tools", ("Esc",)),)


class ToolsScreen(QWidget):
    """Remembers which tool was open. Each is built when it is first wanted and then kept. Signal:
    patient_changed(Patient or None) for the banner."""

    patient_changed = Signal(object)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("tools_screen")
        self._context = context
        self._pages: dict[str, ToolPage] = {}
        self._open: Tool | None = None
        self.list = ToolList(context)
        self.list.chosen.connect(self.open_tool)
        self._texts = Texts(context)
        self._icons = Icons(context)
        self._back = button("tools_back", "quiet")
        self._icons.add(self._back, "back")
        self._texts.add(self._back.setText, "tools.back")
        self._back.clicked.connect(self.show_list)
        self._title = label("tool_title", "title")
        head = row(margin=12, spacing=12)
        head.addWidget(self._back)
        head.addWidget(self._title, 1)
        self._stack = QStackedWidget()
        opened = QWidget()
        inside = column(opened, spacing=0)
        inside.addLayout(head)
        inside.addWidget(self._stack, 1)
        self._front = QStackedWidget()
        self._front.addWidget(self.list)
        self._front.addWidget(opened)
        layout = column(self)
        layout.addWidget(self._front)
        self._actions = bind(context, self, TOOLS_ACTIONS, {"tools_back": self.show_list})

    @property
    def page(self) -> ToolPage | None:
        """The tool's page that is open."""
        return self._pages.get(self._open.id) if self._open is not None else None

    def open_tool(self, name: str) -> None:
        """Go to a tool."""
        tool = next(one for one in TOOLS if one.id == name)
        if name not in self._pages:
            self._pages[name] = tool.build(self._context)
            self._pages[name].patient_changed.connect(self.patient_changed)
            self._stack.addWidget(self._pages[name])
        page = self._pages[name]
        self.patient_changed.emit(None)
        self._open = tool
        self._title.setText(self._context.tr(f"tools.{name}"))
        self._stack.setCurrentWidget(page)
        self._front.setCurrentIndex(1)
        self._actions["tools_back"].setEnabled(True)
        self._back.setFocus()
        page.activated()

    def show_list(self) -> None:
        """Back to all of them, at the one that was open."""
        left, self._open = self._open, None
        self._front.setCurrentIndex(0)
        self._actions["tools_back"].setEnabled(False)
        self.patient_changed.emit(None)
        self.list.activated(left.id if left is not None else "")

    def activated(self) -> None:
        """Called when the destination is shown."""
        allowed = tools_for(self._context.open_clinic.session)
        self.list.offer(allowed)
        if self._open is not None and self._open in allowed:
            self.open_tool(self._open.id)
        else:
            self.show_list()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()
        self._actions.retranslate()
        self.list.retranslate()
        if self._open is not None:
            self._title.setText(self._context.tr(f"tools.{self._open.id}"))
        for page in self._pages.values():
            page.retranslate()

    def clear(self) -> None:
        """Forget every patient."""
        self._open = None
        self._front.setCurrentIndex(0)
        for page in self._pages.values():
            page.clear()


class ToolList(QScrollArea):
    """A card for each tool. Signal: chosen(id)."""

    chosen = Signal(str)

    def __init__(self, context: "UiContext") -> None:
        super().__init__()
        self.setObjectName("tool_list")
        self.setWidgetResizable(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._texts = Texts(context)
        inner = QWidget()
        inner.setProperty("role", "scroll")
        inner.setMaximumWidth(_WIDTH)
        body: QVBoxLayout = column(inner, margin=24, spacing=12)
        title, about = label("tools_title", "title"), label("tools_about", "muted", wrap=True)
        self._texts.add(title.setText, "tools.title")
        self._texts.add(about.setText, "tools.about")
        body.addWidget(title)
        body.addWidget(about)
        self._cards = {tool.id: ToolCard(context, tool, self._texts) for tool in TOOLS}
        for made in self._cards.values():
            made.chosen.connect(self.chosen)
            body.addWidget(made)
        body.addStretch(1)
        self.setWidget(inner)
        self.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)

    def offer(self, tools: tuple[Tool, ...]) -> None:
        """Show only these."""
        allowed = {tool.id for tool in tools}
        for name, made in self._cards.items():
            made.setVisible(name in allowed)

    def activated(self, name: str = "") -> None:
        """Put the focus on a tool, or the first."""
        offered = [made for made in self._cards.values() if not made.isHidden()]
        if offered:
            self._cards.get(name, offered[0]).button.setFocus()

    def retranslate(self) -> None:
        """Speak the window's language."""
        self._texts.retranslate()


class ToolCard(QFrame):
    """Icon, name, one sentence, and the button; a click anywhere on it opens the tool too."""

    chosen = Signal(str)

    def __init__(self, context: "UiContext", tool: Tool, texts: Texts) -> None:
        super().__init__()
        self.setObjectName(f"tool_{tool.id}")
        self.setProperty("role", "card")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._context = context
        self._tool = tool
        self._picture: QLabel = label()
        name, about = label(role="heading", wrap=True), label(role="muted", wrap=True)
        texts.add(name.setText, f"tools.{tool.id}")
        texts.add(about.setText, f"tools.{tool.id}.about")
        self.button = button(f"tool_open_{tool.id}")
        texts.add(self.button.setText, "tools.open")
        texts.add(self.button.setAccessibleName, f"tools.{tool.id}.open")
        self.button.clicked.connect(self._pressed)
        words = column(spacing=4)
        words.addWidget(name)
        words.addWidget(about)
        layout = row(self, margin=16, spacing=16)
        layout.addWidget(self._picture)
        layout.addLayout(words, 1)
        layout.addWidget(self.button)
        context.theme_changed.connect(self._paint)
        self._paint()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """As the button."""
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._pressed()

    def _pressed(self) -> None:
        self.chosen.emit(self._tool.id)

    def _paint(self) -> None:
        scale = max(2.0, self.devicePixelRatioF())
        self._picture.setPixmap(pixmap(self._tool.icon, self._context.colours.muted, _ICON, scale))
