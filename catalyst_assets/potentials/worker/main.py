"""Does one job, and tells Dagster how it goes where it was started through its Pipes."""

import hashlib
import importlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from .collapse import COLLAPSED
from .potential import Careful, in_batches
from .protocol import ALIVE, READY, TIMINGS, read_job, read_structures, write_answers
from .relax import Relaxed, Wanted, relax
from .structures import Structure

# Module and class of each kind of potential.
_KINDS: Final = {
    "sevennet": (".sevennet", "SevenNet"),
    "chgnet": (".chgnet", "Chgnet"),
    "calculator": (".calculators", "AnyCalculator"),
}
_TELL_SECONDS: Final = 10.0
Row = Mapping[str, Any]
Tell = Callable[[int, int], None]


def open_potential(asked: Mapping[str, Any], alive: Callable[[], object]) -> Careful:
    """Return the potential that a job names.

    Parameters
    ----------
    alive
        Called before each batch.

    Raises
    ------
    ValueError
        Its weights have another hash than they are to have, so that what would be unpickled is not what was looked at; or a
        GPU is asked for and there is none.
    """
    options = dict(asked["options"])
    if "device" in options:
        options["device"] = _device(options["device"])
    if "checkpoint" in options:
        found = hashlib.sha256(Path(options["checkpoint"]).read_bytes()).hexdigest()
        if found != asked["sha256"]:
            raise ValueError(f"{options['checkpoint']} has the sha256 {found}, expected is {asked['sha256']}")
    module, name = _KINDS[asked["kind"]]
    return Careful(getattr(importlib.import_module(module, __package__), name)(**options), alive)


def _device(accelerator: str) -> str:
    """Return what torch calls the accelerator that is asked for: `cpu`, `gpu` or `auto`."""
    if accelerator == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if accelerator == "gpu":
        raise ValueError(
            "a GPU is asked for, and torch finds none here: set CATALYST_ACCELERATOR to auto or cpu"
        )
    return "cpu"


def answer(folder: Path, tell: Tell) -> None:
    """Do a job; what a potential cannot say anything of is answered by an error, the others as ever."""
    job = read_job(folder)
    structures = read_structures(folder)
    potential = open_potential(job["potential"], (folder / ALIVE).touch)
    (folder / READY).touch()
    if job["task"] == "time":
        timings = importlib.import_module(".timing", __package__).measure(
            structures, potential, job["options"]
        )
        (folder / TIMINGS).write_text(json.dumps(timings), encoding="utf-8")
        return
    known = [each for each in structures if set(each.numbers.tolist()) <= potential.elements]
    strange = [each for each in structures if not set(each.numbers.tolist()) <= potential.elements]
    if job["task"] == "relax":
        work = _relaxed(known, potential, Wanted(**job["options"]))
    elif job["task"] == "describe":
        work = _described(known, potential)
    else:
        work = _evaluated(known, potential)

    parent = os.getppid()

    def batches() -> Iterator[Sequence[Row]]:
        yield [{"name": each.name, "error": _unknown(each, potential)} for each in strange]
        done, told = len(strange), 0.0
        for rows in work:
            if os.getppid() != parent:
                raise SystemExit("whoever asked has gone")
            yield rows
            done += len(rows)
            if done == len(structures) or time.monotonic() > told + _TELL_SECONDS:
                tell(done, len(structures))
                told = time.monotonic()

    write_answers(folder, batches())


def _evaluated(structures: Sequence[Structure], potential: Careful) -> Iterator[Sequence[Row]]:
    for batch, edges in in_batches(structures, potential):
        yield [
            {
                "name": each.name,
                "energy": said.energy,
                "forces": said.forces.ravel(),
                # Of vacuum there is no volume to divide by.
                "stress": said.stress.ravel() if all(each.periodic) else None,
                "features": said.features,
            }
            if said is not None
            else {"name": each.name, "error": potential.failures[each.name]}
            for each, said in zip(batch, potential.evaluate(batch, edges), strict=True)
        ]


def _described(structures: Sequence[Structure], potential: Careful) -> Iterator[Sequence[Row]]:
    for batch, edges in in_batches(structures, potential):
        yield [
            {"name": each.name, "features": features}
            if features is not None
            else {"name": each.name, "error": potential.failures[each.name]}
            for each, features in zip(batch, potential.describe(batch, edges), strict=True)
        ]


def _relaxed(structures: Sequence[Structure], potential: Careful, wanted: Wanted) -> Iterator[Sequence[Row]]:
    for ended in relax(structures, potential, wanted):
        yield [_row(ended, potential.failures.get(ended.structure.name))]


def _row(ended: Relaxed, failure: str | None) -> Row:
    about = {"name": ended.structure.name, "status": ended.status, "steps": ended.steps}
    if ended.last is None or ended.status == "collapsed":
        return about | {"error": failure or COLLAPSED}
    return about | {
        "energy": ended.last.energy,
        "features": ended.last.features,
        "positions": ended.structure.positions.ravel(),
        "cell": ended.structure.cell.ravel(),
        "largest_force": ended.largest_force,
        "held": ended.held,
    }


def _unknown(structure: Structure, potential: Careful) -> str:
    from ase.data import chemical_symbols

    missing = sorted(set(structure.numbers.tolist()) - potential.elements)
    return f"the potential does not know {', '.join(chemical_symbols[number] for number in missing)}"


def main(arguments: Sequence[str]) -> int:
    """Do the job of the command line."""
    folder = Path(arguments[0])
    try:
        dagster_pipes = importlib.import_module("dagster_pipes")
    except ImportError:  # a laboratory's own environment need not have it
        dagster_pipes = None
    if dagster_pipes is None or "DAGSTER_PIPES_CONTEXT" not in os.environ:
        answer(folder, lambda done, of: None)
        return 0
    with dagster_pipes.open_dagster_pipes() as pipes:
        answer(folder, lambda done, of: pipes.log.info("%d of %d structures are answered", done, of))
    return 0
