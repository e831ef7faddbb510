"""Adsorption energies of hydrogen on the alloys by SevenNet-l3i5, by the platform's own command, one alloy after the other.

usage: compute_prior.py FOLDER [MOST]
Each alloy leaves its crystal and its answer in FOLDER; stop it at any time, start it again and it goes on. `sevennet_l3i5.csv`
beside this file holds what FOLDER has: it is written first and after each alloy. MOST is how many more are computed (all).
"""
import csv, json, random, subprocess, sys
from pathlib import Path

from catalyst_assets.ingestion.prototypes.formulas import build_from_formula

HERE = Path(__file__).parent
METHOD = "sevennet-l3i5"
COMMAND = ["--potential", METHOD, "--layers", "3", "--most-facets", "1", "--json"]


def compute(formula, prototype, answer):
    """Have `catalyst adsorption` compute one alloy, and keep what it says."""
    crystal = answer.parent / "cif" / f"{answer.stem}.cif"
    crystal.parent.mkdir(parents=True, exist_ok=True)
    build_from_formula(formula, prototype).to_structure().to(filename=str(crystal))
    done = subprocess.run([sys.executable, "-m", "catalyst_assets.cli", "adsorption", str(crystal), *COMMAND],
                          capture_output=True, text=True)
    answer.write_text(done.stdout or json.dumps({"error": done.stderr[-2000:]}))


def read_lowest(answer):
    """Return the lowest energy over the sites, in eV; None where there is no sound one, or not yet."""
    if not answer.exists() or not answer.stat().st_size:
        return None
    (material,) = json.loads(answer.read_text()).get("materials", {"": {}}).values()
    return material.get("lowest", {}).get("H")


def write_table(alloys, folder):
    """Write what is known of the alloys, in the order of their table."""
    with (HERE / "sevennet_l3i5.csv").open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["formula", "prototype", "adsorption_energy_H"])
        for formula, prototype in alloys:
            lowest = read_lowest(folder / f"{formula}-{prototype}.json")
            if lowest is not None:
                table.writerow([formula, prototype, f"{lowest:.5f}"])


def main(folder, most):
    with (HERE / "alloys.csv").open() as file:
        alloys = [(row["formula"], row["prototype"]) for row in csv.DictReader(file)]
    write_table(alloys, folder)
    # In random order, so that whatever is done says something of all.
    todo = random.Random(0).sample(alloys, len(alloys))
    todo = [alloy for alloy in todo if not (folder / f"{alloy[0]}-{alloy[1]}.json").exists()]
    for formula, prototype in todo[:most]:
        compute(formula, prototype, folder / f"{formula}-{prototype}.json")
        write_table(alloys, folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
