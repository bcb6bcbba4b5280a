"""A series as it can be looked at: as a volume where its slices allow one, else slice by slice."""

from collections.abc import Callable
from dataclasses import dataclass, field

from desktop.imaging.volume import Volume
from desktop.imaging.volume_stack import StackFinding
from desktop.records import VoiWindow


@dataclass(frozen=True)
class SliceOrigin:
    """One of the pictures a series is made of: SOP instance UID, which of its frames, from 1, and its size in pixels.

    at: where it lies among the volume's slices; between two of them where the volume had to be resampled. right, down:
    pixels by which it lies further in the volume than in its own file: a leaning pile is straightened by moving its
    slices within their own planes.
    """

    instance_uid: str
    frame: int
    rows: int
    columns: int
    at: float = 0.0
    right: float = 0.0
    down: float = 0.0


@dataclass(frozen=True, eq=False)
class VolumeSeries:
    """A series of slices.

    volumes: one for each moment; empty where no volume may be made of the slices, and `findings` then say why. count:
    slices of each moment. moments: how many there are. positions: millimetres of each slice along the slices' normal,
    empty where the files do not say where they lie. thickness: of a slice in millimetres as the files say, or None.
    read_slice: (slice, moment) to a volume one slice thick; may read a file and raise UserFacingError. windows: the
    files' own. origins: [moment][number] the pictures it is made of, in the order of the slices, one for each where
    there is no volume; None for one that has no UID. Empty where there are none (a volume file, a difference).
    """

    modality: str
    volumes: tuple[Volume, ...]
    count: int
    moments: int
    positions: tuple[float, ...]
    findings: tuple[StackFinding, ...]
    read_slice: Callable[[int, int], Volume] = field(repr=False)
    thickness: float | None = None
    windows: tuple[VoiWindow, ...] = ()
    description: str = ""
    origins: tuple[tuple[SliceOrigin | None, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.count < 1 or self.moments < 1 or (self.positions and len(self.positions) != self.count):
            raise ValueError("a series has slices, and each of them one place")
        if self.volumes and len(self.volumes) != self.moments:
            raise ValueError("a volume for each moment or none")
        if self.origins and len(self.origins) != self.moments:
            raise ValueError("pictures for each moment or none")

    @property
    def solid(self) -> bool:
        """Whether there is a volume."""
        return bool(self.volumes)

    @property
    def refusals(self) -> tuple[StackFinding, ...]:
        """Why there is none."""
        return tuple(finding for finding in self.findings if finding.refuses)
