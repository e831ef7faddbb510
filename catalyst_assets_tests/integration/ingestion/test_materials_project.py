"""The Materials Project from a server on loopback, asked by mp-api's own client, to rows of the database."""

import json
from collections.abc import Iterator

import pytest

from catalyst_assets.ingestion.accounting import find_bad_properties
from catalyst_assets.ingestion.materials_project.selection import select
from catalyst_assets.ingestion.materials_project.spec import NAME
from catalyst_assets.ingestion.raw_cache import current_files, read_raw
from catalyst_assets.ingestion.sources.refreshing import hash_current
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.mp_refresh import fetch, problems, standing
from catalyst_assets_tests.mp_server import MaterialsProjectServer, sample_documents, serving
from resources.platform import Platform


@pytest.fixture
def server() -> Iterator[MaterialsProjectServer]:
    with serving(sample_documents(most_sites=20)[::4][:33]) as running:
        yield running


def test_the_first_refresh_loads_crystals_energies_and_gaps(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    refreshed = fetch(platform, server)
    settled = load(platform)

    assert refreshed.fetched == 4
    assert (settled.new, settled.quarantined, settled.deprecated) == (33, 0, 0)
    document = server.documents[0]
    ((formula, n_sites, properties),) = query(
        platform,
        "SELECT reduced_formula, n_sites, properties FROM materials WHERE material_id = :name",
        name=f"materials_project:{document['material_id']}",
    )
    assert (formula, n_sites) == ("Li3Co2O5", 20)
    assert properties == {
        "formation_energy_per_atom": [
            {
                "value": document["formation_energy_per_atom"],
                "unit": "eV/atom",
                "method": "GGA/GGA+U/r2SCAN",
                "source": NAME,
            }
        ],
        "energy_above_hull": [
            {
                "value": document["energy_above_hull"],
                "unit": "eV/atom",
                "method": "GGA/GGA+U/r2SCAN",
                "source": NAME,
            }
        ],
        "band_gap": [{"value": document["band_gap"], "unit": "eV", "method": "PBE/PBE+U", "source": NAME}],
    }
    assert query(platform, "SELECT DISTINCT licence FROM material_sources") == [("CC-BY-4.0",)]
    assert problems(platform) == {""}
    assert find_bad_properties(platform.database) == []


def test_batches_are_kept_as_they_were_received(platform: Platform, server: MaterialsProjectServer) -> None:
    fetch(platform, server)

    kept = [raw for raw in current_files(platform.database) if raw.kind == "mp_summary"]
    bodies = {read_raw(platform.objects, raw.sha256) for raw in kept}
    asked = [query for query in server.asked if "material_ids" in query]
    assert bodies == {json.dumps(server.answer(query)).encode() for query in asked}
    assert sorted(len(batch) for batch in server.batches) == [9, 12, 12]
    assert {query["_fields"] for query in asked} == {
        "material_id,last_updated,deprecated,builder_meta,structure,formation_energy_per_atom,"
        "energy_above_hull,band_gap"
    }


def test_with_nothing_new_only_the_heartbeat_is_asked_and_nothing_changes(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server)
    before = hash_current(platform.database, [NAME]), load(platform).sha256
    server.asked.clear()
    server.heartbeats = 0

    again = fetch(platform, server)

    assert (server.heartbeats, server.asked) == (1, [])
    assert (again.fetched, again.size_bytes) == (0, 0)
    assert (hash_current(platform.database, [NAME]), load(platform).sha256) == before


def test_a_new_version_is_seen_by_the_same_process_and_brings_what_changed_and_no_more(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server)
    load(platform)
    changed = server.documents[7]
    changed |= {"last_updated": {"$date": "2026-06-01T00:00:00Z"}, "band_gap": 3.21}
    server.version = "2026.06.08"
    server.asked.clear()

    fetch(platform, server)

    assert server.batches == [[changed["material_id"]]]
    settled = load(platform)
    assert (settled.new, settled.changed, settled.unchanged, settled.deprecated) == (0, 1, 32, 0)
    for reparse in (False, True):
        load(platform, reparse=reparse)
        ((gap,),) = query(
            platform,
            "SELECT properties -> 'band_gap' -> 0 -> 'value' FROM materials WHERE material_id = :name",
            name=f"materials_project:{changed['material_id']}",
        )
        assert gap == 3.21
    assert problems(platform) == {""}


def test_another_spelling_of_the_same_moment_is_no_change(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.documents[3]["last_updated"] = "2024-11-21T21:19:40.325+00:00"
    fetch(platform, server)
    server.documents[3]["last_updated"] = {"$date": "2024-11-21T21:19:40.325Z"}
    server.version = "2026.06.08"
    server.asked.clear()

    fetch(platform, server)

    assert server.batches == []


def test_what_was_removed_or_deprecated_is_retired_and_comes_back_when_listed(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server)
    load(platform)
    removed = server.documents.pop(5)
    server.documents[9]["deprecated"] = True
    server.version = "2026.06.08"
    server.asked.clear()

    fetch(platform, server)

    assert server.batches == []
    assert load(platform).deprecated == 2
    gone = {f"materials_project:{item['material_id']}" for item in (removed, server.documents[9])}
    assert standing(platform).isdisjoint(gone)
    assert load(platform, reparse=True).deprecated == 2
    assert standing(platform).isdisjoint(gone)
    assert problems(platform) == {""}

    server.documents[9]["deprecated"] = False
    server.version = "2026.07.01"
    fetch(platform, server)
    assert load(platform).deprecated == 0
    assert len(standing(platform)) == 32


def test_a_restricted_refresh_retires_nothing_outside_its_restriction(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server)
    load(platform)
    inside = next(item for item in server.documents if item["chemsys"] == "Co-Li-O")
    outside = next(item for item in server.documents if item["chemsys"] != "Co-Li-O")
    server.documents = [item for item in server.documents if item not in (inside, outside)]
    server.version = "2026.06.08"
    systems = select(chemical_systems=["Li-O-Co"])

    fetch(platform, server, systems)

    assert load(platform).deprecated == 1
    assert f"materials_project:{outside['material_id']}" in standing(platform)
    assert f"materials_project:{inside['material_id']}" not in standing(platform)
    # The old index of one question says nothing of what another question brought later.
    server.documents.append(inside)
    server.version = "2026.07.01"
    fetch(platform, server)
    load(platform)
    load(platform, reparse=True)
    assert f"materials_project:{inside['material_id']}" in standing(platform)
    assert f"materials_project:{outside['material_id']}" not in standing(platform)


def test_a_restriction_is_asked_for_at_the_server(platform: Platform, server: MaterialsProjectServer) -> None:
    loaded: set[str] = set()
    for selection, parameters in (
        (select(materials=["mp-1173982"]), {"material_ids": "mp-1173982"}),
        (select(chemical_systems=["O-Na", "Fe-Na-O"]), {"chemsys": "Fe-Na-O,Na-O"}),
        (select(elements=["O", "Li"]), {"elements": "Li,O"}),
        (select(without_elements=["Co"]), {"exclude_elements": "Co"}),
    ):
        server.asked.clear()
        wanted = {item["material_id"] for item in server.select(parameters)}
        assert 0 < len(wanted) < 33

        fetch(platform, server, selection)

        assert all(parameters.items() <= asked.items() for asked in server.indexes)
        assert load(platform).new == len(wanted - loaded)
        loaded |= wanted


def test_one_question_does_not_make_another_one_start_anew(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server)
    fetch(platform, server, select(elements=["Fe"]))
    server.asked.clear()

    fetch(platform, server)

    assert server.asked == []


def test_names_in_letters_and_padded_names_are_the_same_materials(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    names = ["mp-ft", "mp-aaaaaafu", "mp-4000000", "mp-aaaitpef"]
    server.documents = server.documents[:4]
    for document, name in zip(server.documents, names, strict=True):
        document["material_id"] = name
    fetch(platform, server)
    load(platform)

    assert standing(platform) == {
        f"materials_project:{name}" for name in ("mp-149", "mp-150", "mp-itpee", "mp-itpef")
    }
    server.documents[0]["material_id"] = "mp-149"
    server.version = "2026.06.08"
    server.asked.clear()
    fetch(platform, server)
    assert (server.batches, load(platform).deprecated) == ([], 0)


def test_non_commercial_materials_are_left_out_at_the_server_and_here(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.documents[1]["builder_meta"] = {"license": "BY-NC", "batch_id": "gnome_r2scan_statics"}
    # Known by its batch alone.
    server.documents[2]["builder_meta"] = {"license": "BY-C", "batch_id": "gnome_r2scan_statics"}
    fetch(platform, server)

    settled = load(platform)

    assert {asked["license"] for asked in server.asked} == {"BY-C"}
    assert {asked["batch_id_not_eq"] for asked in server.asked} == {"gnome_r2scan_statics"}
    assert (settled.new, settled.quarantined) == (31, 0)
    assert problems(platform) == {""}


def test_non_commercial_materials_say_so_where_they_are_wanted(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    special = server.documents[1]
    special["builder_meta"] = {"license": "BY-NC", "batch_id": "gnome_r2scan_statics"}
    fetch(platform, server, select(non_commercial=True))
    load(platform)

    assert {asked["license"] for asked in server.asked} == {"All"}
    assert query(
        platform, "SELECT licence, count(*) FROM material_sources GROUP BY licence ORDER BY licence"
    ) == [("CC-BY-4.0", 32), ("CC-BY-NC-4.0", 1)]
    ((properties,),) = query(
        platform,
        "SELECT properties FROM materials WHERE material_id = :name",
        name=f"materials_project:{special['material_id']}",
    )
    assert {name: entries[0]["method"] for name, entries in properties.items()} == {
        "band_gap": "r2SCAN",
        "formation_energy_per_atom": "GGA/GGA+U/r2SCAN",
        "energy_above_hull": "GGA/GGA+U/r2SCAN",
    }
    everything = standing(platform)

    fetch(platform, server)
    assert load(platform).deprecated == 1
    server.asked.clear()
    fetch(platform, server, select(non_commercial=True))
    load(platform)
    assert (standing(platform), server.asked) == (everything, [])


def test_parsing_again_asks_nobody(platform: Platform, server: MaterialsProjectServer) -> None:
    fetch(platform, server)
    before = load(platform)
    server.asked.clear()
    server.heartbeats = 0

    again = load(platform, reparse=True)

    assert (again.unchanged, again.sha256) == (33, before.sha256)
    assert (server.heartbeats, server.asked) == (0, [])
