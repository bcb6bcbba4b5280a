"""Which processor a network can run on here, and what it is called on the screen."""

import os
from collections.abc import Sequence
from typing import Any

CPU = "CPUExecutionProvider"
# Best first. Anything else ONNX Runtime may offer needs settings of its own and is left alone.
PREFERENCE = ("CUDAExecutionProvider", "DmlExecutionProvider", "CoreMLExecutionProvider", CPU)

_NAMES = {
    "CUDAExecutionProvider": "GPU (CUDA)",
    "DmlExecutionProvider": "GPU (DirectML)",
    "CoreMLExecutionProvider": "Apple (CoreML)",
    CPU: "CPU",
}


def ranked(available: Sequence[str]) -> tuple[str, ...]:
    """The usable providers, best first; the CPU is always the last resort."""
    found = tuple(name for name in PREFERENCE if name in available and name != CPU)
    return (*found, CPU)


def runtime() -> Any:
    """The module onnxruntime, told to keep to itself: nothing about a clinic's models leaves the PC.

    Some builds note or send model names and timings unless told not to, by environment before the import or by call.
    """
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def providers() -> tuple[str, ...]:
    """ONNX Runtime's execution providers usable on this machine, best first."""
    return ranked(runtime().get_available_providers())


def device_name(provider: str) -> str:
    """What a provider is called where a person reads it."""
    return _NAMES.get(provider, provider.removesuffix("ExecutionProvider"))


def usable_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
