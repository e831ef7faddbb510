"""One crystal that several tables know, from their files to one material, and the hulls of what was loaded."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion import loading
from catalyst_assets.ingestion.accounting import account_for_rows, find_bad_properties
from catalyst_assets.ingestion.derived import hulls, identity
from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
from catalyst_assets.ingestion.shards import load_shard, plan_shards
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.loading import load, query
from resources.platform import Platform
from resources.postgres.database import Role

Rows = list[tuple[str, Structure, float]]


def rock_salt(metal: str, edge: float) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(edge), [metal, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])


OURS: Rows = [("mgo", rock_salt("Mg", 4.21), -3.0), ("cao", rock_salt("Ca", 4.8), -3.2)]
THEIRS: Rows = [
    ("1", rock_salt("Mg", 4.25).get_primitive_structure(), -2.9),
    ("2", Structure(Lattice.cubic(2.65), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]), -2.0),
]


def write(folder: Path, source: str, rows: Rows, method: str = "PBE", **changes: Any) -> Path:
    folder.mkdir(exist_ok=True)
    frame = pd.DataFrame(
        [(name, s.to(fmt="cif"), energy) for name, s, energy in rows], columns=["id", "cif", "Ef"]
    )
    frame.to_csv(folder / f"{source}.csv", index=False)
    mapping = {
        "source": source,
        "table": f"{source}.csv",
        "licence": f"licence of {source}",
        "structure": {"cif": "cif"},
        "record": ["id"],
        "properties": {"Ef": {"property": "formation_energy_per_atom", "unit": "eV/atom", "method": method}},
    }
    path = folder / f"{source}.yaml"
    path.write_text(yaml.safe_dump(mapping | changes), encoding="utf-8")
    return path


def ingest(platform: Platform, *mappings: Path, **options: bool) -> SimpleNamespace:
    refresh(ReferenceTables(mappings, shipped=()), platform.database, platform.objects)
    return load(platform, **options)


def standing(platform: Platform) -> list[str]:
    rows = query(platform, "SELECT material_id FROM materials WHERE NOT deprecated ORDER BY material_id")
    return [name for (name,) in rows]


def provenance(platform: Platform, material_id: str) -> list[tuple[str, str, str]]:
    rows = query(
        platform,
        "SELECT source, source_id, licence FROM material_sources WHERE material_id = :name ORDER BY source",
        name=material_id,
    )
    return [tuple(row) for row in rows]


def values(
    platform: Platform, material_id: str, name: str = "formation_energy_per_atom"
) -> list[tuple[str, float]]:
    ((properties,),) = query(
        platform, "SELECT properties FROM materials WHERE material_id = :name", name=material_id
    )
    return [(entry["source"], entry["value"]) for entry in properties.get(name, [])]


def test_one_crystal_of_two_sources_is_one_material_with_both_provenances(
    platform: Platform, tmp_path: Path
) -> None:
    settled = ingest(platform, write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS, "PBE+U"))

    assert (settled.new, settled.unified, settled.materials) == (4, 1, 3)
    assert standing(platform) == ["ours:cao", "ours:mgo", "theirs:2"]
    assert provenance(platform, "ours:mgo") == [
        ("ours", "mgo", "licence of ours"),
        ("theirs", "1", "licence of theirs"),
    ]
    assert values(platform, "ours:mgo") == [("ours", -3.0), ("theirs", -2.9)]
    assert find_bad_properties(platform.database) == []
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == ["", ""]


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_of_arrival_and_loading_again_change_nothing(
    platform: Platform, tmp_path: Path, backwards: bool
) -> None:
    tables = [write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS)]
    for table in reversed(tables) if backwards else tables:
        ingest(platform, table)
    first = ingest(platform, reparse=True)
    assert (first.new, first.changed, first.unchanged, first.unified, first.hulls) == (0, 0, 4, 0, 0)
    assert standing(platform) == ["ours:cao", "ours:mgo", "theirs:2"]
    assert ingest(platform, reparse=True, backwards=True).sha256 == first.sha256


def test_a_record_that_changes_or_goes_takes_only_what_is_its_own(platform: Platform, tmp_path: Path) -> None:
    ours = write(tmp_path, "ours", OURS)
    ingest(platform, ours, write(tmp_path, "theirs", THEIRS))

    settled = ingest(platform, write(tmp_path, "theirs", [("1", THEIRS[0][1], -2.8), *THEIRS[1:]]))
    assert settled.changed == 1
    assert values(platform, "ours:mgo") == [("ours", -3.0), ("theirs", -2.8)]

    settled = ingest(platform, write(tmp_path, "ours", OURS[1:]))
    assert settled.deprecated == 1
    assert standing(platform) == ["ours:cao", "theirs:1", "theirs:2"]
    assert values(platform, "theirs:1") == [("theirs", -2.8)]

    ingest(platform, write(tmp_path, "ours", OURS))
    assert standing(platform) == ["ours:cao", "ours:mgo", "theirs:2"]

    # The record is another crystal now.
    ingest(platform, write(tmp_path, "theirs", [("1", THEIRS[1][1], -2.0)]))
    assert standing(platform) == ["ours:cao", "ours:mgo", "theirs:1"]
    assert values(platform, "ours:mgo") == [("ours", -3.0)]


def test_a_validators_answers_are_never_joined_with_what_others_say(
    platform: Platform, tmp_path: Path
) -> None:
    settled = ingest(
        platform, write(tmp_path, "asked", OURS, answers=True), write(tmp_path, "theirs", THEIRS)
    )
    assert (settled.unified, settled.materials) == (0, 4)
    assert values(platform, "asked:mgo") == []


def test_hulls_are_computed_by_source_and_method_and_follow_their_entries(
    platform: Platform, tmp_path: Path
) -> None:
    settled = ingest(platform, write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS))
    assert settled.hulls == 4
    hull = "energy_above_hull"
    assert values(platform, "ours:mgo", hull) == [("ours_hull", 0.0), ("theirs_hull", 0.0)]
    assert values(platform, "theirs:2", hull) == [("theirs_hull", pytest.approx(0.9))]

    settled = ingest(platform, write(tmp_path, "theirs", [THEIRS[0], ("2", THEIRS[1][1], -3.4)]))
    assert values(platform, "ours:mgo", hull) == [("ours_hull", 0.0), ("theirs_hull", pytest.approx(0.5))]
    assert values(platform, "theirs:2", hull) == [("theirs_hull", 0.0)]

    ingest(platform, write(tmp_path, "theirs", THEIRS, properties={}))
    assert values(platform, "theirs:2", hull) == []
    assert values(platform, "ours:mgo", hull) == [("ours_hull", 0.0)]
    assert find_bad_properties(platform.database) == []


def test_what_its_source_says_of_stability_is_not_computed_again(platform: Platform, tmp_path: Path) -> None:
    given = {
        "Ef": {"property": "formation_energy_per_atom", "unit": "eV/atom", "method": "PBE"},
        "hull": {"property": "energy_above_hull", "unit": "eV/atom", "method": "PBE"},
    }
    mapping = write(tmp_path, "ours", OURS, properties=given)
    table = pd.read_csv(tmp_path / "ours.csv").assign(hull=[0.02, 0.0])
    table.to_csv(tmp_path / "ours.csv", index=False)
    assert ingest(platform, mapping).hulls == 0
    assert values(platform, "ours:mgo", "energy_above_hull") == [("ours", 0.02)]


def test_a_record_that_names_another_compound_takes_nothing_along_and_leaves_nothing_behind(
    platform: Platform, tmp_path: Path
) -> None:
    theirs = write(tmp_path, "theirs", THEIRS[:1])
    ingest(platform, write(tmp_path, "ours", OURS[:1]), theirs)
    assert standing(platform) == ["ours:mgo"]

    ingest(platform, write(tmp_path, "ours", [("mgo", rock_salt("Ca", 4.8), -3.2)]))
    assert standing(platform) == ["ours:mgo", "theirs:1"]
    assert values(platform, "ours:mgo") == [("ours", -3.2)]
    assert values(platform, "ours:mgo", "energy_above_hull") == [("ours_hull", 0.0)]
    assert values(platform, "theirs:1") == [("theirs", -2.9)]
    assert provenance(platform, "theirs:1") == [("theirs", "1", "licence of theirs")]

    ingest(platform, write(tmp_path, "ours", OURS[:1]))
    assert standing(platform) == ["ours:mgo"]
    ingest(platform, write(tmp_path, "theirs", [("1", rock_salt("Ba", 5.5), -2.7)]))
    assert standing(platform) == ["ours:mgo", "theirs:1"]
    assert values(platform, "ours:mgo") == [("ours", -3.0)]
    assert values(platform, "ours:mgo", "energy_above_hull") == [("ours_hull", 0.0)]


def test_a_value_derived_from_what_a_record_was_goes_with_it(platform: Platform, tmp_path: Path) -> None:
    optional = {
        "property": "formation_energy_per_atom",
        "unit": "eV/atom",
        "method": "PBE",
        "required": False,
    }
    ingest(platform, write(tmp_path, "ours", OURS[:1], properties={"Ef": optional}))
    changed = write(tmp_path, "ours", [("mgo", rock_salt("Ca", 4.8), -3.2)], properties={"Ef": optional})
    table = pd.read_csv(tmp_path / "ours.csv").assign(Ef=None)
    table.to_csv(tmp_path / "ours.csv", index=False)
    ingest(platform, changed)
    assert query(platform, "SELECT reduced_formula, properties FROM materials") == [("CaO", {})]


@pytest.mark.parametrize("closed", ["ours", "theirs"])
def test_a_table_that_becomes_a_validators_answers_is_taken_out_of_what_it_was_joined_with(
    platform: Platform, tmp_path: Path, closed: str
) -> None:
    rows = {"ours": OURS[:1], "theirs": THEIRS[:1]}
    ingest(platform, write(tmp_path, "ours", rows["ours"]), write(tmp_path, "theirs", rows["theirs"]))
    assert standing(platform) == ["ours:mgo"]

    ingest(platform, write(tmp_path, closed, rows[closed], answers=True))
    names = {"ours": "ours:mgo", "theirs": "theirs:1"}
    (open_one,) = names.keys() - {closed}
    assert standing(platform) == ["ours:mgo", "theirs:1"]
    assert values(platform, names[closed]) == []
    assert values(platform, names[closed], "energy_above_hull") == []
    assert [source for source, _ in values(platform, names[open_one])] == [open_one]
    assert [source for source, _ in values(platform, names[open_one], "energy_above_hull")] == [
        f"{open_one}_hull"
    ]
    assert [account.problem for account in account_for_rows(platform.database, platform.objects)] == ["", ""]

    # Opened again it is joined again.
    ingest(platform, write(tmp_path, closed, [(rows[closed][0][0], rows[closed][0][1], -2.5)]))
    assert standing(platform) == ["ours:mgo"]


def test_what_is_loaded_while_records_are_compared_is_compared_too(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(platform, write(tmp_path, "ours", OURS[:1]))
    theirs, third = write(tmp_path, "theirs", THEIRS[:1]), write(tmp_path, "third", THEIRS[:1])
    matched = []
    matching = identity._matcher()

    class Interrupted:
        def fit(self, *structures: Structure) -> bool:
            if not matched:
                matched.append(structures)
                refresh(ReferenceTables([third], shipped=()), platform.database, platform.objects)
                for shard in plan_shards(platform.database, platform.objects, platform.settings):
                    load_shard(platform.database, platform.objects, shard)
            return bool(matching.fit(*structures))

    monkeypatch.setattr(identity, "_matcher", Interrupted)
    ingest(platform, theirs)
    assert matched
    assert standing(platform) == ["ours:mgo"]


def test_nothing_is_compared_or_computed_again_while_nothing_changes(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest(platform, write(tmp_path, "ours", OURS), write(tmp_path, "theirs", THEIRS))

    def refuse(*_: object) -> None:
        raise AssertionError("compared again")

    monkeypatch.setattr(identity, "identify", refuse)
    monkeypatch.setattr(hulls, "energies_above_hull", refuse)
    assert ingest(platform, reparse=True).unchanged == 4


def test_campaigns_do_not_wait_while_records_are_compared(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    matching = identity._matcher()
    taken = []

    class Meanwhile:
        def fit(self, *structures: Structure) -> bool:
            with platform.database.transaction(Role.OWNER) as connection:
                connection.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
                connection.exec_driver_sql(
                    "INSERT INTO campaigns (name, document, sha256) VALUES ('a', '{}', '') ON CONFLICT DO NOTHING"
                )
                connection.exec_driver_sql("INSERT INTO campaign_test_set VALUES ('a', 'ours:mgo')")
            taken.append(structures)
            return bool(matching.fit(*structures))

    monkeypatch.setattr(identity, "_matcher", Meanwhile)
    ingest(platform, write(tmp_path, "ours", OURS[:1]), write(tmp_path, "theirs", THEIRS[:1]))
    assert len(taken) == 1
    assert standing(platform) == ["ours:mgo"]


def test_an_older_page_that_is_being_loaded_gives_way_to_a_newer_one(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(
        ReferenceTables([write(tmp_path, "ours", OURS[:1])], shipped=()),
        platform.database,
        platform.objects,
    )
    (older,) = plan_shards(platform.database, platform.objects, platform.settings)
    newer_table = ReferenceTables([write(tmp_path, "ours", [("mgo", OURS[0][1], -3.5)])], shipped=())
    asked = loading.fetch_all
    overtaken = []

    def overtake(connection: Any, query: str, **parameters: Any) -> Any:
        if query == "ingestion/lock_source" and not overtaken:
            overtaken.append(query)
            refresh(newer_table, platform.database, platform.objects)
            (newer,) = plan_shards(platform.database, platform.objects, platform.settings)
            load_shard(platform.database, platform.objects, newer)
        return asked(connection, query, **parameters)

    monkeypatch.setattr(loading, "fetch_all", overtake)
    load_shard(platform.database, platform.objects, older)
    assert overtaken
    assert values(platform, "ours:mgo") == [("ours", -3.5)]
