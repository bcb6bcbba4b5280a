"""How pictures are hung, without a screen: which earlier one, in how many panes, in which order."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.records import (
    AttachmentId,
    ImagingStudy,
    Instance,
    InstanceId,
    Modality,
    PatientId,
    StudyId,
)
from desktop.settings import OwnLayout
from desktop.ui.reading.hanging import (
    Film,
    arranged,
    chosen,
    comparable,
    default_layout,
    forgotten,
    hanging_order,
    learned,
    occasion,
    own_layout,
    priors,
)
from desktop.ui.viewers.film_tiles import LAYOUTS

START = datetime(2026, 1, 1, 8, tzinfo=UTC)
Shot = tuple[str, str]
"""View and side."""


def study(
    name: str,
    days: int = 0,
    shots: Sequence[Shot] = (("PA", ""),),
    modality: Modality = Modality.DX,
    part: str = "CHEST",
) -> ImagingStudy:
    """A study taken so many days after the first."""
    instances = tuple(
        Instance(InstanceId(f"{name}{n}"), StudyId(name), AttachmentId(f"a{name}{n}"), f"1.{n}", 9, 9, part, view, side)
        for n, (view, side) in enumerate(shots)
    )
    when = START + timedelta(days=days)
    return ImagingStudy(StudyId(name), PatientId("p"), f"2.{name}", modality, when.date(), "", when, instances)


def films(of: ImagingStudy) -> list[Film]:
    return [Film(of, one) for one in of.instances]


shots = st.lists(st.tuples(st.sampled_from(["PA", "AP", "LL", "", "MLO"]), st.sampled_from(["", "L", "R"])), max_size=9)
some_shots = shots.filter(bool)
parts = st.sampled_from(["CHEST", "Thorax", "HAND", ""])
modalities = st.sampled_from([Modality.DX, Modality.CR, Modality.CT, Modality.MR, Modality.PHOTO])
studies = st.builds(study, st.uuids().map(str), st.integers(-900, 900), some_shots, modalities, parts)


class TestPriors:
    @given(studies, st.lists(studies, max_size=8))
    def test_earlier_ones_are_earlier_comparable_and_newest_first(
        self, now: ImagingStudy, others: list[ImagingStudy]
    ) -> None:
        found = priors(now, [now, *others])
        days = [one.started or date.min for one in found]
        assert days == sorted(days, reverse=True)
        assert now not in found
        for one in found:
            assert comparable(now, one)
            assert one.started is not None
            assert now.started is not None
            assert one.started <= now.started

    @given(studies, studies)
    def test_comparing_is_mutual(self, one: ImagingStudy, other: ImagingStudy) -> None:
        assert comparable(one, other) == comparable(other, one)

    @pytest.mark.parametrize(
        ("other", "expected"),
        [
            (study("b", modality=Modality.CR), True),
            (study("b", part="Thorax"), True),
            (study("b", part=""), True),
            (study("b", shots=(("AP", ""),)), True),
            (study("b", shots=(("", ""),)), True),
            (study("b", shots=(("LL", ""),)), False),
            (study("b", shots=(("LL", ""), ("PA", ""))), True),
            (study("b", part="HAND"), False),
            (study("b", modality=Modality.CT), False),
            (study("b", modality=Modality.PHOTO), False),
        ],
    )
    def test_what_is_compared_with_a_chest_film(self, other: ImagingStudy, expected: bool) -> None:
        assert comparable(study("a"), other) is expected

    def test_sides(self) -> None:
        left = study("a", part="KNEE", shots=(("AP", "L"),))
        assert not comparable(left, study("b", part="KNEE", shots=(("AP", "R"),)))
        assert comparable(left, study("b", part="KNEE", shots=(("AP", "R"), ("AP", "L"))))
        assert comparable(left, study("b", part="KNEE", shots=(("AP", ""),)))

    def test_photographs_need_their_part_named(self) -> None:
        one, other = (study(name, modality=Modality.PHOTO, part="") for name in "ab")
        assert not comparable(one, other)
        named = [study(name, modality=Modality.PHOTO, part="HAND") for name in "ab"]
        assert comparable(*named)

    def test_a_later_one_is_no_prior(self) -> None:
        assert [one.id for one in priors(study("now", 10), [study("a", 5), study("b", 9), study("c", 11)])] == [
            "b",
            "a",
        ]


class TestLayouts:
    @given(st.integers(1, 40), st.integers(0, 40))
    def test_a_default_layout_exists_and_holds_the_study_as_far_as_nine_go(self, count: int, earlier: int) -> None:
        rows, columns = default_layout(count, earlier)
        assert (rows, columns) in LAYOUTS
        assert rows * columns >= min(count + bool(earlier), 9)

    @given(
        st.sampled_from(LAYOUTS),
        some_shots,
        st.lists(some_shots, max_size=3),
        st.lists(st.just(("PA", "")), max_size=3),
    )
    def test_panes_hold_each_picture_once_the_one_being_read_first(
        self, layout: tuple[int, int], now: list[Shot], earlier: list[list[Shot]], rest: list[Shot]
    ) -> None:
        own = films(study("now", shots=now))
        before = [films(study(f"e{n}", -n - 1, one)) for n, one in enumerate(earlier)]
        others = films(study("rest", -99, rest)) if rest else []
        panes = arranged(layout, own, before, others)
        assert len(panes) == layout[0] * layout[1]
        assert panes[0] == own[0]
        hung = [film for film in panes if film is not None]
        assert len(hung) == len({film.instance.id for film in hung})
        if before and len(panes) > 1:
            assert any(film.study.id == "e0" for film in hung)

    def test_one_film_with_an_earlier_one_beside(self) -> None:
        now, before, older = study("n", 9), study("b", 5), study("o", 1)
        panes = arranged(default_layout(1, 1), films(now), [films(before), films(older)])
        assert [film.study.id for film in panes if film] == ["n", "b"]

    def test_views_hang_above_their_own_earlier_ones(self) -> None:
        now = study("n", 9, (("PA", ""), ("LL", "")))
        before = study("b", 1, (("LL", ""), ("AP", "")))
        panes = arranged(default_layout(2, 2), films(now), [films(before)])
        assert [film.instance.view_position for film in panes if film] == ["PA", "LL", "AP", "LL"]
        assert [film.study.id for film in panes if film] == ["n", "n", "b", "b"]

    def test_the_patients_right_hangs_at_the_left_and_frontal_before_side(self) -> None:
        shots_filed = (("LL", ""), ("PA", "L"), ("PA", "R"))
        order = hanging_order(study("n", shots=shots_filed).instances)
        assert [(one.view_position, one.laterality) for one in order] == [("PA", "R"), ("PA", "L"), ("LL", "")]

    @pytest.mark.parametrize(
        ("count", "earlier", "layout"),
        [
            (1, 0, (1, 1)),
            (1, 1, (1, 2)),
            (2, 0, (1, 2)),
            (2, 2, (2, 2)),
            (3, 3, (2, 3)),
            (4, 0, (2, 2)),
            (9, 0, (3, 3)),
        ],
    )
    def test_layouts_by_count(self, count: int, earlier: int, layout: tuple[int, int]) -> None:
        assert default_layout(count, earlier) == layout


class TestLearning:
    def test_a_choice_is_for_its_user_kind_part_and_occasion_only(self) -> None:
        sight = occasion(study("n"), [study("b", -1)])
        own = learned((), chosen("u1", sight, (2, 2), linked=False))
        found = own_layout(own, "u1", sight)
        assert found is not None
        assert (found.rows, found.columns, found.linked) == (2, 2, False)
        assert own_layout(own, "u2", sight) is None
        assert own_layout(own, "u1", occasion(study("n"), [])) is None
        assert own_layout(own, "u1", occasion(study("n", part="HAND"), [study("b")])) is None
        assert own_layout(own, "u1", occasion(study("n", modality=Modality.CT), [study("b")])) is None
        assert own_layout(own, "u1", occasion(study("n", modality=Modality.CR, part="THORAX"), [study("b")])) is found

    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["u1", "u2"]),
                st.sampled_from(["CHEST", "HAND"]),
                st.booleans(),
                st.sampled_from(LAYOUTS),
            ),
            max_size=12,
        )
    )
    def test_the_last_choice_holds_and_forgetting_takes_nothing_of_others(
        self, deeds: list[tuple[str, str, bool, tuple[int, int]]]
    ) -> None:
        own: tuple[OwnLayout, ...] = ()
        expected: dict[tuple[str, str, bool], tuple[int, int]] = {}
        for user, part, earlier, layout in deeds:
            sight = occasion(study("n", part=part), [study("b")] if earlier else [])
            own = learned(own, chosen(user, sight, layout, linked=True))
            expected[(user, part, earlier)] = layout
        assert {(one.user, one.part, one.earlier): (one.rows, one.columns) for one in own} == expected
        assert [one for one in forgotten(own, "u1") if one.user == "u1"] == []
        assert [one for one in forgotten(own, "u1") if one.user == "u2"] == [one for one in own if one.user == "u2"]
        for one in own:
            assert set(own) - set(forgotten(own, one.user, one)) == {one}
