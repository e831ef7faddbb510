"""Cheap answers of a pool: gaps are filled, what went astray is not believed, and what is frozen is read again."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from catalyst_assets.campaigns.library import parse_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.learning.cheap_answers import (
    complete_answers,
    freeze_answers,
    with_frozen_answers,
)
from catalyst_assets.representation.features import Features
from resources.object_store import ObjectStore

NAMES = ("adsorption_energy_H@sevennet-0", "adsorption_energy_H@RPBE")


def rows(n: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    features = np.random.default_rng(0).normal(size=(n, 5)).astype(np.float32)
    return features, features[:, 0] + 0.5 * features[:, 1].astype(np.float64)


def campaign() -> Campaign:
    document = {
        "name": "test", "pool": {"source": "x"}, "method": "BEEF-vdW", "validator": "laboratory",
        "criteria": [{"property": "adsorption_energy_H", "max": 0}],
        "prior": [dict(zip(("property", "method"), name.split("@"), strict=True)) for name in NAMES],
    }  # fmt: skip
    return parse_campaign(document, "test")


def test_known_answers_stay_and_gaps_are_filled_with_the_error_of_filling() -> None:
    features, truth = rows(400)
    known = truth.copy()
    known[:100] = np.nan
    completed = complete_answers(features, known, seed=0)
    np.testing.assert_array_equal(completed.values[100:], truth[100:])
    assert (completed.deviations[100:] == 0).all()
    errors = completed.values[:100] - truth[:100]
    assert np.abs(errors).mean() < 0.7 * np.abs(truth).mean()
    assert completed.deviations[:100] == pytest.approx(np.sqrt((errors**2).mean()), rel=0.2)


def test_what_went_astray_is_not_believed() -> None:
    features, truth = rows(400)
    known = truth.copy()
    known[[3, 30, 300]] += (17.0, -40.0, 90.0)
    completed = complete_answers(features, known, seed=0)
    assert np.flatnonzero(completed.deviations).tolist() == [3, 30, 300]
    assert np.abs(completed.values - truth)[[3, 30, 300]].max() < 1.5


def test_few_answers_fill_nothing_and_are_not_said_to_be_known_elsewhere() -> None:
    features, truth = rows(50)
    known = np.where(np.arange(50) < 10, truth, np.nan)
    completed = complete_answers(features, known, seed=0)
    np.testing.assert_array_equal(completed.values, known)
    np.testing.assert_array_equal(completed.deviations, np.where(np.arange(50) < 10, 0.0, np.nan))


@pytest.mark.parametrize("share", [0.6, 0.8, 0.92, 0.995])
def test_where_most_answers_are_the_same_the_others_are_believed(share: float) -> None:
    features, truth = rows(600)
    gaps = np.where(truth > np.quantile(truth, share), 1.0 + np.abs(truth), 0.0)
    completed = complete_answers(features, gaps, seed=0)
    np.testing.assert_array_equal(completed.values, gaps)
    assert not completed.deviations.any()


def test_a_cheaper_kind_that_is_the_same_everywhere_helps_nothing_and_hurts_nothing() -> None:
    features, truth = rows(100)
    known = np.where(np.arange(100) < 60, truth, np.nan)
    alone = complete_answers(features, known, seed=0)
    beside = complete_answers(features, known, seed=0, cheaper=np.zeros(100))
    np.testing.assert_array_equal(beside.values, alone.values)


def test_frozen_answers_are_read_by_structure_and_later_ones_have_none(tmp_path: Path) -> None:
    objects, (features, truth) = ObjectStore(tmp_path.as_uri()), rows(60)
    hashes = [f"h{row:02d}" for row in reversed(range(60))]
    described = Features(features, tuple(f"desc:{i}" for i in range(5)), {})
    known = {
        NAMES[0]: dict(zip(hashes, truth.tolist(), strict=True)),
        NAMES[1]: dict(zip(hashes[:30], (2 * truth[:30]).tolist(), strict=True)),
    }
    sha256 = freeze_answers(objects, campaign(), hashes, described, known)
    assert freeze_answers(objects, campaign(), hashes, described, known) == sha256
    asked = Features(features[:2], described.names, {})
    told = with_frozen_answers(objects, sha256, [hashes[7], "later"], asked)
    assert told.names[5:] == (
        *(f"prior:{name}" for name in NAMES),
        *(f"prior_deviation:{name}" for name in NAMES),
    )
    np.testing.assert_allclose(told.values[0, 5:], [truth[7], 2 * truth[7], 0, 0], rtol=1e-6)
    assert np.isnan(told.values[1, 5:]).all()
    assert with_frozen_answers(objects, None, hashes[:2], asked) is asked
    filled = with_frozen_answers(objects, sha256, hashes, described).values[30:, 6]
    # The dear one is twice the cheap one, which is known: it is filled with the help of that.
    assert np.abs(filled - 2 * truth[30:]).mean() < 0.3 * np.abs(2 * truth[30:]).mean()
    with pytest.raises(CorruptArtifactError, match="is gone"):
        with_frozen_answers(objects, "0" * 64, hashes[:2], asked)
    objects.put_bytes(f"cheap_answers/{sha256}.parquet", b"other")
    with pytest.raises(CorruptArtifactError, match="has changed"):
        with_frozen_answers(objects, sha256, hashes[:2], asked)
