"""The peer of the benchmark: scikit-learn's process finds what is small, told of nothing but what was evaluated."""

import numpy as np
import pytest

from catalyst_assets.bench.discovery.peer import choose_batch
from catalyst_assets.bench.discovery.simulation import require_objective
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.errors import InvalidCampaignError

GRID = np.stack(np.meshgrid(np.linspace(0, 1, 15), np.linspace(0, 1, 15)), axis=-1).reshape(-1, 2)


def test_it_goes_to_where_values_are_small_and_spreads_a_batch() -> None:
    values = ((GRID - [0.8, 0.2]) ** 2).sum(axis=1)
    evaluated = [0, 14, 37, 60, 112, 150, 189, 210, 224]
    for _ in range(3):
        chosen = choose_batch(GRID, values, evaluated, 4)
        assert len({*chosen} - {*evaluated}) == 4
        evaluated += chosen
    assert values[evaluated].min() == values.min()


def test_it_reads_no_other_values_and_stops_where_the_pool_ends() -> None:
    values = np.full(len(GRID), np.nan)
    evaluated = [0, 14, 37, 60, 112]
    values[evaluated] = [0.1, 0.5, 0.3, 0.2, 0.4]
    assert len(choose_batch(GRID, values, evaluated, 3)) == 3
    few = np.arange(7.0)
    assert sorted(choose_batch(GRID[:7], few, [0, 1, 2, 3, 4], 9)) == [5, 6]


def test_it_is_told_of_an_objective_only() -> None:
    goal = {
        "name": "x", "pool": {"source": "x"}, "method": "PBE", "validator": "laboratory",
        "criteria": [{"property": "band_gap_direct", "max": 1}],
    }  # fmt: skip
    with pytest.raises(InvalidCampaignError, match="--peer"):
        require_objective(parse_campaign(goal, "x"))
