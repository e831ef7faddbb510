"""How fast a potential answers here, beside its package's own calculator and beside the bare pass of its network.

What is compared takes turns, so that a machine that grows slower meanwhile is slower for all of it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from ase import Atoms

from .potential import Careful, Potential, in_batches
from .relax import Wanted, relax
from .structures import Neighbours, Structure, find_neighbours

_BATCHES = (400, 800, 1_600, 3_200, 6_400)
_SHORTEST_SECONDS = 2.0


def measure(structures: Sequence[Structure], careful: Careful, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return evaluations and relaxations a second.

    Parameters
    ----------
    structures
        Of which all are evaluated, and the first ``relaxed`` relaxed.
    options
        ``rounds``, ``relaxed``, and what `Wanted` takes as ``wanted``.

    Returns
    -------
    dict
        ``evaluations`` and ``relaxations``, a list each with an entry a round: rates by name. Also ``edges_of_best_pass``
        and, of relaxations, the steps of both, how many of both converged, and the largest difference of energy in eV/atom.

    Raises
    ------
    ValueError
        A structure has no energy, so that nothing can be compared.
    """
    potential = careful.own
    calculator = potential.calculator()  # type: ignore[attr-defined]  # only of those that are compared
    wanted = Wanted(**options["wanted"])
    passes = {edges: _first_batch(structures, potential, edges) for edges in _BATCHES}
    rates = {edges: _rate(_pass_of(potential, batch), len(batch[0])) for edges, batch in passes.items()}
    best = max(rates, key=rates.__getitem__)
    bare = _pass_of(potential, passes[best])
    some = list(structures[: max(8, len(structures) // 8)])
    evaluations = []
    for _ in range(options["rounds"]):
        before = _rate(bare, len(passes[best][0]))
        ours = _rate(
            lambda: [careful.evaluate(*batch) for batch in in_batches(structures, careful)], len(structures)
        )
        after = _rate(bare, len(passes[best][0]))
        loop = _rate(lambda: [_ask(calculator, each) for each in some], len(some))
        evaluations.append({"ours": ours, "loop": loop, "bare": 2 / (1 / before + 1 / after)})
    chosen = list(structures[: options["relaxed"]])
    relaxations = [_relaxations(chosen, careful, calculator, wanted) for _ in range(options["rounds"])]
    return {
        "edges_of_best_pass": best,
        "evaluations": evaluations,
        "relaxations": relaxations,
        "wanted": asdict(wanted),
    }


def _first_batch(
    structures: Sequence[Structure], potential: Potential, edges: int
) -> tuple[list[Structure], list[Neighbours]]:
    batch: list[Structure] = []
    found: list[Neighbours] = []
    while sum(each.count for each in found) < edges:
        structure = structures[len(batch) % len(structures)]
        batch.append(structure)
        found.append(find_neighbours(structure, potential.cutoff))
    return batch, found


def _pass_of(potential: Potential, batch: tuple[list[Structure], list[Neighbours]]) -> Callable[[], object]:
    run: Callable[[], object] = potential.bare_pass(*batch)  # type: ignore[attr-defined]
    return run


def _rate(work: Callable[[], object], count: int) -> float:
    """Return how many a second, of as many repetitions as take some seconds."""
    work()
    started, done = time.perf_counter(), 0
    while (elapsed := time.perf_counter() - started) < _SHORTEST_SECONDS or not done:
        work()
        done += count
    return done / elapsed


def _ask(calculator: Any, structure: Structure) -> float:
    atoms = _atoms(structure)
    atoms.calc = calculator
    atoms.get_forces()
    atoms.get_stress()
    return float(atoms.get_potential_energy())


def _atoms(structure: Structure) -> Atoms:
    return Atoms(
        structure.numbers, positions=structure.positions, cell=structure.cell, pbc=structure.periodic
    )


def _relaxations(
    structures: Sequence[Structure], potential: Careful, calculator: Any, wanted: Wanted
) -> dict[str, float]:
    from ase.filters import UnitCellFilter
    from ase.optimize import FIRE

    started = time.perf_counter()
    ours = {each.structure.name: each for each in relax(structures, potential, wanted)}
    seconds = time.perf_counter() - started
    started = time.perf_counter()
    steps, converged, apart = 0, 0, 0.0
    for structure in structures:
        atoms = _atoms(structure)
        atoms.calc = calculator
        optimizer = FIRE(UnitCellFilter(atoms), logfile=None)
        converged += bool(optimizer.run(fmax=wanted.largest_force, steps=wanted.most_steps))
        steps += optimizer.nsteps
        last = ours[structure.name].last
        theirs_ev = float(atoms.get_potential_energy())
        if last is None or not np.isfinite([last.energy, theirs_ev]).all():
            raise ValueError(f"{structure.name} has no energy after its relaxation")
        apart = max(apart, abs(last.energy - theirs_ev) / len(atoms))
    theirs = time.perf_counter() - started
    return {
        "ours": len(structures) / seconds,
        "ase": len(structures) / theirs,
        "our_steps": sum(each.steps for each in ours.values()),
        "ase_steps": steps,
        "our_converged": sum(each.status == "converged" for each in ours.values()),
        "ase_converged": converged,
        "energy_apart_ev_per_atom": apart,
    }
