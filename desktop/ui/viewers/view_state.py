"""What a film viewer shows, as one frozen value, and the mapping between picture and screen. Pure: no Qt.

Picture coordinates are (x, y) in pixels, x to the right, y down, pixel centres at integers, so that the picture
covers -0.5 … columns - 0.5. View coordinates are logical screen pixels from the top left corner of the viewer.
"""

from dataclasses import dataclass, replace

from desktop.imaging.colour_tables import ColourTable
from desktop.imaging.geometry import Orientation, Point
from desktop.records import VoiWindow

__all__ = ["MAX_ZOOM", "Orientation", "Point", "ViewState", "windowed"]

MAX_ZOOM = 32.0
AS_TAKEN = Orientation()


@dataclass(frozen=True)
class ViewState:
    """Everything a frame depends on besides the picture and the size of the viewer.

    rows, columns: of the picture. zoom: logical screen pixels per picture pixel. center: the picture point in the
    middle of the viewer. fitted: follow the viewer's size. window: None means the picture's own. overlay: show where
    the model looked. exact: pixels as they are instead of smooth ones. colours: what a grey picture is shown in.
    """

    rows: int
    columns: int
    zoom: float = 1.0
    center: Point = (0.0, 0.0)
    fitted: bool = True
    orientation: Orientation = AS_TAKEN
    window: VoiWindow | None = None
    inverted: bool = False
    overlay: bool = False
    exact: bool = False
    colours: ColourTable = ColourTable.GREY

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1 or not self.zoom > 0:
            raise ValueError("a view needs a picture and a positive zoom")

    @property
    def middle(self) -> Point:
        """The middle of the picture."""
        return (self.columns - 1) / 2, (self.rows - 1) / 2

    def fit(self, width: float, height: float) -> "ViewState":
        """The whole picture, as large as the viewer of that logical size allows."""
        rows, columns = self.orientation.view_size(self.rows, self.columns)
        zoom = min(max(width, 1.0) / columns, max(height, 1.0) / rows, MAX_ZOOM)
        return replace(self, zoom=zoom, center=self.middle, fitted=True)

    def resized(self, width: float, height: float) -> "ViewState":
        """For a viewer that changed its size: fitted views stay fitted, others keep their middle."""
        return self.fit(width, height) if self.fitted else self

    def direction_to_view(self, x: float, y: float) -> Point:
        """A step in the picture as a step on the screen, before zooming (a single pixel turns in place)."""
        return self.orientation.to_view((x, y), 1, 1)

    def direction_to_picture(self, x: float, y: float) -> Point:
        """A step on the screen as a step in the picture, before zooming."""
        return self.orientation.to_picture((x, y), 1, 1)

    def to_view(self, point: Point, width: float, height: float) -> Point:
        """Where a picture point lies in a viewer of that logical size."""
        x, y = self.direction_to_view(point[0] - self.center[0], point[1] - self.center[1])
        return width / 2 + x * self.zoom, height / 2 + y * self.zoom

    def to_picture(self, point: Point, width: float, height: float) -> Point:
        """Which picture point lies under a point of the viewer."""
        x, y = self.direction_to_picture((point[0] - width / 2) / self.zoom, (point[1] - height / 2) / self.zoom)
        return self.center[0] + x, self.center[1] + y

    def contains(self, point: Point) -> bool:
        """Whether a picture point lies on the picture."""
        return -0.5 <= point[0] <= self.columns - 0.5 and -0.5 <= point[1] <= self.rows - 0.5

    def clamped(self, point: Point) -> Point:
        """The nearest point on the picture."""
        return min(max(point[0], -0.5), self.columns - 0.5), min(max(point[1], -0.5), self.rows - 0.5)

    def zoomed(self, factor: float, anchor: Point, width: float, height: float) -> "ViewState":
        """Larger or smaller by a factor, the picture point under `anchor` (view coordinates) staying where it is."""
        smallest = min(8.0 / max(self.rows, self.columns), self.zoom)
        zoom = min(max(self.zoom * factor, smallest), MAX_ZOOM)
        held = self.to_picture(anchor, width, height)
        x, y = self.direction_to_picture((anchor[0] - width / 2) / zoom, (anchor[1] - height / 2) / zoom)
        return replace(self, zoom=zoom, fitted=False)._centred((held[0] - x, held[1] - y))

    def panned(self, dx: float, dy: float) -> "ViewState":
        """Moved on the screen by logical pixels; the middle of the viewer never leaves the picture."""
        x, y = self.direction_to_picture(dx / self.zoom, dy / self.zoom)
        return replace(self, fitted=False)._centred((self.center[0] - x, self.center[1] - y))

    def with_zoom(self, zoom: float) -> "ViewState":
        """At a given zoom about the middle of the viewer."""
        return replace(self, zoom=min(max(zoom, 1e-3), MAX_ZOOM), fitted=False)

    def _centred(self, center: Point) -> "ViewState":
        return replace(self, center=self.clamped(center))


def windowed(window: VoiWindow, darker: float, wider: float) -> VoiWindow:
    """A window changed by hand. darker, wider: in widths of the window now; the new one has no name."""
    width = max(window.width * 2.0**wider, 1e-6)
    return VoiWindow(window.center + darker * window.width, width, "", window.function)


def with_nearer_edge(window: VoiWindow, value: float) -> VoiWindow:
    """A window whose nearer edge, the black one or the white one, lies at a value; the other one stays."""
    low, high = window.center - window.width / 2, window.center + window.width / 2
    if abs(value - low) <= abs(value - high):
        low = min(value, high - 1e-6)
    else:
        high = max(value, low + 1e-6)
    return VoiWindow((low + high) / 2, max(high - low, 1e-6), "", window.function)
