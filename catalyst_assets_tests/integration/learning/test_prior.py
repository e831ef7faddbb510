"""A campaign with a prior: cheap answers are frozen with the training set, learned on top of, replayed, and told of."""

import json

import numpy as np
import pytest

from catalyst_assets.acquisition.replay import replay
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.library import check_known, parse_campaign
from catalyst_assets.campaigns.readiness import check_readiness
from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.learning.training_set import load_model_features, load_training_set
from catalyst_assets.prediction.versions import load_predictions
from catalyst_assets_tests.integration.learning.learning_campaign import CAMPAIGN as SALTS
from catalyst_assets_tests.integration.learning.learning_campaign import load_salts, salts
from catalyst_assets_tests.integration.loop.iterations import measure_batch, rank_iteration, start_iteration
from catalyst_assets_tests.loading import query
from resources.platform import Platform

ENERGY = "formation_energy_per_atom"
CHEAP = f"{ENERGY}@LDA"
PRIOR = {"prior": [{"property": ENERGY, "method": "LDA"}], "initial_batch": 12}
CAMPAIGN = parse_campaign(SALTS.document | PRIOR, "salts")


def luck(material: str) -> float:
    """What no feature tells: a number of the name."""
    return float(np.random.default_rng(list(material.encode())).normal())


def truth(material: str) -> float:
    return -2.0 + 0.5 * luck(material)


def know_cheaply(platform: Platform, materials: list[str], error: float = 0.0) -> None:
    for material in materials:
        entry = {
            "value": truth(material) + 0.3 + error,
            "unit": "eV/atom",
            "method": "LDA",
            "source": "cheap",
        }
        query(
            platform,
            "UPDATE materials SET properties = CAST(:p AS jsonb) WHERE material_id = :m RETURNING 1",
            p=json.dumps({ENERGY: [entry]}),
            m=material,
        )


def answers(platform: Platform, key: str) -> dict[str, float]:
    """Return what the iteration's model reads of each material's cheap answer."""
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, key)
    rows = query(platform, "SELECT material_id, structure_hash FROM materials ORDER BY 1")
    features = load_model_features(
        platform.objects, iteration, [structure_hash for _, structure_hash in rows]
    )
    column = features.values[:, features.names.index(f"prior:{CHEAP}")]
    return dict(zip([material for material, _ in rows], column.tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.usefixtures("_mlflow_tables")
def test_a_campaign_learns_on_top_of_what_is_known_cheaply(platform: Platform) -> None:
    load_salts(platform, CAMPAIGN)
    known = [*salts()][:-3]
    know_cheaply(platform, known)
    first = start_iteration(platform, CAMPAIGN, 0)
    rank_iteration(platform, first)
    chosen = measure_batch(
        platform, first, CAMPAIGN, lambda material: {ENERGY: truth(material)}, 12, unit="eV/atom"
    )
    # The lowest energies are wanted: what is drawn is lower than a batch that only covers the pool.
    assert np.mean([luck(material) for material in chosen]) < np.mean([luck(m) for m in salts()]) - 0.1

    second = start_iteration(platform, CAMPAIGN, 1)
    rank_iteration(platform, second)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, second)
        names, prediction, _ = load_predictions(connection, second)
    model = load_model(platform.objects, iteration.model_sha256 or "")
    assert isinstance(model, FittedHead)
    ((slope),) = (one.slope for one in model.fidelities or ())
    assert slope == pytest.approx(1.0, abs=0.1)
    left = [place for place, name in enumerate(names) if name in known and name not in chosen]
    errors = prediction.mean[left, 0] - np.array([truth(names[place]) for place in left])
    # The truth scatters by half an electronvolt that no feature tells.
    assert np.abs(errors).mean() < 0.15
    estimated = [place for place, name in enumerate(names) if name not in known]
    assert prediction.std[estimated, 0].min() > 2 * np.median(prediction.std[left, 0])

    # What becomes known of cheap answers later belongs to a later iteration.
    before = answers(platform, second)
    know_cheaply(platform, [*salts()], error=5.0)
    assert answers(platform, second) == before
    assert replay(platform.database, platform.objects, second).problems == ()
    third = start_iteration(platform, CAMPAIGN, 2)
    rank_iteration(platform, third)
    assert answers(platform, third)[known[0]] == pytest.approx(before[known[0]] + 5.0, abs=1e-5)
    assert load_training_set(platform.objects, iteration).provenance["cheap_answers"]


def test_a_campaign_is_told_how_much_of_its_prior_is_known_and_by_which_convention(
    platform: Platform,
) -> None:
    load_salts(platform, CAMPAIGN)
    told = check_readiness(platform.database, platform.objects, CAMPAIGN).remarks
    assert any("is known of no member, and of no use" in remark for remark in told)
    know_cheaply(platform, [*salts()][:7])
    (said,) = (
        remark
        for remark in check_readiness(platform.database, platform.objects, CAMPAIGN).remarks
        if "prior" in remark
    )
    assert f"known of 7 of {len(salts())} members, from cheap" in said
    assert "in eV/atom; local density approximation" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prior": [{"property": ENERGY, "method": "PBE"}]}, "is what the campaign asks for"),
        ({"prior": PRIOR["prior"] * 2}, "prior.1: formation_energy_per_atom by LDA is named twice"),  # type: ignore[operator]
        ({"prior": []}, "prior"),
        ({"learning": {"fine_tune": {}}}, "learning.fine_tune: a network does not learn on top of a prior"),
    ],
)
def test_a_prior_that_cannot_be_one_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidCampaignError, match=said):
        parse_campaign(CAMPAIGN.document | changes, "salts")


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ({"property": "formation_enrgy", "method": "LDA"}, "unknown property 'formation_enrgy'"),
        ({"property": ENERGY, "method": "LDDA"}, "prior.0.method: unknown method 'LDDA'"),
    ],
)
def test_a_prior_of_what_nobody_declared_is_refused(prior: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidCampaignError, match=said):
        check_known(parse_campaign(CAMPAIGN.document | {"prior": [prior]}, "salts"))
