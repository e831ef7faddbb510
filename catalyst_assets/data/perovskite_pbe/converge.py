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

# Compounds, with a lattice constant to start from in Å: d0 and light, open d shell (with spin), heavy A site.
COMPOUNDS = {"SrTiO3": ("Sr", "Ti", 3.94), "BaHfO3": ("Ba", "Hf", 4.20), "SrVO3": ("Sr", "V", 3.87)}
CUTOFFS_EV = (400, 500, 600, 700, 800)
DENSITIES = (2.4, 3.4, 4.4)
AT_CUTOFF_EV, AT_DENSITY = 500, 3.4
RUNS = [(cutoff, AT_DENSITY) for cutoff in CUTOFFS_EV] + [
    (AT_CUTOFF_EV, density) for density in DENSITIES if density != AT_DENSITY
]
PROPERTIES = ["lattice_a", "energy_total", "formation_energy_per_atom", "band_gap_direct", "band_gap_indirect"]


def run(folder: Path, compound: str, cutoff: float, density: float) -> dict:
    a_site, b_site, lattice = COMPOUNDS[compound]
    job = folder / f"{compound}-{cutoff:.0f}-{density:.1f}"
    job.mkdir(parents=True, exist_ok=True)
    structure = {
        "lattice": [[lattice, 0, 0], [0, lattice, 0], [0, 0, lattice]],
        "species": [a_site, b_site, "O", "O", "O"],
        "fractional_coordinates": [[0.5, 0.5, 0.5], [0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
    }
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
        for compound in COMPOUNDS:
            rows.append(run(folder, compound, cutoff, density))
            with out.open("w", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(sorted(rows, key=lambda row: (row["compound"], row["kpoint_density"], row["cutoff_ev"])))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("convergence.csv")))
