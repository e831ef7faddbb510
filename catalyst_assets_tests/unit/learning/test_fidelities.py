"""Properties that are learned on top of a cheap answer: what it saves, what it cannot spoil, and what is reported."""

import numpy as np
import pytest
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.learning.heads.fitting import condition_head, fit_heads
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.heads.relations.fidelities import answer_columns
from catalyst_assets.learning.heads.settings import HeadSettings

ENERGY = "adsorption_energy_H"
CHEAP = f"{ENERGY}@sevennet-0"
FEATURES = tuple(f"desc:{i}" for i in range(4))
SETTINGS = HeadSettings(n_trees=10, n_boosted=5, gp_steps=20, recalibrate=True)
Rows = NDArray[np.float64]


def some_rows(n: int, seed: int = 0) -> tuple[NDArray[np.float32], Rows, Rows, list[str]]:
    """Features, cheap answers, and what they are 0.9 of beside something smooth; half of a cheap answer no feature tells."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 4)).astype(np.float32)
    cheap = np.sin(2 * features[:, 0]) + rng.normal(size=n)
    return features, cheap, 0.9 * cheap + 0.3 * features[:, 1] - 0.2, [f"s{i % 13}" for i in range(n)]


def told(features: NDArray[np.float32], cheap: Rows, deviation: Rows | float = 0.0) -> NDArray[np.float32]:
    apart = np.stack([cheap, np.broadcast_to(deviation, cheap.shape)], axis=1)
    return np.concatenate([features, apart], axis=1).astype(np.float32)


def fit(n: int, named: str = CHEAP, prop: str = ENERGY, spoil: int = 0) -> FittedHead:
    features, cheap, truth, groups = some_rows(n)
    truth[:spoil] += 3.0
    return fit_heads(
        [HeadKind.STACKED], told(features, cheap), (*FEATURES, *answer_columns([named])), truth[:, None], groups, [prop],
        SETTINGS,
    )  # fmt: skip


def error(head: FittedHead, with_answers: bool = True) -> float:
    features, cheap, truth, _ = some_rows(200, seed=5)
    rows = told(features, cheap) if with_answers else features
    return float(np.abs(head.predict(rows).mean[:, 0] - truth).mean())


def test_a_cheap_answer_tells_what_features_do_not() -> None:
    features, _, truth, groups = some_rows(40)
    alone = fit_heads([HeadKind.STACKED], features, FEATURES, truth[:, None], groups, [ENERGY], SETTINGS)
    assert error(alone, with_answers=False) > 0.6
    assert error(fit(40)) < 0.15
    ((slope),) = (one.slope for one in fit(40).fidelities or ())
    assert slope == pytest.approx(0.9, abs=0.06)


def test_what_is_reported_is_of_the_property_and_not_of_what_is_left() -> None:
    _, _, truth, _ = some_rows(40)
    report = fit(40).report
    assert report is not None
    judged = report.properties[ENERGY]
    np.testing.assert_allclose(judged.observed, truth, atol=1e-9)
    assert judged.mae == pytest.approx(np.abs(judged.predicted - truth).mean())
    assert judged.mae < 0.3
    assert judged.baseline_mae == pytest.approx(np.abs(truth - truth.mean()).mean(), rel=0.1)


def test_a_few_labels_that_have_nothing_to_do_with_their_cheap_answers_do_not_turn_the_slope() -> None:
    (astray,) = fit(40, spoil=4).fidelities or ()
    assert astray.slope == pytest.approx(0.9, abs=0.1)


def test_before_any_label_the_cheap_answer_is_what_is_expected() -> None:
    features, cheap, _, _ = some_rows(6)
    head = fit_heads(
        [HeadKind.STACKED], told(features, cheap)[:0], (*FEATURES, *answer_columns([CHEAP])), np.empty((0, 1)), [], [ENERGY],
        SETTINGS,
    )  # fmt: skip
    predicted = head.predict(told(features, cheap))
    np.testing.assert_allclose(predicted.mean[:, 0], cheap, atol=1e-6)
    assert np.ptp(predicted.std) == 0


def test_an_estimated_answer_widens_and_an_unknown_one_more() -> None:
    features, cheap, _, _ = some_rows(50, seed=9)
    head = fit(40)
    known, estimated = (head.predict(told(features, cheap, deviation)) for deviation in (0.0, 0.5))
    unknown = head.predict(told(features, np.full(50, np.nan)))
    (fidelity,) = head.fidelities or ()
    np.testing.assert_allclose(estimated.std, np.hypot(known.std, 0.5 * fidelity.slope), rtol=1e-6)
    np.testing.assert_allclose(unknown.std, np.hypot(known.std, fidelity.spread * fidelity.slope), rtol=1e-6)
    assert np.isfinite(unknown.mean).all()
    assert estimated.draws.std() > known.draws.std()


def test_what_is_not_known_of_an_answer_moves_all_that_is_learned_on_top_of_it_together() -> None:
    features, cheap, truth, groups = some_rows(40)
    twice = "adsorption_energy_O"
    head = fit_heads(
        [HeadKind.STACKED], told(features, cheap), (*FEATURES, *answer_columns([CHEAP])),
        np.stack([truth, 2 * cheap + 0.2 * features[:, 2]], axis=1), groups, [ENERGY, twice], SETTINGS,
    )  # fmt: skip
    draws = head.predict(told(features, cheap, 5.0)).draws
    correlation = [np.corrcoef(row.T)[0, 1] for row in draws]
    assert min(correlation) > 0.9


def test_another_property_without_bearing_is_hardly_leaned_on() -> None:
    features, cheap, _, groups = some_rows(40)
    truth = 0.3 * features[:, [1]].astype(np.float64)
    named = "formation_energy_per_atom@PBE"
    head = fit_heads(
        [HeadKind.STACKED], told(features, cheap), (*FEATURES, *answer_columns([named])), truth, groups, [ENERGY], SETTINGS
    )  # fmt: skip
    assert all(abs(one.slope) < 0.05 for one in head.fidelities or ())


def test_answers_that_were_badly_estimated_are_not_leaned_on() -> None:
    features, _, _, groups = some_rows(60)
    truth = np.sin(features[:, 0]) + 0.5 * features[:, 1].astype(np.float64)
    estimated = np.random.default_rng(4).normal(size=60)
    head = fit_heads(
        [HeadKind.STACKED], told(features, estimated, 1.0), (*FEATURES, *answer_columns([CHEAP])), truth[:, None], groups,
        [ENERGY], SETTINGS,
    )  # fmt: skip
    alone = fit_heads([HeadKind.STACKED], features, FEATURES, truth[:, None], groups, [ENERGY], SETTINGS)
    assert not head.fidelities
    predicted = head.predict(told(features, estimated, 1.0))
    np.testing.assert_array_equal(predicted.mean, alone.predict(features).mean)


def test_a_conditioned_head_keeps_the_slope_and_a_stored_one_predicts_the_same() -> None:
    features, cheap, truth, groups = some_rows(60)
    earlier = fit(30)
    later = condition_head(
        earlier, [HeadKind.STACKED], told(features, cheap), earlier.feature_names, truth[:, None], groups
    )
    assert later.fidelities == earlier.fidelities
    assert error(later) < error(earlier)
    again = FittedHead.from_bytes(later.to_bytes())
    rows = told(*some_rows(20, seed=3)[:2])
    np.testing.assert_array_equal(again.predict(rows).draws, later.predict(rows).draws)


def test_a_shared_lowest_value_is_kept_to() -> None:
    features, cheap, truth, groups = some_rows(60)
    gaps, gap = np.maximum(truth, 0.0), "band_gap_direct"
    head = fit_heads(
        [HeadKind.STACKED], told(features, np.maximum(cheap, 0.0)), (*FEATURES, *answer_columns([f"{gap}@PBE"])),
        gaps[:, None], groups, [gap], SETTINGS,
    )  # fmt: skip
    predicted = head.predict(told(features, np.maximum(cheap, 0.0)))
    assert predicted.draws.min() == 0
    assert (predicted.draws[gaps == 0] == 0).mean() > 0.2
