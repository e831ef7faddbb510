"""How many evaluations a campaign needs to find every hit of a pool whose answers are known.

A simulated campaign: the same fitting, derivation and ranking as the assets, without Dagster or a database. The
model sees an answer only once it was asked for. Several at once in processes of their own is ``workers``;
what they add up to, ``report``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, product, repeat
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.acquisition.ranking import rank
from catalyst_assets.acquisition.strategies import hash_ids
from catalyst_assets.bench.discovery.champion import Reign
from catalyst_assets.bench.discovery.peer import choose_batch
from catalyst_assets.bench.discovery.pools import BenchmarkPool, read_prior
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Objective, Strategy
from catalyst_assets.errors import InvalidCampaignError, InvalidPoolError, UsageError
from catalyst_assets.learning.cheap_answers import complete_all
from catalyst_assets.learning.heads.fitting import fit_heads
from catalyst_assets.learning.heads.relations.fidelities import own_columns
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.training_set import TrainingSet
from catalyst_assets.prediction.members import append_derived
from catalyst_assets.seeds import derive_seed

if TYPE_CHECKING:
    from catalyst_assets.learning.predictor import Prediction
    from catalyst_assets.representation.features import Features

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Arm:
    """One way to run the campaign, beside others.

    Attributes
    ----------
    campaign
        With the strategy, weight, diversity and heads of this arm.
    recalibrate
        Whether predicted quantiles are corrected on held-out data, as the assets do.
    by_peer
        Whether ``peer`` chooses after the initial batch, and not the platform.
    """

    campaign: Campaign
    recalibrate: bool = True
    by_peer: bool = False

    @property
    def predicts(self) -> str:
        """What predicts: each iteration's own model, or the champion."""
        return self.campaign.learning.predict_with

    @property
    def heads(self) -> str:
        """Kinds of head that are fitted, joined by ``+``; of several the best on unseen systems is kept."""
        if self.by_peer:
            return "scikit-learn's Gaussian process"
        return "+".join(self.campaign.learning.heads)


@dataclass(frozen=True)
class SeedResult:
    """One simulated campaign.

    Attributes
    ----------
    hits_at
        How many evaluations had been made when each hit was found, in order.
    evaluated
        How many there were in all.
    seconds
        Wall time.
    train_seconds, predict_seconds, rank_seconds
        Of each iteration after the initial batch; of a random choice nothing is trained or predicted.
    earlier
        Iterations whose predictions came from a model of an earlier one.
    """

    hits_at: tuple[int, ...]
    evaluated: int
    seconds: float
    train_seconds: tuple[float, ...]
    predict_seconds: tuple[float, ...]
    rank_seconds: tuple[float, ...]
    earlier: int = 0


def make_arms(
    campaign: Campaign,
    *,
    strategies: Sequence[str] = (),
    heads: Sequence[str] = (),
    predict_with: Sequence[str] = (),
    exploration_weights: Sequence[float] = (),
    diversities: Sequence[float] = (),
    derive: bool = True,
    max_evaluations: int | None = None,
    recalibrate: bool = True,
) -> list[Arm]:
    """Vary a campaign: every combination of what is given, the campaign's own where nothing is.

    Raises
    ------
    InvalidCampaignError
        A combination is none; the message names the field.
    """
    document = campaign.document
    if not derive:
        document["derive"] = {}
    if max_evaluations is not None:
        document["stop"] = {**document.get("stop", {}), "max_evaluations": max_evaluations}
    own = campaign.acquisition
    arms = []
    for strategy, kinds, predicts, weight, diversity in product(
        strategies or [own.strategy.value],
        [[kind] for kind in heads] or [[str(kind) for kind in campaign.learning.heads]],
        predict_with or [campaign.learning.predict_with],
        exploration_weights or [own.exploration_weight],
        diversities or [own.diversity],
    ):
        acquisition = {"strategy": strategy, "exploration_weight": weight, "diversity": diversity}
        changed = {
            "acquisition": document["acquisition"] | acquisition,
            "learning": document["learning"] | {"heads": kinds, "predict_with": predicts},
        }
        arms.append(Arm(parse_campaign(document | changed, campaign.name), recalibrate))
    return arms


