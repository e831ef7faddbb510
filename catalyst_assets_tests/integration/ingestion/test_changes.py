"""What is derived of materials is derived of what changed, whoever wrote it, and nothing else is looked at."""

from pathlib import Path

import pytest

from catalyst_assets.ingestion.accounting import check_properties
from catalyst_assets.ingestion.changes import Reader, mark_read, unread
from catalyst_assets.ingestion.derived import hulls
from catalyst_assets.ingestion.derived.adsorption_labels import label_bulk_materials
from catalyst_assets.ingestion.derived.hulls import plan_hulls
from catalyst_assets.ingestion.derived.identity import plan_comparisons, settle_identity, unify_formulas
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.shards import load_shard, plan_shards
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.integration.ingestion.test_identity import OURS, THEIRS, ingest, values, write
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role


def as_owner(platform: Platform, statement: str) -> None:
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(statement)


def log_size(platform: Platform) -> int:
    ((size,),) = query(platform, "SELECT count(*) FROM material_changes")
    return int(size)


def test_only_formulas_and_systems_of_what_changed_are_planned(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS))
    assert plan_comparisons(platform.database).names == ()
    assert plan_hulls(platform.database).names == ()

    as_owner(platform, "UPDATE materials SET own_md5 = 'other' WHERE material_id = 'theirs:2'")
    assert plan_hulls(platform.database).names == ()
    as_owner(
        platform,
        "UPDATE materials SET properties = jsonb_set(properties, '{formation_energy_per_atom,0,value}', '-3.3') "
        "WHERE material_id = 'ours:cao'",
    )
    assert plan_hulls(platform.database).names == ("Ca-O",)


def test_a_reader_that_was_cut_off_reads_the_same_changes_again(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS[:1]))
    theirs = ReferenceTables([write(tmp_path, "theirs", THEIRS[:1])], shipped=())
    refresh(theirs, platform.database, platform.objects)
    (shard,) = plan_shards(platform.database, platform.objects, platform.settings)
    load_shard(platform.database, platform.objects, shard)

    first = plan_comparisons(platform.database)
    assert first.names == ("MgO",)
    assert plan_comparisons(platform.database) == first
    assert unify_formulas(platform.database, first.names) == 1
    settle_identity(platform.database, first.until)
    # What comparing wrote itself is read once more, and found to be compared.
    assert plan_comparisons(platform.database).names == ()


def test_changes_that_everybody_has_read_are_forgotten(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS))
    assert log_size(platform) > 0
    for reader in Reader:
        mark_read(platform.database, reader, unread(platform.database, reader).until)
    assert log_size(platform) == 0


def test_a_hull_of_a_system_whose_last_material_went_is_forgotten(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS))
    computed = "SELECT chemical_system FROM computed_hulls ORDER BY 1"
    assert query(platform, computed) == [("Ca-O",), ("Mg-O",)]
    ingest(platform, write(tmp_path, "ours", OURS[:1]))
    assert query(platform, computed) == [("Mg-O",)]


def test_a_new_element_changes_every_hull_above_it(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(platform, write(tmp_path, "ours", OURS))
    computed = []
    compute = hulls.energies_above_hull

    def note(system: str, entries: list[hulls.FormationEnergy]) -> dict[str, float]:
        computed.append(system)
        return compute(system, entries)

    monkeypatch.setattr(hulls, "energies_above_hull", note)
    metal = OURS[0][1].copy()
    metal.remove_species(["O"])
    ingest(platform, write(tmp_path, "ours", [*OURS, ("mg", metal, -0.1)]))
    assert computed == ["Mg", "Mg-O"]


@pytest.mark.parametrize("value", ["99", '"much"'])
def test_a_bad_value_is_found_until_it_is_mended_and_nothing_else_is_read(
    platform: Platform, tmp_path: Path, value: str
) -> None:
    ingest(platform, write(tmp_path, "ours", OURS))
    assert check_properties(platform.database) == []
    bad = (
        "UPDATE materials SET properties = jsonb_set(properties, '{formation_energy_per_atom,0,value}', '%s') "
        "WHERE material_id = 'ours:cao'"
    )
    as_owner(platform, bad % value)
    for _ in range(2):
        (problem,) = check_properties(platform.database)
        assert problem.startswith("ours:cao, formation_energy_per_atom: ")
    as_owner(platform, bad % "-3.2")
    assert check_properties(platform.database) == []


def test_another_vocabulary_has_everything_checked_again(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS))
    assert check_properties(platform.database) == []
    assert not unread(platform.database, Reader.CHECKED_PROPERTIES, stored_context(platform)).is_all
    assert unread(platform.database, Reader.CHECKED_PROPERTIES, "another").is_all


def stored_context(platform: Platform) -> str:
    ((context,),) = query(platform, "SELECT context FROM change_readers WHERE reader = 'checked_properties'")
    return str(context)


def test_totals_are_what_counting_gives_whatever_happened(platform: Platform, tmp_path: Path) -> None:
    ingest(platform, write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS))
    ingest(platform, write(tmp_path, "ours", OURS[1:]))
    ingest(platform, write(tmp_path, "theirs", [("1", THEIRS[1][1], -2.0)]))
    ingest(platform, write(tmp_path, "ours", OURS))
    counted = (
        "SELECT split_part(material_id, ':', 1), count(*) FILTER (WHERE NOT deprecated OR same_as IS NOT NULL), "
        "count(*) FILTER (WHERE NOT deprecated), "
        "sum(hash_number(concat_ws(' ', material_id, structure_hash, own_md5, deprecated AND same_as IS NULL))) "
        "FROM materials GROUP BY 1 ORDER BY 1"
    )
    assert query(platform, "SELECT source, records, materials, own FROM material_totals ORDER BY 1") == query(
        platform, counted
    )


def test_a_tables_own_adsorption_energies_are_no_labels(platform: Platform, tmp_path: Path) -> None:
    own = {"Ef": {"property": "adsorption_energy_H", "unit": "eV", "method": "RPBE"}}
    outcome = ingest(platform, write(tmp_path, "ours", OURS, properties=own))
    assert (outcome.new, outcome.labelled) == (2, 0)
    label_bulk_materials(platform.database)
    assert values(platform, "ours:mgo", "adsorption_energy_H") == [("ours", -3.0)]
