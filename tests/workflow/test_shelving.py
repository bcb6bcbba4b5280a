"""Who may change which models speak on a PC, and that it is on record."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import workflow
from desktop.access import Role
from desktop.errors import ErrorKind, KnownFailure, UserFacingError
from desktop.inference import Library, Trust, digest_of
from desktop.inference.trusted import SIGNATURE_FORMAT, signed_bytes
from desktop.jobs import Job
from desktop.records import AuditAction
from desktop.settings import model_folder
from desktop.vault import SigningKey
from desktop.workflow import shelf

RISK = "risk-diabetes"
JOB = Job()


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models")


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A newer version of a bundled model, as on a stick."""
    place = tmp_path / "stick" / RISK
    place.mkdir(parents=True)
    for path in (model_folder() / RISK).iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    document = json.loads((place / "manifest.json").read_text(encoding="utf-8"))
    document["version"] = "2.0"
    (place / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    return place


@pytest.fixture
def key() -> Iterator[SigningKey]:
    made = SigningKey(bytes(range(32)))
    yield made
    made.close()


def sign(bundle: Path, key: SigningKey) -> None:
    manifest = (bundle / "manifest.json").read_bytes()
    document = {
        "format": SIGNATURE_FORMAT,
        "publisher": "明灯",
        "public_key": key.public_key.hex(),
        "signature": key.sign(signed_bytes(manifest)).hex(),
    }
    (bundle / "signature.json").write_text(json.dumps(document), encoding="utf-8")


def trail(clinic: workflow.Clinic) -> list[tuple[AuditAction, str, str]]:
    wanted = {AuditAction.IMPORT_MODEL, AuditAction.ACTIVATE_MODEL, AuditAction.ROLL_BACK_MODEL}
    with clinic.store.snapshot() as tx:
        entries = tx.audit.entries(50)
    return [(entry.action, entry.subject, entry.reason) for entry in reversed(entries) if entry.action in wanted]


def test_nobody_answers_for_an_unsigned_model_but_an_administrator(
    clinic: workflow.Clinic, bundle: Path, library: Library
) -> None:
    with pytest.raises(UserFacingError) as caught:
        workflow.import_model(bundle, JOB, library=library)
    assert (caught.value.key, caught.value.kind) == ("inference.not_trusted", ErrorKind.PERMISSION)
    keeper = workflow.keeper_of(clinic)
    with pytest.raises(UserFacingError):
        workflow.import_model(bundle, JOB, keeper=keeper, library=library)
    assert list(library.root.iterdir()) == []
    brought = workflow.import_model(bundle, JOB, keeper=keeper, vouch=True, library=library).version
    assert (brought.version, brought.trust, brought.vouched, brought.in_use) == (
        "2.0",
        Trust.ADMINISTRATOR,
        "li",
        False,
    )
    used = workflow.activate_model(RISK, JOB, keeper=keeper, library=library)
    assert (used.version, used.in_use) == ("2.0", True)
    assert workflow.load_models(library).get(RISK).version == "2.0"
    back = workflow.roll_back_model(RISK, keeper=keeper, library=library)
    assert back is not None
    assert (back.version, back.trust) == ("1.0.0", Trust.BUNDLED)
    digest = digest_of((bundle / "manifest.json").read_bytes())
    assert trail(clinic) == [
        (AuditAction.IMPORT_MODEL, digest, f"{RISK} 2.0"),
        (AuditAction.ACTIVATE_MODEL, digest, f"{RISK} 2.0"),
        (AuditAction.ROLL_BACK_MODEL, digest, RISK),
    ]


def test_a_nurse_keeps_no_shelf(clinic: workflow.Clinic) -> None:
    user = replace(clinic.session.user, roles=(Role.NURSE.value,))
    nurse = replace(clinic, session=replace(clinic.session, user=user))
    with pytest.raises(UserFacingError) as caught:
        workflow.keeper_of(nurse)
    assert caught.value.kind is ErrorKind.PERMISSION


def test_before_there_is_a_clinic_whoever_sets_the_pc_up_answers(
    clinic: workflow.Clinic, bundle: Path, library: Library, tmp_path: Path
) -> None:
    keeper = workflow.keeper_before_clinic(tmp_path / "none")
    assert workflow.import_model(bundle, JOB, keeper=keeper, vouch=True, library=library).tested.ok
    with pytest.raises(UserFacingError) as caught:
        workflow.keeper_before_clinic(tmp_path / "clinic")
    assert caught.value.key == "workflow.models_need_administrator"


def test_what_a_known_publisher_signed_needs_nobody_else(
    clinic: workflow.Clinic, bundle: Path, library: Library, key: SigningKey
) -> None:
    sign(bundle, key)
    with pytest.raises(UserFacingError) as caught:
        workflow.import_model(bundle, JOB, library=library)
    assert caught.value.key == "inference.not_trusted"
    keeper = workflow.keeper_of(clinic)
    first = workflow.import_model(bundle, JOB, keeper=keeper, vouch=True, trust_publisher=True, library=library).version
    assert first.trust is Trust.ADMINISTRATOR
    again = workflow.import_model(bundle, JOB, library=library).version
    assert (again.trust, again.vouched) == (Trust.PUBLISHER, "明灯")


def test_a_signature_over_something_else_is_refused_whoever_answers(
    clinic: workflow.Clinic, bundle: Path, library: Library, key: SigningKey
) -> None:
    sign(bundle, key)
    manifest = bundle / "manifest.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"2.0"', b'"2.1"'))
    with pytest.raises(KnownFailure) as caught:
        workflow.import_model(bundle, JOB, keeper=workflow.keeper_of(clinic), vouch=True, library=library)
    assert caught.value.key == "inference.signature_wrong"
    (bundle / "signature.json").write_text("{}", encoding="utf-8")
    with pytest.raises(KnownFailure):
        workflow.import_model(bundle, JOB, keeper=workflow.keeper_of(clinic), vouch=True, library=library)
    assert trail(clinic) == []


def test_swapped_weights_are_not_taken(clinic: workflow.Clinic, bundle: Path, library: Library) -> None:
    (bundle / "model.onnx").write_bytes((model_folder() / "risk-liver-disease" / "model.onnx").read_bytes())
    with pytest.raises(KnownFailure) as caught:
        workflow.import_model(bundle, JOB, keeper=workflow.keeper_of(clinic), vouch=True, library=library)
    assert caught.value.key == "inference.weights_changed"
    assert list(library.root.iterdir()) == []


def test_what_was_trained_here_is_used_as_it_was_when_it_was_chosen(
    clinic: workflow.Clinic, bundle: Path, library: Library
) -> None:
    library.trained.mkdir(parents=True)
    bundle.rename(library.trained / RISK)
    keeper = workflow.keeper_of(clinic)
    used = workflow.activate_model(RISK, JOB, keeper=keeper, library=library)
    assert (used.version, used.trust) == ("2.0", Trust.TRAINED_HERE)
    trained = library.trained / RISK / "manifest.json"
    trained.write_bytes(trained.read_bytes().replace(b'"2.0"', b'"2.5"'))
    assert workflow.load_models(library).get(RISK).version == "2.0"
    assert workflow.activate_model(RISK, JOB, keeper=keeper, library=library).version == "2.5"
    bundled = workflow.activate_model(RISK, JOB, keeper=keeper, version="bundled", library=library)
    assert bundled.version == "1.0.0"
    again = workflow.activate_model(RISK, JOB, keeper=keeper, version=used.digest[:8], library=library)
    assert again.digest == used.digest
    with pytest.raises(UserFacingError) as caught:
        workflow.activate_model(RISK, JOB, keeper=keeper, version="7", library=library)
    assert caught.value.key == "inference.no_version"


def test_the_window_follows_what_the_command_line_puts_into_use(
    clinic: workflow.Clinic, bundle: Path, library: Library
) -> None:
    keeper = workflow.keeper_of(clinic)
    window = workflow.load_models(library)
    window.get(RISK)
    assert shelf.follow_models(window).names == ()
    workflow.import_model(bundle, JOB, keeper=keeper, vouch=True, library=library)
    assert shelf.follow_models(window).names == (), "brought, and not in use yet"
    workflow.activate_model(RISK, JOB, keeper=keeper, library=library)
    assert window.get(RISK).version == "1.0.0"
    followed = shelf.follow_models(window)
    assert (followed.names, followed.changes.models, window.get(RISK).version) == ((RISK,), True, "2.0")
    assert not shelf.follow_models(window).changes
    workflow.roll_back_model(RISK, keeper=keeper, library=library)
    assert shelf.follow_models(window).names == (RISK,)
