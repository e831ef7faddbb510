"""From the structure that was given to the one of lowest energy."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .crystal import Crystal
from .equation_of_state import find_minimum
from .scf import NotConvergedError, grid_of, moments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .scf import Setup

# Distance of two lattice constants on the energy-volume curve, and how far from the given one they may lie (half, double
# the volume and more).
LENGTH_STEP = 0.015
REACH = 16
# Largest move of an atom or cell vector in one step, in Å.
LARGEST_MOVE = 0.1


@dataclass(frozen=True)
class Relaxed:
    """A relaxed structure, the k-points and moments it was relaxed with, and how it was done."""

    crystal: Crystal
    kpoints: tuple[int, int, int]
    moments: list[float] | None
    about: dict[str, Any]


def relax(setup: Setup, crystal: Crystal) -> Relaxed:
    """Return the structure of lowest energy: by its volume where symmetry fixes the rest, else cell and positions.

    Raises
    ------
    NotConvergedError
        A calculation, or the relaxation itself, does not converge.
    NoMinimumError
        The energy has no minimum near the given volume.
    """
    kpoints, moments = grid_of(crystal, setup.method), moments_of(crystal, setup.method)
    if crystal.is_set_by_volume():
        relaxed, about = fit_volume(setup, "volume", crystal, kpoints, moments)
    else:
        relaxed, about = _relax_all(setup, crystal, kpoints, moments)
    return Relaxed(relaxed, kpoints, moments, about)


def fit_volume(
    setup: Setup,
    name: str,
    crystal: Crystal,
    kpoints: Sequence[int],
    moments: Sequence[float] | None,
    *,
    hubbard: bool = True,
) -> tuple[Crystal, dict[str, Any]]:
    """Return the crystal at the minimum of its energy-volume curve, and the curve.

    Raises
    ------
    NotConvergedError, NoMinimumError
        As `relax`.
    """
    curve: dict[int, float] = {}

    def energy(k: int) -> float:
        scaled = crystal.scaled((1 + LENGTH_STEP) ** k)
        curve[k] = setup.run(f"{name}{k:+d}", scaled, kpoints=kpoints, moments=moments, hubbard=hubbard)[
            "energy"
        ]
        return curve[k]

    minimum = find_minimum(energy, crystal.volume, LENGTH_STEP, REACH)
    about = {
        "relaxation": "energy-volume fit",
        "curve": [[crystal.volume * (1 + LENGTH_STEP) ** (3 * k), curve[k]] for k in sorted(curve)],
        "bulk_modulus_gpa": round(minimum.bulk_modulus, 1),
        "fit_residual_ev": round(minimum.residual, 6),
    }
    return crystal.scaled(minimum.scale), about


def _relax_all(
    setup: Setup, crystal: Crystal, kpoints: tuple[int, int, int], moments: list[float] | None
) -> tuple[Crystal, dict[str, Any]]:
    from ase.calculators.calculator import Calculator, all_changes
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS

    from .scf import to_atoms

    method = setup.method

    class Steps(Calculator):
        """Hands ASE's optimizer the energies of the job; those computed before a restart come from its folder."""

        implemented_properties = ["energy", "forces", "stress"]  # noqa: RUF012

        def __init__(self) -> None:
            super().__init__()  # type: ignore[no-untyped-call]
            self.n_steps = 0

        def calculate(
            self, atoms: Any = None, properties: Any = None, system_changes: Any = all_changes
        ) -> None:
            super().calculate(atoms, properties, system_changes)  # type: ignore[no-untyped-call]
            step = Crystal(np.array(atoms.cell), crystal.species, atoms.get_scaled_positions(wrap=False))
            # Rounded, so that a restart, which repeats the same steps, finds them.
            step = replace(step, lattice=step.lattice.round(10), positions=step.positions.round(10))
            output = setup.run(
                f"relaxation{self.n_steps:03d}", step, kpoints=kpoints, moments=moments, stress=True
            )
            self.n_steps += 1
            self.results = {
                "energy": output["energy"],
                "forces": np.array(output["forces"]),
                "stress": np.array(output["stress"]),
            }

    atoms = to_atoms(crystal, None)
    atoms.calc = Steps()
    free: Any = FrechetCellFilter(atoms)
    with BFGS(free, logfile=None, maxstep=LARGEST_MOVE) as optimizer:
        converged = optimizer.run(
            fmax=method["force_tolerance_ev_per_angstrom"], steps=method["max_relaxation_steps"]
        )
    n_steps = atoms.calc.n_steps
    if not converged:
        raise NotConvergedError(
            f"Cell and positions still move after {n_steps} steps; the largest force is "
            f"{np.linalg.norm(atoms.get_forces(), axis=1).max():.3f} eV/Å."
        )
    relaxed = Crystal(np.array(atoms.cell), crystal.species, atoms.get_scaled_positions(wrap=False))
    return relaxed, {"relaxation": "cell and positions", "steps": n_steps}
