"""Drawings as a measurement report (PS3.16 TID 1500) in a Comprehensive 3D SR: every number with its UCUM unit, its
method, the lines it was taken from, a tracking identifier, and who answers for it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import highdicom
import numpy as np
from highdicom import sr
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from desktop import __version__
from desktop.exports.drawings import (
    MAKER,
    DrawingsBundle,
    DrawnPicture,
    Observer,
    dicom_points,
    ellipse_axes,
    equip,
    new_uid,
    source_dataset,
    tracking_name,
    tracking_uid,
    written,
)
from desktop.exports.measurement_codes import SCHEME, SCHEME_NAME, concept, derivation, method, unit
from desktop.exports.presentation_state import zone
from desktop.imaging.measure_lines import CLOSED, outline
from desktop.imaging.measured import Line, Measured
from desktop.records import Annotation, AnnotationKind

_GRAPHICS = {AnnotationKind.POINT: "POINT", AnnotationKind.COUNT: "MULTIPOINT"}
_COMMENT = Code("121106", "DCM", "Comment")
_PROJECTIONS = ("CR", "DX", "RG", "MG", "PX", "IO")
_PLAIN_FILM = Code("168537006", "SCT", "Plain radiography")
_IMAGING = Code("363679005", "SCT", "Imaging procedure")


def render(bundle: DrawingsBundle) -> tuple[bytes, ...]:
    """One report on all drawings of a study; none where nothing is drawn."""
    drawn = bundle.drawn
    if not drawn:
        return ()
    groups = [_group(one, drawing) for one in drawn for drawing in one.drawings]
    evidence = [source_dataset(one.source) for one in drawn]
    projection = all(one.source.modality in _PROJECTIONS for one in drawn)
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_person_context=person(bundle.observer)),
        procedure_reported=_PLAIN_FILM if projection else _IMAGING,
        imaging_measurements=groups,
        title=codes.DCM.ImagingMeasurementReport,
    )
    signed = bundle.observer.signed
    report = sr.Comprehensive3DSR(
        evidence=evidence,
        content=content[0],
        series_instance_uid=new_uid(),
        series_number=1,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=MAKER,
        is_complete=True,
        is_final=signed is not None,
        is_verified=signed is not None,
        verifying_observer_name=bundle.observer.person_name if signed is not None else None,
        verifying_organization=bundle.observer.organisation or MAKER if signed is not None else None,
        series_description="Measurements",
        manufacturer_model_name=MAKER,
        software_versions=__version__,
        device_serial_number="none",
    )
    _date(report, bundle.made, signed)
    equip(report, bundle.observer)
    report.CodingSchemeIdentificationSequence = [_scheme()]
    return (written(report, bundle),)


def _date(report: Dataset, made: datetime, signed: datetime | None) -> None:
    report.ContentDate, report.ContentTime = made.strftime("%Y%m%d"), made.strftime("%H%M%S")
    report.TimezoneOffsetFromUTC = zone(made)
    for verifying in report.get("VerifyingObserverSequence", ()):
        if signed is not None:
            verifying.VerificationDateTime = moment(signed)


def moment(when: datetime) -> str:
    """A DT value with its offset."""
    return when.strftime("%Y%m%d%H%M%S.%f") + zone(when)


def person(observer: Observer) -> sr.ObserverContext:
    """Who answers for the drawings (PS3.16 TID 1003)."""
    return sr.ObserverContext(
        observer_type=codes.DCM.Person,
        observer_identifying_attributes=sr.PersonObserverIdentifyingAttributes(
            name=observer.person_name,
            organization_name=observer.organisation or None,
            role_in_organization=codes.SCT.Physician if observer.doctor else None,
        ),
    )


def _scheme() -> Dataset:
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = SCHEME_NAME
    item.CodingSchemeResponsibleOrganization = SCHEME_NAME
    return item


def _group(one: DrawnPicture, drawing: Annotation) -> Any:
    """A drawing as a measurement group: its region, or the lines each number was taken from."""
    numbers = one.measured.get(drawing.id, ())
    name = sr.TrackingIdentifier(uid=highdicom.UID(tracking_uid(drawing.id)), identifier=tracking_name(drawing))
    image = _image(one, drawing)
    if drawing.kind in CLOSED or not numbers:
        graphic, points = _shape(drawing)
        region = sr.ImageRegion(graphic, dicom_points(points), image)
        measurements = [_number(number, ()) for number in numbers]
        group: Any = sr.PlanarROIMeasurementsAndQualitativeEvaluations(
            tracking_identifier=name, referenced_region=region, measurements=measurements or None
        )
    else:
        measurements = [_number(number, _coordinates(number.lines, drawing.kind, image)) for number in numbers]
        group = sr.MeasurementsAndQualitativeEvaluations(tracking_identifier=name, measurements=measurements)
    items = group[0].ContentSequence
    if drawing.label:
        items.append(sr.TextContentItem(_COMMENT, drawing.label, sr.RelationshipTypeValues.CONTAINS))
    for item in items:
        if item.ValueType in ("NUM", "SCOORD"):
            item.ObservationDateTime = moment(drawing.created)
    return group


def _image(one: DrawnPicture, drawing: Annotation) -> sr.SourceImageForRegion:
    frames = [drawing.frame] if one.source.frames > 1 else None
    return sr.SourceImageForRegion(one.source.class_uid, one.source.instance_uid, frames)


def _shape(drawing: Annotation) -> tuple[str, Line]:
    """The whole drawing as one graphic."""
    if drawing.kind is AnnotationKind.ELLIPSE:
        return "ELLIPSE", ellipse_axes(drawing.points)
    if drawing.kind is AnnotationKind.POINT:
        return "POINT", drawing.points
    corners = outline(drawing.kind, drawing.points)
    return "POLYLINE", (*corners, corners[0]) if drawing.kind in CLOSED else corners


def _coordinates(
    lines: Sequence[Line], kind: AnnotationKind, image: sr.SourceImageForRegion
) -> tuple[sr.CoordinatesForMeasurement, ...]:
    graphic = _GRAPHICS.get(kind, "POLYLINE")
    return tuple(sr.CoordinatesForMeasurement(graphic, dicom_points(line), image) for line in lines)


def _number(number: Measured, lines: Sequence[sr.CoordinatesForMeasurement]) -> sr.Measurement:
    return sr.Measurement(
        name=concept(number),
        value=float(np.float64(number.value)),
        unit=unit(number),
        derivation=derivation(number),
        method=method(number),
        referenced_coordinates=lines or None,
    )
