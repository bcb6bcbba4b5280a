"""How pictures are hung: which earlier study belongs beside, in how many panes, in which order. Pure: no Qt.

Nobody sets anything up: the rules go by modality, body part, view and side. What somebody chose by hand for one kind of
picture is how the next of that kind opens for them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from desktop.records import ImagingStudy, Instance, Modality
from desktop.settings import OwnLayout

_X_RAY = frozenset((Modality.CR, Modality.DX))
_SAME_PART = {"THORAX": "CHEST", "LUNG": "CHEST", "BRAIN": "HEAD", "SKULL": "HEAD", "KNEE JOINT": "KNEE"}
_VIEWS = ("PA", "AP", "CC", "MLO", "LL", "RL", "LAT", "LATERAL")
_FRONTAL, _SIDE = frozenset(("PA", "AP")), frozenset(("LL", "RL", "LAT", "LATERAL"))
_SIDES = ("R", "", "L")
"""The patient's right hangs at the viewer's left, as the patient stands before the viewer."""


@dataclass(frozen=True)
class Occasion:
    """What a layout is chosen for. kind: a slug such as `x_ray`; part: such as `CHEST`, empty where nobody says."""

    kind: str
    part: str
    earlier: bool


@dataclass(frozen=True)
class Film:
    """One picture of a study to be hung."""

    study: ImagingStudy
    instance: Instance


def kind_of(modality: Modality) -> str:
    """Pictures that are compared with one another: radiographs of any make are one kind."""
    return "x_ray" if modality in _X_RAY else modality.value.lower()


def part_of(study: ImagingStudy) -> str:
    """The body part as the files name it, empty where they do not."""
    said = next((one.body_part for one in study.instances if one.body_part), "").strip().upper()
    return _SAME_PART.get(said, said)


def occasion(study: ImagingStudy, earlier: Sequence[ImagingStudy]) -> Occasion:
    """What kind of sight this is. earlier: as `priors` found them."""
    return Occasion(kind_of(study.modality), part_of(study), bool(earlier))


# Earlier studies


def taken(study: ImagingStudy) -> date:
    """When it was taken, as far as its file says; else when it was brought in."""
    return study.started or study.added.date()


def comparable(study: ImagingStudy, other: ImagingStudy) -> bool:
    """Whether another study shows the same: its kind, its body part, and a side and a view that this one has too.

    What a file does not say is no obstacle, but photographs and the like need the body part named on both.
    """
    if other.id == study.id or kind_of(other.modality) != kind_of(study.modality):
        return False
    here, there = part_of(study), part_of(other)
    if here and there:
        if here != there:
            return False
    elif study.modality in (Modality.PHOTO, Modality.OT, Modality.SC):
        return False
    sides = [{one.laterality.strip().upper() for one in of.instances} - {""} for of in (study, other)]
    if all(sides) and not sides[0] & sides[1]:
        return False
    views = [{_view(one) for one in of.instances} for of in (study, other)]
    return "" in views[0] | views[1] or bool(views[0] & views[1]) or not (views[0] and views[1])


def priors(study: ImagingStudy, others: Iterable[ImagingStudy]) -> list[ImagingStudy]:
    """The earlier studies to compare with, the newest first; of one day, those brought in before."""
    moment = (taken(study), study.added)
    found = [one for one in others if comparable(study, one) and (taken(one), one.added) < moment]
    return sorted(found, key=lambda one: (taken(one), one.added, one.id), reverse=True)


# Order and place


def hanging_order(instances: Sequence[Instance]) -> list[Instance]:
    """The frontal view before the side view, the patient's right before the left, else as filed."""

    def rank(instance: Instance) -> tuple[int, int]:
        view, side = instance.view_position.strip().upper(), instance.laterality.strip().upper()
        return (
            _VIEWS.index(view) if view in _VIEWS else 0 if not view else len(_VIEWS),
            _SIDES.index(side) if side in _SIDES else 1,
        )

    return sorted(instances, key=rank)


