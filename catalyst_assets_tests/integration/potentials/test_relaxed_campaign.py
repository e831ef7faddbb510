"""A pool that asks for stability by a potential, and a campaign over structures as a potential relaxed them."""

from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.campaigns.library import check_known
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import count_left_out, count_pool, load_pool
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.errors import InvalidCampaignError, InvalidPoolError
from catalyst_assets.learning.training_set import build_training_set
from catalyst_assets.loop.campaigns import open_iteration, start_campaign
from catalyst_assets.partitions import IterationKey
from catalyst_assets_tests.integration.potentials.emt_installation import (
    METHOD,
    fcc,
    load_crystals,
    materialize,
)
from catalyst_assets_tests.integration.potentials.test_potential_energies import alloys, entries
from catalyst_assets_tests.integration.potentials.test_relaxed_structures import SALT
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role, fetch_all


def goal(**pool: object) -> Campaign:
    return Campaign.model_validate(
        {
            "name": "stable-alloys",
            "pool": {"source": "crystals", **pool},
            "criteria": [{"property": "formation_energy_per_atom", "max": -0.1}],
            "method": "PBE",
            "validator": "laboratory",
        }
    )


def members(platform: Platform, pool: Pool) -> list[str]:
    with platform.database.transaction() as connection:
        rows = load_pool(connection, pool)
        assert count_pool(connection, pool) == len(rows)
    return [row["material_id"].partition(":")[2] for row in rows]


def left_out(platform: Platform, pool: Pool) -> dict[str, int]:
    with platform.database.transaction() as connection:
        return count_left_out(connection, pool)


def test_a_gate_lets_through_what_is_known_to_be_stable_by_its_method(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, alloys() | {"salt": SALT})
    gate = goal(energy_above_hull={"max": 0.02, "method": METHOD}).pool
    assert members(platform, gate) == []
    assert left_out(platform, gate) == {"energy above hull by emt": 11}
    with pytest.raises(InvalidPoolError) as refused:
        start_campaign(platform.database, goal(energy_above_hull={"max": 0.02, "method": METHOD}))
    said = str(refused.value)
    assert '"energy_above_hull": {"max": 0.02, "method": "emt"}' in said
    assert "11 materials without energy above hull by emt are left out of the pool" in said
    assert "`relaxed_structures` and `potential_energies`" in said

    materialize(platform, instance)

    hull = entries(platform, "energy_above_hull", "potential_hull")
    expected = sorted(name for name, value in hull.items() if value <= 0.02)
    assert 0 < len(expected) < len(hull)
    assert members(platform, gate) == expected
    assert left_out(platform, gate) == {"energy above hull by emt": 1}
    # every one of them has one by PBE, which is asked for by name
    other = goal(energy_above_hull={"max": 10, "method": "PBE"}).pool
    assert len(members(platform, other)) == 11
    assert left_out(platform, other) == {}


def test_a_pool_of_relaxed_structures_leaves_out_what_was_not_relaxed(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "au": fcc(4.2, "Au"), "salt": SALT})
    pool = goal(relaxed_by=METHOD).pool
    materialize(platform, instance, "relaxed_structures")

    assert members(platform, pool) == ["au", "cu"]
    assert left_out(platform, pool) == {"structure relaxed by emt": 1}
    with platform.database.transaction() as connection:
        relaxed = {row["structure_hash"] for row in load_pool(connection, pool)}
        ingested = {row["structure_hash"] for row in load_pool(connection, goal().pool)}
        described = {
            row["structure_hash"] for row in fetch_all(connection, "representation/structure_hashes")
        }
    assert relaxed == {row[0] for row in query(platform, "SELECT relaxed_hash FROM relaxed_structures")}
    assert not relaxed & ingested
    assert described == relaxed | ingested


def test_labels_and_features_of_a_campaign_are_those_of_relaxed_structures(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, alloys() | {"salt": SALT})
    materialize(platform, instance, "relaxed_structures")
    materialize(platform, instance, "backbone", "structure_embeddings")
    campaign = goal(relaxed_by=METHOD)
    start_campaign(platform.database, campaign)
    key = IterationKey(campaign.name, 0)
    with platform.database.transaction() as connection:
        open_iteration(connection, campaign, key)

    training_set = build_training_set(platform.database, platform.objects, str(key))

    pairs = query(
        platform,
        "SELECT m.material_id, r.relaxed_hash FROM materials m JOIN relaxed_structures r USING (structure_hash)",
    )
    assert set(zip(training_set.material_ids, training_set.structure_hashes, strict=True)) <= set(pairs)
    assert len(training_set.material_ids) >= 8
    assert "crystals:salt" not in training_set.material_ids


@pytest.mark.parametrize(
    ("pool", "said"),
    [
        (
            {"energy_above_hull": {"max": 0.1, "method": "emtt"}},
            "pool.energy_above_hull.method: unknown method 'emtt'",
        ),
        ({"relaxed_by": "PBE"}, "pool.relaxed_by: unknown potential 'PBE'"),
        ({"relaxed_by": "sevennet-l3i"}, "did you mean sevennet-l3i5"),
    ],
)
def test_a_method_that_nobody_declared_is_refused(
    settings: object, pool: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidCampaignError, match=said):
        check_known(goal(**pool))


def test_a_potential_of_ones_own_is_a_method(settings: object) -> None:
    check_known(goal(relaxed_by=METHOD, energy_above_hull={"max": 0.1, "method": METHOD}))


def test_the_function_that_chooses_structures_is_inlined(platform: Platform) -> None:
    with platform.database.transaction(Role.OWNER) as connection:
        plan = connection.exec_driver_sql(
            "EXPLAIN SELECT s.structure_hash FROM materials m JOIN material_structures(NULL) s USING (material_id)"
        )
        assert "material_structures" not in "\n".join(row[0] for row in plan)
