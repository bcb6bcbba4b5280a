"""What each pane of a volume viewer shows to draw on, and where the scan's own pictures lie in it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.orientation import view_of
from desktop.imaging.slice_ground import Ground, Nearest, at_picture, on_plane, on_slice, picture_near
from desktop.imaging.volume import Volume
from desktop.imaging.volume_series import SliceOrigin, VolumeSeries
from desktop.records import InstanceId
from desktop.ui.viewers.slice_placing import PanePlacing
from desktop.ui.viewers.volume import VolumeViewer
from desktop.ui.viewers.volume_state import PaneKind, VolumeState, clamped, plane_for


class SliceGrounds:
    """Worked out anew only when the viewer shows something else."""

    def __init__(self, viewer: VolumeViewer) -> None:
        self._viewer = viewer
        self._instances: Mapping[str, InstanceId] = {}
        self._known: tuple[VolumeSeries | None, VolumeState | None] = (None, None)
        self._grounds: dict[PaneKind, Ground | None] = {}
        self._nearest: tuple[Ground | None, Nearest | None] | None = None

    def begin(self, instances: Mapping[str, InstanceId]) -> None:
        """Another series. instances: the study's pictures by SOP instance UID."""
        self._instances = instances
        self._known = (None, None)

    def ground(self, kind: PaneKind) -> Ground | None:
        """What a pane shows, to draw on; None where nothing can be drawn."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return None
        if not series.solid:
            return self._single(kind)
        self._follow(series, state)
        if kind not in self._grounds:
            self._grounds[kind] = self._in_volume(kind, series.volumes[state.moment], state)
        return self._grounds[kind]

    def near(self, kind: PaneKind) -> Ground | None:
        """The picture whose drawings a pane shows: the one it shows more than any other; of every other plane what
        is there to draw on."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None or not series.solid:
            return self.ground(kind)
        if kind is not self.own_pane or state.slab.thickness_mm > 0:
            return self.ground(kind)
        ground, nearest = self._picture(series, state)
        return ground if nearest is not None and nearest.near else self.ground(kind)

    def _follow(self, series: VolumeSeries, state: VolumeState) -> None:
        if self._known[0] is not series or self._known[1] is not state:
            self._known, self._grounds, self._nearest = (series, state), {}, None

    def _picture(self, series: VolumeSeries, state: VolumeState) -> tuple[Ground | None, Nearest | None]:
        """The picture nearest to the cross."""
        self._follow(series, state)
        if self._nearest is None:
            volume = series.volumes[state.moment]
            origins = series.origins[state.moment] if series.origins else ()
            nearest = picture_near(volume, state.cross, origins)
            found = self._origin(state.moment, nearest.number) if nearest is not None else None
            self._nearest = (on_slice(volume, *found), nearest) if found is not None else (None, None)
        return self._nearest

    def _single(self, kind: PaneKind) -> Ground | None:
        """Of slices shown one by one: the one whose picture is there."""
        image = self._viewer.panes[kind].image
        if kind is not PaneKind.SLICES or image is None:
            return None
        found = self._origin(image.request.state.moment, image.request.state.number)
        return on_slice(image.volume, replace(found[0], at=0.0), found[1]) if found is not None else None

    def _in_volume(self, kind: PaneKind, volume: Volume, state: VolumeState) -> Ground | None:
        if kind is PaneKind.SLICES or state.whole(kind):
            return None
        if kind is self.own_pane and state.slab.thickness_mm == 0:
            series = self._known[0]
            own, nearest = self._picture(series, state) if series is not None else (None, None)
            if own is not None and nearest is not None and nearest.alone:
                return own
        return on_plane(volume, plane_for(kind, volume, state), state.slab, state.moment)

    def _origin(self, moment: int, number: int) -> tuple[SliceOrigin, FramePlace] | None:
        series = self._viewer.series
        origin = series.origins[moment][number] if series is not None and series.origins else None
        instance = self._instances.get(origin.instance_uid) if origin is not None else None
        if origin is None or instance is None:
            return None
        return origin, FramePlace(instance, origin.frame)

    def placing(self, kind: PaneKind) -> PanePlacing | None:
        """Where the pixels of what a pane shows lie on the screen."""
        ground, state = self.near(kind), self._viewer.state
        pane = self._viewer.panes[kind]
        if ground is None or state is None or pane.volume is None:
            return None
        return PanePlacing(pane, ground, plane_for(kind, pane.volume, state), pane.volume)

    @property
    def own_pane(self) -> PaneKind:
        """The pane that shows the scan's own pictures."""
        series = self._viewer.series
        return (
            PaneKind(view_of(series.volumes[0].grid).value) if series is not None and series.solid else PaneKind.SLICES
        )

    @property
    def at(self) -> tuple[int, int] | None:
        """Moment and number of the picture that is shown, or lies nearest to the cross."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return None
        if not series.solid:
            return state.moment, state.number
        nearest = self._picture(series, state)[1]
        return (state.moment, nearest.number) if nearest is not None else None

    @property
    def place(self) -> FramePlace | None:
        """Which picture of a file is shown; None where it is none, or another one comes nearer than half a slice."""
        near = self.near(self.own_pane)
        if near is not None and near.place is not None:
            return near.place
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None or not series.solid:
            return None
        ground, nearest = self._picture(series, state)
        return ground.place if ground is not None and nearest is not None and nearest.near else None

    def settle(self) -> None:
        """Go to the nearest picture, where the cross stands between two."""
        at = self.at
        series, state = self._viewer.series, self._viewer.state
        if at is not None and series is not None and state is not None and series.solid:
            nearest = self._picture(series, state)[1]
            if nearest is not None and not nearest.alone:
                self.show(*at, active=state.active)

    def counted(self, moment: int, number: int) -> int:
        """A picture as the corner of its pane counts slices: from 1, the way scrolling goes."""
        series = self._viewer.series
        origin = series.origins[moment][number] if series is not None else None
        if series is None or not series.solid or origin is None:
            return number + 1
        onward = max(series.volumes[0].grid.through, key=abs) > 0
        index = min(max(round(origin.at), 0), series.count - 1)
        return index + 1 if onward else series.count - index

    def places(self) -> Iterator[tuple[FramePlace, int, int]]:
        """Every picture of the series with its moment and its number, in the order of scrolling."""
        series = self._viewer.series
        for moment, origins in enumerate(series.origins if series is not None else ()):
            numbers = [number for number, origin in enumerate(origins) if origin is not None]
            for number in sorted(numbers, key=partial(self.counted, moment)):
                found = self._origin(moment, number)
                if found is not None:
                    yield found[1], moment, number

    def show(self, moment: int, number: int, active: PaneKind | None = None) -> None:
        """Show a picture, in the plane it was taken in; the cross stays over the same pixel."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return
        if not series.solid:
            self._viewer.set_state(replace(state, number=number, moment=moment))
            return
        volume, origin = series.volumes[moment], series.origins[moment][number]
        if origin is not None:
            cross = at_picture(volume, clamped(state.cross, volume), origin)
            self._viewer.set_state(replace(state, cross=cross, moment=moment, active=active or self.own_pane))
