"""Is everything there and unchanged? The clinic's store, its audit trail and the program itself."""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from desktop import exports, intake, vault
from desktop.access import Permission, Role, require
from desktop.errors import UserFacingError, from_os_error
from desktop.inference import Registry, SelfTestResult, providers
from desktop.inference.devices import device_name
from desktop.jobs import Job
from desktop.store import (
    Anchor,
    Checkup,
    Verification,
    Wanted,
    conclude_check,
    parse_anchor,
    verify_folder,
    versions,
)
from desktop.store.salvage import Salvaged
from desktop.store.salvage import salvage as save
from desktop.workflow.clinic import Clinic, Clock, open_to_all, requires, system_clock

QT_PROBE_SECONDS = 60

_LARGEST_ANCHOR = 1 << 28  # of a backup of very many files


@requires(Permission.USE_CLINIC)
def verify(clinic: Clinic, job: Job, *, inventory: bool = False, anchor: Anchor | None = None) -> Verification:
    """Check the open clinic: keystore, database, audit chain, every record against it, every sealed file. People go on
    working meanwhile; that somebody checked is audited. Where all is well, remains of interrupted imports are removed.

    inventory: list what there is. anchor: an audit head kept elsewhere that the chain must hold.
    """
    checked = clinic.store.verify(job, Wanted(inventory, anchor))
    conclude_check(clinic.store, clinic.actor, checked)
    return checked


@requires(Permission.USE_CLINIC)
def quick_check(clinic: Clinic, job: Job) -> Verification:
    """What is wrong right after unlocking, for the window to say: what showed at once and, where the clinic had not
    been closed the last time, a look at every page. Seconds for a large clinic; run it in the background."""
    return clinic.store.quick_check(job)


@open_to_all
def examine(folder: Path, job: Job, *, user: str, passphrase: str) -> Verification:
    """Why a clinic does not open: everything that is wrong with it, without writing into its folder."""
    return Checkup(passphrase).verify(folder, user, job)


@open_to_all
def salvage(folder: Path, dest: Path, job: Job, *, user: str, passphrase: str, clock: Clock = system_clock) -> Salvaged:
    """Save what can be proven out of a damaged clinic into a new one in `dest`; the damaged one is only read.

    Everybody's passphrase and the recovery card open the new one too. Only an administrator may. Raises UserFacingError
    (unlock, permission, not_empty), KnownFailure (disk_full, io) and Cancelled; then there is no new clinic.
    """
    with contextlib.closing(vault.unlock(folder, user, passphrase)) as unlocked:
        require([Role(role) for role in unlocked.roles], Permission.MANAGE_CLINIC)
        return save(folder, dest, unlocked, job, clock=clock)


@open_to_all
def verify_clinic(
    folder: Path,
    job: Job,
    *,
    user: str,
    passphrase: str,
    inventory: bool = False,
    anchor: Anchor | None = None,
    wait: Callable[[float], None] | None = None,
) -> Verification:
    """`verify` for a clinic that may not open: damage and a wrong passphrase are problems, never an exception.

    wait: called with the seconds still to wait after wrong tries. Raises KnownFailure where another program has the
    clinic open, and Cancelled.
    """
    return verify_folder(folder, user, passphrase, job, wanted=Wanted(inventory, anchor), wait=wait)


@open_to_all
def verify_closed(
    checkup: Checkup, folder: Path, job: Job, *, user: str, inventory: bool = False, anchor: Anchor | None = None
) -> Verification:
    """`verify` for a clinic into whose folder nothing may be written, the audit trail included; whoever may unlock it
    may ask. checkup: made once for many clinics. Raises only Cancelled."""
    return checkup.verify(folder, user, job, Wanted(inventory, anchor))


@open_to_all
def read_anchor(path: Path) -> Anchor | None:
    """The audit head in a file; None where it holds none. Raises KnownFailure where it cannot be read."""
    try:
        with path.open("rb") as stream:
            data = stream.read(_LARGEST_ANCHOR)
        return parse_anchor(data)
    except OSError as error:
        raise from_os_error(error) from error
    except ValueError:
        return None


@dataclass(frozen=True)
class SelfTest:
    """What this installation is made of and whether its models still answer as when they were trained.

    qt: version, or empty where the window cannot be opened on this PC.
    """

    sqlcipher: str
    sqlite: str
    providers: tuple[str, ...]
    qt: str
    models: tuple[SelfTestResult, ...]

    @property
    def ok(self) -> bool:
        """Whether all of it works."""
        return bool(self.sqlcipher and self.sqlite and self.providers and self.qt) and all(
            model.ok for model in self.models
        )


@open_to_all
def self_test(models: Registry, job: Job) -> SelfTest:
    """Run every model's golden example and name the libraries in use."""
    sqlcipher, sqlite = versions()
    tested: list[SelfTestResult] = []
    for number, name in enumerate(models.names()):
        job.report("workflow.progress.selftest", number, len(models.names()))
        tested.append(models.get(name).self_test())
    return SelfTest(sqlcipher, sqlite, providers(), _qt_version(), tuple(tested))


def _qt_version() -> str:
    """Qt's version, asked in a process of its own: nothing below the window loads Qt."""
    probe = "from PySide6 import QtCore, QtWidgets; print(QtCore.qVersion())"
    try:
        answer = subprocess.run(
            [sys.executable, "-c", probe],
            capture_output=True,
            text=True,
            timeout=QT_PROBE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""


@open_to_all
def warm_up(models: Registry) -> str:
    """Load what the day's first film and report need, in the background; the name of the processor models run on.

    Not for the main thread: decoders, the inference library, the models' weights and FHIR's models take two seconds.
    """
    import desktop.workflow.import_finding  # noqa: F401  (brings along what reads discs and folders)

    intake.warm_up()
    for name in models.names():
        # A damaged model is told of where it is asked, with the film it fails on.
        with contextlib.suppress(UserFacingError):
            models.get(name).load()
    with contextlib.suppress(UserFacingError):
        exports.warm_up()
    return device_name(providers()[0])
