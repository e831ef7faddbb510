"""SevenNet without the platform: ``python sevennet_alone.py JOB ANSWERS``, run in its environment.

The package's own calculator, one structure after another, by the package's own names of its weights; relaxations by
ASE's FIRE with `UnitCellFilter`.
"""

import json
import sys
from pathlib import Path
from typing import Any

from ase import Atoms
from ase.filters import UnitCellFilter
from ase.optimize import FIRE
from sevenn.calculator import SevenNetCalculator


def answer(job: dict[str, Any]) -> dict[str, Any]:
    """Return energies, forces and stresses by name of the weights and the structure, and energies at minima."""
    told: dict[str, Any] = {}
    for weights, asked in job.items():
        calculator = SevenNetCalculator(weights, device="cpu")
        told[weights] = {"evaluated": {}, "relaxed": {}}
        for name, about in asked["evaluate"].items():
            atoms = Atoms(**about, calculator=calculator)
            told[weights]["evaluated"][name] = {
                "energy": atoms.get_potential_energy(),
                "forces": atoms.get_forces().tolist(),
                "stress": atoms.get_stress(voigt=False).tolist() if atoms.pbc.all() else None,
            }
        for name, about in asked["relax"].items():
            atoms = Atoms(**about, calculator=calculator)
            converged = FIRE(UnitCellFilter(atoms), logfile=None).run(fmax=asked["fmax"], steps=500)
            told[weights]["relaxed"][name] = {
                "energy": atoms.get_potential_energy(),
                "cell": atoms.cell.tolist(),
                "converged": bool(converged),
            }
    return told


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(answer(json.loads(Path(sys.argv[1]).read_text()))))
