"""Accepting in one stroke what a suggestion and the doctor's own impression agree on, and taking that back.

The impression was written before the suggestion was seen. What it says otherwise, does not speak of though the model
holds it likely, or says unclearly is left to be decided by itself: one key must not carry a model's word past a reader
who read something else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from desktop.access import Permission
from desktop.errors import UserFacingError
from desktop.i18n import Language
from desktop.inference import Registry
from desktop.jobs import Job
from desktop.records import (
    Changes,
    Decision,
    Finding,
    Question,
    Review,
    ReviewId,
    Suggestion,
    SuggestionId,
    Verdict,
    new_id,
    standing,
)
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.impression_words import Said, says
from desktop.workflow.reading import Reading, add_review, check_unsigned, read_state

__all__ = ["AcceptedAtOnce", "AtOnce", "LeftOut", "TakenBack", "accept_findings", "at_once", "take_back"]


class LeftOut(StrEnum):
    """Why a finding is not accepted with the others: the impression says otherwise, does not speak of what the model
    holds likely, or leaves in doubt what it says of it."""

    OTHERWISE = "otherwise"
    NOT_MENTIONED = "not_mentioned"
    UNCLEAR = "unclear"


@dataclass(frozen=True)
class AtOnce:
    """What of a suggestion can be accepted in one stroke, and what is left out, each with the reason."""

    taken: tuple[Finding, ...] = ()
    left: tuple[tuple[Finding, LeftOut], ...] = ()


@dataclass(frozen=True)
class AcceptedAtOnce:
    """The decisions that were made in one stroke; those that are given to `take_back`."""

    reviews: tuple[Review, ...]
    left: tuple[tuple[Finding, LeftOut], ...]
    changes: Changes


@dataclass(frozen=True)
class TakenBack:
    """Decisions that were taken back."""

    changes: Changes


@open_to_all
def at_once(models: Registry, state: Reading, suggestion: Suggestion) -> AtOnce:
    """What of a suggestion's undecided findings agrees with the newest impression; nothing while there is none."""
    if state.sealed or not state.impressions:
        return AtOnce()
    impression, decided = state.impressions[-1].text, state.current_reviews
    taken, left = [], []
    for finding in suggestion.analysis.findings:
        if Question(suggestion.id, finding.key) in decided:
            continue
        names = _names(models, suggestion, finding)
        why = _left_out(finding.decision, says(impression, finding.key, names))
        if why is None:
            taken.append(finding)
        else:
            left.append((finding, why))
    return AtOnce(tuple(taken), tuple(left))


@requires(Permission.READ_IMAGES)
def accept_findings(clinic: Clinic, job: Job, suggestion: SuggestionId) -> AcceptedAtOnce:
    """Accept what `at_once` says of one suggestion, all of it or nothing. Raises UserFacingError: sealed, no impression
    yet, already signed."""
    job.check()
    with clinic.store.transaction() as tx:
        said = tx.suggestions.get(suggestion)
        check_unsigned(tx, said.study)
        state = read_state(tx, said.study, clinic.session.user.id)
        if state.sealed:
            raise UserFacingError("workflow.sealed")
        if not state.impressions:
            raise UserFacingError("workflow.accept_needs_impression")
        found = at_once(clinic.models, state, said)
        made = tuple(_review(clinic, said, finding.key, Verdict.ACCEPT, finding.decision) for finding in found.taken)
        for review in made:
            add_review(clinic, tx, review)
    return AcceptedAtOnce(made, found.left, Changes(reviews=bool(made)))


@requires(Permission.READ_IMAGES)
def take_back(clinic: Clinic, job: Job, reviews: Iterable[Review]) -> TakenBack:
    """Make undecided again what these decisions decided, where they still hold; they stay on record. Raises
    UserFacingError: already signed."""
    job.check()
    changed = False
    with clinic.store.transaction() as tx:
        for review in reviews:
            check_unsigned(tx, review.study)
            if review.suggestion is None or standing(tx.reviews.for_study(review.study)).get(review.question) != review:
                continue
            said = tx.suggestions.get(review.suggestion)
            add_review(clinic, tx, _review(clinic, said, review.finding, Verdict.WITHDRAWN, None))
            changed = True
    return TakenBack(Changes(reviews=changed))


def _left_out(model: Decision, doctor: Said) -> LeftOut | None:
    """Why an answer is left out, given what the doctor's words say of it; None where they agree.

    "Cannot say" fits a doctor who said nothing either.
    """
    if doctor is Said.UNCLEAR:
        return LeftOut.UNCLEAR
    if model is Decision.LIKELY:
        return {Said.YES: None, Said.NO: LeftOut.OTHERWISE}.get(doctor, LeftOut.NOT_MENTIONED)
    if model is Decision.UNLIKELY:
        return LeftOut.OTHERWISE if doctor is Said.YES else None
    return None if doctor is Said.NOTHING else LeftOut.OTHERWISE


def _names(models: Registry, suggestion: Suggestion, finding: Finding) -> tuple[str, ...]:
    """What its model calls a finding, in every language; the stored name where the model is gone from this PC."""
    try:
        name: Callable[[str, Language], str] = models.get(suggestion.analysis.provenance.model).finding_name
        return tuple(name(finding.key, language) for language in Language)
    except (UserFacingError, KeyError):
        return (finding.name,)


def _review(clinic: Clinic, said: Suggestion, finding: str, verdict: Verdict, value: Decision | None) -> Review:
    return Review(
        id=ReviewId(new_id()),
        study=said.study,
        suggestion=said.id,
        finding=finding,
        verdict=verdict,
        value=value,
        reason="",
        author=clinic.session.user.id,
        created=clinic.clock(),
    )
