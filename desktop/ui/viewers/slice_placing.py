"""Where the pixels of a slice or a plane lie on a pane."""

import math

from desktop.imaging.orientation import Plane
from desktop.imaging.slice_ground import Ground
from desktop.imaging.volume import Volume
from desktop.ui.viewers.view_state import Point
from desktop.ui.viewers.volume_pane import VolumePane
from desktop.ui.viewers.volume_state import centre_of, in_pane


class PanePlacing:
    """Between a ground's pixels and a pane's screen: straight lines stay straight."""

    def __init__(self, pane: VolumePane, ground: Ground, plane: Plane, volume: Volume) -> None:
        centre = centre_of(volume)

        def seen(point: Point) -> Point:
            at = pane.to_widget(*in_pane(ground.to_patient(point), plane, centre))
            return at.x(), at.y()

        self._first, across, down = seen((0.0, 0.0)), seen((1.0, 0.0)), seen((0.0, 1.0))
        self._across = across[0] - self._first[0], across[1] - self._first[1]
        self._down = down[0] - self._first[0], down[1] - self._first[1]
        self._turn = self._across[0] * self._down[1] - self._across[1] * self._down[0]

    @property
    def scale(self) -> float:
        """Logical pixels of the screen per pixel of the ground."""
        return math.sqrt(max(abs(self._turn), 1e-12))

    def to_view(self, point: Point, width: float = 0.0, height: float = 0.0) -> Point:
        """Where a pixel lies on the pane, whatever its size."""
        (ax, ay), (dx, dy) = self._across, self._down
        return (
            self._first[0] + point[0] * ax + point[1] * dx,
            self._first[1] + point[0] * ay + point[1] * dy,
        )

    def to_picture(self, at: Point) -> Point:
        """Which pixel lies under a point of the pane."""
        x, y = at[0] - self._first[0], at[1] - self._first[1]
        (ax, ay), (dx, dy) = self._across, self._down
        return (x * dy - y * dx) / self._turn, (y * ax - x * ay) / self._turn
