"""Records come back from their bytes, and their bytes from the records."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from desktop import vault
from desktop.records import Analysis, PartialDate, Patient, ReportContent, Suggestion
from desktop.store import canonical_bytes, from_canonical
from tests.store.helpers import full_patient, patient, signed_report, suggestion_for
from tests.store.test_readings import bare_study


def test_a_patient_comes_back() -> None:
    for record in (patient(), full_patient(), patient("Zoë", no_known_allergies=True)):
        data = canonical_bytes(record)
        assert from_canonical(Patient, data) == record
        assert canonical_bytes(from_canonical(Patient, data)) == data


def test_the_form_is_fixed() -> None:
    """Signatures and audit hashes hang on these very bytes."""

    @dataclass(frozen=True)
    class Sample:
        when: datetime
        born: PartialDate | None
        raw: bytes
        names: tuple[str, ...]
        value: float

    sample = Sample(
        datetime(2026, 11, 21, 17, 30, tzinfo=timezone(timedelta(hours=8))), PartialDate(2021, 5), b"\1", ("李",), 0.1
    )
    expected = '{"born":"2021-05","names":["李"],"raw":"AQ==","value":0.1,"when":"2026-11-21T09:30:00.000000+00:00"}'
    assert canonical_bytes(sample).decode() == expected


def test_a_report_comes_back(keys: vault.Unlocked) -> None:
    content = signed_report(keys, full_patient(), bare_study()).content
    assert from_canonical(ReportContent, canonical_bytes(content)) == content


def test_activations_are_kept_as_half_floats() -> None:
    data = canonical_bytes(suggestion_for(bare_study()))
    back = from_canonical(Suggestion, data)
    heat = back.analysis.activations[0].heat
    assert heat.dtype == np.float32
    assert np.allclose(heat, np.linspace(0, 1, 24).reshape(4, 6), atol=1e-3)
    assert canonical_bytes(back) == data


def test_everything_a_model_may_answer_comes_back() -> None:
    analysis = suggestion_for(bare_study()).analysis
    back = from_canonical(Analysis, canonical_bytes(analysis))
    for name in ("findings", "beats", "episodes", "boxes", "counts", "masks"):
        assert getattr(back, name), name
        assert getattr(back, name) == getattr(analysis, name), name


def test_a_field_of_a_later_release_gets_its_default() -> None:
    @dataclass(frozen=True)
    class Old:
        name: str

    @dataclass(frozen=True)
    class New:
        name: str
        colour: str = "unknown"

    assert from_canonical(New, canonical_bytes(Old("x"))) == New("x")


def test_what_is_no_record_is_refused() -> None:
    for data in (b"", b"{}", b"[]", b"\xff", b'{"names": 3}', b'{"id":"x","names":[]}'):
        with pytest.raises(ValueError):
            from_canonical(Patient, data)


def test_moments_need_a_zone_and_numbers_a_value() -> None:
    @dataclass(frozen=True)
    class Moment:
        when: object

    with pytest.raises(ValueError):
        canonical_bytes(Moment(datetime(2026, 1, 1)))  # noqa: DTZ001 - the point
    with pytest.raises(ValueError):
        canonical_bytes(Moment(float("nan")))
    for odd in (object(), {"a": 1}, [1], {1}):
        with pytest.raises(TypeError):
            canonical_bytes(Moment(odd))
    assert b"+00:00" in canonical_bytes(Moment(datetime(2026, 1, 1, tzinfo=UTC)))
