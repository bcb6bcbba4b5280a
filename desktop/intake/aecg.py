"""HL7 annotated ECG (aECG, `AnnotatedECG` in `urn:hl7-org:v3`): the XML in which trials and some recorders hand over.

The reader follows the implementation guide of 2005-03-21; names are looked for without their namespace, since files
in the wild write several.
"""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, datetime, time

import numpy as np

from desktop.errors import UserFacingError
from desktop.intake.dicom_fields import clean
from desktop.intake.ecg_parts import Values, check_rate, check_size, empty, finite, in_millivolts, too_long
from desktop.records import (
    FileHeader,
    Lead,
    Modality,
    PartialDate,
    Recording,
    Sex,
    Statement,
    Trace,
    TraceFormat,
    standard_lead,
)

_MAX_BYTES, _MAX_ELEMENTS = 96 * 1024 * 1024, 400_000
_ROOT = re.compile(r"<(?:[\w.-]+:)?AnnotatedECG\b")
_SECONDS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "min": 60.0}
_SEXES = {"M": Sex.MALE, "F": Sex.FEMALE}
_LEAD_PREFIX = "MDC_ECG_LEAD_"
_FILTERS = {"MDC_ATTR_FILTER_HIGH_PASS": 0, "MDC_ATTR_FILTER_LOW_PASS": 1, "MDC_ATTR_FILTER_NOTCH": 2}


def is_aecg(header: bytes) -> bool:
    """Whether a file that begins so has AnnotatedECG for its root."""
    return _ROOT.search(_text(header, "ignore")) is not None


