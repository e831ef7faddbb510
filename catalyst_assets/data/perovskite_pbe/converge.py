"""How far cut-off and density of k-points move formation energies and lattice constants: the table `convergence.csv`.

usage: python converge.py FOLDER [OUT.csv]

Three oxides: light and ionic; one with an open d shell, computed with spin; one with heavy atoms. One of the two settings is raised
while the other stays low, as their errors add up. Formation energies at a fixed lattice constant, against elements by the same
settings; lattice constants from three energies 1.5 % apart. Finished calculations stay in FOLDER: stop and start at any time.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from catalyst_assets.validation.dft.gpaw_job.crystal import Crystal
from catalyst_assets.validation.dft.gpaw_job.elements import element_crystal
from catalyst_assets.validation.dft.gpaw_job.folder import Folder
from catalyst_assets.validation.dft.gpaw_job.relaxation import LENGTH_STEP
from catalyst_assets.validation.dft.gpaw_job.scf import Setup, grid_of, moments_of
from catalyst_assets.validation.dft.methods import find_method

OXIDES = {"MgO": (("Mg",), 4.25), "KVO3": (("K", "V"), 3.88), "BaHfO3": (("Ba", "Hf"), 4.20)}
CUTOFFS_EV = (400, 500, 600, 700)
DENSITIES = (1.5, 2.4, 3.4)
RUNS = [(cutoff, DENSITIES[0]) for cutoff in CUTOFFS_EV] + [(CUTOFFS_EV[0], density) for density in DENSITIES[1:]]
OXYGEN_BOND = 1.23  # Å


def oxide(name: str) -> Crystal:
    metals, edge = OXIDES[name]
    if len(metals) == 1:
        lattice = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) * edge
        return Crystal(lattice, (*metals, "O"), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))
    positions = np.array([[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]])
    return Crystal(np.eye(3) * edge, (*metals, "O", "O", "O"), positions)


def energy_of_element(setup: Setup, element: str) -> float:
    if element == "O":
        box = np.array([8.0, 8.4, 8.8 + OXYGEN_BOND])
        ends = np.array([[0.5, 0.5, 0.5 - OXYGEN_BOND / 2 / box[2]], [0.5, 0.5, 0.5 + OXYGEN_BOND / 2 / box[2]]])
        molecule = Crystal(np.diag(box), ("O", "O"), ends)
        return setup.run("O2", molecule, kpoints=(1, 1, 1), moments=[1.0, 1.0], molecule=True)["energy"] / 2
    crystal, moments, _ = element_crystal(element)
    output = setup.run(element, crystal, kpoints=grid_of(crystal, setup.method), moments=moments)
    return output["energy"] / len(crystal.species)


def run(folder: Path, name: str, cutoff: float, density: float) -> dict:
    method = find_method("PBE").settings() | {"cutoff_ev": cutoff, "kpoint_density": density}
    place = folder / f"{cutoff:.0f}-{density:.1f}"
    place.mkdir(parents=True, exist_ok=True)
    setup, crystal = Setup(Folder(place), method), oxide(name)
    kpoints, moments = grid_of(crystal, method), moments_of(crystal, method)

    def energy(k: int) -> float:
        scaled = crystal.scaled(1 + k * LENGTH_STEP)
        return setup.run(f"{name}{k:+d}", scaled, kpoints=kpoints, moments=moments)["energy"]

    low, middle, high = energy(-1), energy(0), energy(1)
    lowest = (low - high) / (2 * (low - 2 * middle + high))
    of_elements = sum(energy_of_element(setup, element) for element in crystal.species)
    return {
        "oxide": name,
        "cutoff_ev": cutoff,
        "kpoint_density": density,
        "kpoints": "×".join(map(str, kpoints)),
        "formation_energy_ev_per_atom": round((middle - of_elements) / len(crystal.species), 4),
        "lattice_a": round(OXIDES[name][1] * (1 + lowest * LENGTH_STEP), 4),
    }


def main(folder: Path, out: Path) -> None:
    rows: list[dict] = []
    for cutoff, density in RUNS:
        for name in OXIDES:
            rows.append(run(folder, name, cutoff, density))
            with out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(
                    sorted(rows, key=lambda row: (row["oxide"], row["kpoint_density"], row["cutoff_ev"]))
                )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("convergence.csv")))
