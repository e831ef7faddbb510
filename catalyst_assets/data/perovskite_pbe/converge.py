"""How far cut-off and density of k-points move what the gpaw validator answers: the table `convergence.csv`.

usage: python converge.py FOLDER [OUT.csv]

Each line of `RUNS` is a job of the validator's own program, in a folder below FOLDER; what is finished there is not
computed again, so that the command can be stopped and started at any time.
"""

import csv
import json
import sys
from pathlib import Path

from catalyst_assets.validation.dft.gpaw_job import main as program
from catalyst_assets.validation.dft.methods import find_method

# Light and ionic; an open d shell, with spin; heavy atoms, from the shipped set. Lattice constants to start from, in Å.
ROCK_SALT = {"MgO": ("Mg", 4.25), "VO": ("V", 4.43)}
PEROVSKITES = {"BaHfO3": ("Ba", "Hf", 4.20)}
CUTOFFS_EV = (400, 500, 600, 700)
DENSITIES = (1.5, 2.4, 3.4, 4.4)
# One is raised while the other stays low: their errors add up.
RUNS = [(cutoff, DENSITIES[0]) for cutoff in CUTOFFS_EV] + [(CUTOFFS_EV[0], density) for density in DENSITIES[1:]]
PROPERTIES = ["lattice_a", "energy_total", "formation_energy_per_atom", "band_gap_direct", "band_gap_indirect"]


def structure_of(compound: str) -> dict:
    if compound in ROCK_SALT:
        metal, edge = ROCK_SALT[compound]
        half = edge / 2
        lattice = [[0, half, half], [half, 0, half], [half, half, 0]]
        return {"lattice": lattice, "species": [metal, "O"], "fractional_coordinates": [[0, 0, 0], [0.5, 0.5, 0.5]]}
    a_site, b_site, edge = PEROVSKITES[compound]
    return {
        "lattice": [[edge, 0, 0], [0, edge, 0], [0, 0, edge]],
        "species": [a_site, b_site, "O", "O", "O"],
        "fractional_coordinates": [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    }


def run(folder: Path, compound: str, cutoff: float, density: float) -> dict:
    job = folder / f"{compound}-{cutoff:.0f}-{density:.1f}"
    job.mkdir(parents=True, exist_ok=True)
    structure = structure_of(compound)
    method = find_method("PBE").settings() | {"cutoff_ev": cutoff, "kpoint_density": density}
    (job / "job.json").write_text(
        json.dumps({"material_id": compound, "structure": structure, "properties": PROPERTIES, "method": method})
    )
    if not (job / "result.json").exists():
        program.main([str(job)])
    result = json.loads((job / "result.json").read_text())
    values = {each["property"]: round(each["value"], 5) for each in result["values"]}
    return {
        "compound": compound,
        "cutoff_ev": cutoff,
        "kpoint_density": density,
        "kpoints": "×".join(map(str, result["about"].get("kpoints", []))),
        **{name: values.get(name, "") for name in PROPERTIES},
        "seconds": result["about"]["seconds"],
        "reason": result["reason"],
    }


def main(folder: Path, out: Path) -> None:
    rows: list[dict] = []
    for cutoff, density in RUNS:
        for compound in (*ROCK_SALT, *PEROVSKITES):
            rows.append(run(folder, compound, cutoff, density))
            with out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(sorted(rows, key=lambda row: (row["compound"], row["kpoint_density"], row["cutoff_ev"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("convergence.csv")))
