"""Kill -9 while a large table is parsed and loaded: the next run ends where an undisturbed one does."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.parsing import parse_rows
from catalyst_assets.ingestion.prototypes.source import Prototypes
from catalyst_assets.ingestion.raw_cache import find_raw_file
from catalyst_assets.ingestion.shards import plan_shards
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.places import DATA
from catalyst_assets_tests.processes import eventually, processes_of
from resources.platform import Platform
from resources.settings import Settings

PEROV5 = DATA / "perov5"
CATALYST = Path(sys.executable).with_name("catalyst")


def start(shared_settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    url = shared_settings.database_url
    assert url is not None
    environment = {
        **os.environ,
        "CATALYST_HOME": str(shared_settings.home),
        "CATALYST_DATABASE_URL": url.get_secret_value(),
    }
    command = [str(CATALYST), "ingest", "reference_tables", "--json", *arguments]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def kill_when(process: subprocess.Popen[str], holds: Callable[[], bool], home: Path) -> None:
    assert eventually(lambda: process.poll() is not None or holds(), seconds=120)
    assert process.poll() is None, "it was done before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert eventually(lambda: not processes_of(home)), "a process outlived the one that started it"


@pytest.mark.slow
def test_a_load_killed_while_parsing_and_while_loading_loses_and_doubles_nothing(
    platform: Platform, shared_settings: Settings, tmp_path: Path
) -> None:
    frame = pd.concat([pd.read_csv(path) for path in sorted(PEROV5.glob("part*.csv.gz"))], ignore_index=True)
    frame[["material_id", "cif", "dir_gap"]].to_csv(tmp_path / "table.csv", index=False)
    mapping = {
        "source": "perov5",
        "table": "table.csv",
        "licence": "unresolved",
        "structure": {"cif": "cif"},
        "record": ["material_id"],
        "properties": {"dir_gap": {"property": "band_gap_direct", "unit": "eV", "method": "GLLB-SC"}},
    }
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping), encoding="utf-8")

    def loaded() -> int:
        ((count,),) = query(platform, "SELECT count(*) FROM materials WHERE material_id LIKE 'perov5:%'")
        return int(count)

    def cached() -> bool:
        rows = query(platform, "SELECT row_count FROM raw_files WHERE source = 'perov5'")
        return bool(rows) and rows[0][0] is not None

    kill_when(start(shared_settings, "--mapping", str(path)), cached, shared_settings.home)
    assert loaded() < len(frame)
    before = loaded()
    kill_when(start(shared_settings, "--mapping", str(path)), lambda: loaded() > before, shared_settings.home)
    assert before < loaded() < len(frame)

    finished = start(shared_settings, "--mapping", str(path))
    summary = json.loads(finished.communicate()[0])

    assert finished.returncode == 0
    assert (loaded(), summary["quarantined"]) == (len(frame), 0)
    assert query(platform, "SELECT count(*) FROM raw_files WHERE source = 'perov5'") == [(1,)]
    assert query(
        platform, "SELECT count(*), count(DISTINCT source_id) FROM material_sources WHERE source = 'perov5'"
    ) == [(len(frame), len(frame))]
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == ["", ""]


def test_rows_parsed_by_several_processes_are_those_parsed_by_one(platform: Platform, tmp_path: Path) -> None:
    sites = {
        "A": ["Ca", "Sr", "Ba", "Pb", "La", "K", "Na"],
        "B": ["Ti", "Zr", "Hf", "Sn", "Fe", "Mn", "Ta", "Nb", "Al", "Ga", "Sc", "Y"],
        "C": ["V", "Cr", "Co", "Ni", "Cu", "Zn", "Mg", "Cd", "In", "Ru", "Rh", "Ir"],
        "X": ["O", "F", "S", "Cl", "Br"],
    }
    described = {"name": "many", "prototype": "double_perovskite", "sites": sites, "neutral": False}
    path = tmp_path / "many.yaml"
    path.write_text(yaml.safe_dump(described), encoding="utf-8")
    refresh(Prototypes([path]), platform.database, platform.objects)
    (shard, *_) = plan_shards(platform.database, platform.objects, platform.settings)
    raw = find_raw_file(platform.database, shard["raw_file_id"])

    def parse(processes: int) -> list[str]:
        parsed = parse_rows(platform.objects, raw, 0, 5040, {}, processes)
        return "".join(rows.staged["materials"] for rows in parsed).splitlines()

    alone = parse(1)
    assert len(alone) > 4000
    assert parse(2) == alone
