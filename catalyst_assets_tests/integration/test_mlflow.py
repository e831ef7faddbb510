import os
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from catalyst_assets.errors import CatalystError
from resources.embedded_postgres import EmbeddedPostgres
from resources.mlflow import Tracking
from resources.platform import Platform
from resources.postgres import Sibling

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.usefixtures("_mlflow_tables")
ASSET, PARTITION = "trained_model", "demo__0003"


@pytest.fixture
def client(platform: Platform) -> "MlflowClient":
    import mlflow

    return mlflow.MlflowClient(tracking_uri=platform.database.sibling_url(Sibling.MLFLOW))


def test_a_run_is_finished_and_carries_everything(platform: Platform, client: "MlflowClient") -> None:
    run_id = platform.tracking.log_run(
        ASSET,
        PARTITION,
        "dagster-run-1",
        params={f"p{index}": index for index in range(150)},
        metrics={"valid_mae": 0.25},
        curves={"loss": [3.0, 2.0, 1.5], "late": [(10, 1.0), (20, 0.5)]},
        artifacts={"report.json": b"{}", "plots/parity.png": b"png"},
        data_sha256="ab" * 32,
        tags={"note": "first"},
    )
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "trained_model demo__0003")
    assert run.data.params["p149"] == "149"
    assert run.data.metrics["valid_mae"] == 0.25
    wanted = {
        "dagster_run_id": "dagster-run-1",
        "catalyst.asset": ASSET,
        "catalyst.partition": PARTITION,
        "catalyst.data_sha256": "ab" * 32,
        "note": "first",
    }
    assert wanted.items() <= run.data.tags.items()
    assert [(m.step, m.value) for m in client.get_metric_history(run_id, "loss")] == [
        (0, 3.0),
        (1, 2.0),
        (2, 1.5),
    ]
    assert [(m.step, m.value) for m in client.get_metric_history(run_id, "late")] == [(10, 1.0), (20, 0.5)]
    files = platform.settings.home / "objects" / "mlflow" / "demo" / run_id / "artifacts"
    assert (files / "plots" / "parity.png").read_bytes() == b"png"
    assert client.get_experiment(run.info.experiment_id).name == "demo"
    assert platform.tracking.run_url(run_id) == (
        f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run_id}"
    )


def test_nothing_global_is_left_behind(platform: Platform) -> None:
    import mlflow

    platform.tracking.log_run(ASSET, PARTITION, "dagster-run-1")
    assert mlflow.active_run() is None
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_a_failed_training_ends_its_run_as_failed(platform: Platform, client: "MlflowClient") -> None:
    def train() -> None:
        with platform.tracking.run(ASSET, PARTITION, "dagster-run-1") as run:
            run.log(params={"seed": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    (run,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert (run.info.status, run.data.params) == ("FAILED", {"seed": "1"})


def test_resuming_ends_what_a_killed_process_left_open(platform: Platform, client: "MlflowClient") -> None:
    platform.tracking.log_run(ASSET, PARTITION, "dagster-run-1")
    experiment = client.get_experiment_by_name("demo").experiment_id

    def left_open(partition: str) -> str:
        tags = {"catalyst.asset": ASSET, "catalyst.partition": partition}
        return client.create_run(experiment, tags=tags).info.run_id

    mine, other = left_open(PARTITION), left_open("demo__0004")
    platform.tracking.log_run(ASSET, PARTITION, "dagster-run-2")
    assert client.get_run(mine).info.status == "KILLED"
    assert client.get_run(other).info.status == "RUNNING"


def test_an_artifact_store_that_cannot_be_written_is_one_clear_error(platform: Platform) -> None:
    platform.settings.home.mkdir()
    (platform.settings.home / "objects").write_text("not a folder")
    with pytest.raises(CatalystError, match="MLflow run cannot be recorded"):
        platform.tracking.log_run(ASSET, PARTITION, "dagster-run-1", artifacts={"a": b"a"})


def test_a_new_database_gets_its_tables(platform: Platform, postgres_server: EmbeddedPostgres) -> None:
    url = postgres_server.url("catalyst_mlflow", "empty_mlflow")
    with sa.create_engine(
        postgres_server.owner_url("postgres"), isolation_level="AUTOCOMMIT"
    ).connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE empty_mlflow OWNER catalyst_mlflow")
    assert Tracking(platform.settings, url).log_run(ASSET, PARTITION, "dagster-run-1")
