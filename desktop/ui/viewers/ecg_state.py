"""What an ECG viewer shows, as one frozen value, and where each lead lies on the paper. Pure: no Qt.

Paper is measured in millimetres from its top left corner, x to the right, y down. Along x lies time: every row of a
page shares one time axis, so a moment has the same x in all of them.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from desktop.records import MILLIVOLT, STANDARD_LEADS, Trace
from desktop.signals.filters import FilterSetting

SPEEDS = (25.0, 50.0)
GAINS = (5.0, 10.0, 20.0)
LEAD_IN = 9.0
"""mm at the left of each row for the calibration pulse."""

_NATURAL_SECONDS = 10.0
_LONGEST_PAGE = 60.0


class EcgLayout(StrEnum):
    """How leads are laid out. BEATS: the average beat of each lead, with an earlier one's behind it."""

    THREE_BY_FOUR = "3x4"
    SIX_BY_TWO = "6x2"
    TWELVE_BY_ONE = "12x1"
    BEATS = "beats"


class EcgFilter(StrEnum):
    """What is taken away for looking; the name stands on the trace."""

    NONE = "none"
    STANDARD = "standard"
    QUIET = "quiet"

    def setting(self, mains: float | None) -> FilterSetting:
        """STANDARD: 0.05 to 150 Hz, as a diagnostic recording has it. QUIET: 0.5 to 40 Hz, which alters ST."""
        low, high = {"none": (None, None), "standard": (0.05, 150.0), "quiet": (0.5, 40.0)}[self.value]
        return FilterSetting(low, high, mains)


MAINS: tuple[float | None, ...] = (None, 50.0, 60.0)


@dataclass(frozen=True)
class Caliper:
    """Two moments in seconds of the trace and two heights on the paper in mm. active: which end the keys move."""

    times: tuple[float, float]
    heights: tuple[float, float] | None = None
    active: int = 1

    @property
    def seconds(self) -> float:
        """The distance in time."""
        return abs(self.times[1] - self.times[0])

    def moved(self, seconds: float, millimetres: float = 0.0) -> "Caliper":
        """The active end elsewhere."""
        times = list(self.times)
        times[self.active] += seconds
        heights = self.heights
        if millimetres and heights is not None:
            changed = list(heights)
            changed[self.active] += millimetres
            heights = (changed[0], changed[1])
        return replace(self, times=(times[0], times[1]), heights=heights)

    def swapped(self) -> "Caliper":
        """The other end under the keys."""
        return replace(self, active=1 - self.active)


@dataclass(frozen=True)
class EcgView:
    """Everything a page depends on besides the trace and the viewer's size.

    speed: mm/s. gain: mm/mV. start: seconds of the trace at the left edge. fitted: a page wider than the viewer is
    shown smaller; otherwise it is shown in true size, as much of it as there is room for. rhythm: the lead of the
    rhythm strip. marks: the R peaks that were found are shown. march: the caliper's distance is repeated.
    """

    layout: EcgLayout = EcgLayout.THREE_BY_FOUR
    speed: float = 25.0
    gain: float = 10.0
    start: float = 0.0
    filter: EcgFilter = EcgFilter.NONE
    mains: float | None = None
    fitted: bool = True
    rhythm: str = "II"
    marks: bool = False
    caliper: Caliper | None = None
    march: bool = False

    @property
    def setting(self) -> FilterSetting:
        """The filters in use."""
        return self.filter.setting(self.mains)


@dataclass(frozen=True)
class Strip:
    """One lead's stretch on the page. row: of the trace. begin, seconds: its time. left, top, width, height: mm.

    first: it begins its paper row, so the calibration pulse stands before it.
    """

    row: int
    begin: float
    seconds: float
    left: float
    top: float
    width: float
    height: float
    first: bool

    @property
    def middle(self) -> float:
        """Where 0 mV lies, mm from the top of the paper."""
        return self.top + self.height / 2


@dataclass(frozen=True)
class Page:
    """A page laid out. scale: of true size, at most 1. seconds: its time axis. columns: side by side."""

    strips: tuple[Strip, ...]
    scale: float
    seconds: float
    columns: int
    width: float
    height: float

    def time_at(self, millimetres: float, view: EcgView) -> float:
        """Which moment lies at an x of the paper."""
        return view.start + (millimetres - LEAD_IN) / view.speed

    def place_of(self, seconds: float, view: EcgView) -> float:
        """The x of a moment, mm."""
        return LEAD_IN + (seconds - view.start) * view.speed


def fitting_layout(trace: Trace) -> EcgLayout:
    """Three by four where all twelve leads are there, else one lead under the other."""
    names = {lead.name for lead in trace.leads}
    return EcgLayout.THREE_BY_FOUR if names.issuperset(STANDARD_LEADS) else EcgLayout.TWELVE_BY_ONE


def columns_of(layout: EcgLayout) -> int:
    """Columns of a layout."""
    return {EcgLayout.THREE_BY_FOUR: 4, EcgLayout.SIX_BY_TWO: 2}.get(layout, 1)


def lay_out(trace: Trace, view: EcgView, room: tuple[float, float]) -> Page:
    """Lay a page out. room: the viewer's width and height in true millimetres."""
    columns = columns_of(view.layout) if has_standard_leads(trace) else 1
    wanted = LEAD_IN + min(_NATURAL_SECONDS, trace.seconds) * view.speed
    scale = min(1.0, room[0] / wanted) if view.fitted else 1.0
    width, height = room[0] / scale, room[1] / scale
    shown = min((width - LEAD_IN) / view.speed, _LONGEST_PAGE, trace.seconds)
    if columns > 1:
        shown = min(shown, _NATURAL_SECONDS)
    shown = max(shown, 0.1)
    grid = _grid(trace, view, columns)
    strips = []
    row_height = height / max(1, len(grid))
    for number, rows in enumerate(grid):
        seconds = shown / len(rows)
        for column, row in enumerate(rows):
            if row is None:
                continue
            left = LEAD_IN + column * seconds * view.speed
            begin = view.start + column * seconds
            place = (left, number * row_height, seconds * view.speed, row_height)
            strips.append(Strip(row, begin, seconds, *place, first=column == 0))
    return Page(tuple(strips), scale, shown, columns, width, height)


def has_standard_leads(trace: Trace) -> bool:
    """Whether all twelve are there."""
    return all(trace.row(name) is not None for name in STANDARD_LEADS)


def _grid(trace: Trace, view: EcgView, columns: int) -> list[list[int | None]]:
    """Rows of the trace, by paper row and column."""
    if columns == 1:
        known = [row for name in STANDARD_LEADS if (row := trace.row(name)) is not None]
        others = [row for row in range(len(trace.leads)) if row not in known]
        return [[row] for row in (*known, *others)]
    deep = len(STANDARD_LEADS) // columns
    rows = [[trace.row(STANDARD_LEADS[column * deep + row]) for column in range(columns)] for row in range(deep)]
    if view.layout is EcgLayout.THREE_BY_FOUR:
        rows.append([trace.row(view.rhythm)])
    return rows


def clamped(view: EcgView, trace: Trace, page_seconds: float) -> EcgView:
    """The view with its start inside the trace."""
    latest = max(0.0, trace.seconds - page_seconds)
    return replace(view, start=min(max(view.start, 0.0), latest))


def next_rhythm_lead(trace: Trace, current: str) -> str:
    """The lead after this one among those in mV."""
    names = [lead.name for lead in trace.leads if lead.unit == MILLIVOLT]
    if not names:
        return current
    return names[(names.index(current) + 1) % len(names)] if current in names else names[0]