def featurize_pool(pool: BenchmarkPool) -> "Features":
    """Compute what a model learns from of a pool, with the platform's own backbone.

    Raises
    ------
    InvalidPoolError
        A candidate has none.
    """
    from catalyst_assets.representation.backbones import build_backbone
    from catalyst_assets.representation.features import featurize

    features = featurize(pool.structures, build_backbone()).informed()
    if features.failures:
        row, reason = min(features.failures.items())
        raise InvalidPoolError(
            f"{len(features.failures)} candidates of the pool cannot be described, the first in row {pool.rows[row]}: {reason}",
            "Correct or remove these rows (the first line is row 1).",
        )
    return features


def add_prior(
    pool: BenchmarkPool, features: "Features", arms: Sequence[Arm], sources: Sequence[str]
) -> tuple["Features", list[Arm]]:
    """Add what is known cheaply of a pool to its features, and to the campaigns of arms as their prior.

    Parameters
    ----------
    sources
        Each a file and a column, as in ``potentials.csv:chgnet``; from the cheapest to the dearest. They are of the one
        property that the campaign learns.

    Raises
    ------
    UsageError
        One names no file and column.
    InvalidPoolError
        A file cannot be read or says nothing of the pool, or the column is that of the answers.
    InvalidCampaignError
        The campaign learns several properties.
    """
    campaign = arms[0].campaign
    if len(campaign.learned_properties) != 1:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} learns {', '.join(campaign.learned_properties)}, and a prior of a benchmark is of one.",
            "Name a campaign that learns one property.",
        )
    (name,) = campaign.learned_properties
    known, priors = [], []
    for source in sources:
        path, colon, column = source.rpartition(":")
        if not (path and colon and column):
            raise UsageError(f"--prior {source} is no file and column.", "Write FILE:COLUMN.")
        known.append(read_prior(Path(path), column, pool, of=name))
        priors.append({"property": name, "method": column})
    # Trees follow the order of rows: theirs is that of the names.
    order = np.argsort(np.array(pool.material_ids, dtype=object), kind="stable")
    told = complete_all(
        replace(features, values=features.values[order]),
        [values[order] for values in known],
        [f"{name}@{prior['method']}" for prior in priors],
        derive_seed(campaign.seed, "cheap answers"),
    )
    told = replace(told, values=np.ascontiguousarray(told.values[np.argsort(order)]))
    return told, [
        replace(arm, campaign=parse_campaign(arm.campaign.document | {"prior": priors}, campaign.name))
        for arm in arms
    ]


def simulate(
    pool: BenchmarkPool,
    features: "Features",
    arm: Arm,
    seed: int,
    progress: Progress = lambda state, done, most: None,
) -> SeedResult:
    """Run one campaign until its last hit or its stop rules.

    Parameters
    ----------
    pool
        With its answers.
    features
        Of its structures.
    arm
        Its campaign's stop rules are respected; its seed is replaced. Arms with the same seed start from the same
        initial batch.
    seed
        Of everything random.
    progress
        Called after each batch with the state in words, the evaluations so far and the most there can be.
    """
    started = time.monotonic()
    campaign = arm.campaign.model_copy(update={"seed": seed})
    row_of = {name: row for row, name in enumerate(pool.material_ids)}
    limit = min(campaign.stop.max_evaluations or len(row_of), len(row_of))
    wanted = min(campaign.stop.target_hits or len(row_of), int(pool.is_hit.sum()))
    evaluated: list[int] = []
    hits_at: list[int] = []
    clock: list[tuple[float, float, float]] = []
    reign = Reign(campaign)
    for iteration, size in enumerate(_batches(campaign)):
        if len(evaluated) >= limit or len(hits_at) >= wanted:
            break
        if arm.by_peer and iteration:
            order, seconds = _ask_peer(pool, features, campaign, evaluated, size)
        else:
            order, seconds = _rank_iteration(pool, features, reign, arm.recalibrate, iteration, evaluated)
        if iteration:
            clock.append(seconds)
        for name in order[: min(size, limit - len(evaluated))]:
            evaluated.append(row_of[name])
            if pool.is_hit[row_of[name]]:
                hits_at.append(len(evaluated))
        progress(f"{len(hits_at)} of {int(pool.is_hit.sum())} hits", len(evaluated), limit)
    train, predict, order_seconds = zip(*clock, strict=True) if clock else ((), (), ())
    spent = time.monotonic() - started
    return SeedResult(tuple(hits_at), len(evaluated), spent, train, predict, order_seconds, reign.earlier)


