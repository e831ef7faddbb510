"""Blocking check between a ranking and whoever acts upon it. Wiring only."""

from collections.abc import Sequence

from catalyst_assets.acquisition.assets import ranked_candidates
from catalyst_assets.check_results import blocking_check
from resources.platform import Platform


def _find_problems(platform: Platform, partition_key: str) -> Sequence[str]:
    from catalyst_assets.acquisition.replay import replay

    return replay(platform.database, platform.objects, partition_key).problems


ranked_candidates_checks = blocking_check(
    "ranking_follows_from_its_seed_and_hashes",
    ranked_candidates,
    "Does ranking again from the recorded seed, predictions, features and labels give the same candidates?",
    _find_problems,
)
