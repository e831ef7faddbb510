"""A mistaken file, source or refresh goes with what came from it alone, and all that it had covered comes back."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.accounting import account_for_rows, find_bad_properties
from catalyst_assets.ingestion.dropping import Dropped, drop_files, find_files, list_files
from catalyst_assets.ingestion.loading import LoadCounts, load_rows
from catalyst_assets.ingestion.parsing import parse_rows
from catalyst_assets.ingestion.raw_cache import find_raw_file, is_whole, read_memory
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.shards import load_shard, plan_shards, settle_files
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.file_server import serving as serving_files
from catalyst_assets_tests.integration.ingestion.test_identity import OURS, THEIRS, ingest, rock_salt, write
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.oc20_loading import (
    FILES,
    H_ARCHIVE,
    OH_ARCHIVE,
    add_bulk,
    energies,
    fetch,
    two_bulks,
)
from catalyst_assets_tests.optimade_server import rock_salts, serving
from resources.platform import Platform
from resources.postgres.database import Role
from resources.settings import Settings

STATE = (
    "SELECT material_id, structure_hash, properties, deprecated, same_as FROM materials ORDER BY 1",
    "SELECT source, source_id, material_id, raw_sha256 FROM material_sources ORDER BY 1, 2",
    "SELECT source, record, reason FROM quarantine ORDER BY 1, 2, 3",
    "SELECT material_id, property, value FROM reference_values ORDER BY 1, 2",
    "SELECT source, url, sha256, parse_status FROM raw_files ORDER BY raw_file_id",
    "SELECT system_id, frame, energy_ev, bulk_mpid, anomaly FROM adsorption_energies ORDER BY 1, 2",
    "SELECT system_id, raw_sha256 FROM adsorption_systems ORDER BY 1",
    "SELECT source, records, materials, own, identity FROM material_totals WHERE records > 0 ORDER BY 1",
    "SELECT source, memory FROM source_memory ORDER BY 1",
)


def state(platform: Platform) -> list[Any]:
    return [query(platform, statement) for statement in STATE]


def drop(platform: Platform, source: str, last: int = 0, **options: Any) -> Dropped:
    """Drop the newest files of a source, all of them if none is counted."""
    ids = [file.raw_file_id for file in list_files(platform.database, source)][-last:]
    sources = () if last else (source,)
    return drop_files(platform.database, platform.objects, ids, sources, **options)


def sound(platform: Platform) -> bool:
    accounts = account_for_rows(platform.database, platform.objects)
    return {account.problem for account in accounts} <= {""} and find_bad_properties(platform.database) == []


def test_a_source_that_is_dropped_leaves_all_as_it_was_before(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "zz_mine", OURS))
    before = state(platform)
    # The first in the alphabet: what was theirs before becomes one of its materials.
    bad = [("bad", rock_salt("Mg", 0.1), -1.0)]
    settled = ingest(platform, write(tmp_path, "theirs", [*THEIRS, *bad]))
    assert (settled.unified, settled.quarantined) == (1, 1)
    (sha256,) = {file[2] for file in query(platform, STATE[4]) if file[0] == "theirs"}

    planned = drop(platform, "theirs", is_rehearsal=True)
    assert is_whole(platform.objects, sha256)
    assert state(platform) != before
    assert drop(platform, "theirs") == planned
    assert (planned.files, planned.records, planned.refusals, planned.retired) == (1, 2, 1, ())
    load(platform)

    assert state(platform) == before
    assert not is_whole(platform.objects, sha256)
    assert sound(platform)
    assert drop(platform, "theirs").files == 0
    assert state(platform) == before


def test_the_version_before_the_one_that_is_dropped_stands_again(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "mine", OURS))
    before = state(platform)
    ingest(
        platform,
        write(tmp_path, "mine", [("mgo", rock_salt("Mg", 4.3), -9.0), ("nio", rock_salt("Ni", 4.2), -2)]),
    )

    dropped = drop(platform, "mine", 1)
    assert (dropped.records, dropped.waiting) == (2, 1)
    load(platform)

    assert state(platform)[:4] == before[:4]
    assert sound(platform)


def test_a_version_that_only_retired_gives_back_what_it_retired(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "mine", OURS))
    before = state(platform)
    assert ingest(platform, write(tmp_path, "mine", [("nio", rock_salt("Ni", 4.2), -2)])).deprecated == 2

    drop(platform, "mine", 1)
    load(platform)

    assert state(platform)[:2] == before[:2]


def test_what_a_campaign_has_used_is_deprecated_and_comes_back_with_its_record(
    platform: Platform, tmp_path: Path
) -> None:
    mapping = write(tmp_path, "mine", OURS)
    ingest(platform, mapping)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("INSERT INTO campaigns (name, document, sha256) VALUES ('salts', '{}', 'x')")
        )
        connection.execute(sa.text("INSERT INTO campaign_test_set VALUES ('salts', 'mine:mgo')"))

    dropped = drop(platform, "mine")
    load(platform)

    assert (dropped.records, dropped.retired) == (1, ("mine:mgo",))
    assert query(platform, "SELECT material_id, deprecated FROM materials") == [("mine:mgo", True)]
    assert sound(platform)
    ingest(platform, mapping)
    assert query(platform, "SELECT material_id, deprecated FROM materials ORDER BY 1") == [
        ("mine:cao", False),
        ("mine:mgo", False),
    ]


def test_a_validators_answers_go_with_their_table(platform: Platform) -> None:
    refresh(ReferenceTables(), platform.database, platform.objects)
    load(platform)
    dropped = drop(platform, "perovskite_pbe")
    assert (dropped.records, dropped.answers) == (255, 1275)
    assert query(platform, "SELECT count(*) FROM reference_values") == [(0,)]
    refresh(ReferenceTables(), platform.database, platform.objects)
    assert load(platform).new == 255
    assert sound(platform)


def test_a_mapping_that_is_dropped_takes_the_labels_and_not_the_energies(
    platform: Platform, tmp_path: Path
) -> None:
    with serving_files({"h.tar": H_ARCHIVE, "oh.tar": OH_ARCHIVE}) as server:
        fetch(platform, server.url, FILES)
        load(platform)
        before = state(platform)
        add_bulk(platform, "mp-1", "Pt")
        fetch(platform, paths=[two_bulks(tmp_path)])
        assert load(platform).labelled == 1

        dropped = drop(platform, "oc20", 1)
        load(platform)

        assert (dropped.systems, dropped.energies) == (6, 0)
        now = state(platform)
        assert now[5:7] == before[5:7]
        ((properties,),) = query(platform, "SELECT properties FROM materials")
        assert list(properties) == ["band_gap"]
        # The downloads stay pinned.
        assert set(read_memory(platform.database, "oc20")["pinned"]) == {  # type: ignore[index]
            f"{server.url}h.tar",
            f"{server.url}oh.tar",
        }

        (other,) = find_files(list_files(platform.database), "oh.tar")
        drop_files(platform.database, platform.objects, [other.raw_file_id])
        assert set(energies(platform)) == {f"random{n}" for n in range(1, 6)}
        assert fetch(platform, server.url, FILES).fetched == 1
        load(platform)
        assert state(platform)[5] == before[5]


def test_a_refresh_that_is_dropped_is_asked_for_again(platform: Platform, tmp_path: Path) -> None:
    from catalyst_assets_tests.integration.ingestion.test_optimade import describe
    from catalyst_assets_tests.integration.ingestion.test_optimade import fetch as ask

    with serving(rock_salts(25)) as server:
        provider = describe(server, tmp_path, page_limit=10, properties={})
        ask(platform, provider)
        load(platform)
        before = state(platform)
        (page,) = [file for file in list_files(platform.database) if "page_offset=10" in file.url]
        assert drop_files(platform.database, platform.objects, [page.raw_file_id]).records == 10
        assert read_memory(platform.database, "optimade_local") is None

        assert ask(platform, provider).fetched == 1
        load(platform)
    assert [state(platform)[n] for n in (0, 1, 2, 8)] == [before[n] for n in (0, 1, 2, 8)]


def test_bytes_that_another_file_names_stay(platform: Platform, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = two_bulks(tmp_path / "a"), two_bulks(tmp_path / "b")
    fetch(platform, paths=[first, second])
    load(platform)
    both = list_files(platform.database, "oc20")
    with pytest.raises(UsageError, match="Name one by its number"):
        find_files(both, "mapping.json")
    (second_file,) = find_files(both, str(second))

    assert drop_files(platform.database, platform.objects, [second_file.raw_file_id]).systems == 0
    ((sha256,),) = query(platform, "SELECT sha256 FROM raw_files")
    assert is_whole(platform.objects, sha256)
    assert query(platform, "SELECT count(*) FROM adsorption_systems") == [(6,)]


def test_a_load_that_is_under_way_writes_nothing_of_a_file_that_was_dropped(
    platform: Platform, tmp_path: Path
) -> None:
    refresh(ReferenceTables([write(tmp_path, "mine", OURS)], shipped=()), platform.database, platform.objects)
    (shard,) = plan_shards(platform.database, platform.objects, platform.settings)
    raw = find_raw_file(platform.database, shard["raw_file_id"])
    (rows,) = parse_rows(platform.objects, raw, 0, 2, {})

    drop(platform, "mine")

    assert load_rows(platform.database, raw, rows) == LoadCounts()
    assert load_shard(platform.database, platform.objects, shard) == LoadCounts()
    settle_files(platform.database, platform.objects, [(raw.raw_file_id, LoadCounts())])
    assert query(platform, "SELECT count(*) FROM materials") == [(0,)]


def test_the_command_shows_what_goes_asks_and_drops_it(
    shared_settings: Settings, dagster_instance: object, tmp_path: Path
) -> None:
    url = shared_settings.database_url
    assert url is not None
    place = {"CATALYST_HOME": str(shared_settings.home), "CATALYST_DATABASE_URL": url.get_secret_value()}

    def run(*arguments: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", *arguments]
        outcome = subprocess.run(
            command,
            env=os.environ | place,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert outcome.returncode == code, outcome.stdout + outcome.stderr
        return outcome.stdout + outcome.stderr

    (tmp_path / "bad.json").write_text("no mapping")
    run("oc20", "--path", str(tmp_path / "bad.json"), code=1)
    (listed,) = json.loads(run("files", "--json"))
    assert (listed["source"], listed["parse_status"], listed["row_count"]) == ("oc20", "failed", None)
    shown = " ".join(run("files").split())
    assert "oc20" in shown
    assert "File 1 is not loaded" in shown

    asked = run("drop", "bad.json", code=2)
    assert "Raw files that go: 1; with them: nothing else." in asked
    assert "Add --yes" in asked
    assert "Dropped." in run("drop", "bad.json", "--yes")
    assert json.loads(run("files", "--json")) == []
    assert "There is no raw file bad.json" in run("drop", "bad.json", "--yes")
    run("drop", code=2)
