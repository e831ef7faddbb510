"""How fast crystals get into the database, beside a plain loop over the same rows and beside COPY alone.

All three run in one process after another, against one new PostgreSQL server. Ours is the whole way that `catalyst
ingest` takes, Dagster left out: raw cache, survey, parsing, checks, COPY, merge, settling, deriving.
"""

import json
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from catalyst_assets.bench.memory import PeakMemory, peak_memory
from catalyst_assets.ingestion.derived.update import update_derived
from catalyst_assets.ingestion.reading.files import read_csv_parts
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.shards import Settled, load_shard, plan_shards, settle_files
from catalyst_assets.ingestion.sources.refreshing import Source, refresh
from resources.paths import scratch_folder
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.postgres.database import Role, copy_text, execute, fetch_all, format_rows
from resources.settings import load_settings

if TYPE_CHECKING:
    import pandas as pd

_MAPPING: Final = """
source: perov5
table: table.csv
licence: unresolved
structure: {cif: cif}
record: [material_id]
properties:
  heat_all: {property: heat_of_formation, unit: eV/atom, method: GLLB-SC}
  dir_gap: {property: band_gap_direct, unit: eV, method: GLLB-SC}
  ind_gap: {property: band_gap_indirect, unit: eV, method: GLLB-SC}
"""
_TABLE_COLUMNS: Final = ("material_id", "cif", "heat_all", "dir_gap", "ind_gap")
_COLUMNS: Final = (
    *("material_id", "reduced_formula", "chemical_system", "elements", "n_sites"),
    *("structure_json", "structure_hash", "properties"),
)

Progress = Callable[[str], None]


@dataclass(frozen=True)
class IngestReport:
    """Structures a second, and where the time went.

    Attributes
    ----------
    structures, quarantined
        Rows that were loaded, and that were refused.
    ours_per_s, naive_per_s
        End to end: the platform's way, and pymatgen in a loop with `DataFrame.to_sql`.
    ratio_vs_naive
        The first over the second.
    copy_limit_per_s
        COPY of the finished rows into a table without an index.
    seconds_by_stage
        Of ours: `fetch` into the raw cache, `survey`, waiting for `parse`, `load` (COPY and merge), `settle`, `derive`
        (identical crystals, hulls). Chunks are loaded while the next ones are parsed, so the sum is more than what it
        took.
    peak_rss_mb
        Of this process and those that parse, while ours ran.
    """

    structures: int
    quarantined: int
    processes: int
    ours_per_s: float
    naive_per_s: float
    ratio_vs_naive: float
    copy_limit_per_s: float
    seconds_by_stage: dict[str, float]
    peak_rss_mb: float


@dataclass(frozen=True)
class EnumerationReport:
    """What streaming enumerated crystals into the database took.

    Attributes
    ----------
    prototypes
        Candidates that were loaded.
    peak_rss_mb
        Of this process and those that build crystals; `peak_rss_with_postgres_mb` counts the server's own memory too.
    """

    prototypes: int
    quarantined: int
    processes: int
    seconds: float
    per_s: float
    seconds_by_stage: dict[str, float]
    peak_rss_mb: float
    peak_rss_with_postgres_mb: float


class _Loading(NamedTuple):
    """One source on its way into the database: what came of it, in how long, and with how much memory."""

    settled: Settled
    seconds: float
    seconds_by_stage: dict[str, float]
    peak: PeakMemory


def measure_ingest(data: Path, processes: int = 2, progress: Progress = lambda state: None) -> IngestReport:
    """Load a table of CIFs in the three ways.

    Parameters
    ----------
    data
        A folder of CSV files (``.csv`` or ``.csv.gz``), or one, with the columns ``material_id, cif, heat_all,
        dir_gap, ind_gap``.
    processes
        How many parse.

    Raises
    ------
    InvalidPoolError
        There is no such file, or it lacks a column.
    """
    frame = read_csv_parts(data, _TABLE_COLUMNS)[list(_TABLE_COLUMNS)]
    with scratch_folder() as folder, _platform(folder) as platform:
        _import_libraries()
        mapping = _write_table(Path(folder, "table"), frame)
        progress(f"loading {len(frame)} structures")
        ours = _ingest(platform, ReferenceTables([mapping], shipped=()), processes)
        progress("loading them in a plain loop")
        naive = _naive(platform, frame)
        progress("copying the finished rows")
        copied = _copy_alone(platform)
    structures = ours.settled.new
    ours_per_s, naive_per_s = structures / ours.seconds, len(frame) / naive
    return IngestReport(
        structures,
        ours.settled.quarantined,
        processes,
        round(ours_per_s, 1),
        round(naive_per_s, 1),
        round(ours_per_s / naive_per_s, 2),
        round(structures / copied, 1),
        ours.seconds_by_stage,
        round(ours.peak.own_mb, 1),
    )


