"""Teaches a whole network in a process of its own, which may take long, eat memory or be ended without ending Lantern.

Run as `python -m desktop.learning.whole_worker MEGABYTES`. Messages are as `torch_worker` has them. One comes: the
lesson, with the graph and the pictures, which never touch a disk. Then go back one for each round of learning, and at
last `{"done": …}` with the graph and what it says of the inner part, or `{"failure": …}`.
"""

import os
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from desktop.inference.torch_worker import receive, send
from desktop.inference.trial import limit_memory
from desktop.learning.whole_tuning import Learned, Material, Proof, WholeEpoch, WholeSettings

_KINDS = ("<f2", "<f4", "<f4", "?", "<f4", "<f4")


def packed(graph: bytes, material: Material, proof: Proof) -> tuple[dict[str, Any], list[bytes]]:
    """The lesson as a message: what the head says of it, and its bytes."""
    arrays: list[npt.NDArray[Any]] = [material.pictures, material.truths, material.weights, material.inner]
    arrays += [material.calibration, proof.image, *proof.outputs.values()]
    told = {"graph": len(graph), "shapes": [list(one.shape) for one in arrays], "outputs": list(proof.outputs)}
    return told, [graph, *(np.ascontiguousarray(one).tobytes() for one in arrays)]


def unpacked(head: dict[str, Any], body: bytes) -> tuple[bytes, Material, Proof]:
    """The lesson in a message. Raises ValueError for one that does not add up."""
    place, names = int(head["graph"]), head["outputs"]
    graph, arrays = body[:place], []
    for shape, kind in zip(head["shapes"], (*_KINDS, *("<f4" for _ in names)), strict=True):
        size = int(np.prod(shape)) * np.dtype(kind).itemsize
        arrays.append(np.frombuffer(body[place : place + size], kind).reshape(shape))
        place += size
    if place != len(body):
        raise ValueError("a lesson of another size")
    outputs = dict(zip(names, arrays[len(_KINDS) :], strict=True))
    return graph, Material(*arrays[: len(_KINDS) - 1]), Proof(arrays[len(_KINDS) - 1], outputs)


def packed_answer(learned: Learned) -> tuple[dict[str, Any], list[bytes]]:
    """What was learned as a message."""
    arrays = [learned.before, learned.after, learned.distances_before, learned.distances_after]
    told = {
        "done": True,
        "graph": len(learned.graph),
        "shapes": [list(one.shape) for one in arrays],
        "curve": [asdict(one) for one in learned.curve],
        "best_epoch": learned.best_epoch,
    }
    return told, [learned.graph, *(np.ascontiguousarray(one, dtype="<f8").tobytes() for one in arrays)]


def unpacked_answer(head: dict[str, Any], body: bytes) -> Learned:
    """What was learned, from a message."""
    place = int(head["graph"])
    arrays: list[npt.NDArray[np.float64]] = []
    for shape in head["shapes"]:
        size = int(np.prod(shape)) * 8
        arrays.append(np.frombuffer(body[place : place + size], "<f8").reshape(shape))
        place += size
    curve = tuple(WholeEpoch(**one) for one in head["curve"])
    return Learned(body[: int(head["graph"])], curve, int(head["best_epoch"]), *arrays)


def main(megabytes: int) -> None:
    """Learn one lesson."""
    limit_memory(megabytes)
    with suppress(AttributeError, OSError):
        os.nice(10)  # doctors wait for the other processes
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no message
    message = receive(source)
    if message is None:
        return
    head, body = message

    def say(epoch: WholeEpoch) -> None:
        send(target, {"epoch": asdict(epoch)})

    try:
        import torch

        from desktop.learning.whole_lesson import Limits, learn

        settings = WholeSettings(**head["settings"])
        torch.set_num_threads(settings.threads)
        graph, material, proof = unpacked(head, body)
        place = Path(head["checkpoint"]) if head["checkpoint"] else None
        limits = Limits(time.monotonic() + float(head["seconds"]), place, str(head["identity"]))
        told, parts = packed_answer(learn(graph, material, proof, settings, limits, say))
        send(target, told, *parts)
    except ImportError:
        send(target, {"failure": "inference.torch_missing"})
    except ValueError:
        send(target, {"failure": "learning.graph_not_tunable"})
    except (MemoryError, RuntimeError) as error:
        # PyTorch says so in a RuntimeError.
        short = isinstance(error, MemoryError) or "memory" in str(error)
        send(target, {"failure": "learning.whole_memory" if short else "learning.whole_failed"})
    except OSError:
        send(target, {"failure": "learning.whole_disk"})


if __name__ == "__main__":
    main(int(sys.argv[1]))
