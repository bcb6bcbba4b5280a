"""Which models this PC has and which versions of them are in use: brought in, put into use, taken back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from desktop.access import Permission
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference import (
    BUNDLED,
    MANIFEST,
    Incoming,
    Kept,
    Library,
    Publisher,
    SelfTestResult,
    Trust,
    digest_of,
    known,
    read_manifest,
    read_model,
    read_signature,
    signer_of,
    try_out,
)
from desktop.inference.fields import ManifestError
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.settings import model_folder
from desktop.workflow.clinic import Clinic, open_to_all, requires
from desktop.workflow.opening import clinic_exists
from desktop.workflow.shelf import own_library


@dataclass(frozen=True)
class ModelVersion:
    """One version of a model on this PC.

    digest: SHA-256 (hex) of its manifest. vouched: who answers for it, empty for the program's own and what was
    trained here. since: when it was brought, ISO 8601, or empty. before: it is in use, and another was before it.
    """

    name: str
    version: str
    digest: str
    trust: Trust
    vouched: str
    since: str
    in_use: bool
    before: bool = False


@dataclass(frozen=True)
class BroughtModel:
    """What `import_model` did: the version, not in use yet, and how its golden example went."""

    version: ModelVersion
    tested: SelfTestResult


@dataclass(frozen=True, eq=False)
class ShelfKeeper:
    """Who may say which models speak on this PC. clinic: where it goes into the audit trail; None before there is one.

    Only `keeper_of` and `keeper_before_clinic` make one.
    """

    name: str
    clinic: Clinic | None


@requires(Permission.MANAGE_CLINIC)
def keeper_of(clinic: Clinic) -> ShelfKeeper:
    """The administrator who is logged in."""
    return ShelfKeeper(clinic.session.user.name, clinic)


@open_to_all
def keeper_before_clinic(folder: Path) -> ShelfKeeper:
    """Whoever sets this PC up. folder: of the clinic that is not there yet. Raises UserFacingError (permission) where
    it is."""
    if clinic_exists(folder):
        raise UserFacingError("workflow.models_need_administrator", kind=ErrorKind.PERMISSION)
    return ShelfKeeper("", None)


@open_to_all
def model_versions(library: Library | None = None) -> tuple[ModelVersion, ...]:
    """Every version of every model on this PC by name: the program's own, those trained here, then those brought, the
    oldest first. Damaged folders are left out. Raises KnownFailure where the list of those brought cannot be read."""
    library = library or own_library()
    shelf = library.shelf()
    found = []
    for root, trust in ((model_folder(), Trust.BUNDLED), (library.trained, Trust.TRAINED_HERE)):
        for path in sorted(root.glob(f"*/{MANIFEST}")):
            stated = _stated(path.parent)
            if stated is not None:
                name, version, digest = stated
                used = trust is Trust.BUNDLED and shelf.in_use(name) is None
                found.append(ModelVersion(name, version, digest, trust, "", "", used))
    found += [_version_of(kept, in_use=shelf.in_use(kept.name) == kept) for kept in shelf.kept]
    changed = {name for name, digests in shelf.chosen.items() if len(digests) > 1}
    return tuple(replace(one, before=one.in_use and one.name in changed) for one in sorted(found, key=_by_name))


@open_to_all
def import_model(
    bundle: Path,
    job: Job,
    *,
    keeper: ShelfKeeper | None = None,
    vouch: bool = False,
    trust_publisher: bool = False,
    library: Library | None = None,
) -> BroughtModel:
    """Bring a model in from a folder, such as one on a stick: copied, its signature looked at, its golden example
    tried in a process of its own, kept. It is not in use before somebody says so.

    keeper: whoever brings it, for the audit trail. vouch: the keeper answers for a model that nobody signed whom this
    PC knows. trust_publisher: whoever signed it is known from now on; needs a keeper who vouches.

    Raises UserFacingError (permission) where nobody answers for it, and KnownFailure where it is no model, is damaged,
    or does not answer as it should; then nothing of it is left.
    """
    library = library or own_library()
    job.report("workflow.progress.model_copying")
    with Incoming(library, bundle) as incoming:
        manifest = read_manifest(incoming.folder)
        stated = _read_or_fail(incoming.folder)
        signature = read_signature(incoming.folder)
        signer = signer_of(manifest, signature) if signature is not None else None
        trust, vouched = _answering(stated, signer, keeper if vouch else None, library)
        job.report("workflow.progress.model_testing")
        tested = try_out(incoming.folder, check=job.check)
        if not tested.ok:
            raise KnownFailure(tested.error or "inference.golden_differs", kind=ErrorKind.BAD_INPUT, model=stated)
        job.check()
        with _on_record(keeper, AuditAction.IMPORT_MODEL, digest_of(manifest), f"{stated} {tested.version}"):
            kept = library.keep(incoming.folder, trust, vouched, _now(keeper))
            if signer is not None and trust_publisher and vouch and keeper is not None:
                library.trust_publisher(signer)
    return BroughtModel(_version_of(kept, in_use=library.shelf().in_use(kept.name) == kept), tested)


@open_to_all
def activate_model(
    name: str, job: Job, *, keeper: ShelfKeeper, version: str | None = None, library: Library | None = None
) -> ModelVersion:
    """Use a version of a model from now on. version: as its manifest says, or the beginning of its digest, or
    `bundled`; where it is None, the newest that was brought or trained here.

    One that was trained here is tried and copied first, so that training it again changes nothing unasked.
    Raises UserFacingError (not_found), KnownFailure.
    """
    library = library or own_library()
    chosen = _wanted(name, version, library)
    if _as_trained(chosen):
        trained = library.trained / name
        with Incoming(library, trained) as incoming:
            job.report("workflow.progress.model_testing")
            tested = try_out(incoming.folder, check=job.check)
            if not tested.ok:
                raise KnownFailure(tested.error or "inference.golden_differs", kind=ErrorKind.BAD_INPUT, model=name)
            kept = library.keep(incoming.folder, Trust.TRAINED_HERE, keeper.name, _now(keeper))
        chosen = _version_of(kept, in_use=False)
    with _on_record(keeper, AuditAction.ACTIVATE_MODEL, chosen.digest, f"{name} {chosen.version}"):
        library.choose(name, BUNDLED if chosen.trust is Trust.BUNDLED else chosen.digest)
    _tell(keeper)
    return _in_use(name, library)


@open_to_all
def roll_back_model(name: str, *, keeper: ShelfKeeper, library: Library | None = None) -> ModelVersion | None:
    """Use the version again that was in use before; None where that is none at all. Raises UserFacingError where there
    was none, KnownFailure."""
    library = library or own_library()
    left = library.shelf().in_use(name)
    with _on_record(keeper, AuditAction.ROLL_BACK_MODEL, left.digest if left else name, name):
        library.go_back(name)
    _tell(keeper)
    return next((one for one in model_versions(library) if one.name == name and one.in_use), None)


def _answering(name: str, signer: Publisher | None, keeper: ShelfKeeper | None, library: Library) -> tuple[Trust, str]:
    """Who answers for a model. Raises UserFacingError where nobody does."""
    if signer is not None and known(signer, publishers := library.shelf().publishers):
        return Trust.PUBLISHER, publishers[signer.public_key]
    if keeper is None:
        raise UserFacingError("inference.not_trusted", kind=ErrorKind.PERMISSION, model=name)
    return Trust.ADMINISTRATOR, keeper.name


def _read_or_fail(folder: Path) -> str:
    """The name of the model in a folder. Raises KnownFailure where its manifest does not hold."""
    try:
        return read_model(folder).name
    except ManifestError as error:
        raise KnownFailure("inference.manifest_damaged", kind=ErrorKind.BAD_INPUT, model=folder.name) from error


def _wanted(name: str, version: str | None, library: Library) -> ModelVersion:
    """The version meant. Raises UserFacingError (not_found)."""
    versions = [one for one in model_versions(library) if one.name == name]
    if version is None:
        kept = sorted((one for one in versions if one.since), key=lambda one: one.since)
        # What lies where a training left it is the newest, unless that very one was kept already.
        digests = {one.digest for one in kept}
        meant = kept + [one for one in versions if _as_trained(one) and one.digest not in digests]
    elif version == BUNDLED:
        meant = [one for one in versions if one.trust is Trust.BUNDLED]
    else:
        meant = [one for one in versions if one.version == version or one.digest.startswith(version)]
        meant = [one for one in meant if one.since] or meant
    if not meant:
        raise UserFacingError("inference.no_version", kind=ErrorKind.NOT_FOUND, model=name)
    return meant[-1]


def _as_trained(version: ModelVersion) -> bool:
    """Whether it lies where a training left it, and would change with the next."""
    return version.trust is Trust.TRAINED_HERE and not version.since


def _by_name(version: ModelVersion) -> str:
    return version.name


def _in_use(name: str, library: Library) -> ModelVersion:
    return next(one for one in model_versions(library) if one.name == name and one.in_use)


def _stated(folder: Path) -> tuple[str, str, str] | None:
    """Name, version and digest of the model in a folder, as its manifest says; None where it does not."""
    try:
        manifest = read_manifest(folder)
        document: dict[str, Any] = json.loads(manifest)
        return folder.name, str(document["version"]), digest_of(manifest)
    except (UserFacingError, ValueError, KeyError, TypeError):
        return None


def _version_of(kept: Kept, *, in_use: bool) -> ModelVersion:
    return ModelVersion(kept.name, kept.version, kept.digest, kept.trust, kept.vouched, kept.since, in_use)


def _now(keeper: ShelfKeeper | None) -> str:
    moment = keeper.clinic.clock() if keeper is not None and keeper.clinic is not None else datetime.now(UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


@contextmanager
def _on_record(keeper: ShelfKeeper | None, action: AuditAction, subject: str, remark: str) -> Iterator[None]:
    """Do something that goes into the clinic's audit trail, where there is one, or is not done."""
    if keeper is None or keeper.clinic is None:
        yield
        return
    clinic = keeper.clinic
    with clinic.store.transaction() as tx:
        tx.audit.add(action, subject, actor=clinic.actor, reason=remark)
        yield


def _tell(keeper: ShelfKeeper) -> None:
    """Have the running program ask the version now in use."""
    if keeper.clinic is not None:
        keeper.clinic.models.refresh()
