"""One iteration after another through the loop's own functions, without Dagster: what the assets call, in their order."""

from collections.abc import Callable, Mapping
from typing import Any

from catalyst_assets.acquisition.recording import record_shortlist
from catalyst_assets.acquisition.shortlist import compute_shortlist
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.training import train
from catalyst_assets.learning.training_set import build_training_set, store_training_set
from catalyst_assets.loop.campaigns import close_iteration, open_iteration
from catalyst_assets.partitions import IterationKey
from catalyst_assets.prediction.versions import plan_predictions, predict_shard, promote
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.results.ledger import record_results
from catalyst_assets.validation.results.model import Result, Submission
from catalyst_assets_tests.crystals import publish_seeded
from resources.platform import Platform
from resources.postgres.database import Role, fetch_all, fetch_one

Measure = Callable[[str], Mapping[str, float]]


def embed_everything(platform: Platform) -> None:
    """Compute features of every material that is loaded."""
    publish_seeded(platform.objects, seed=0)
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)


def start_iteration(platform: Platform, campaign: Campaign, number: int) -> str:
    """Close the iteration before and open this one with the labels known now; return its key."""
    key = IterationKey(campaign.name, number)
    with platform.database.transaction() as connection:
        if key.parent is not None:
            close_iteration(connection, key.parent)
        open_iteration(connection, campaign, key)
    return str(key)


def rank_iteration(platform: Platform, key: str) -> list[dict[str, Any]]:
    """Train, predict and rank; return the candidates, best first."""
    database, objects = platform.database, platform.objects
    store_training_set(database, objects, key, build_training_set(database, objects, key))
    train(platform, audit_training_set(database, objects, key))
    plan, shards = plan_predictions(database, objects, platform.settings, key)
    for shard in shards:
        predict_shard(database, objects, plan, *shard)
    promote(database, plan)
    record_shortlist(database, compute_shortlist(database, objects, key))
    with database.transaction() as connection:
        return fetch_all(connection, "acquisition/candidates", partition_key=key)


def measure_batch(
    platform: Platform, key: str, campaign: Campaign, measure: Measure, size: int, unit: str = "eV"
) -> list[str]:
    """Flag the best, and answer as a laboratory does; return the materials."""
    with platform.database.transaction() as connection:
        chosen = fetch_all(connection, "acquisition/candidates", partition_key=key)[:size]
    for row in chosen:
        with platform.database.transaction() as connection:
            fetch_one(
                connection, "acquisition/transition", candidate_id=row["candidate_id"], to_status="flagged",
                actor="ada", reason="",
            )  # fmt: skip
    results = [
        Result(
            row["material_id"], campaign.method, "laboratory", name, value=value, unit=unit, partition_key=key
        )
        for row in chosen
        for name, value in measure(row["material_id"]).items()
    ]
    with platform.database.transaction(Role.VALIDATOR) as connection:
        record_results(connection, results, Submission("0" * 64, "results.csv", "file", "laboratory"))
    validate_iteration(platform.database, key, None)
    return [row["material_id"] for row in chosen]