def _batches(campaign: Campaign) -> Iterator[int]:
    later = repeat(campaign.acquisition.batch_size)
    return islice(chain([campaign.initial_batch], later), campaign.stop.max_iterations)


def _rank_iteration(
    pool: BenchmarkPool,
    features: "Features",
    reign: Reign,
    recalibrate: bool,
    iteration: int,
    evaluated: Sequence[int],
) -> tuple[list[str], tuple[float, float, float]]:
    """Fit on what was evaluated, predict the pool and rank it.

    Returns
    -------
    order
        The candidates, best first.
    seconds
        Of training, predicting and ranking.
    """
    started = time.perf_counter()
    campaign = reign.campaign
    seed = derive_seed(campaign.seed, iteration, "ranking")
    if iteration and campaign.acquisition.strategy is Strategy.RANDOM:
        order = _random_order(pool, seed, evaluated)
        return order, (0.0, 0.0, time.perf_counter() - started)
    rows = np.array(evaluated, dtype=np.int64)
    properties = list(campaign.learned_properties)
    known = pool.values.iloc[rows]
    learned_from = TrainingSet(
        material_ids=tuple(pool.material_ids[row] for row in evaluated),
        chemical_systems=tuple(pool.chemical_systems[row] for row in evaluated),
        structure_hashes=(),
        properties=tuple(properties),
        feature_names=tuple(features.names),
        features=features.values[rows],
        labels=known[properties].to_numpy(np.float64),
        provenance={},
    )
    head = fit_heads(
        campaign.learning.heads,
        learned_from.features,
        features.names,
        learned_from.labels,
        learned_from.chemical_systems,
        properties,
        HeadSettings(seed=derive_seed(campaign.seed, "head"), recalibrate=recalibrate),
    )
    if campaign.learning.predict_with == "champion":
        head = reign.predictor(head, learned_from)
    trained = time.perf_counter()
    learned = head.predict(features.values, seed=derive_seed(campaign.seed, iteration, "draws"))
    prediction: Prediction = append_derived(campaign, learned, pool.formulas)
    predicted = time.perf_counter()
    ranking = rank(
        RankingProblem(
            campaign,
            pool.material_ids,
            prediction,
            seed,
            withheld=frozenset(pool.material_ids[row] for row in evaluated),
            labels=known,
            features=features.values[:, own_columns(features.names)],
            untaught=head.report is None,
        )
    )
    ranked = time.perf_counter()
    return list(ranking.frame["material_id"]), (trained - started, predicted - trained, ranked - predicted)


def _ask_peer(
    pool: BenchmarkPool, features: "Features", campaign: Campaign, evaluated: Sequence[int], size: int
) -> tuple[list[str], tuple[float, float, float]]:
    started = time.perf_counter()
    objective = require_objective(campaign)
    values = pool.values[objective.property].to_numpy(np.float64)
    wanted = values if objective.direction == "minimize" else -values
    # Of a composition library what anybody would give it are the fractions alone.
    fractions = [column for column, name in enumerate(features.names) if ":fraction:" in name]
    columns = fractions if pool.columns == ("composition",) else own_columns(features.names)
    chosen = choose_batch(features.values[:, columns], wanted, evaluated, size)
    return [pool.material_ids[row] for row in chosen], (0.0, 0.0, time.perf_counter() - started)


def require_objective(campaign: Campaign) -> Objective:
    """Return the objective of a campaign that ``peer`` is to pursue.

    Raises
    ------
    InvalidCampaignError
        It has none, or criteria beside it.
    """
    if campaign.objective is None or campaign.criteria:
        raise InvalidCampaignError(
            f"Campaign {campaign.name} has criteria, and scikit-learn's Gaussian process is told of an objective only.",
            "Leave out --peer, or name a campaign with an objective alone.",
        )
    return campaign.objective


def _random_order(pool: BenchmarkPool, seed: int, evaluated: Sequence[int]) -> list[str]:
    asked = {pool.material_ids[row] for row in evaluated}
    left = [name for name in pool.material_ids if name not in asked]
    return [left[place] for place in np.argsort(hash_ids(left, seed), kind="stable")]
