"""From raw bytes to materials, in a real database and object store."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.ingestion import assets, checks
from catalyst_assets.ingestion.raw_cache import current_files, raw_key, read_raw
from catalyst_assets.ingestion.reference_tables.source import SHIPPED_FOLDER, ReferenceTables
from catalyst_assets.ingestion.reference_tables.spec import SPEC
from catalyst_assets.ingestion.shards import load_shard, plan_shards
from catalyst_assets.ingestion.sources.assets import make_raw_asset
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.loading import load as load_cached
from resources.json_io import JsonStepValues
from resources.platform import Platform
from resources.postgres.database import Role

HEADER = "A,B,anion,Eg\n"
SHIPPED = 255
EVERY_ROW = (
    "SELECT source, sha256, request, fetched_at FROM raw_files ORDER BY raw_file_id",
    "SELECT * FROM materials ORDER BY material_id",
    "SELECT * FROM material_sources ORDER BY source, source_id",
    "SELECT * FROM reference_values ORDER BY material_id, property",
    "SELECT * FROM quarantine ORDER BY quarantine_id",
)


@pytest.fixture
def platform(platform: Platform) -> Platform:
    """Shards of 50, so that the shipped set takes six."""
    platform.settings = platform.settings.model_copy(update={"shard_size": 2})
    return platform


@pytest.fixture
def query(platform: Platform) -> Callable[[str], list[tuple[Any, ...]]]:
    def run(statement: str) -> list[tuple[Any, ...]]:
        with platform.database.transaction(Role.OWNER) as connection:
            return [tuple(row) for row in connection.execute(sa.text(statement))]

    return run


def write_table(folder: Path, text: str, **changes: object) -> Path:
    folder.mkdir(exist_ok=True)
    mapping = {
        "source": "mine",
        "table": "table.csv",
        "licence": "CC-BY-4.0",
        "structure": {"prototype": "cubic_perovskite"},
        "properties": {"Eg": {"property": "band_gap", "unit": "eV", "method": "PBE"}},
    }
    (folder / "table.csv").write_text(text, encoding="utf-8")
    path = folder / "mapping.yaml"
    path.write_text(yaml.safe_dump(mapping | changes), encoding="utf-8")
    return path


def load(platform: Platform, *mapping_files: Path, reparse: bool = False) -> SimpleNamespace:
    """Refresh and load, as the assets do but without Dagster."""
    refresh(ReferenceTables(mapping_files), platform.database, platform.objects)
    return load_cached(platform, reparse=reparse)


def materialize(platform: Platform, *mapping_files: Path) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [
            make_raw_asset(SPEC),
            assets.materials,
            checks.materials_have_known_units_and_methods,
            checks.every_source_row_is_accounted_for,
            checks.every_raw_file_can_be_read,
            checks.structure_hashes_are_consistent,
        ],
        resources={"platform": platform, "io_manager": JsonStepValues(platform)},
        run_config={
            "ops": {
                "raw_reference_tables": {"config": {"mapping_files": [str(path) for path in mapping_files]}}
            }
        },
        raise_on_error=False,
    )


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> Mapping[str, Any]:
    (event,) = result.asset_materializations_for_node(asset)
    return {name: item.value for name, item in event.metadata.items()}


def failed_checks(result: dg.ExecuteInProcessResult) -> dict[str, str | None]:
    return {
        check.check_name: check.description
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }


def test_the_assets_load_the_shipped_set_and_its_answers_go_where_only_the_validator_reads(
    platform: Platform, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    result = materialize(platform)
    assert result.success
    assert len(result.get_asset_check_evaluations()) == 5
    summary = metadata(result, "materials")
    assert [summary[name] for name in ("new", "changed", "unchanged", "quarantined", "shards")] == [
        SHIPPED,
        0,
        0,
        0,
        4,
    ]
    assert query("SELECT count(*), count(DISTINCT structure_hash) FROM materials") == [(SHIPPED, SHIPPED)]
    assert query("SELECT DISTINCT properties FROM materials") == [({},)]
    assert query("SELECT count(*) FROM reference_values") == [(SHIPPED * 5,)]
    assert query(
        "SELECT value, unit, method FROM reference_values "
        "WHERE material_id = 'perovskite_pbe:AgAlO3' AND property = 'energy_total'"
    ) == [(-16.6648, "eV", "PBE")]
    assert query(
        "SELECT parse_status, parse_note, licence, sha256 = encode(sha256(''), 'hex') FROM raw_files"
    ) == [("parsed", "255 loaded, 0 quarantined", "CC0-1.0", False)]


def test_materials_hold_the_ideal_crystal_never_the_calculated_lattice(
    platform: Platform, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load(platform)
    close = query(
        "SELECT count(*) FROM materials JOIN reference_values USING (material_id) WHERE property = 'lattice_a' "
        "AND abs(CAST(structure_json #>> '{lattice,matrix,0,0}' AS double precision) - value) < 1e-6"
    )
    assert close == [(0,)]


def test_a_second_materialization_changes_no_row_and_no_data_version(
    platform: Platform, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    first = materialize(platform)
    before = [query(statement) for statement in EVERY_ROW]
    second = materialize(platform)
    assert [query(statement) for statement in EVERY_ROW] == before
    summary = metadata(second, "materials")
    assert [summary[name] for name in ("new", "changed", "unchanged", "shards")] == [0, 0, SHIPPED, 0]
    assert metadata(second, "raw_reference_tables")["fetched"] == 0
    for asset in ("raw_reference_tables", "materials"):
        (one,), (two,) = (run.asset_materializations_for_node(asset) for run in (first, second))
        assert one.tags is not None
        assert two.tags is not None
        assert one.tags["dagster/data_version"] == two.tags["dagster/data_version"]


def test_parsing_again_reads_the_cache_only_and_changes_no_row(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    mapping = write_table(tmp_path / "t", HEADER + "Sr,Ti,O3,1.8\nCa,Ti,O3,oops\n")
    load(platform, mapping)
    before = [query(statement) for statement in EVERY_ROW]
    mapping.unlink()
    (mapping.parent / "table.csv").unlink()
    settled = load(platform, reparse=True)
    assert (settled.new, settled.changed, settled.quarantined, settled.files) == (0, 0, 1, 2)
    assert [query(statement) for statement in EVERY_ROW] == before


def test_a_load_cut_off_after_any_shard_ends_as_an_undisturbed_one(
    platform: Platform, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    refresh(ReferenceTables(), platform.database, platform.objects)
    shards = plan_shards(platform.database, platform.objects, platform.settings)
    for shard in (shards[3], shards[0]):
        load_shard(platform.database, platform.objects, shard)
    done = sum(shard["stop"] - shard["start"] for shard in (shards[3], shards[0]))
    assert query("SELECT count(*) FROM materials") == [(done,)]
    settled = load(platform)
    assert (settled.new, settled.unchanged) == (SHIPPED - done, done)
    assert query("SELECT count(*) FROM materials") == [(SHIPPED,)]
    assert query("SELECT count(*) FROM reference_values") == [(SHIPPED * 5,)]
    assert [raw.parse_status for raw in current_files(platform.database)] == ["parsed"]


def test_computed_values_of_a_table_that_holds_no_answers_become_properties(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    load(platform, write_table(tmp_path / "t", HEADER + "Sr,Ti,O3,0.1\n"))
    assert query(
        "SELECT material_id, reduced_formula, chemical_system, elements, n_sites, properties FROM materials "
        "WHERE material_id LIKE 'mine:%'"
    ) == [
        (
            "mine:SrTiO3",
            "SrTiO3",
            "O-Sr-Ti",
            ["O", "Sr", "Ti"],
            5,
            {"band_gap": [{"value": 0.1, "unit": "eV", "method": "PBE", "source": "mine"}]},
        )
    ]
    assert query("SELECT count(*) FROM reference_values WHERE source = 'mine'") == [(0,)]


def test_bad_rows_go_to_quarantine_by_file_row_and_field_and_the_checks_pass(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    rows = ["Sr,Ti,O3,1.8", "Ca,Ti,O3,", "Ba,Ti,O3,abc", "Xx,Ti,O3,1", "Sr,Ti,O3,2", "Ba,Zr", "La,Al,O3,99"]
    result = materialize(platform, write_table(tmp_path / "t", HEADER + "\n".join(rows) + "\n\0,\x01,O3,1\n"))
    assert result.success
    assert not failed_checks(result)
    assert metadata(result, "materials")["quarantined"] == 7
    assert query("SELECT material_id FROM materials WHERE material_id LIKE 'mine:%'") == [("mine:SrTiO3",)]
    held = query("SELECT record, reason, payload ->> 'row' FROM quarantine ORDER BY quarantine_id")
    assert [(record, row) for record, _, row in sorted(held)][:2] == [
        ("table.csv row 3", "3"),
        ("table.csv row 4", "4"),
    ]
    reasons = {record: reason for record, reason, _ in held}
    assert reasons["table.csv row 3"] == "Eg: is missing"
    assert reasons["table.csv row 4"] == "Eg: 'abc' is not a number"
    assert reasons["table.csv row 6"] == "A, B, anion: SrTiO3 was already given by an earlier row"
    assert reasons["table.csv row 8"] == "Eg: 99 eV is outside 0 to 30: is it in meV?"
    assert reasons["table.csv row 9"].startswith("A, B, anion: ")


def test_a_corrected_file_updates_what_changed_retires_what_left_and_keeps_the_rest(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    rows = "Sr,Ti,O3,1.8\nCa,Ti,O3,1.9\nBa,Ti,O3,1.7\nLa,Al,O3,3.0\n"
    load(platform, write_table(tmp_path / "t", HEADER + rows))
    state = "SELECT material_id, updated_at FROM materials WHERE NOT deprecated ORDER BY 1"
    before = dict(query(state))
    corrected = "Sr,Ti,O3,1.8\nCa,Ti,O3,2.0\nLa,Al,O3,broken\nK,Nb,O3,1.6\n"
    settled = load(platform, write_table(tmp_path / "t", HEADER + corrected))
    assert (settled.new, settled.changed, settled.deprecated, settled.quarantined) == (1, 1, 1, 1)
    after = dict(query(state))
    assert set(before) - set(after) == {"mine:BaTiO3"}
    assert set(after) - set(before) == {"mine:KNbO3"}
    assert {name for name in before if name in after and before[name] != after[name]} == {"mine:CaTiO3"}


def test_going_back_to_an_earlier_file_goes_back_to_its_materials(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    versions = [HEADER + "Sr,Ti,O3,1.8\nCa,Ti,O3,1.9\n", HEADER + "Sr,Ti,O3,2.5\n"]
    for text in (versions[0], versions[1], versions[0]):
        load(platform, write_table(tmp_path / "t", text))
    assert query(
        "SELECT material_id, properties #>> '{band_gap,0,value}', deprecated FROM materials "
        "WHERE material_id LIKE 'mine:%' ORDER BY 1"
    ) == [("mine:CaTiO3", "1.9", False), ("mine:SrTiO3", "1.8", False)]
    assert query("SELECT count(*) FROM raw_files WHERE source = 'mine'") == [(2,)]


def test_a_corrected_mapping_reads_the_same_bytes_again(
    platform: Platform, tmp_path: Path, query: Callable[[str], list[tuple[Any, ...]]]
) -> None:
    text = "A,B,anion,Eg,wrong\nSr,Ti,O3,1.8,abc\n"
    column = {"property": "band_gap", "unit": "eV", "method": "PBE"}
    load(platform, write_table(tmp_path / "t", text, properties={"wrong": column}))
    assert query("SELECT reason FROM quarantine") == [("wrong: 'abc' is not a number",)]
    settled = load(platform, write_table(tmp_path / "t", text, properties={"Eg": column}))
    assert (settled.new, settled.files) == (1, 1)
    assert query("SELECT count(*) FROM quarantine") == [(0,)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "has no header"), (HEADER, "holds no rows"), ("A,B\nSr,Ti\n", "has no column 'anion', 'Eg'")],
)
def test_an_unreadable_table_fails_its_check_until_it_is_replaced_and_the_others_load(
    platform: Platform,
    tmp_path: Path,
    query: Callable[[str], list[tuple[Any, ...]]],
    text: str,
    reason: str,
) -> None:
    mapping = write_table(tmp_path / "t", text)
    for _ in range(2):
        result = materialize(platform, mapping)
        assert result.success
        assert set(failed_checks(result)) == {"every_raw_file_can_be_read"}
        assert reason in str(failed_checks(result)["every_raw_file_can_be_read"])
    assert query("SELECT count(*) FROM materials") == [(SHIPPED,)]
    ((note,),) = query("SELECT parse_note FROM raw_files WHERE parse_status = 'failed'")
    assert reason in note
    mended = materialize(platform, write_table(tmp_path / "t", HEADER + "Sr,Ti,O3,1.8\n"))
    assert mended.success
    assert not failed_checks(mended)


def test_bytes_changed_in_the_cache_are_refused_and_mended_by_the_source(platform: Platform) -> None:
    refresh(ReferenceTables(), platform.database, platform.objects)
    (raw,) = current_files(platform.database)
    whole = (SHIPPED_FOLDER / "perovskite_pbe" / "perovskites.csv").read_bytes()
    assert read_raw(platform.objects, raw.sha256) == whole
    platform.objects.put_bytes(raw_key(raw.sha256), whole[:-1])
    assert plan_shards(platform.database, platform.objects, platform.settings) == []
    (refused,) = current_files(platform.database)
    assert refused.parse_status == "failed"
    assert raw.sha256 in (refused.parse_note or "")
    platform.objects.path(raw_key(raw.sha256)).unlink()
    with pytest.raises(CorruptArtifactError, match=raw.sha256):
        read_raw(platform.objects, raw.sha256)
    refresh(ReferenceTables(), platform.database, platform.objects)
    assert load(platform).new == SHIPPED
    assert read_raw(platform.objects, raw.sha256) == whole


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("DELETE FROM material_sources WHERE source_id = 'AgAlO3'", "every_source_row_is_accounted_for"),
        (
            "DELETE FROM reference_values WHERE material_id = 'perovskite_pbe:AgAlO3'",
            "every_source_row_is_accounted_for",
        ),
        (
            'UPDATE materials SET properties = CAST(\'{"band_gap": [{"value": 1, "unit": "meV", '
            '"method": "PBE", "source": "x"}]}\' AS jsonb) WHERE material_id = \'perovskite_pbe:AgAlO3\'',
            "materials_have_known_units_and_methods",
        ),
        (
            'UPDATE materials SET properties = CAST(\'{"band_gap": [{"value": 99, "unit": "eV", '
            '"method": "PBE", "source": "x"}]}\' AS jsonb) WHERE material_id = \'perovskite_pbe:AgAlO3\'',
            "materials_have_known_units_and_methods",
        ),
        (
            'UPDATE materials SET properties = CAST(\'{"band_gap": [{"value": 1, "unit": "eV", '
            '"source": "x"}]}\' AS jsonb) WHERE material_id = \'perovskite_pbe:AgAlO3\'',
            "materials_have_known_units_and_methods",
        ),
        (
            "UPDATE materials SET structure_hash = (SELECT structure_hash FROM materials ORDER BY material_id LIMIT 1)"
            " WHERE material_id = 'perovskite_pbe:BaTiO3'",
            "structure_hashes_are_consistent",
        ),
        (
            "UPDATE materials SET structure_hash = md5(structure_hash) || md5(structure_hash)",
            "structure_hashes_are_consistent",
        ),
    ],
)
def test_each_blocking_check_sees_the_damage_it_is_for(platform: Platform, damage: str, check: str) -> None:
    load(platform)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(damage)
    result = materialize(platform)
    assert not result.success
    assert set(failed_checks(result)) == {check}


def test_every_check_of_materials_blocks_but_that_of_unreadable_files() -> None:
    defined = [value for value in vars(checks).values() if isinstance(value, dg.AssetChecksDefinition)]
    blocking = {spec.name: spec.blocking for definition in defined for spec in definition.check_specs}
    assert len(blocking) == 4
    assert [name for name, blocks in blocking.items() if not blocks] == ["every_raw_file_can_be_read"]


def test_a_command_names_the_check_that_failed_and_what_is_wrong(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    driver = LoopDriver(platform, dagster_instance)
    driver.execute("ingest_reference_tables")
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("DELETE FROM reference_values WHERE material_id = 'perovskite_pbe:AgAlO3'")
        )
    with pytest.raises(
        LoopError, match=r"every_source_row_is_accounted_for: .*no answer for perovskite_pbe:AgAlO3"
    ):
        driver.execute("ingest_reference_tables")
