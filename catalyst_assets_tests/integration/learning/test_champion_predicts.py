"""What predicts an iteration: the champion of the registry, conditioned on all labels, or why not."""

from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models.registry import promote as crown
from catalyst_assets.learning.models.stored_models import load_model, model_key
from catalyst_assets.prediction.champion import choose_predictor
from catalyst_assets.prediction.versions import (
    audit_predictions,
    load_predictions,
    plan_predictions,
    predict_shard,
    promote,
)
from catalyst_assets_tests.integration.learning.learning_campaign import CAMPAIGN, load_salts, run_turn
from catalyst_assets_tests.loading import query
from resources.platform import Platform

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_mlflow_tables")]
LAST = "salts__0002"
CHAMPIONS = CAMPAIGN.model_copy(
    update={"learning": CAMPAIGN.learning.model_copy(update={"predict_with": "champion"})}
)


def two_versions(platform: Platform) -> None:
    """Three iterations; the second one's model is made the champion by hand, whatever the third is worth."""
    load_salts(platform, CHAMPIONS)
    for number, labels in enumerate((0, 12, 21)):
        run_turn(platform, number, labels, CHAMPIONS)
    if next(version.version for version in platform.registry.versions("salts") if version.is_champion) != 2:
        crown(platform, "salts", 2, "a test wants an earlier one", force=True)


def predict(platform: Platform) -> str:
    model_sha256 = choose_predictor(platform, LAST).model_sha256
    plan, shards = plan_predictions(
        platform.database, platform.objects, platform.settings, LAST, model_sha256
    )
    for shard in shards:
        predict_shard(platform.database, platform.objects, plan, *shard)
    promote(platform.database, plan)
    return model_sha256


def test_an_earlier_champion_predicts_conditioned_on_every_label_and_is_named(platform: Platform) -> None:
    two_versions(platform)
    chosen = choose_predictor(platform, LAST)
    assert chosen.champion_version == 2
    assert "Version 2 is the champion" in chosen.reason
    assert "all 21 labels" in chosen.reason
    with platform.database.transaction() as connection:
        own = read_iteration(connection, LAST).model_sha256
    assert chosen.model_sha256 != own
    (earlier,) = query(platform, "SELECT model_sha256 FROM registered_models WHERE model_version = 2")
    before, after = (load_model(platform.objects, sha256) for sha256 in (*earlier, chosen.model_sha256))
    assert isinstance(before, FittedHead)
    assert isinstance(after, FittedHead)
    assert after.report is not None
    assert len(after.report.properties["formation_energy_per_atom"].observed) == 21
    assert after.kinds == before.kinds

    assert predict(platform) == chosen.model_sha256
    assert audit_predictions(platform.database, platform.objects, LAST) == []
    assert query(platform, "SELECT DISTINCT model_version, uncertainty > 0 FROM reading.predictions") == [
        ("salts@2", True)
    ]
    with platform.database.transaction() as connection:
        _, first, _ = load_predictions(connection, LAST)

    # The registry has moved on; what was chosen stays, and gives the same numbers.
    crown(platform, "salts", 3, "a better one", force=True)
    assert choose_predictor(platform, LAST) == chosen
    assert predict(platform) == chosen.model_sha256
    with platform.database.transaction() as connection:
        _, again, _ = load_predictions(connection, LAST)
    assert np.array_equal(first.draws, again.draws)

    # Its bytes are gone, and so is what they were made from: the iteration's own predicts, and says why.
    crown(platform, "salts", 2, "back", force=True)
    for sha256 in (*earlier, chosen.model_sha256):
        Path(platform.settings.object_store_url, model_key(sha256)).unlink()
    load_model.cache_clear()
    fallen = choose_predictor(platform, LAST)
    assert fallen.model_sha256 == own
    assert "the champion cannot be had" in fallen.reason
    assert "is gone from the store" in fallen.reason


def test_a_campaign_that_predicts_with_its_own_models_asks_no_registry(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_salts(platform)
    trained = run_turn(platform, 0, 12)
    monkeypatch.setattr(type(platform), "registry", property(lambda _: pytest.fail("the registry was asked")))
    chosen = choose_predictor(platform, "salts__0000")
    assert chosen.model_sha256 == trained.model.sha256
    assert chosen.reason == "The campaign predicts with each iteration's own model."
