"""Other people's DICOM programs, started on this PC on free ports and ended again."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

WAIT_SECONDS = 30.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def run(*words: object, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=timeout, check=False)


@contextlib.contextmanager
def running(port: int, *words: object, folder: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program that listens on a port, from when it does."""
    process = subprocess.Popen(
        [str(word) for word in words], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"{words[0]} does not listen")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def dcmqrscp(folder: Path, port: int, title: str, destinations: Mapping[str, int]) -> Iterator[None]:
    """dcmtk's archive. destinations: AE titles it may send to, and their ports on this PC."""
    (folder / "archive").mkdir(parents=True)
    hosts = "\n".join(f"h{place} = ({name}, localhost, {to})" for place, (name, to) in enumerate(destinations.items()))
    (folder / "qr.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\n{hosts}\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\n{title} {folder / 'archive'} RW (200, 1024mb) ANY\nAETable END\n"
    )
    with running(port, "dcmqrscp", "-c", folder / "qr.cfg", folder=folder):
        yield


@contextlib.contextmanager
def wlmscpfs(folder: Path, port: int, title: str, steps: Sequence[bytes], *options: str) -> Iterator[None]:
    """dcmtk's worklist. steps: worklist files."""
    (folder / title).mkdir(parents=True)
    (folder / title / "lockfile").touch()
    for number, step in enumerate(steps):
        (folder / title / f"{number}.wl").write_bytes(step)
    with running(port, "wlmscpfs", *options, "-dfp", folder, port):
        yield


@contextlib.contextmanager
def orthanc(folder: Path, port: int, title: str, modalities: Mapping[str, int]) -> Iterator[None]:
    """An Orthanc of its own. modalities: AE titles it knows, and their ports on this PC."""
    folder.mkdir(parents=True)
    settings = {
        "Name": "test",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [],
        "HttpServerEnabled": False,
        "DicomAet": title,
        "DicomPort": port,
        "DicomCheckCalledAet": True,
        "DicomModalities": {name: [name, "127.0.0.1", to] for name, to in modalities.items()},
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowEcho": True,
        "StorageCommitmentReportsSize": 10,
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    with running(port, "Orthanc", folder / "orthanc.json", folder=folder):
        yield