def default_layout(films: int, earlier: int) -> tuple[int, int]:
    """Rows and columns for so many pictures of a study, and of the newest earlier one to compare with."""
    if films < 1 or earlier < 0:
        raise ValueError("nothing to hang")
    if not earlier:
        fitting = {1: (1, 1), 2: (1, 2), 3: (2, 2), 4: (2, 2), 5: (2, 3), 6: (2, 3)}
        return fitting.get(films, (3, 3))
    fitting = {1: (1, 2), 2: (2, 2), 3: (2, 3), 4: (2, 3), 5: (3, 3)}
    return fitting.get(films, (3, 3))


def arranged(
    layout: tuple[int, int], now: Sequence[Film], earlier: Sequence[Sequence[Film]], rest: Sequence[Film] = ()
) -> list[Film | None]:
    """What hangs in each pane, row by row; None for an empty one. `now[0]` is being read and hangs first.

    earlier: the pictures of each earlier study, the newest study first. rest: what else there is, in order. Several
    views with an earlier study hang above their own earlier ones; anything else hangs in one row after the other.
    """
    rows, columns = layout
    room = rows * columns
    if not now:
        raise ValueError("nothing to hang")
    if earlier and rows > 1 and 1 < len(now) <= columns:
        panes: list[Film | None] = []
        for row in (now, *(_beneath(now, one) for one in earlier[: rows - 1])):
            panes += [*row, *[None] * columns][:columns]
        return (panes + [None] * room)[:room]
    # One row has at least one pane for the earlier study, where there is room for two.
    own = list(now)
    if earlier and 1 < room <= len(own):
        own = own[: room - 1]
    flowing: list[Film | None] = [*own]
    flowing += [film for films in earlier for film in _beneath(now, films) if film is not None]
    flowing += rest
    return (flowing + [None] * room)[:room]


def _beneath(now: Sequence[Film], earlier: Sequence[Film]) -> list[Film | None]:
    """The pictures of an earlier study in the order of those above them, by view and side; the others after them."""
    left = list(earlier)
    row: list[Film | None] = []
    for above in now:
        alike = next((one for one in left if _alike(one.instance, above.instance)), None)
        row.append(alike)
        if alike is not None:
            left.remove(alike)
    for place, film in enumerate(row):
        if film is None and left:
            row[place] = left.pop(0)
    return [*row, *left]


def _alike(one: Instance, other: Instance) -> bool:
    sides = [instance.laterality.strip().upper() for instance in (one, other)]
    return _view(one) == _view(other) and (sides[0] == sides[1] or not all(sides))


def _view(instance: Instance) -> str:
    said = instance.view_position.strip().upper()
    return "FRONTAL" if said in _FRONTAL else "SIDE" if said in _SIDE else said


# What somebody chose


def own_layout(own: Sequence[OwnLayout], user: str, sight: Occasion) -> OwnLayout | None:
    """What somebody chose for this kind of picture."""
    return next((one for one in own if _key(one) == (user, sight.kind, sight.part, sight.earlier)), None)


def learned(own: Sequence[OwnLayout], choice: OwnLayout) -> tuple[OwnLayout, ...]:
    """With a choice in the place of the one before it."""
    if any(_key(one) == _key(choice) for one in own):
        return tuple(choice if _key(one) == _key(choice) else one for one in own)
    return (*own, choice)


def forgotten(own: Sequence[OwnLayout], user: str, choice: OwnLayout | None = None) -> tuple[OwnLayout, ...]:
    """Without one choice of somebody's, or without all of them; other people's stay."""
    gone = {_key(one) for one in own if one.user == user and (choice is None or _key(one) == _key(choice))}
    return tuple(one for one in own if _key(one) not in gone)


def chosen(user: str, sight: Occasion, layout: tuple[int, int], linked: bool) -> OwnLayout:
    """A choice somebody made by hand."""
    return OwnLayout(user, sight.kind, sight.part, sight.earlier, *layout, linked)


def _key(one: OwnLayout) -> tuple[str, str, str, bool]:
    return one.user, one.kind, one.part, one.earlier
