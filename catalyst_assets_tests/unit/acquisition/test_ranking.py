"""The ranking as a whole: whose order it may not depend on, what it never lists, and ranking again."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_assets.acquisition.batches import choose_batch
from catalyst_assets.acquisition.cold_start import choose_cover
from catalyst_assets.acquisition.problem import RankingProblem
from catalyst_assets.acquisition.ranking import Ranking, rank
from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign, Strategy
from catalyst_assets.errors import InvalidCampaignError, LoopError
from catalyst_assets.learning.predictor import Prediction

NAMES = ("band_gap_direct", "formation_energy_per_atom")
FOR_CRITERIA = [s for s in Strategy if s is not Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT]


def campaign(**acquisition: Any) -> Campaign:
    document = {
        "name": "test", "pool": {"source": "x"}, "method": "PBE", "validator": "laboratory",
        "criteria": [{"property": NAMES[0], "min": 1.0, "max": 2.0}, {"property": NAMES[1], "max": -2.0}],
        "acquisition": {"batch_size": 5, "diversity": 0.0} | acquisition, "initial_batch": 7,
    }  # fmt: skip
    return parse_campaign(document, "test")


@dataclasses.dataclass(frozen=True)
class Pool:
    ids: list[str]
    features: np.ndarray
    prediction: Prediction

    def take(self, rows: np.ndarray) -> "Pool":
        p = self.prediction
        taken = Prediction(p.properties, p.mean[rows], p.std[rows], p.draws[rows])
        return Pool([self.ids[row] for row in rows], self.features[rows], taken)

    def rank(self, goal: Campaign, seed: int = 0, **more: Any) -> Ranking:
        return rank(self.problem(goal, seed, **more))

    def problem(self, goal: Campaign, seed: int = 0, **more: Any) -> RankingProblem:
        asked: dict[str, Any] = {"features": self.features} | more
        return RankingProblem(goal, self.ids, self.prediction, seed, **asked)


def pool(seed: int = 0, size: int = 60, scale: float = 1.0, n_draws: int = 16) -> Pool:
    rng = np.random.default_rng(seed)
    mean = np.stack([rng.normal(1.5, 1, size), rng.normal(-2, 1, size)], axis=1) * scale
    std = rng.uniform(0.1, 1, (size, 2)) * scale
    draws = (mean[:, None] + std[:, None] * rng.standard_normal((n_draws, 2))).astype(np.float32)
    # A few materials alike in everything but their names.
    for array in (mean, std, draws):
        array[1:4] = array[0]
    features = rng.normal(size=(size, 4)).astype(np.float32)
    features[1:4] = features[0]
    return Pool([f"m{i:04d}" for i in rng.permutation(size)], features, Prediction(NAMES, mean, std, draws))


@pytest.mark.parametrize("strategy", FOR_CRITERIA)
@settings(max_examples=8)
@given(seed=st.integers(0, 100), diversity=st.sampled_from([0.0, 0.5, 1.0]), known=st.booleans())
def test_the_order_of_rows_does_not_matter(
    strategy: Strategy, seed: int, diversity: float, known: bool
) -> None:
    goal = campaign(strategy=strategy, diversity=diversity)
    members = pool(seed)
    if not known:
        flat = np.ones_like(members.prediction.mean)
        members = dataclasses.replace(members, prediction=dataclasses.replace(members.prediction, mean=flat))
    taken, waiting = frozenset(members.ids[:6]), frozenset(members.ids[6:9])
    one = members.rank(goal, seed, withheld=taken, pending=waiting)
    order = np.random.default_rng(seed).permutation(len(members.ids))
    other = members.take(order).rank(goal, seed, withheld=taken, pending=waiting)
    assert one.sha256 == other.sha256
    np.testing.assert_array_equal(one.frame.to_numpy(), other.frame.to_numpy())


@settings(max_examples=40)
@given(
    seed=st.integers(0, 1000),
    strategy=st.sampled_from(FOR_CRITERIA),
    weight=st.floats(0, 1),
    diversity=st.floats(0, 1),
    batch_size=st.integers(1, 80),
    split=st.tuples(st.integers(0, 60), st.integers(0, 60)),
)
def test_a_batch_holds_each_open_material_once_and_no_other(
    seed: int, strategy: Strategy, weight: float, diversity: float, batch_size: int, split: tuple[int, int]
) -> None:
    goal = campaign(strategy=strategy, exploration_weight=weight, diversity=diversity, batch_size=batch_size)
    members = pool(seed)
    first, last = sorted(split)
    taken, waiting = frozenset(members.ids[:first]), frozenset(members.ids[first:last])
    listed = members.rank(goal, seed, withheld=taken, pending=waiting).frame
    assert sorted(listed["material_id"]) == sorted(set(members.ids) - taken - waiting)
    assert listed["rank"].tolist() == list(range(1, len(listed) + 1))


@settings(max_examples=60)
@given(
    strategy=st.sampled_from(FOR_CRITERIA),
    scale=st.sampled_from([0.0, 1e-30, 1e-6, 1.0, 1e6, 1e18, 1e30]),
    n_draws=st.sampled_from([1, 2, 16]),
    weight=st.sampled_from([0.0, 0.3, 1.0]),
    diversity=st.sampled_from([0.0, 1.0]),
    flat=st.booleans(),
)
def test_scores_are_finite_whatever_is_predicted(
    strategy: Strategy, scale: float, n_draws: int, weight: float, diversity: float, flat: bool
) -> None:
    members = pool(1, scale=scale, n_draws=n_draws)
    if flat:
        members.features[:] = 3.0
    goal = campaign(strategy=strategy, exploration_weight=weight, diversity=diversity)
    frame = members.rank(goal).frame
    assert np.isfinite(frame["acquisition"]).all()
    assert frame["feasibility"].between(0, 1).all()
    assert len(set(frame["material_id"])) == 60


def test_without_diversity_candidates_come_by_falling_score() -> None:
    frame = pool().rank(campaign()).frame
    assert (np.diff(frame["acquisition"]) <= 0).all()
    assert frame["acquisition"].iloc[0] > frame["acquisition"].iloc[-1]


def test_a_diverse_batch_takes_one_of_several_alike_and_leaves_the_others_in_order() -> None:
    members = pool()
    mean = members.prediction.mean
    mean[:4] = (1.5, -4.0)
    members.prediction.std[:4] = 0.1
    members.prediction.draws[:4] = mean[:4, None].astype(np.float32)
    alike = set(members.ids[:4])
    plain = members.rank(campaign(exploration_weight=0.0)).frame["material_id"].tolist()
    diverse = members.rank(campaign(exploration_weight=0.0, diversity=1.0)).frame
    assert set(plain[:4]) == alike
    assert len(alike & set(diverse["material_id"].head(5))) == 1
    assert (np.diff(diverse["acquisition"].iloc[5:]) <= 0).all()


def test_a_diverse_batch_keeps_away_from_what_is_being_evaluated() -> None:
    members = pool()
    best = members.rank(campaign(diversity=1.0)).frame["material_id"].iloc[0]
    place = members.ids.index(best)
    twin = (place + 10) % 60
    for array in (
        members.features,
        members.prediction.mean,
        members.prediction.std,
        members.prediction.draws,
    ):
        array[twin] = array[place]
    goal = campaign(diversity=1.0)
    free = members.rank(goal, withheld=frozenset({best})).frame["material_id"]
    waiting = members.rank(goal, pending=frozenset({best})).frame["material_id"]
    assert free.iloc[0] == members.ids[twin]
    assert members.ids[twin] not in waiting.head(5).tolist()


def test_a_smaller_budget_takes_the_beginning_of_the_batch() -> None:
    members = pool()
    scores = np.sort(members.features[:, 0])[::-1].astype(np.float64)
    whole = choose_batch(scores, members.features, 12, 0.7)
    assert whole.tolist() != list(range(12))
    np.testing.assert_array_equal(choose_batch(scores, members.features, 5, 0.7), whole[:5])
    np.testing.assert_array_equal(choose_batch(scores, members.features, 12, 0.0), np.arange(12))


def test_equal_scores_leave_the_choice_to_diversity() -> None:
    apart = np.repeat([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]], 4, axis=0)
    chosen = choose_batch(np.full(12, 0.7), apart, 3, 1.0, unit=0.0)
    assert sorted((chosen // 4).tolist()) == [0, 1, 2]


def test_cost_divides_and_chance_of_an_answer_multiplies() -> None:
    members = pool()
    ones, plain = np.ones(60), members.rank(campaign(exploration_weight=0.0)).frame.set_index("material_id")
    costs, success = ones.copy(), ones.copy()
    costs[0], success[5] = 10.0, 0.25
    goal = campaign(exploration_weight=0.0, cost="n_sites")
    both = members.rank(goal, costs=costs, success=success).frame.set_index("material_id")
    change = (both["acquisition"] - plain["acquisition"]).reindex(members.ids).to_numpy()
    assert change[0] == pytest.approx(-np.log(10))
    assert change[5] == pytest.approx(np.log(0.25))
    np.testing.assert_allclose(np.delete(change, [0, 5]), 0.0, atol=1e-6)
    with pytest.raises(LoopError, match="n_sites"):
        members.rank(goal)


@pytest.mark.parametrize("strategy", FOR_CRITERIA)
def test_ranking_again_is_the_ranking(strategy: Strategy) -> None:
    members = pool(3)
    goal = campaign(strategy=strategy, exploration_weight=0.4, diversity=0.5)
    taken, waiting = frozenset(members.ids[:6]), frozenset(members.ids[6:9])
    ranked = members.rank(goal, 8, withheld=taken, pending=waiting)
    asked = members.problem(campaign(diversity=0.5), 8, withheld=taken, pending=waiting)
    again = rank(asked.under(strategy, 0.4))
    np.testing.assert_array_equal(ranked.frame.to_numpy(), again.frame.to_numpy())


def test_ranking_again_lists_the_best_and_hashes_all() -> None:
    members = pool(3)
    whole = members.rank(campaign())
    short = rank(members.problem(campaign(), features=None), top=3)
    assert short.frame.equals(whole.frame.head(3))
    assert short.sha256 == whole.sha256


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"strategy": "luck"}, "strategy"),
        ({"strategy": "constrained_expected_improvement"}, "objective"),
        ({"exploration_weight": 1.5}, "exploration_weight"),
    ],
)
def test_ranking_again_refuses_what_the_campaign_could_not_say(changes: Any, named: str) -> None:
    members = pool()
    with pytest.raises(InvalidCampaignError, match=named):
        members.problem(campaign()).under(**changes)


def test_predictions_of_other_materials_are_refused() -> None:
    members = pool()
    with pytest.raises(LoopError, match="60 materials"):
        RankingProblem(campaign(), members.ids[:-1], members.prediction, 0)


def test_before_anything_is_known_the_first_batch_covers_the_pool() -> None:
    rng = np.random.default_rng(0)
    # Nine tight clusters, the first with most of the members.
    sizes = [100] + [5] * 8
    middles = rng.normal(size=(9, 6)) * 20
    cluster = np.repeat(np.arange(9), sizes)
    features = (middles[cluster] + 0.01 * rng.normal(size=(len(cluster), 6))).astype(np.float32)
    mean = np.tile([1.0, -1.0], (len(cluster), 1))
    draws = np.zeros((len(cluster), 4, 2), dtype=np.float32)
    ids = [f"m{i:03d}" for i in range(len(cluster))]
    goal = campaign().model_copy(update={"initial_batch": 9})
    for seed in range(3):
        first = Pool(ids, features, Prediction(NAMES, mean, mean**2, draws)).rank(goal, seed).frame.head(9)
        assert len({cluster[ids.index(name)] for name in first["material_id"]}) == 9


def test_a_first_batch_with_cheap_answers_is_drawn_rather_from_what_is_better_by_them() -> None:
    members = pool(size=200)
    document = campaign().document | {"prior": [{"property": NAMES[0], "method": "LDA"}], "initial_batch": 20}
    goal = parse_campaign(document, "test")
    place = {name: rank for rank, name in enumerate(members.rank(goal).frame["material_id"])}
    for seed in range(3):
        first = members.rank(goal, seed, untaught=True).frame["material_id"].head(20).tolist()
        again = members.rank(goal, seed, untaught=True).frame["material_id"].head(20).tolist()
        assert first == again
        assert len(set(first)) == 20
        # A cover that knows nothing of them has a mean place of half the pool.
        assert np.mean([place[name] for name in first]) < 80
        # It is a cover all the same, and not the best alone.
        assert max(place[name] for name in first) > 100


def test_a_cover_is_seeded_and_takes_each_row_once() -> None:
    features = np.random.default_rng(0).normal(size=(30, 5))
    one, again, other = (
        choose_cover(features, 12, 0),
        choose_cover(features, 12, 0),
        choose_cover(features, 12, 1),
    )
    np.testing.assert_array_equal(one, again)
    assert one.tolist() != other.tolist()
    assert len(set(one.tolist())) == 12
    assert sorted(choose_cover(features, 99, 0).tolist()) == list(range(30))
    assert sorted(choose_cover(np.ones((5, 3)), 5, 0).tolist()) == list(range(5))
