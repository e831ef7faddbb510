"""Two campaigns over the same materials, iteration by iteration in between one another: neither sees anything of the other."""

from typing import Any

import pytest

from catalyst_assets.acquisition.replay import replay
from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.overview import read_overview
from catalyst_assets.learning.training_set import load_training_set
from catalyst_assets.loop.campaigns import load_campaign_state, start_campaign, stop_campaign
from catalyst_assets_tests.integration.learning.learning_campaign import CAMPAIGN, load_salts, salts
from catalyst_assets_tests.integration.loop.iterations import measure_batch, rank_iteration, start_iteration
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import fetch_all, fetch_one

COLD = Campaign.model_validate(
    CAMPAIGN.document
    | {"name": "cold", "learning": {"heads": ["gaussian_process"]}, "initial_batch": 8, "seed": 5}
)
WARM = COLD.model_copy(update={"name": "warm", "seed": 6})
ALONE = COLD.model_copy(update={"name": "alone"})


def energy(campaign: Campaign, material_id: str) -> dict[str, float]:
    """What each campaign's laboratory says: of one material the opposite of what the other's does."""
    value = -1.0 - 0.1 * sorted(salts()).index(material_id)
    return {"formation_energy_per_atom": -value if campaign is WARM else value}


def measure(platform: Platform, key: str, campaign: Campaign) -> list[str]:
    return measure_batch(platform, key, campaign, lambda name: energy(campaign, name), size=8, unit="eV/atom")


def labels_of(platform: Platform, key: str) -> dict[str, float]:
    with platform.database.transaction() as connection:
        rows = fetch_all(connection, "loop/iteration_labels", partition_key=key)
    return {row["material_id"]: row["value"] for row in rows}


def ranking_of(platform: Platform, key: str) -> dict[str, Any]:
    with platform.database.transaction() as connection:
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
    assert recorded is not None
    return {name: recorded[name] for name in ("ranking_sha256", "label_sha256", "seed", "features_sha256")}


@pytest.mark.slow
def test_turns_in_between_one_another_stay_apart(platform: Platform) -> None:
    load_salts(platform, COLD)
    start_campaign(platform.database, WARM)
    cold, warm = start_iteration(platform, COLD, 0), start_iteration(platform, WARM, 0)
    rank_iteration(platform, cold)
    rank_iteration(platform, warm)
    asked_cold = measure(platform, cold, COLD)
    cold_second = start_iteration(platform, COLD, 1)  # while the other's first batch is still out
    asked_warm = measure(platform, warm, WARM)
    warm_second = start_iteration(platform, WARM, 1)
    warm_candidates = rank_iteration(platform, warm_second)
    cold_candidates = rank_iteration(platform, cold_second)

    assert set(asked_cold) & set(
        asked_warm
    )  # both asked about the same material, and were answered differently
    assert labels_of(platform, cold_second) == {
        name: energy(COLD, name)["formation_energy_per_atom"] for name in asked_cold
    }
    assert labels_of(platform, warm_second) == {
        name: energy(WARM, name)["formation_energy_per_atom"] for name in asked_warm
    }
    with platform.database.transaction() as connection:
        for key, campaign, asked in ((cold_second, COLD, asked_cold), (warm_second, WARM, asked_warm)):
            iteration = read_iteration(connection, key)
            assert iteration.parent == f"{campaign.name}__0000"
            assert sorted(load_training_set(platform.objects, iteration).material_ids) == sorted(asked)
            evaluations = load_evaluations(connection, campaign)
            assert {evaluation.material_id for evaluation in evaluations} == set(asked)
            state = load_campaign_state(connection, campaign.name, lambda _: {})
            assert state is not None
            assert [str(one.key) for one in state.iterations] == [f"{campaign.name}__0000", key]
            assert (state.n_evaluated, state.exhausted) == (8, False)

    # What one has asked for the other may still suggest, and what became of it stays the asker's.
    assert not {row["material_id"] for row in cold_candidates} & set(asked_cold)
    assert not {row["material_id"] for row in warm_candidates} & set(asked_warm)
    assert {row["material_id"] for row in cold_candidates} & set(asked_warm)
    assert {row["status"] for row in cold_candidates + warm_candidates} == {"ranked"}

    versions = query(
        platform,
        "SELECT v.partition_key, count(*) FROM prediction_versions v JOIN predictions p USING (version) GROUP BY 1",
    )
    assert dict(versions) == dict.fromkeys([cold, warm, cold_second, warm_second], len(salts()))
    for key in (cold_second, warm_second):
        assert replay(platform.database, platform.objects, key).is_same

    # The same goal on its own, after all of this: the same rankings, hash by hash.
    start_campaign(platform.database, ALONE)
    alone = start_iteration(platform, ALONE, 0)
    rank_iteration(platform, alone)
    assert ranking_of(platform, alone) == ranking_of(platform, cold)
    assert measure(platform, alone, ALONE) == asked_cold
    alone_second = start_iteration(platform, ALONE, 1)
    rank_iteration(platform, alone_second)
    assert ranking_of(platform, alone_second) == ranking_of(platform, cold_second)
    assert ranking_of(platform, warm_second) != ranking_of(platform, cold_second)

    stop_campaign(platform.database, "cold", "stopped: enough")
    going_on = [row["name"] for row in read_overview(platform.database) if row["status"] == "active"]
    assert going_on == ["warm", "alone"]
