"""How much memory a series may take: asked before it is taken, so that a small PC answers instead of dying."""

import sys
from pathlib import Path

RESERVE = 160 * 1024 * 1024
"""Left free beside the voxels: pictures on the screen, decoders, one slice being worked on."""

_PLENTY = 1 << 62


def free_bytes() -> int:
    """Memory this process may still take: the least of what the machine has, its limits and its control group."""
    return min(_machine_free(), _limit_free(), _group_free())


def fits(wanted: int, free: int | None = None) -> bool:
    """Whether so many bytes may be taken with RESERVE to spare."""
    return wanted + RESERVE <= (free_bytes() if free is None else free)


if sys.platform == "win32":
    import ctypes

    class _Status(ctypes.Structure):
        """MEMORYSTATUSEX."""

        _fields_ = (
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((name, ctypes.c_ulonglong) for name in ("physical", "free", "page", "page_free", "virtual", "room")),
            ("extended", ctypes.c_ulonglong),
        )

    def _machine_free() -> int:
        """What GlobalMemoryStatusEx says is left, of memory and of address space."""
        status = _Status()
        status.length = ctypes.sizeof(status)
        if not ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
            return _PLENTY
        return int(min(status.free, status.page_free, status.room))

    def _limit_free() -> int:
        """No such limit here."""
        return _PLENTY

else:
    import resource

    def _machine_free() -> int:
        """MemAvailable of the machine; plenty where it does not say."""
        return _named(Path("/proc/meminfo"), "MemAvailable:") or _PLENTY

    def _limit_free() -> int:
        """What an address space limit (`ulimit -v`) leaves."""
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if soft == resource.RLIM_INFINITY:
            return _PLENTY
        return max(0, soft - (_named(Path("/proc/self/status"), "VmSize:") or 0))


def _group_free() -> int:
    """What a control group leaves (version 2)."""
    group = Path("/sys/fs/cgroup")
    try:
        most, now = (group / "memory.max").read_text().strip(), (group / "memory.current").read_text().strip()
        return max(0, int(most) - int(now)) if most.isdigit() else _PLENTY
    except (OSError, ValueError):
        return _PLENTY


def _named(path: Path, name: str) -> int | None:
    """A line `Name: 123 kB` of a file of the kernel, in bytes."""
    try:
        for line in path.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        return None
    return None
