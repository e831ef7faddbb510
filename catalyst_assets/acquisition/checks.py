"""Blocking check between a ranking and whoever acts upon it. Wiring only."""

from collections.abc import Iterator

import dagster as dg

from catalyst_assets.acquisition.assets import ranked_candidates
from catalyst_assets.check_results import as_check_result, iteration_check
from resources.platform import Platform

_REPRODUCIBLE = iteration_check(
    "ranking_follows_from_its_seed_and_hashes",
    ranked_candidates,
    "Ranking again from the recorded seed, predictions, features and labels gives the same candidates.",
    blocking=True,
)


@dg.multi_asset_check(name="ranked_candidates_checks", specs=[_REPRODUCIBLE])
def ranked_candidates_checks(
    context: dg.AssetCheckExecutionContext, platform: dg.ResourceParam[Platform]
) -> Iterator[dg.AssetCheckResult]:
    """Refuse a ranking that nobody could compute again."""
    from catalyst_assets.acquisition.replay import replay

    replayed = replay(platform.database, platform.objects, context.partition_key)
    yield as_check_result(replayed.problems, _REPRODUCIBLE)
