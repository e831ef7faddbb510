"""What a small table costs to load beside a large one, against the same in an installation that holds next to nothing.

Both are whole `catalyst ingest` commands, each in a process of its own, in turn on one machine.
"""

import csv
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import Final

import yaml

from catalyst_assets.errors import CatalystError
from catalyst_assets.vocabulary.known import known_properties
from resources.paths import scratch_folder

SMALL_ROWS: Final = 4
COLUMNS: Final = 40
_METHODS: Final = ("PBE", "HSE06", "GLLB-SC")
_A_SITES: Final = (
    *(
        "Li",
        "Na",
        "K",
        "Rb",
        "Cs",
        "Mg",
        "Ca",
        "Sr",
        "Ba",
        "Y",
        "La",
        "Ce",
        "Pr",
        "Nd",
        "Sm",
        "Eu",
        "Gd",
        "Tb",
    ),
    *("Dy", "Ho", "Er", "Tm", "Yb", "Lu", "Ag", "Tl", "Pb", "Bi"),
)
_B_SITES: Final = (
    *(
        "Ti",
        "Zr",
        "Hf",
        "V",
        "Nb",
        "Ta",
        "Cr",
        "Mo",
        "W",
        "Mn",
        "Fe",
        "Co",
        "Ni",
        "Cu",
        "Zn",
        "Al",
        "Ga",
        "In",
    ),
    *("Ge", "Sn", "Sb", "Sc", "Ru", "Rh", "Pd", "Ir", "Pt"),
)
_ANIONS: Final = ("O3", "N3", "F3", "S3", "Cl3", "O2N", "O2F", "O2S", "ON2", "ONF")


@dataclass(frozen=True)
class BesideReport:
    """Seconds of `catalyst ingest`, interpreter and database included; medians over the repeats.

    Attributes
    ----------
    rows, columns
        Of the large table; the values are random, within what is usual of each property.
    first_s
        Loading the large table into a new installation.
    empty_s, beside_s
        Loading a new table of four such rows into an installation with the shipped table alone, and beside the large
        one.
    ratio
        The second over the first.
    """

    rows: int
    columns: int
    first_s: float
    empty_s: float
    beside_s: float
    ratio: float


def measure_beside(
    rows: int, repeats: int = 3, progress: Callable[[str], None] = lambda state: None
) -> BesideReport:
    """Load a large table into one installation and none into another, then small ones into both in turn.

    Raises
    ------
    CatalystError
        A command failed.
    """
    with scratch_folder() as folder:
        empty, full = Path(folder, "empty"), Path(folder, "full")
        progress("making an installation")
        _ingest(empty, [])
        progress(f"loading {rows} rows into another")
        first = _ingest(full, [_write_table(Path(folder, "large"), "large", rows, 0)])
        seconds: dict[Path, list[float]] = {empty: [], full: []}
        for number in range(1, repeats + 1):
            progress(f"loading {SMALL_ROWS} rows into both, {number} of {repeats}")
            small = _write_table(Path(folder, f"small{number}"), f"small{number}", SMALL_ROWS, number)
            for home, spent in seconds.items():
                spent.append(_ingest(home, [small]))
    empty_s, beside_s = (median(spent) for spent in seconds.values())
    return BesideReport(
        rows,
        COLUMNS,
        round(first, 1),
        round(empty_s, 2),
        round(beside_s, 2),
        round(beside_s / empty_s, 2),
    )


def _ingest(home: Path, mappings: list[Path]) -> float:
    options = [part for mapping in mappings for part in ("--mapping", str(mapping))]
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", "reference_tables", *options, "--json"]
    started = time.perf_counter()
    done = subprocess.run([*command, "--home", str(home)], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise CatalystError(
            f"`catalyst ingest` ended with {done.returncode}: {''.join(last)}", "Run it by hand to see why."
        )
    return time.perf_counter() - started


def _write_table(folder: Path, source: str, rows: int, seed: int) -> Path:
    """Write a table of perovskites, many of a formula, with values of properties by several methods."""
    folder.mkdir()
    generator = random.Random(seed)  # noqa: S311
    shipped = [name for name, known in known_properties().items() if known.typical_mean is not None]
    columns = {f"{name} {method}": (name, method) for method, name in product(_METHODS, shipped)}
    columns = dict(list(columns.items())[:COLUMNS])
    limits = [known_properties()[name] for name, _ in columns.values()]
    with (folder / "table.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "A", "B", "anion", *columns])
        for number in range(rows):
            sites = generator.choice(_A_SITES), generator.choice(_B_SITES), generator.choice(_ANIONS)
            values = (min(max(generator.gauss(*known.expected), known.low), known.high) for known in limits)
            writer.writerow([f"r{number}", *sites, *(f"{value:.4f}" for value in values)])
    mapping = {
        "source": source,
        "table": "table.csv",
        "licence": "CC0-1.0",
        "structure": {"prototype": "cubic_perovskite"},
        "record": ["id"],
        "properties": {
            column: {"property": name, "unit": known.unit, "method": method, "plausible": True}
            for (column, (name, method)), known in zip(columns.items(), limits, strict=True)
        },
    }
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping, allow_unicode=True), encoding="utf-8")
    return path
