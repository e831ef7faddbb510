"""How many candidates an iteration wants, and seeds."""

from typing import Any

import pytest

from catalyst_assets.acquisition.shortlist import wanted_batch
from catalyst_assets.campaigns.iterations import Iteration
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import LoopError
from catalyst_assets.seeds import derive_seed


def _iteration(number: int, **changes: Any) -> Iteration:
    document = load_campaign("oxide-perovskites-demo").document | changes
    return Iteration(
        partition_key=f"oxide-perovskites-demo__{number:04d}",
        number=number,
        parent=None,
        campaign=Campaign.model_validate(document),
        status="open",
        label_count=0,
        label_sha256="",
        training_set_sha256=None,
        model_sha256=None,
        mlflow_run_id=None,
        prediction_version=None,
        pool_sha256=None,
        metrics={},
    )


def test_the_first_iteration_wants_the_initial_batch_and_later_ones_the_batch() -> None:
    assert wanted_batch(_iteration(0), 0) == 20
    assert wanted_batch(_iteration(1), 20) == 10


def test_an_iteration_never_wants_more_than_the_budget_leaves() -> None:
    assert wanted_batch(_iteration(4), 57) == 3
    with pytest.raises(LoopError, match="spent"):
        wanted_batch(_iteration(5), 60)
    assert wanted_batch(_iteration(9, stop={"target_hits": 1}), 10_000) == 10


def test_each_purpose_has_a_seed_of_its_own_and_keeps_it() -> None:
    seeds = [derive_seed(seed, number, purpose) for seed in (0, 1) for number in (0, 1) for purpose in "ab"]
    assert len(set(seeds)) == 8
    assert derive_seed(2**63 - 1, "head") == derive_seed(2**63 - 1, "head") < 2**21
