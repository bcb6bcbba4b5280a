"""What the corners of the film say about a study."""

from desktop.i18n import format_age
from desktop.records import ImagingStudy, Instance, Patient, Picture
from desktop.ui.context import UiContext
from desktop.ui.reading.worklist import study_words
from desktop.ui.viewers.film_words import FilmText


def film_text(
    context: UiContext,
    patient: Patient,
    study: ImagingStudy,
    instance: Instance,
    picture: Picture | None,
    among: tuple[int, int] | None = None,
) -> FilmText:
    """The patient at the left: name, number, age on the day of the film, sex. The study at the right.

    picture: None for a trace. among: which of how many films; None counts the study's files.
    """
    tr = context.tr
    person = [patient.card_number] if patient.card_number else []
    day = study.started or study.added.astimezone().date()
    age = patient.birth_date.age_on(day) if patient.birth_date is not None else None
    if age is None:
        person.append(tr("reading.age.unknown"))
    else:
        words = format_age(age.months, age.days, context.language)
        person.append(words if age.exact else tr("reading.age.about", age=words))
    person.append(tr(f"reading.sex.{patient.sex.value}"))
    film = [part for part in (instance.view_position, instance.laterality) if part]
    film += [tr("photo.straight")] if instance.made_from is not None else []
    lines = [study_words(context, study), *([" · ".join(film)] if film else [])]
    number, count = among or (study.instances.index(instance) + 1, len(study.instances))
    if count > 1:
        lines.append(tr("reading.film_of", number=number, count=count))
    return FilmText(
        patient=(patient.display_name, " · ".join(person)),
        study=tuple(lines),
        synthetic=patient.synthetic or (picture is not None and picture.header.burned_in_synthetic),
    )
