"""The bytes that are signed: one way of writing each report, read back strictly."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desktop.records import (
    AnnotationKind,
    InstanceId,
    PartialDate,
    PrintedPicture,
    ReportContent,
    ReportedCount,
    VoiWindow,
)
from desktop.records.canonical_report import (
    addendum_canonical_bytes,
    report_canonical_bytes,
    report_format,
    report_from_canonical,
)
from tests.exports.samples import several

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def test_reads_back_what_it_wrote(content: ReportContent) -> None:
    assert report_from_canonical(report_canonical_bytes(content)) == content


def test_format_is_pinned(content: ReportContent) -> None:
    """Reports already signed must go on verifying: a change of these bytes needs a new format number."""
    data = report_canonical_bytes(content)
    assert data.startswith(b'{"content":{"age_days":1181,"age_months":38,"annotations":[{')
    assert data.endswith(b'"synthetic":false},"format":"lantern-report/1"}')
    assert "石桥村".encode() in data
    assert hashlib.sha256(data).hexdigest() == "6e2309894ac023426f951a961dbf2cc6ceadea66e69f7fd65945760ba6cb1a3d"


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    findings=words,
    impression=words,
    probability=st.none() | st.floats(0, 1),
    month=st.none() | st.integers(1, 12),
    offset=st.integers(-14 * 60, 14 * 60),
    points=st.lists(st.tuples(st.integers(-5, 5000), st.floats(-5, 5000)), min_size=2, max_size=9),
)
def test_round_trip_of_anything_a_report_can_hold(
    content: ReportContent,
    findings: str,
    impression: str,
    probability: float | None,
    month: int | None,
    offset: int,
    points: list[tuple[float, float]],
) -> None:
    changed = replace(
        content,
        findings_text=findings,
        impression=impression,
        findings=(replace(content.findings[0], probability=probability), *content.findings[1:]),
        patient=replace(content.patient, birth_date=PartialDate(2023, month)),
        annotations=(replace(content.annotations[0], points=tuple(points), kind=AnnotationKind.REGION),),
        signed=datetime(2026, 5, 7, 1, 2, 3, 4, tzinfo=timezone(timedelta(minutes=offset))),
        study_date=None,
        age_months=None,
    )
    data = report_canonical_bytes(changed)
    assert report_from_canonical(data) == changed
    assert report_canonical_bytes(report_from_canonical(data)) == data


def test_a_frame_needs_the_second_format_and_only_a_frame_does(content: ReportContent) -> None:
    drawing = content.annotations[0]
    framed = replace(content, annotations=(replace(drawing, frame=7), *content.annotations[1:]))
    data = report_canonical_bytes(framed)
    assert (report_format(content), report_format(framed)) == ("lantern-report/1", "lantern-report/2")
    assert report_from_canonical(data) == framed
    assert b'"frame":7' in data
    assert b'"frame"' not in report_canonical_bytes(content)
    for other in (
        data.replace(b'"frame":7', b'"frame":1'),  # would be the first format
        data.replace(b"lantern-report/2", b"lantern-report/1"),
        data.replace(b'"frame":7', b'"frame":0'),
    ):
        assert other != data
        with pytest.raises(ValueError):
            report_from_canonical(other)


def test_whole_and_floating_points_are_one_value(content: ReportContent) -> None:
    drawing = content.annotations[0]
    whole = replace(content, annotations=(replace(drawing, points=((40, 150), (110, 230))),))
    floating = replace(content, annotations=(replace(drawing, points=((40.0, 150.0), (110.0, 230.0))),))
    assert report_canonical_bytes(whole) == report_canonical_bytes(floating)


def _changed(content: ReportContent, **members: object) -> bytes:
    document = json.loads(report_canonical_bytes(content))
    document["content"].update(members)
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("impression", None),
        ("impression", 3),
        ("read_before_reveal", 1),
        ("age_months", True),
        ("age_months", "38"),
        ("signed", "yesterday"),
        ("signed", "2026-05-07T10:42:03.000000"),
        ("signed", "2026-05-07T10:42:03+08:00"),
        ("findings", {}),
        ("patient", None),
        ("extra", "field"),
    ],
)
def test_refuses_values_of_another_type(content: ReportContent, member: str, value: object) -> None:
    with pytest.raises(ValueError):
        report_from_canonical(_changed(content, **{member: value}))


def test_refuses_the_same_said_in_another_way(content: ReportContent) -> None:
    data = report_canonical_bytes(content)
    document = json.loads(data)
    content_of = document["content"]
    others = [
        data + b"\n",
        data.replace(b'"age_days":1181', b'"age_days": 1181'),
        data.replace(b'"age_days":1181', b'"age_days":1,"age_days":1181'),
        json.dumps(document, sort_keys=True, separators=(",", ":")).encode(),
        json.dumps({"format": "lantern-report/2", "content": content_of}).encode(),
        json.dumps(content_of).encode(),
        b"[]",
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        data.replace(b"chest-xray-child", b"chest\\u002dxray-child"),
    ]
    for other in others:
        assert other != data
        with pytest.raises(ValueError):
            report_from_canonical(other)


def test_refuses_to_write_what_has_no_one_form(content: ReportContent) -> None:
    without_zone = replace(content, signed=datetime(2026, 5, 7, 10, 0))  # noqa: DTZ001  # the point of the test
    with pytest.raises(ValueError):
        report_canonical_bytes(without_zone)
    not_a_number = replace(content, findings=(replace(content.findings[0], probability=float("nan")),))
    with pytest.raises(ValueError):
        report_canonical_bytes(not_a_number)
    with pytest.raises(ValueError):
        report_canonical_bytes(replace(content, impression="\ud800"))


def test_addendum_names_report_and_the_addendum_before() -> None:
    signed = datetime(2026, 5, 10, 1, 30, tzinfo=UTC)
    first = addendum_canonical_bytes("a" * 64, "", "words", "Dr Li", signed)
    assert first == (
        b'{"content":{"author_name":"Dr Li","previous_sha256":"","report_sha256":"' + b"a" * 64 + b'",'
        b'"signed":"2026-05-10T01:30:00.000000+00:00","text":"words"},"format":"lantern-addendum/1"}'
    )
    assert first != addendum_canonical_bytes("a" * 64, "b" * 64, "words", "Dr Li", signed)


def test_a_slice_that_was_chosen_for_the_paper_needs_the_third_format(content: ReportContent) -> None:
    chosen = replace(content, picture=PrintedPicture(InstanceId("slice"), 3, VoiWindow(40.0, 80.0), inverted=True))
    data = report_canonical_bytes(chosen)
    assert (report_format(content), report_format(chosen)) == ("lantern-report/1", "lantern-report/3")
    assert report_from_canonical(data) == chosen
    plain = replace(chosen, picture=PrintedPicture(InstanceId("slice")))
    assert report_from_canonical(report_canonical_bytes(plain)) == plain
    for written_as in (b"lantern-report/1", b"lantern-report/2"):
        with pytest.raises(ValueError, match=r"canonical|frames|fields"):
            report_from_canonical(data.replace(b"lantern-report/3", written_as))
    document = json.loads(report_canonical_bytes(content))
    document["format"] = "lantern-report/3"
    with pytest.raises(ValueError, match="fields"):
        report_from_canonical(json.dumps(document).encode())


def test_what_a_model_counted_needs_the_fourth_format(content: ReportContent) -> None:
    counted = replace(content, counts=(ReportedCount("red_cell", "Red cell", "红细胞", 123, 110, 140),))
    data = report_canonical_bytes(counted)
    assert (report_format(content), report_format(counted)) == ("lantern-report/1", "lantern-report/4")
    assert report_from_canonical(data) == counted
    untold = replace(counted, counts=(ReportedCount("platelet", "Platelet", "血小板", 0),))
    assert report_from_canonical(report_canonical_bytes(untold)) == untold
    for written_as in (b"lantern-report/1", b"lantern-report/2", b"lantern-report/3"):
        with pytest.raises(ValueError, match=r"canonical|frames|fields"):
            report_from_canonical(data.replace(b"lantern-report/4", written_as))


def test_several_suggestions_need_the_fifth_format(content: ReportContent) -> None:
    both = several(content)
    data = report_canonical_bytes(both)
    assert report_format(both) == "lantern-report/5"
    assert report_from_canonical(data) == both
    assert [one.picture for one in both.said] == [1, 2, 2]
    assert [one.model_name for one in content.said] == ["chest-xray-child"]
    assert b"suggestions" not in report_canonical_bytes(content)
    with pytest.raises(ValueError, match="several"):
        replace(both, model_name="chest-xray-child")
    with pytest.raises(ValueError, match="several"):
        replace(both, suggestions=both.suggestions[:1])
    with pytest.raises(ValueError, match="canonical"):
        report_from_canonical(data.replace(b"lantern-report/5", b"lantern-report/4"))
