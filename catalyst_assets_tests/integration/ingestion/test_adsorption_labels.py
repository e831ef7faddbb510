"""Adsorption energies, what is known of their slabs, and the labels that bulk materials get of them."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.ingestion.accounting import find_bad_properties
from catalyst_assets_tests.file_server import FileServer, serving
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.oc20_loading import (
    FILES,
    GAP,
    H_ARCHIVE,
    H_ENERGIES,
    OH_ARCHIVE,
    OH_ENERGIES,
    STATE,
    add_bulk,
    energies,
    fetch,
    problems,
    two_bulks,
)
from catalyst_assets_tests.oc20_samples import REFERENCE_EV
from resources.platform import Platform
from resources.postgres.database import Database, Role, fetch_all


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"h.tar": H_ARCHIVE, "oh.tar": OH_ARCHIVE}) as running:
        yield running


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return two_bulks(tmp_path)


def properties(platform: Platform, material_id: str) -> dict[str, Any]:
    ((found,),) = query(
        platform, "SELECT properties FROM materials WHERE material_id = :name", name=material_id
    )
    return dict(found)


def label(value: float) -> list[dict[str, Any]]:
    return [
        {
            "value": pytest.approx(value, abs=1e-9),
            "unit": "eV",
            "method": "RPBE",
            "source": "oc20",
            "derived": True,
        }
    ]


STAMPS = "SELECT material_id, updated_at FROM materials ORDER BY 1"


def test_energies_with_their_bulk_facet_site_and_anomaly(
    platform: Platform, server: FileServer, mapping: Path
) -> None:
    refreshed = fetch(platform, server.url, FILES, [mapping])
    settled = load(platform)

    assert (refreshed.fetched, settled.files, settled.quarantined) == (3, 3, 0)
    assert (settled.adsorption_new, settled.new) == (len(H_ENERGIES) + len(OH_ENERGIES) + 6, 0)
    assert energies(platform) == pytest.approx(H_ENERGIES | OH_ENERGIES, abs=1e-9)
    ((row),) = query(
        platform,
        "SELECT frame, relaxed, adsorbate, reference_energy_ev, method, bulk_mpid, bulk_formula, miller_index, shift, "
        "top, adsorption_site, anomaly, material_class, licence FROM adsorption_energies WHERE system_id = 'random1'",
    )
    assert row == (
        *(-1, True, "H", REFERENCE_EV, "RPBE", "mp-1", "Pt4", [1, 1, 1], 0.145, True),
        *([[4.5, 12.85, 16.13]], 0, 1, "CC-BY-4.0"),
    )
    assert query(platform, "SELECT bulk_mpid FROM adsorption_energies WHERE system_id = 'random12'") == [
        (None,)
    ]
    assert problems(platform) == {""}


@pytest.mark.parametrize(
    "order",
    [("energies", "mapping", "bulks"), ("bulks", "mapping", "energies"), ("mapping", "bulks", "energies")],
)
def test_the_lowest_energy_without_anomaly_becomes_a_label_of_its_bulk_in_any_order(
    platform: Platform, server: FileServer, mapping: Path, order: Sequence[str]
) -> None:
    steps: dict[str, Callable[[], object]] = {
        "energies": lambda: fetch(platform, server.url, FILES),
        "mapping": lambda: fetch(platform, paths=[mapping]),
        "bulks": lambda: [
            add_bulk(platform, "mp-1", "Pt"),
            add_bulk(platform, "mp-2", "Ni"),
            add_bulk(platform, "mp-3", "Cu"),
        ],
    }
    for step in order:
        steps[step]()
        load(platform)

    assert properties(platform, "materials_project:mp-1") == {
        "band_gap": [GAP],
        "adsorption_energy_H": label(H_ENERGIES["random1"]),
        "adsorption_energy_OH": label(OH_ENERGIES["random11"]),
    }
    with platform.database.transaction() as connection:
        known = fetch_all(
            connection,
            "loop/known_labels",
            campaign="her",
            relaxed_by=None,
            method="RPBE",
            properties=["adsorption_energy_H"],
            kinds_without_labels=list(KINDS_WITHOUT_LABELS),
            features_only=False,
            feature_set=None,
            fingerprint="",
            quarantine_source="",
        )
    assert {row["material_id"]: row["value"] for row in known} == {
        "materials_project:mp-1": pytest.approx(H_ENERGIES["random1"], abs=1e-9),
        "materials_project:mp-2": pytest.approx(0.5, abs=1e-9),
    }
    # random5 is said to hold another adsorbate than its energy.
    assert properties(platform, "materials_project:mp-2") == {
        "band_gap": [GAP],
        "adsorption_energy_H": label(0.5),
    }
    assert properties(platform, "materials_project:mp-3") == {"band_gap": [GAP]}
    assert find_bad_properties(platform.database) == []


def test_loading_again_writes_nothing(platform: Platform, server: FileServer, mapping: Path) -> None:
    for bulk, element in {"mp-1": "Pt", "mp-2": "Ni"}.items():
        add_bulk(platform, bulk, element)
    fetch(platform, server.url, FILES, [mapping])
    first = load(platform)
    assert first.labelled == 2
    before = query(platform, STATE), query(platform, STAMPS)

    again = load(platform, reparse=True, backwards=True)

    assert (query(platform, STATE), query(platform, STAMPS)) == before
    assert (again.labelled, again.adsorption_new, again.adsorption_changed) == (0, 0, 0)
    assert again.adsorption_unchanged == first.adsorption_new
    assert again.sha256 == first.sha256


def test_a_label_follows_its_material_and_goes_when_its_reason_goes(
    platform: Platform, server: FileServer, mapping: Path
) -> None:
    pt = add_bulk(platform, "mp-1", "Pt")
    fetch(platform, server.url, FILES, [mapping])
    load(platform)
    assert properties(platform, pt)["adsorption_energy_H"] == label(H_ENERGIES["random1"])

    # The second bulk turns out to be the first material; its *H is the higher one.
    add_bulk(platform, "mp-2", "Pt", pt)
    assert load(platform).labelled == 0
    entries = json.loads(mapping.read_text())
    entries["random1"]["anomaly"] = 1
    entries["random2"]["anomaly"] = 3
    mapping.write_text(json.dumps(entries))
    fetch(platform, paths=[mapping])
    settled = load(platform)

    assert (settled.labelled, settled.adsorption_changed) == (1, 2)
    assert properties(platform, pt)["adsorption_energy_H"] == label(0.5)
    entries["random4"]["anomaly"] = 4
    mapping.write_text(json.dumps(entries))
    fetch(platform, paths=[mapping])
    load(platform)
    assert set(properties(platform, pt)) == {"band_gap", "adsorption_energy_OH"}


def test_the_database_keeps_out_what_is_no_energy_and_lets_others_read(
    platform: Platform, database: Database
) -> None:
    def insert(role: Role, energy: str = "0.5", frame: int = -1, anomaly: int = 0) -> str | None:
        values = f"('oc20', 'r', {frame}, 'H', {energy}, 'RPBE', {anomaly}, 'x', 'CC-BY-4.0', now())"
        columns = "source, system_id, frame, adsorbate, energy_ev, method, anomaly, raw_sha256, licence, retrieved_at"
        try:
            with database.engine(role).begin() as connection:
                connection.exec_driver_sql(f"INSERT INTO adsorption_energies ({columns}) VALUES {values}")  # noqa: S608
        except sa.exc.DBAPIError as error:
            return str(error.orig.pgcode)
        return None

    assert insert(Role.PIPELINE, "'NaN'") == insert(Role.PIPELINE, "1e10") == "23514"
    assert insert(Role.PIPELINE, frame=-2) == insert(Role.PIPELINE, anomaly=5) == "23514"
    assert insert(Role.PIPELINE) is None
    for role in (Role.VALIDATOR, Role.APP):
        assert insert(role) == "42501"
        with database.transaction(role) as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM adsorption_energies").scalar_one() == 1
            assert connection.exec_driver_sql("SELECT count(*) FROM adsorption_systems").scalar_one() == 0
