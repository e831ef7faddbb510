"""Evaluations and relaxations a second, beside the package's own calculator and the bare pass of the network.

All of it runs in the potential's own environment (`potentials.worker.timing`), taking turns in one process.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.interface import Relaxation

if TYPE_CHECKING:
    from resources.settings import Settings

Say = Callable[[str], None]
Span = tuple[float, float]


@dataclass(frozen=True)
class SpeedReport:
    """What `catalyst bench potentials --json` prints: medians over the rounds, and the range of ratios.

    Attributes
    ----------
    evaluations_per_s
        Energies, forces and stresses of five-atom cells, from structures, in batches.
    calculator_per_s
        A loop over the package's calculator of ASE with the same weights.
    pass_per_s
        The network's energy-and-force pass alone, in the batch that is best for it.
    relaxations_per_s, ase_relaxations_per_s
        Cell and positions; by ASE's FIRE with its `UnitCellFilter` and the package's calculator.
    steps, ase_steps
        Of all these relaxations together.
    converged, ase_converged
        How many of them ended below the largest force.
    energy_apart_ev_per_atom
        The largest difference between both minima.
    """

    potential: str
    n_structures: int
    n_relaxed: int
    evaluations_per_s: float
    calculator_per_s: float
    ratio_vs_calculator: float
    ratio_vs_calculator_range: Span
    pass_per_s: float
    pass_edges: int
    fraction_of_pass: float
    fraction_of_pass_range: Span
    relaxations_per_s: float
    ase_relaxations_per_s: float
    ratio_of_relaxations: float
    ratio_of_relaxations_range: Span
    steps: int
    ase_steps: int
    converged: int
    ase_converged: int
    energy_apart_ev_per_atom: float
    largest_force: float
    rounds: int
    threads: str
    load_average: float


def measure_speed(
    name: str, settings: "Settings", structures: int, relaxed: int, rounds: int, say: Say = lambda text: None
) -> SpeedReport:
    """Time a potential on enumerated oxide perovskites.

    Raises
    ------
    PotentialError
        Its environment is not installed, or it has no calculator to be compared with.
    """
    from pymatgen.io.ase import AseAtomsAdaptor

    from catalyst_assets.bench.embed import enumerate_perovskites

    potential = WorkerPotential.of(name, settings)
    pool = enumerate_perovskites(structures)
    say(f"timing {name} on {len(pool)} structures")
    atoms = {str(place): AseAtomsAdaptor.get_atoms(each) for place, each in enumerate(pool)}
    told = potential.time(atoms, Relaxation(), rounds, relaxed)
    evaluations, relaxations = told["evaluations"], told["relaxations"]
    by_calculator = [each["ours"] / each["loop"] for each in evaluations]
    of_pass = [each["ours"] / each["bare"] for each in evaluations]
    by_ase = [each["ours"] / each["ase"] for each in relaxations]
    return SpeedReport(
        potential=name,
        n_structures=len(pool),
        n_relaxed=min(relaxed, len(pool)),
        evaluations_per_s=_typical(evaluations, "ours"),
        calculator_per_s=_typical(evaluations, "loop"),
        ratio_vs_calculator=round(median(by_calculator), 2),
        ratio_vs_calculator_range=_span(by_calculator),
        pass_per_s=_typical(evaluations, "bare"),
        pass_edges=told["edges_of_best_pass"],
        fraction_of_pass=round(median(of_pass), 3),
        fraction_of_pass_range=_span(of_pass),
        relaxations_per_s=_typical(relaxations, "ours"),
        ase_relaxations_per_s=_typical(relaxations, "ase"),
        ratio_of_relaxations=round(median(by_ase), 2),
        ratio_of_relaxations_range=_span(by_ase),
        steps=relaxations[-1]["our_steps"],
        ase_steps=relaxations[-1]["ase_steps"],
        converged=relaxations[-1]["our_converged"],
        ase_converged=relaxations[-1]["ase_converged"],
        energy_apart_ev_per_atom=max(each["energy_apart_ev_per_atom"] for each in relaxations),
        largest_force=told["wanted"]["largest_force"],
        rounds=rounds,
        threads=os.environ.get("OMP_NUM_THREADS", "all"),
        load_average=round(os.getloadavg()[0], 2),
    )


def _typical(rounds: list[dict[str, Any]], name: str) -> float:
    return round(float(median(each[name] for each in rounds)), 2)


def _span(ratios: list[float]) -> Span:
    return round(min(ratios), 3), round(max(ratios), 3)
