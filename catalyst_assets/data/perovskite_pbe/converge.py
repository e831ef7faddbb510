"""How far cut-off and density of k-points move formation energies and lattice constants: the table `convergence.csv`.

usage: python converge.py FOLDER [OUT.csv]

Three oxides: light and ionic; one with heavy atoms; one with an open d shell, computed with spin. One of the two settings is raised
while the other stays low, as their errors add up. Formation energies at a fixed lattice constant, against elements by the same
settings; lattice constants by the validator's own fit. Finished calculations stay in FOLDER: stop and start at any time.
"""

import csv
import sys
from pathlib import Path

import numpy as np

from catalyst_assets.validation.dft.gpaw_job.crystal import Crystal
from catalyst_assets.validation.dft.gpaw_job.elements import element_crystal
from catalyst_assets.validation.dft.gpaw_job.folder import Folder
from catalyst_assets.validation.dft.gpaw_job.relaxation import fit_volume
from catalyst_assets.validation.dft.gpaw_job.scf import Setup, grid_of, moments_of
from catalyst_assets.validation.dft.methods import find_method

OXIDES = {"MgO": (("Mg",), 4.25), "BaHfO3": (("Ba", "Hf"), 4.20), "KVO3": (("K", "V"), 3.88)}
CUTOFFS_EV, AT_DENSITY = (600, 700, 800), 1.5
DENSITIES, AT_CUTOFF_EV = (2.4, 3.4), 600
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
    kpoints = grid_of(crystal, setup.method)
    output = setup.run(element, crystal, kpoints=kpoints, moments=moments, hubbard=False)
    return output["energy"] / len(crystal.species)


def setup_of(folder: Path, cutoff: float, density: float) -> Setup:
    place = folder / f"{cutoff:.0f}-{density:.1f}"
    place.mkdir(parents=True, exist_ok=True)
    return Setup(Folder(place), find_method("PBE").settings() | {"cutoff_ev": cutoff, "kpoint_density": density})


def formation_energy(setup: Setup, name: str) -> float:
    crystal = oxide(name)
    kpoints, moments = grid_of(crystal, setup.method), moments_of(crystal, setup.method)
    energy = setup.run(name, crystal, kpoints=kpoints, moments=moments)["energy"]
    return (energy - sum(energy_of_element(setup, each) for each in crystal.species)) / len(crystal.species)


def lattice_constant(setup: Setup, name: str) -> tuple[float, float]:
    crystal = oxide(name)
    kpoints, moments = grid_of(crystal, setup.method), moments_of(crystal, setup.method)
    relaxed, about = fit_volume(setup, f"{name}-volume", crystal, kpoints, moments)
    return relaxed.cubic_edge() or 0.0, about["fit_residual_ev"]


def write(rows: dict, out: Path) -> None:
    with out.open("w", newline="") as file:
        columns = "oxide cutoff_ev kpoint_density kpoints formation_energy_ev_per_atom lattice_a fit_residual_ev".split()
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[key] for key in sorted(rows))


def main(folder: Path, out: Path) -> None:
    rows: dict = {}

    def row(name: str, cutoff: float, density: float) -> dict:
        size = "×".join(map(str, grid_of(oxide(name), {"kpoint_density": density})))
        return rows.setdefault(
            (name, density, cutoff),
            {"oxide": name, "cutoff_ev": cutoff, "kpoint_density": density, "kpoints": size},
        )

    settings = [(cutoff, AT_DENSITY) for cutoff in CUTOFFS_EV] + [(AT_CUTOFF_EV, each) for each in DENSITIES]
    for name in OXIDES:
        for cutoff, density in settings:
            energy = formation_energy(setup_of(folder, cutoff, density), name)
            row(name, cutoff, density)["formation_energy_ev_per_atom"] = round(energy, 4)
            write(rows, out)
        # A low cut-off makes the curve uneven, so that its lattice constant says nothing about the k-points.
        for cutoff in CUTOFFS_EV:
            lattice, residual = lattice_constant(setup_of(folder, cutoff, AT_DENSITY), name)
            row(name, cutoff, AT_DENSITY).update(lattice_a=round(lattice, 4), fit_residual_ev=residual)
            write(rows, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("convergence.csv")))
