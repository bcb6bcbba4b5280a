"""Learning curve of the malaria cell model: the member that is judged again, from fewer patients. Needs torch."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from desktop.inference.preparation import prepare
from desktop.jobs import Job
from desktop.learning.cell_card import COLOUR, GREY
from desktop.learning.cell_data import in_colour, light_of, load_squares, small_grey
from desktop.learning.cell_settings import Settings
from desktop.learning.cell_training import Floats, Run, all_ways, parts_of
from desktop.learning.cells import Cell
from desktop.learning.films import read_picture
from desktop.learning.learning_curve import CurvePoint, some_of
from desktop.learning.network import SmallNetwork
from desktop.learning.recipe import Say
from desktop.learning.side_by_side import on_threads
from desktop.learning.statistics import auc

SHARES = (25, 50)
_AT_ONCE = 16


def fewer(
    cells: Sequence[Cell], data_sha256: str, settings: Settings, work: Path, job: Job, say: Say
) -> tuple[CurvePoint, ...]:
    """Area under the ROC curve, in colour and grey, on the part of the patients that the card judges, after a share of
    the others was learned from: all cells of some patients, none of the rest. work: folder for checkpoints. Raises
    Cancelled."""
    parts, last, points = parts_of(cells, settings), settings.members - 1, list[CurvePoint]()
    others = np.flatnonzero(parts != last).tolist()
    people = {cells[index].patient for index in others}
    held = [cell for cell, part in zip(cells, parts, strict=True) if part == last]
    run = Run(load_squares(cells, settings, job, say), parts, data_sha256, settings, work, job, say)
    with on_threads(1):
        for share in SHARES:
            some = some_of(people, share, settings.seed)
            say(f"learning curve: {len(some)} of {len(people)} people")
            learn = np.array([index for index in others if cells[index].patient in some], dtype=np.int64)
            name = f"member {last + 1} with {share} %"
            network = run.taught(name, learn, last, f"share{share}.pt").network
            points.append(CurvePoint(share, len(some), _areas(network, held, settings, job)))
    return tuple(points)


def _areas(network: SmallNetwork, held: Sequence[Cell], settings: Settings, job: Job) -> dict[str, float]:
    """As `cell_evaluation.judge` asks the shipped graph."""
    logits: dict[str, list[Floats]] = {COLOUR: [], GREY: []}
    for start in range(0, len(held), _AT_ONCE):
        job.check()
        lights = [in_colour(light_of(read_picture(cell.path))) for cell in held[start : start + _AT_ONCE]]
        for name, seen in ((COLOUR, lights), (GREY, [small_grey(one) for one in lights])):
            tensor = np.concatenate([prepare(one, settings.preparation).tensor for one in seen])
            with torch.no_grad():
                logits[name].append(all_ways(network, torch.from_numpy(tensor))[0][:, 0].double().numpy())
    truth = np.array([cell.parasitized for cell in held])
    return {name: auc(np.concatenate(said), truth) for name, said in logits.items()}
