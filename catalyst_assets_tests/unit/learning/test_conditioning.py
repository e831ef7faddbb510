"""An earlier head that is conditioned on all labels: what it keeps, what it learns, and when it cannot be."""

import numpy as np
import pytest

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.errors import LoopError
from catalyst_assets.learning.heads.fitting import condition_head, fit_heads
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.heads.settings import HeadSettings
from catalyst_assets.learning.heads.stacked import StackedModel

NAMES = ("band_gap_direct", "formation_energy_per_atom")
FEATURES = tuple(f"desc:{i}" for i in range(3))
SETTINGS = HeadSettings(n_trees=10, n_boosted=5, gp_steps=20, recalibrate=True)


def some_labels(n: int) -> tuple[np.ndarray, np.ndarray, list[str]]:  # type: ignore[type-arg]
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 3)).astype(np.float32)[:n]
    labels = np.stack([3 + np.sin(3 * features[:, 0]), -1 + np.sin(3 * features[:, 2])], axis=1)
    return features, labels.astype(np.float64), [f"s{i % 11}" for i in range(n)]


@pytest.fixture(scope="module")
def earlier() -> FittedHead:
    features, labels, groups = some_labels(24)
    return fit_heads([HeadKind.STACKED], features, FEATURES, labels, groups, NAMES, SETTINGS)


def conditioned(
    earlier: FittedHead, n: int = 60, kinds: tuple[HeadKind, ...] = (HeadKind.STACKED,)
) -> FittedHead:
    features, labels, groups = some_labels(n)
    return condition_head(earlier, kinds, features, FEATURES, labels, groups)


def process_models(head: FittedHead) -> list[StackedModel]:
    return [model for model in head.models if isinstance(model, StackedModel)]


def test_what_was_learned_of_the_shape_of_things_is_kept_and_every_label_is_known(
    earlier: FittedHead,
) -> None:
    later = conditioned(earlier)
    for before, after in zip(process_models(earlier), process_models(later), strict=True):
        assert before.process is not None
        assert after.process is not None
        assert after.process.kernel is before.process.kernel
        assert after.process.scaling is before.process.scaling
        assert after.process_weight == before.process_weight
        assert len(before.process.rows) == 24
        assert len(after.process.rows) == 60
    assert (later.couplings, later.kinds, later.settings) == (
        earlier.couplings,
        earlier.kinds,
        earlier.settings,
    )
    assert later.report is not None
    assert len(later.report.properties[NAMES[0]].observed) == 60


def test_labels_that_it_did_not_have_change_what_it_predicts(earlier: FittedHead) -> None:
    features, labels, _ = some_labels(60)
    new = features[24:]
    errors = [np.abs(head.predict(new).mean - labels[24:]).mean() for head in (earlier, conditioned(earlier))]
    assert errors[1] < 0.5 * errors[0]


def test_the_same_labels_give_the_same_bytes(earlier: FittedHead) -> None:
    features, labels, groups = some_labels(60)
    shuffled = np.random.default_rng(0).permutation(60)
    again = condition_head(
        FittedHead.from_bytes(earlier.to_bytes()), [HeadKind.STACKED],
        features[shuffled], FEATURES, labels[shuffled], [groups[i] for i in shuffled],
    )  # fmt: skip
    once = conditioned(earlier)
    assert np.array_equal(again.predict(features, seed=3).draws, once.predict(features, seed=3).draws)


def test_a_property_that_it_had_not_learned_is_fitted_as_the_campaign_says() -> None:
    features, labels, groups = some_labels(60)
    sparse = labels.copy()
    sparse[3:, 1] = np.nan
    head = fit_heads([HeadKind.GAUSSIAN_PROCESS], features, FEATURES, sparse, groups, NAMES, SETTINGS)
    assert NAMES[1] not in head.kinds
    later = condition_head(head, [HeadKind.STACKED], features, FEATURES, labels, groups)
    assert later.kinds == {NAMES[0]: HeadKind.GAUSSIAN_PROCESS, NAMES[1]: HeadKind.STACKED}


def test_a_head_of_other_features_is_not_conditioned(earlier: FittedHead) -> None:
    features, labels, groups = some_labels(60)
    with pytest.raises(LoopError, match="other features"):
        condition_head(earlier, [HeadKind.STACKED], features, ("a", "b", "c"), labels, groups)
