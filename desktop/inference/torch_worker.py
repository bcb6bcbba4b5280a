"""Runs one torch.export program in a process of its own, which may hang, eat memory or end without ending Lantern.

Run as `python -m desktop.inference.torch_worker MEGABYTES THREADS`. Each message, either way, is a line of JSON and
then as many bytes as it announces. First comes the program; the answer is {} or {"failure": …}. Then tensors (float32,
little-endian), each answered by {"outputs": {name: shape}} and their bytes in that order.
"""

import io
import json
import math
import sys
from typing import IO, Any

import numpy as np

from desktop.inference.trial import limit_memory


def receive(source: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None where the other side has gone. Raises ValueError for half of one."""
    line = source.readline()
    if not line:
        return None
    head = json.loads(line)
    body = source.read(int(head["bytes"]))
    if len(body) != head["bytes"]:
        raise ValueError("half a message")
    return head, body


def send(target: IO[bytes], head: dict[str, Any], *parts: bytes) -> None:
    """One message."""
    line = json.dumps({**head, "bytes": sum(map(len, parts))}).encode() + b"\n"
    for part in (line, *parts):
        target.write(part)
    target.flush()


def answer(module: Any, head: dict[str, Any], body: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The program's outputs to one tensor: by its own names, or by the names asked for where it gives them in a row."""
    import torch

    shape = [int(size) for size in head["shape"]]
    if math.prod(shape) * 4 != len(body):
        raise ValueError("a tensor of another size")
    with torch.inference_mode():
        said = module(torch.from_numpy(np.frombuffer(bytearray(body), "<f4").reshape(shape)))
    if not isinstance(said, dict):
        row = said if isinstance(said, tuple | list) else (said,)
        said = dict(zip(head["names"], row, strict=True))
    arrays = {name: said[name].detach().contiguous().numpy() for name in head["names"]}
    kinds = {name: str(array.dtype) for name, array in arrays.items()}
    shapes = {name: list(array.shape) for name, array in arrays.items()}
    return {"outputs": shapes, "kinds": kinds}, [array.tobytes() for array in arrays.values()]


def main(megabytes: int, threads: int) -> None:
    """Serve until the other side goes."""
    limit_memory(megabytes)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints is no message
    module = None
    while (message := receive(source)) is not None:
        head, body = message
        try:
            if module is None:
                import torch

                torch.set_num_threads(threads)
                module = torch.export.load(io.BytesIO(body)).module()
                send(target, {})
            else:
                told, parts = answer(module, head, body)
                send(target, told, *parts)
        except ImportError:
            send(target, {"failure": "inference.torch_missing"})
        except MemoryError:
            send(target, {"failure": "inference.run_failed"})
        except Exception:  # whatever a program does wrong is told, not shown
            send(target, {"failure": "inference.run_failed" if module is not None else "inference.weights_unusable"})


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
