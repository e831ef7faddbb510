"""The whole of the Materials Project from a Delta table in a folder, and on from there by the interface."""

import copy
import json
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from emmet.core.arrow import arrowize
from emmet.core.summary import SummaryDoc

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.materials_project.refresh import refresh_source
from catalyst_assets.ingestion.materials_project.selection import Selection, select
from catalyst_assets.ingestion.materials_project.spec import NAME, SPEC
from catalyst_assets.ingestion.materials_project.table import order_of
from catalyst_assets.ingestion.raw_cache import current_files, read_raw
from catalyst_assets.ingestion.sources.assets import make_raw_asset
from catalyst_assets.ingestion.sources.refreshing import Refreshed, hash_current
from catalyst_assets_tests import mp_refresh
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.mp_refresh import configure
from catalyst_assets_tests.mp_server import sample_documents, serving
from resources.platform import Platform

COLUMNS = (
    "material_id",
    "last_updated",
    "deprecated",
    "builder_meta",
    "structure",
    "formation_energy_per_atom",
    "energy_above_hull",
    "band_gap",
    "volume",
)
# The columns as the real table has them; more than we take.
SCHEMA = pa.schema(
    [pa.field("version", pa.string()), *(f for f in arrowize(SummaryDoc) if f.name in COLUMNS)]
)
ENDPOINT = "http://127.0.0.1:9"


def publish(folder: Path, version: str, documents: list[dict[str, Any]], files: int = 1) -> None:
    """Add a version to a table as the Materials Project does."""
    rows = []
    for document in documents:
        row = {"version": version, **{name: document.get(name) for name in COLUMNS}}
        row["last_updated"] = datetime.fromisoformat(document["last_updated"])
        row["material_id"] = document["material_id"]
        rows.append(row)
    for part in range(files):
        write_deltalake(
            str(folder),
            pa.Table.from_pylist(rows[part::files], SCHEMA),
            mode="append",
            partition_by=["version"],
        )


def fetch(platform: Platform, table: Path, selection: Selection | None = None, **options: Any) -> Refreshed:
    config = configure(selection, full_table=True, table_uri=str(table), table_options={}, **options)
    return refresh_source(config, platform)


def standing(platform: Platform) -> int:
    ((count,),) = query(platform, "SELECT count(*) FROM materials WHERE NOT deprecated")
    return int(count)


@pytest.fixture
def documents() -> list[dict[str, Any]]:
    return sample_documents(most_sites=8)[:20]


@pytest.fixture
def table(tmp_path: Path, documents: list[dict[str, Any]]) -> Path:
    folder = tmp_path / "summary"
    superseded = copy.deepcopy(documents[:3])
    for document in superseded:
        document["band_gap"] = 9.0
    publish(folder, "2025.09.25", superseded)
    publish(folder, "2026.04.13", documents, files=2)
    return folder


