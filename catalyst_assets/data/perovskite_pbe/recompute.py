"""Compute the shipped set again with the gpaw validator's own program, structures and settings: `recomputed.csv`.

usage: python recompute.py FOLDER [OUT.csv]

A compound is a job in a folder below FOLDER, where every finished single calculation stays: stop the command at any time, start
it again and it goes on. OUT is written after each compound. One process; give it one thread (OMP_NUM_THREADS=1).
"""

import csv
import json
import sys
from pathlib import Path

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.validation.dft.gpaw_job import main as program
from catalyst_assets.validation.dft.gpaw_job.folder import write_json
from catalyst_assets.validation.dft.methods import find_method

SHIPPED = Path(__file__).with_name("perovskites.csv")
# Those that the slow test computes again come first.
FIRST = ("BaHfO3", "MgSiO3", "SrVO3")
PROPERTIES = ["lattice_a", "energy_total", "formation_energy_per_atom", "band_gap_direct", "band_gap_indirect"]
DIGITS = {"lattice_a": 4}


def compute(folder: Path, row: dict[str, str]) -> dict:
    job = folder / row["formula"]
    structure = build_cubic_perovskite(row["A"], row["B"], row["anion"])
    document = {
        "material_id": row["formula"],
        "structure": {
            "lattice": structure.lattice.matrix.tolist(),
            "species": [str(site.specie) for site in structure],
            "fractional_coordinates": structure.frac_coords.tolist(),
        },
        "properties": PROPERTIES,
        "method": find_method("PBE").settings(),
    }
    known = json.loads((job / "job.json").read_text()) if (job / "job.json").exists() else {}
    if not (job / "result.json").exists() or known | {"attempt": 1} != document | {"attempt": 1}:
        for attempt in (1, 2):
            write_json(job / "job.json", document | {"attempt": attempt})
            program.main([str(job)])
            if not json.loads((job / "result.json").read_text()).get("try_again"):
                break
    result = json.loads((job / "result.json").read_text())
    values = {each["property"]: round(each["value"], DIGITS.get(each["property"], 5)) for each in result["values"]}
    # A calculation that was found finished has no time of its own in this result, and its own file has.
    singles = [json.loads(file.read_text())["output"] for file in (job / "singles").glob("*.json")]
    return {
        **{name: row[name] for name in ("A", "B", "anion", "formula")},
        **{name: values.get(name, "") for name in PROPERTIES},
        "moment": "" if result["about"].get("moment") is None else round(result["about"]["moment"], 3),
        "seconds": round(sum(each.get("seconds", 0) for each in singles)),
        "reason": result["reason"],
    }


def main(folder: Path, out: Path) -> None:
    with SHIPPED.open() as file:
        shipped = sorted(csv.DictReader(file), key=lambda row: row["formula"] not in FIRST)
    rows: list[dict] = []
    for number, row in enumerate(shipped, 1):
        rows.append(compute(folder, row))
        print(f"{number} of {len(shipped)}: {rows[-1]}", flush=True)
        beside = out.with_name(f".{out.name}")
        with beside.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(sorted(rows, key=lambda each: each["formula"]))
        beside.replace(out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).with_name("recomputed.csv")))