def _text(data: bytes, errors: str = "strict") -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data[: len(data) // 2 * 2].decode(encoding, errors)
    return data.decode("latin-1")


def decode(data: bytes) -> Recording:
    """Each sequence set of the document as a trace; those of a derived series are marked so.

    Raises UserFacingError: damaged, nothing sampled, no rate, too long; a document that defines entities is refused.
    """
    # Elements are counted before the parser may build any of them.
    if len(data) > _MAX_BYTES or data.count(b"<") > 2 * _MAX_ELEMENTS:
        raise too_long()
    if "<!DOCTYPE" in _text(data, "replace"):
        raise UserFacingError("ecg.damaged")
    try:
        root = ET.fromstring(data)
        return _recording(root)
    except UserFacingError:
        raise
    except ET.ParseError as error:
        cut = "no element found" in str(error) or "unclosed token" in str(error)
        raise UserFacingError("ecg.truncated" if cut else "ecg.damaged") from error
    except (ValueError, LookupError, OverflowError, RecursionError) as error:
        raise UserFacingError("ecg.damaged") from error
    except MemoryError as error:
        raise too_long() from error


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _all(element: ET.Element, name: str) -> Iterator[ET.Element]:
    return (inner for inner in element.iter() if _local(inner) == name)


def _first(element: ET.Element | None, *path: str) -> ET.Element | None:
    """The first descendant of that name, then the first of the next name below it."""
    for name in path:
        if element is None:
            return None
        element = next(_all(element, name), None)
    return element


def _attribute(element: ET.Element | None, name: str) -> str:
    return clean(element.get(name, "")) if element is not None else ""


def _recording(root: ET.Element) -> Recording:
    if _local(root) != "AnnotatedECG":
        raise UserFacingError("ecg.damaged")
    traces: list[Trace] = []
    derived = {inner for series in _all(root, "derivedSeries") for inner in _all(series, "sequenceSet")}
    statements: dict[Statement, None] = {}
    for series in (*_all(root, "series"), *_all(root, "derivedSeries")):
        title = _attribute(next((c for c in series if _local(c) == "code"), None), "code")
        for sequences in _own_sets(series):
            traces.append(_trace(sequences, title, sequences in derived, _filters(series)))
        statements |= dict.fromkeys(_statements(series))
    if not traces:
        raise UserFacingError("ecg.no_samples")
    check_size(1, sum(trace.samples.size for trace in traces))
    start = traces[0].start or _moment(_attribute(_first(root, "effectiveTime", "low"), "value"))
    modality = Modality.ECG if any(trace.ecg for trace in traces) else Modality.HD
    return Recording(tuple(traces), _header(root, modality, start), TraceFormat.AECG, tuple(statements))


def _own_sets(series: ET.Element) -> Iterator[ET.Element]:
    """Sequence sets of this series, not those of a series derived from it further in."""
    further = (one for one in _all(series, "derivedSeries") if one is not series)
    inner = {one for derived in further for one in _all(derived, "sequenceSet")}
    return (one for one in _all(series, "sequenceSet") if one not in inner)


def _trace(
    sequences: ET.Element, title: str, derived: bool, filters: tuple[float | None, float | None, float | None]
) -> Trace:
    rate, start = None, None
    rows: list[tuple[Lead, Values]] = []
    for sequence in _all(sequences, "sequence"):
        code = _attribute(next((c for c in sequence if _local(c) == "code"), None), "code")
        value = next((c for c in sequence if _local(c) == "value"), None)
        if value is None:
            continue
        if code.startswith("TIME_"):
            rate = _rate(_first(value, "increment"))
            start = _moment(_attribute(_first(value, "head"), "value")) if code == "TIME_ABSOLUTE" else None
        else:
            rows.append(_row(code, value, filters))
    check_size(len(rows), max((values.size for _, values in rows), default=0))
    samples = empty(len(rows), max(values.size for _, values in rows))
    for number, (_, values) in enumerate(rows):
        samples[number, : values.size] = values
    return Trace(finite(samples), check_rate(rate), tuple(lead for lead, _ in rows), start, (), title, derived)


def _rate(increment: ET.Element | None) -> float | None:
    seconds = float(_attribute(increment, "value") or "nan") * _SECONDS.get(_attribute(increment, "unit"), float("nan"))
    return 1.0 / seconds if seconds > 0 else None


def _row(code: str, value: ET.Element, filters: tuple[float | None, float | None, float | None]) -> tuple[Lead, Values]:
    """One lead: digits x scale + origin, in the scale's unit; without a scale the digits stay as they are."""
    digits = _first(value, "digits")
    words = (digits.text or "").split() if digits is not None else []
    check_size(1, max(1, len(words)))
    values = np.array(words, np.float64)
    scale, origin = _first(value, "scale"), _first(value, "origin")
    name = standard_lead(clean(code)) or "?"
    size = _attribute(scale, "value")
    if not size:
        return Lead(name, "", *filters), values
    unit, factor = in_millivolts(_attribute(scale, "unit"))
    values *= float(size) * factor
    if _attribute(origin, "value"):
        values += float(_attribute(origin, "value")) * in_millivolts(_attribute(origin, "unit"))[1]
    return Lead(name, unit, *filters), values


def _filters(series: ET.Element) -> tuple[float | None, float | None, float | None]:
    found: list[float | None] = [None, None, None]
    for variable in _all(series, "controlVariable"):
        code = _attribute(next((c for c in variable if _local(c) == "code"), None), "code")
        if code not in _FILTERS:
            continue
        for value in _all(variable, "value"):
            try:
                number = float(_attribute(value, "value"))
            except ValueError:
                continue
            if number > 0 and _attribute(value, "unit") == "Hz":
                found[_FILTERS[code]] = number
    return found[0], found[1], found[2]


def _statements(series: ET.Element) -> Iterator[Statement]:
    """Measurements and words in the series' annotations."""
    for annotation in _all(series, "annotation"):
        code = _attribute(next((c for c in annotation if _local(c) == "code"), None), "code")
        value = next((c for c in annotation if _local(c) == "value"), None)
        if value is None or not code:
            continue
        if _attribute(value, "value"):
            yield Statement(code, _attribute(value, "value"), _attribute(value, "unit"))
        elif value.text and value.text.strip():
            yield Statement("", clean(value.text))


def _moment(text: str) -> datetime | None:
    """HL7 TS: `YYYYMMDDHHMMSS[.s]`, with or without a zone, which is dropped: it is the recorder's local time."""
    match = re.match(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})?(?:\.(\d{1,6}))?", text)
    if match is None:
        return None
    try:
        when = time(int(match[4]), int(match[5]), int(match[6] or 0), int((match[7] or "0").ljust(6, "0")))
        return datetime.combine(date(int(match[1]), int(match[2]), int(match[3])), when)
    except ValueError:
        return None


def _header(root: ET.Element, modality: Modality, start: datetime | None) -> FileHeader:
    person = _first(root, "subjectDemographicPerson")
    name = _first(person, "name")
    words = ""
    if name is not None:
        family, given = _first(name, "family"), [clean(g.text or "") for g in _all(name, "given")]
        structured = "^".join([clean(family.text or ""), " ".join(given)]) if family is not None else ""
        words = structured.strip("^") or clean(name.text or "")
    born = re.match(r"(\d{4})(\d{2})?(\d{2})?", _attribute(_first(person, "birthTime"), "value"))
    return FileHeader(
        modality=modality,
        name_groups=(words,) if words else (),
        patient_number=_attribute(_first(root, "trialSubject", "id"), "extension"),
        birth_date=_partial(born),
        sex=_SEXES.get(_attribute(_first(person, "administrativeGenderCode"), "code")),
        study_date=start.date() if start is not None else None,
    )


def _partial(match: "re.Match[str] | None") -> PartialDate | None:
    if match is None:
        return None
    try:
        month = int(match[2]) if match[2] else None
        return PartialDate(int(match[1]), month, int(match[3]) if match[3] and month else None)
    except ValueError:
        return None
