"""What each pane of a volume viewer shows to draw on, and where the scan's own pictures lie in it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from desktop.imaging.frame_run import FramePlace
from desktop.imaging.orientation import view_of
from desktop.imaging.slice_ground import Ground, on_plane, on_slice, slice_under
from desktop.imaging.volume import Volume, as_vector
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
        if self._known[0] is not series or self._known[1] is not state:
            self._known, self._grounds = (series, state), {}
        if kind not in self._grounds:
            self._grounds[kind] = self._in_volume(kind, series.volumes[state.moment], state)
        return self._grounds[kind]

    def _single(self, kind: PaneKind) -> Ground | None:
        """Of slices shown one by one: the one whose picture is there."""
        image = self._viewer.panes[kind].image
        if kind is not PaneKind.SLICES or image is None:
            return None
        return self._own(image.volume, 0, image.request.state.moment, image.request.state.number)

    def _in_volume(self, kind: PaneKind, volume: Volume, state: VolumeState) -> Ground | None:
        if kind is PaneKind.SLICES or state.whole(kind):
            return None
        if kind is self.own_pane and state.slab.thickness_mm == 0:
            number, alone = slice_under(volume, state.cross)
            own = self._own(volume, number, state.moment, number) if alone else None
            if own is not None:
                return own
        return on_plane(volume, plane_for(kind, volume, state), state.slab, state.moment)

    def _own(self, volume: Volume, index: int, moment: int, number: int) -> Ground | None:
        """One of the scan's own pictures. index: of it in the volume."""
        found = self._origin(moment, number)
        return on_slice(volume, index, *found) if found is not None else None

    def _origin(self, moment: int, number: int) -> tuple[SliceOrigin, FramePlace] | None:
        series = self._viewer.series
        origin = series.origins[moment][number] if series is not None and series.origins else None
        instance = self._instances.get(origin.instance_uid) if origin is not None else None
        if origin is None or instance is None:
            return None
        return origin, FramePlace(instance, origin.frame)

    def placing(self, kind: PaneKind) -> PanePlacing | None:
        """Where the pixels of a pane's ground lie on the screen."""
        ground, state = self.ground(kind), self._viewer.state
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
        """Moment and slice that are shown, or lie nearest to the cross."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return None
        if not series.solid:
            return state.moment, state.number
        return state.moment, slice_under(series.volumes[state.moment], state.cross)[0]

    @property
    def place(self) -> FramePlace | None:
        """Which picture of a file that is; None where it is none."""
        at = self.at
        found = self._origin(*at) if at is not None else None
        return found[1] if found is not None else None

    def counted(self, number: int) -> int:
        """A slice as the corner of its pane counts it: from 1, the way scrolling goes."""
        series = self._viewer.series
        if series is None or not series.solid:
            return number + 1
        through = series.volumes[0].grid.through
        onward = max(through, key=abs) > 0
        return number + 1 if onward else series.count - number

    def places(self) -> Iterator[tuple[FramePlace, int, int]]:
        """Every picture of the series with its moment and its number, in the order of scrolling."""
        series = self._viewer.series
        for moment, origins in enumerate(series.origins if series is not None else ()):
            for number in sorted(range(len(origins)), key=self.counted):
                found = self._origin(moment, number)
                if found is not None:
                    yield found[1], moment, number

    def show(self, moment: int, number: int) -> None:
        """Show a picture, in the plane it was taken in; the cross stays over the same pixel."""
        series, state = self._viewer.series, self._viewer.state
        if series is None or state is None:
            return
        if not series.solid:
            self._viewer.set_state(replace(state, number=number, moment=moment))
            return
        volume = series.volumes[moment]
        index = volume.grid.to_index(clamped(state.cross, volume))
        index[0] = number
        cross = as_vector(volume.grid.to_patient(index))
        self._viewer.set_state(replace(state, cross=cross, moment=moment, active=self.own_pane))
