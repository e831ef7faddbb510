"""One turn by heads on cached features and one by a fine-tuned network, through the same assets."""

from collections.abc import Mapping
from typing import Any

import dagster as dg
import numpy as np
import pytest
from mlflow import MlflowClient

from catalyst_assets.build import build_defs
from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models import fine_tuned
from catalyst_assets.learning.models.fine_tuned import FineTunedModel
from catalyst_assets.learning.models.registry import compare_versions
from catalyst_assets.learning.models.stored_models import load_model
from catalyst_assets.loop.jobs import ITERATION_JOB
from catalyst_assets.partitions import AL_ITERATION
from catalyst_assets.prediction.apply import load_version, predict_structures
from catalyst_assets.prediction.versions import load_predictions
from catalyst_assets_tests.integration.learning.learning_campaign import (
    CAMPAIGN,
    load_salts,
    prepare_turn,
    salts,
)
from resources.platform import Platform
from resources.postgres.database import Sibling, fetch_all

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_mlflow_tables")]
N_LABELLED = 24


def with_learning(**learning: Any) -> Campaign:
    return CAMPAIGN.model_validate({**CAMPAIGN.document, "learning": learning})


def turn(platform: Platform, instance: dg.DagsterInstance, key: str) -> Mapping[str, Any]:
    """Run the assets of an iteration and return the metadata of its model."""
    instance.add_dynamic_partitions(AL_ITERATION.name or "", [key])
    result = (
        build_defs(platform=platform)
        .resolve_job_def(ITERATION_JOB)
        .execute_in_process(instance=instance, partition_key=key)
    )
    assert result.success
    assert all(check.passed for check in result.get_asset_check_evaluations() if check.blocking)
    (event,) = result.asset_materializations_for_node("trained_model")
    return {name: entry.value for name, entry in event.metadata.items()}


def error_of_unlabelled(platform: Platform, key: str) -> float:
    with platform.database.transaction() as connection:
        material_ids, prediction, _ = load_predictions(connection, key)
        ranked = fetch_all(connection, "acquisition/candidates", partition_key=key)
    assert material_ids == sorted(salts())
    assert len(ranked) > 0
    assert np.isfinite(prediction.draws).all()
    assert (prediction.std > 0).all()
    return float(np.abs(prediction.mean).max())


def test_a_turn_predicts_by_a_head_of_the_kinds_asked_for(
    platform: Platform, dagster_instance: dg.DagsterInstance
) -> None:
    campaign = with_learning(heads=["gaussian_process", "deep_ensemble"])
    load_salts(platform, campaign)
    key = prepare_turn(platform, 0, N_LABELLED, campaign)
    told = turn(platform, dagster_instance, key)
    assert error_of_unlabelled(platform, key) < 10

    model = load_model(platform.objects, told["model_sha256"])
    assert isinstance(model, FittedHead)
    assert set(model.choices["formation_energy_per_atom"]) == {"gaussian_process", "deep_ensemble"}


def test_a_turn_predicts_by_a_fine_tuned_network_that_reads_structures(
    platform: Platform, dagster_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuned, "_GRAPHS_AT_ONCE", 8)
    campaign = with_learning(fine_tune={"members": 2, "folds": 4, "max_epochs": 6, "learning_rate": 0.01})
    load_salts(platform, campaign)
    key = prepare_turn(platform, 0, N_LABELLED, campaign)
    told = turn(platform, dagster_instance, key)
    assert error_of_unlabelled(platform, key) < 10

    model = load_model(platform.objects, told["model_sha256"])
    assert isinstance(model, FineTunedModel)
    assert len(model.members) == 2
    assert str(told["loss_curves"]).startswith("![loss curves plot](data:image/png;base64,")
    assert not (platform.settings.checkpoint_folder / key).exists()
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, key)
        material_ids, stored, _ = load_predictions(connection, key)
    client = MlflowClient(tracking_uri=platform.database.sibling_url(Sibling.MLFLOW))
    run = client.get_metric_history(iteration.mlflow_run_id or "", "member1/training_loss")
    assert [metric.step for metric in run] == list(range(len(run)))
    assert len(run) > 1

    # The registered version says of structures from elsewhere what the iteration said of the pool.
    loaded = load_version(platform, f"{campaign.name}@1")
    again = predict_structures(platform, loaded, [salts()[name] for name in material_ids])
    np.testing.assert_allclose(again.prediction.mean, stored.mean, rtol=1e-4, atol=1e-5)

    # Versions are compared on the labels that both models were judged by.
    shared = compare_versions(platform.objects, loaded.version, loaded.version)
    assert shared is not None
    assert 5 <= shared.n_materials == len(model.judged_rows) < N_LABELLED

    # The same labels give the same model.
    assert turn(platform, dagster_instance, key)["model_sha256"] == told["model_sha256"]
