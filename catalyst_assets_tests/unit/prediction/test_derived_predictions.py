"""Known physics joins the learned predictions draw by draw."""

import numpy as np
import pytest

from catalyst_assets.campaigns.band_edges import midgap
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.learning.predictor import Prediction
from catalyst_assets.prediction.members import append_derived

FORMULAS = ["SrTiO3", "AgNbO3"]


def _learned(properties: tuple[str, ...]) -> Prediction:
    rng = np.random.default_rng(0)
    draws = rng.uniform(0.5, 3.0, size=(2, 8, len(properties))).astype(np.float32)
    return Prediction(properties, draws.mean(axis=1).astype(np.float64), draws.std(axis=1), draws)


def test_band_edges_follow_from_each_draw_of_the_gap() -> None:
    campaign = load_campaign("solar-water-splitting")
    learned = _learned(campaign.learned_properties)
    whole = append_derived(campaign, learned, FORMULAS)
    assert whole.properties == campaign.predicted_properties
    gap = whole.properties.index("band_gap_direct")
    valence = whole.properties.index("valence_band_direct")
    conduction = whole.properties.index("conduction_band_direct")
    np.testing.assert_allclose(
        whole.draws[..., valence] - whole.draws[..., conduction], whole.draws[..., gap], rtol=1e-5
    )
    for row, formula in enumerate(FORMULAS):
        middle = (whole.mean[row, valence] + whole.mean[row, conduction]) / 2
        assert middle == pytest.approx(midgap(formula))
    np.testing.assert_allclose(whole.std[:, valence], learned.draws[..., gap].std(axis=1) / 2, rtol=1e-5)


def test_what_is_learned_stays_as_it_was() -> None:
    campaign = load_campaign("oxide-perovskites-demo")
    learned = _learned(campaign.learned_properties)
    assert append_derived(campaign, learned, FORMULAS) is learned
