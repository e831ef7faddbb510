"""A process whose simulated campaigns never end by themselves; a test ends it from outside."""

import numpy as np
import pandas as pd

from catalyst_assets.bench.discovery.pools import BenchmarkPool
from catalyst_assets.bench.discovery.simulation import make_arms
from catalyst_assets.bench.discovery.workers import run_arms
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.representation.features import Features


def main() -> None:
    """Choose at random, ten at a time, until every one of many members was asked."""
    size = 20_000
    values = pd.DataFrame({"band_gap_direct": np.zeros(size), "formation_energy_per_atom": np.zeros(size)})
    ids = tuple(f"m{i}" for i in range(size))
    pool = BenchmarkPool(ids, ("SrTiO3",) * size, ids, (), values, np.ones(size, dtype=bool))
    features = Features(np.random.default_rng(0).normal(size=(size, 2)).astype(np.float32), ("a", "b"), {})
    arms = make_arms(load_campaign("oxide-perovskites-demo"), strategies=["random"], max_evaluations=size)
    run_arms(pool, features, arms, seeds=10_000, jobs=2, progress=lambda told: print(told, flush=True))


if __name__ == "__main__":
    main()