def measure_enumeration(
    prototypes: int, processes: int = 2, progress: Progress = lambda state: None
) -> EnumerationReport:
    """Enumerate at least so many candidates and load them.

    Raises
    ------
    UsageError
        There are not so many.
    """
    from catalyst_assets.bench.prototype_lists import write_enumerations
    from catalyst_assets.ingestion.prototypes.source import Prototypes

    with scratch_folder() as folder, _platform(folder) as platform:
        files = write_enumerations(Path(folder), prototypes)
        progress(f"enumerating {prototypes} candidates")
        settled, seconds, by_stage, peak = _ingest(platform, Prototypes(files), processes, progress)
    return EnumerationReport(
        settled.new,
        settled.quarantined,
        processes,
        round(seconds, 1),
        round(settled.new / seconds, 1),
        by_stage,
        round(peak.own_mb, 1),
        round(peak.with_postgres_mb, 1),
    )


def _import_libraries() -> None:
    """Import what either way needs before the clock starts: it has nothing to do with how many rows there are."""
    import pymatgen.analysis.phase_diagram
    import pymatgen.core.structure
    import pymatgen.io.cif  # noqa: F401


def _write_table(folder: Path, frame: "pd.DataFrame") -> Path:
    folder.mkdir()
    frame.to_csv(folder / "table.csv", index=False)
    mapping = folder / "mapping.yaml"
    mapping.write_text(_MAPPING, encoding="utf-8")
    return mapping


@contextmanager
def _platform(folder: str) -> Iterator[Platform]:
    settings = load_settings(home=Path(folder, "home"))
    with connect(settings, upgrade=True) as database:
        yield Platform(settings, database)


def _ingest(
    platform: Platform, source: Source, processes: int, progress: Progress = lambda state: None
) -> _Loading:
    database, objects = platform.database, platform.objects
    spent: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def timed(stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        spent[stage] += time.perf_counter() - began

    started = time.perf_counter()
    with peak_memory() as peak:
        with timed("fetch"):
            refresh(source, database, objects)
        with timed("survey"):
            shards = plan_shards(database, objects, platform.settings)
        loaded = []
        for number, shard in enumerate(shards, 1):
            counts = load_shard(database, objects, shard, processes, timed)
            loaded.append((shard["raw_file_id"], counts))
            progress(f"shard {number} of {len(shards)}")
        with timed("settle"):
            settled = settle_files(database, objects, loaded)
        with timed("derive"):
            update_derived(database)
        seconds = time.perf_counter() - started
    return _Loading(settled, seconds, {stage: round(each, 3) for stage, each in spent.items()}, peak)


def _naive(platform: Platform, frame: "pd.DataFrame") -> float:
    """Return the seconds that a plain loop takes: pymatgen one by one, then one `to_sql`."""
    from pymatgen.core.structure import Structure

    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        structures = [Structure.from_str(text, fmt="cif") for text in frame["cif"]]
    rows = frame.drop(columns="cif").assign(
        material_id="perov5:" + frame["material_id"].astype(str),
        reduced_formula=[structure.composition.reduced_formula for structure in structures],
        chemical_system=[structure.chemical_system for structure in structures],
        n_sites=list(map(len, structures)),
        structure_json=[json.dumps(structure.as_dict()) for structure in structures],
    )
    with platform.database.engine(Role.OWNER).begin() as connection:
        rows.to_sql("naive_materials", connection, index=False)
    return time.perf_counter() - started


def _copy_alone(platform: Platform) -> float:
    """Return the seconds that COPY takes for the rows that were loaded."""
    with platform.database.transaction(Role.OWNER) as connection:
        rows = fetch_all(connection, "bench/finished_rows")
        text = format_rows([row[column] for column in _COLUMNS] for row in rows)
        execute(connection, "bench/copied_materials")
        started = time.perf_counter()
        copy_text(connection, "copied_materials", _COLUMNS, text)
    return time.perf_counter() - started