def test_the_newest_version_is_loaded_from_its_data_files_as_received(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    assert fetch(platform, table).fetched == 3

    kept = [raw for raw in current_files(platform.database) if raw.kind == "mp_summary_parquet"]
    there = {path.read_bytes() for path in (table / "version=2026.04.13").glob("*.parquet")}
    assert {read_raw(platform.objects, raw.sha256) for raw in kept} == there
    settled = load(platform)
    assert (settled.new, settled.quarantined) == (20, 0)
    ((properties, licence),) = query(
        platform,
        "SELECT properties, licence FROM materials JOIN material_sources USING (material_id) "
        "WHERE material_id = :name",
        name=f"materials_project:{documents[0]['material_id']}",
    )
    assert licence == "CC-BY-4.0"
    assert properties["band_gap"][0] == {
        "value": documents[0]["band_gap"],
        "unit": "eV",
        "method": "PBE/PBE+U",
        "source": NAME,
    }
    assert properties["energy_above_hull"][0]["value"] == documents[0]["energy_above_hull"]
    assert {account.problem for account in account_for_rows(platform.database, platform.objects)} == {""}


def test_files_that_are_cached_are_not_fetched_again(platform: Platform, table: Path) -> None:
    fetch(platform, table)
    before = hash_current(platform.database, [NAME]), load(platform).sha256

    again = fetch(platform, table)

    assert (again.fetched, again.size_bytes) == (0, 0)
    assert (hash_current(platform.database, [NAME]), load(platform).sha256) == before
    for path in (table / "version=2026.04.13").glob("*.parquet"):
        path.unlink()
    # Other rows of the same files are wanted: they are read from the cache.
    assert fetch(platform, table, select(non_commercial=True)).fetched == 2


def test_the_interface_goes_on_from_the_tables_version(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    with serving(documents) as server:

        def ask() -> Refreshed:
            return mp_refresh.fetch(platform, server, batch_size=250)

        fetch(platform, table, endpoint=server.endpoint)
        load(platform)
        assert (ask().fetched, server.asked) == (0, [])
        server.version = "2026.06.08"
        removed = server.documents.pop(0)
        server.documents[3]["last_updated"] = "2026-06-01T00:00:00+00:00"

        ask()

        assert server.batches == [[server.documents[3]["material_id"]]]
    assert load(platform).deprecated == 1
    assert query(platform, "SELECT source_id FROM materials JOIN material_sources USING (material_id) "
                 "WHERE deprecated") == [(removed["material_id"],)]  # fmt: skip


def test_what_a_new_version_of_the_table_lacks_is_retired(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    fetch(platform, table)
    load(platform)
    documents[1]["deprecated"] = True
    documents[2]["builder_meta"] = {"license": "BY-NC"}
    publish(table, "2026.06.08", documents[1:])

    assert fetch(platform, table).fetched == 2

    settled = load(platform)
    assert (settled.deprecated, settled.quarantined, standing(platform)) == (3, 0, 17)
    assert load(platform, reparse=True).deprecated == 3
    assert {account.problem for account in account_for_rows(platform.database, platform.objects)} == {""}


def test_bad_rows_are_set_aside_and_the_others_load(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    documents[0]["material_id"] = "no name"
    documents[1]["structure"]["sites"][0]["species"][0]["occu"] = 0.5
    documents[2]["band_gap"] = float("nan")
    documents[3]["material_id"] = documents[4]["material_id"]
    publish(table, "2026.06.08", documents)
    fetch(platform, table)

    settled = load(platform)

    assert (settled.new, settled.quarantined) == (16, 4)
    reasons = sorted(reason for (reason,) in query(platform, "SELECT reason FROM quarantine"))
    assert [reason.split(":")[0] for reason in reasons] == [
        "band_gap",
        "material_id",
        "material_id",
        "structure.sites",
    ]
    assert {account.problem for account in account_for_rows(platform.database, platform.objects)} == {""}


def test_a_table_behind_what_was_fetched_already_is_not_read(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    fetch(platform, table)
    older = table.parent / "older"
    publish(older, "2026.04.1", documents[:2])

    with pytest.raises(UsageError, match=r"2026\.04\.13 was fetched already"):
        fetch(platform, older)


def test_versions_are_in_the_order_of_their_dates() -> None:
    versions = ["2025_09_25", "2025_11_1", "2026.04.9", "2026.04.13", "2026.04.13.post1", "2026.4.14"]
    assert all(order_of(older) < order_of(newer) for older, newer in pairwise(versions))


def materialize(platform: Platform, **config: object) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [make_raw_asset(SPEC)],
        resources={"platform": platform},
        run_config={"ops": {"raw_materials_project": {"config": config}}},
        raise_on_error=False,
    )


def test_the_asset_says_what_it_brought_and_changes_its_data_version_only_then(
    platform: Platform, table: Path
) -> None:
    versions = []
    for fetched in (3, 0):
        result = materialize(platform, full_table=True, table_uri=str(table), table_options={})
        (event,) = result.asset_materializations_for_node("raw_materials_project")
        assert event.metadata["fetched"].value == fetched
        versions.append((event.tags or {})["dagster/data_version"])

    assert versions[0] == versions[1] == hash_current(platform.database, [NAME])


def test_the_asset_without_a_key_says_what_it_needs(platform: Platform) -> None:
    result = materialize(platform, endpoint=ENDPOINT)

    assert result.success
    (made,) = result.asset_materializations_for_node("raw_materials_project")
    assert made.metadata["status"].value == "not configured: it needs a key: set MP_API_KEY"


def test_a_part_of_the_table_cannot_be_asked_for(platform: Platform, table: Path) -> None:
    with pytest.raises(UsageError, match="full table"):
        fetch(platform, table, select(elements=["Fe"]))


def test_a_table_that_is_not_there_is_named(platform: Platform, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nothing-here"):
        fetch(platform, tmp_path / "nothing-here")


def test_a_table_without_versions_is_refused(platform: Platform, tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "flat"), pa.table({"material_id": ["mp-149"]}))

    with pytest.raises(SourceError, match="has no versions"):
        fetch(platform, tmp_path / "flat")


def test_rows_deleted_in_the_table_are_not_read(
    platform: Platform, table: Path, documents: list[dict[str, Any]]
) -> None:
    DeltaTable(str(table)).delete(f"material_id = '{documents[0]['material_id']}'")
    fetch(platform, table)

    assert load(platform).new == 19
    assert json.dumps(documents[0]["material_id"]) not in str(
        query(platform, "SELECT array_agg(source_id) FROM material_sources")
    )
