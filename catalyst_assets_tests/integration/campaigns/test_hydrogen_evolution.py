"""The catalysis campaign on what the samples hold: OC20's energies, the Materials Project's crystals, two iterations."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.prediction.versions import load_predictions
from catalyst_assets_tests.integration.loop.iterations import (
    embed_everything,
    measure_batch,
    rank_iteration,
    start_iteration,
)
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.mp_refresh import fetch as fetch_bulks
from catalyst_assets_tests.mp_server import MaterialsProjectServer, sample_documents
from catalyst_assets_tests.mp_server import serving as serving_bulks
from catalyst_assets_tests.oc20_loading import fetch as fetch_energies
from catalyst_assets_tests.oc20_loading import write_mapping
from catalyst_assets_tests.oc20_samples import SAMPLES
from resources.platform import Platform
from resources.postgres.database import fetch_all

SHIPPED = load_campaign("hydrogen-evolution")
CAMPAIGN = Campaign.model_validate(
    SHIPPED.document
    | {
        "acquisition": SHIPPED.document["acquisition"] | {"batch_size": 2},
        "initial_batch": 3,
        "learning": {"heads": ["gaussian_process"]},
    }
)
TABLE = SAMPLES / "oc20_val_adsorption_energies.csv"
KNOWN = ("mp-1183785", "mp-20027", "mp-136", "mp-1598", "mp-31086", "mp-1006883")
# The one bulk of the Materials Project's sample on whose slabs OC20's sample has an energy of *H.
FEP4, FEP4_EV = "mp-568328", -0.3226848099999984


def sampled_energies() -> list[tuple[str, str, float]]:
    """System, bulk formula and energy in eV of every *H in OC20's sample."""
    with TABLE.open() as file:
        return [
            (row["id"], row["bulk_symbols"], float(row["target"]))
            for row in csv.DictReader(file)
            if row["ads"] == "H"
        ]


@pytest.fixture
def bulks() -> Iterator[MaterialsProjectServer]:
    elements = set(SHIPPED.pool.only_elements)
    documents = [
        document for document in sample_documents() if set(map(str, document["elements"])) <= elements
    ]
    with serving_bulks(documents) as server:
        yield server


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    """OC20's mapping of some systems: FeP4 as the table says, six of other bulks given to bulks of the sample."""
    energies = sampled_energies()
    (iron,) = [system for system, bulk, _ in energies if bulk == "Fe2P8"]
    others = [system for system, _, _ in energies if system != iron][: len(KNOWN)]
    entries = {system: {"bulk_mpid": bulk} for system, bulk in zip(others, KNOWN, strict=True)}
    return write_mapping(tmp_path / "mapping.json", **entries, **{iron: {"bulk_mpid": FEP4}})


@pytest.mark.slow
def test_energies_whose_bulk_is_not_said_leave_the_whole_pool_open(
    platform: Platform, bulks: MaterialsProjectServer
) -> None:
    fetch_bulks(platform, bulks)
    fetch_energies(platform, paths=[TABLE, SAMPLES / "oc20_data_mapping_example.json"])
    load(platform)
    ((hydrogen,),) = query(platform, "SELECT count(*) FROM adsorption_energies WHERE adsorbate = 'H'")
    assert hydrogen == len(sampled_energies()) == 152
    embed_everything(platform)
    start_campaign(platform.database, CAMPAIGN)
    candidates = rank_iteration(platform, start_iteration(platform, CAMPAIGN, 0))
    assert len(candidates) == 12  # a reviewer gets four times the first batch
    assert {row["predicted"]["adsorption_energy_H"]["mean"] for row in candidates} == {0.0}


@pytest.mark.slow
def test_two_turns_learn_from_oc20_and_from_the_laboratory(
    platform: Platform, bulks: MaterialsProjectServer, mapping: Path
) -> None:
    fetch_bulks(platform, bulks)
    fetch_energies(platform, paths=[TABLE, mapping])
    load(platform)
    embed_everything(platform)
    start_campaign(platform.database, CAMPAIGN)

    first = start_iteration(platform, CAMPAIGN, 0)
    with platform.database.transaction() as connection:
        pool = {row["material_id"] for row in load_pool(connection, CAMPAIGN.pool)}
        labels = fetch_all(connection, "loop/iteration_labels", partition_key=first)
    computed = {f"materials_project:{name}" for name in (*KNOWN, FEP4)}
    assert len(pool) == 9
    assert not pool & computed  # OC20 has computed them
    assert {row["material_id"] for row in labels} == computed
    assert {row["value"] for row in labels if row["material_id"].endswith(FEP4)} == {FEP4_EV}

    candidates = rank_iteration(platform, first)
    assert {row["material_id"] for row in candidates} <= pool
    for row in candidates:
        energy, free = (row["predicted"][name] for name in CAMPAIGN.predicted_properties)
        assert free["mean"] == pytest.approx(energy["mean"] + 0.24)
        assert free["std"] == pytest.approx(energy["std"], rel=0.5)

    answers = iter([-0.30, 0.40, -0.15])
    measured = measure_batch(
        platform, first, CAMPAIGN, lambda _: {"adsorption_energy_H": next(answers)}, size=3
    )
    second = start_iteration(platform, CAMPAIGN, 1)
    with platform.database.transaction() as connection:
        learned = fetch_all(connection, "loop/iteration_labels", partition_key=second)
        evaluations = load_evaluations(connection, CAMPAIGN)
    assert {row["material_id"]: row["origin"] for row in learned} == dict.fromkeys(
        sorted(computed), "computed"
    ) | dict.fromkeys(measured, "validated")
    assert [evaluation.is_hit for evaluation in evaluations] == [True, False, True]

    again = rank_iteration(platform, second)
    assert not {row["material_id"] for row in again} & set(measured)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, second)
        names, prediction, _ = load_predictions(connection, second)
    assert iteration.label_count == 10
    assert set(names) == pool
    assert math.isfinite(float(prediction.draws.sum()))


def test_the_pool_is_of_elements_that_oc20_computed() -> None:
    with TABLE.open() as file:
        rows = [json.dumps(row["bulk_symbols"]) for row in csv.DictReader(file)]
    import re

    seen = {symbol for row in rows for symbol in re.findall(r"[A-Z][a-z]?", row)}
    assert seen <= set(SHIPPED.pool.only_elements)
    assert len(SHIPPED.pool.only_elements) == 55
