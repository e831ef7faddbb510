import json
import os
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa

from resources.code_version import code_version
from resources.mlflow.run_facts import UsedData
from resources.mlflow.tracked_run import TrackedRun
from resources.mlflow.tracking import Tracking
from resources.platform import Platform
from resources.postgres.database import Sibling
from resources.postgres.embedded import EmbeddedPostgres

if TYPE_CHECKING:
    from mlflow import MlflowClient

pytestmark = pytest.mark.usefixtures("_mlflow_tables")
ASSET, PARTITION = "trained_model", "demo__0003"


@pytest.fixture
def client(platform: Platform) -> "MlflowClient":
    import mlflow

    return mlflow.MlflowClient(tracking_uri=platform.database.sibling_url(Sibling.MLFLOW))


def log_run(tracking: Tracking, dagster_run_id: str, data_sha256: str = "", **logged: Any) -> TrackedRun:
    """Record a piece of work that has ended."""
    with tracking.run(ASSET, PARTITION, dagster_run_id, data_sha256=data_sha256) as run:
        run.log(**logged)
    return run


def test_a_run_is_finished_and_carries_everything(platform: Platform, client: "MlflowClient") -> None:
    recorded = log_run(
        platform.tracking,
        "dagster-run-1",
        params={f"p{index}": index for index in range(150)},
        metrics={"valid_mae": 0.25},
        curves={"loss": [3.0, 2.0, 1.5], "late": [(10, 1.0), (20, 0.5)]},
        artifacts={"report.json": b"{}", "plots/parity.png": b"png"},
        data_sha256="ab" * 32,
    )
    assert recorded.problem == ""
    run_id = recorded.run_id
    run = client.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "trained_model 0003")
    assert run.data.params["p149"] == "149"
    assert run.data.metrics["valid_mae"] == 0.25
    wanted = {
        "dagster_run_id": "dagster-run-1",
        "catalyst.asset": ASSET,
        "catalyst.partition": PARTITION,
        "catalyst.data_sha256": "ab" * 32,
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
    assert recorded.url == (f"http://127.0.0.1:5000/#/experiments/{run.info.experiment_id}/runs/{run_id}")


def test_a_run_says_what_it_is_what_it_learned_from_and_which_code_it_is(
    platform: Platform, client: "MlflowClient"
) -> None:
    data = UsedData("training_set demo__0003", "ab" * 32, "file:///store/x.parquet", 40, {"gap": "double"})
    told = {"module": "catalyst_assets.learning", "experiment_note": "Perovskites for water splitting."}
    for _ in range(2):  # a second run leaves the experiment as it is
        with platform.tracking.run(ASSET, PARTITION, "dagster-run-1", **told) as run:
            run.log(data=data, note="Forty labels.", metrics={"valid_mae": 0.5}, step=3)
        assert run.problem == ""
    stored = client.get_run(run.run_id)
    tags = stored.data.tags
    assert (tags["mlflow.note.content"], tags["mlflow.source.name"]) == ("Forty labels.", told["module"])
    assert code_version().startswith(f"git:{tags['mlflow.source.git.commit']}")
    assert len([name for name in tags if not name.startswith("mlflow.")]) <= 8
    assert curve(client, run.run_id, "valid_mae") == [(3, 0.5)]
    (used,) = stored.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("training_set demo__0003", ("ab" * 32)[:36])
    assert json.loads(used.dataset.source) == {"uri": "file:///store/x.parquet"}
    assert json.loads(used.dataset.profile) == {"num_rows": 40, "sha256": "ab" * 32}
    # Nothing empty beside it, and it is known for what it is.
    (experiment,) = client.search_experiments()
    assert experiment.name == "demo"
    assert experiment.tags["mlflow.note.content"] == "Perovskites for water splitting."
    assert experiment.tags["mlflow.experimentKind"] == "custom_model_development"


def test_nothing_global_is_left_behind(platform: Platform) -> None:
    import mlflow

    assert log_run(platform.tracking, "dagster-run-1").problem == ""
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
    assert log_run(platform.tracking, "dagster-run-1").problem == ""
    experiment = client.get_experiment_by_name("demo").experiment_id

    def left_open(partition: str) -> str:
        tags = {"catalyst.asset": ASSET, "catalyst.partition": partition}
        return client.create_run(experiment, tags=tags).info.run_id

    mine, other = left_open(PARTITION), left_open("demo__0004")
    assert log_run(platform.tracking, "dagster-run-2").problem == ""
    assert client.get_run(mine).info.status == "KILLED"
    assert client.get_run(other).info.status == "RUNNING"


def curve(client: "MlflowClient", run_id: str, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client.get_metric_history(run_id, name)]


def test_epochs_are_recorded_while_the_training_goes_on(platform: Platform, client: "MlflowClient") -> None:
    with platform.tracking.run(ASSET, PARTITION, "dagster-run-1") as run:
        assert run.run_id
        run.on_epoch("loss", 0, 3.0)
        stored = client.get_run(run.run_id)
        assert (stored.info.status, stored.data.metrics) == ("RUNNING", {"loss": 3.0})
        assert "MLFLOW_TRACKING_URI" not in os.environ  # it holds the password
        for step in range(1, 1500):
            run.on_epoch("loss", step, 3.0 / step)
            run.on_epoch("valid", step, 4.0)
        # What was streamed is not recorded twice by the curves of the report.
        run.log(curves={"loss": [3.0, 3.0, 1.5], "late": [(7, 1.0)]})
    assert (run.problem, client.get_run(run.run_id).info.status) == ("", "FINISHED")
    assert curve(client, run.run_id, "loss") == [(0, 3.0), *((n, 3.0 / n) for n in range(1, 1500))]
    assert len(curve(client, run.run_id, "valid")) == 1499
    assert curve(client, run.run_id, "late") == [(7, 1.0)]


def test_a_killed_training_that_goes_on_continues_its_run_with_each_step_once(
    platform: Platform, client: "MlflowClient"
) -> None:
    def cut_off(key: str, stop: type[BaseException] | None) -> str:
        with platform.tracking.run(ASSET, PARTITION, "dagster-run-1", training_key=key) as run:
            for step in range(3):
                run.on_epoch("loss", step, 10.0 + step)
            if stop is not None:
                raise stop
        return run.run_id

    with pytest.raises(KeyboardInterrupt):
        cut_off("key-1", KeyboardInterrupt)
    (killed,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert killed.info.status == "KILLED"
    client.update_run(killed.info.run_id, status="RUNNING")  # as kill -9 leaves it
    with platform.tracking.run(ASSET, PARTITION, "dagster-run-2", training_key="key-1") as run:
        assert (run.run_id, run.is_resumed) == (killed.info.run_id, True)
        for step in range(1, 5):  # on from the checkpoint of step 0
            run.on_epoch("loss", step, 20.0 + step)
    assert curve(client, run.run_id, "loss") == [(0, 10.0), (1, 11.0), (2, 12.0), (3, 23.0), (4, 24.0)]
    assert client.get_run(run.run_id).info.status == "FINISHED"
    assert client.get_run(run.run_id).data.tags["dagster_run_id"] == "dagster-run-2"

    # One that ended, failed or learns from other data is not continued.
    assert cut_off("key-1", None) != run.run_id
    with pytest.raises(ZeroDivisionError):
        cut_off("key-2", ZeroDivisionError)
    failed = client.search_runs([killed.info.experiment_id], "attributes.status = 'FAILED'")
    assert cut_off("key-2", None) not in {entry.info.run_id for entry in failed}


def test_a_training_outlives_mlflow_and_hears_of_it_once(
    platform: Platform, postgres_server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    name = sa.make_url(platform.database.sibling_url(Sibling.MLFLOW)).database
    administrator = sa.create_engine(postgres_server.owner_url("postgres"), isolation_level="AUTOCOMMIT")
    with platform.tracking.run(ASSET, PARTITION, "dagster-run-1") as run:
        assert run.run_id
        run.on_epoch("loss", 0, 3.0)
        with administrator.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        for step in range(1, 50):
            run.on_epoch("loss", step, 1.0)
            run.on_epoch("valid", step, 1.0)
        run.log(metrics={"mae": 1.0})
    assert run.problem
    told = [record for record in caplog.records if record.name == "resources.mlflow.tracked_run"]
    assert len(told) == 1
    assert told[0].message.startswith("The work goes on, its curves are not recorded for now.")


def test_what_the_training_raises_is_raised_although_mlflow_is_not_there(platform: Platform) -> None:
    nowhere = Tracking(platform.settings, "postgresql+psycopg2://nobody:x@127.0.0.1:9/mlflow")

    def train() -> None:
        with nowhere.run(ASSET, PARTITION, "dagster-run-1") as run:
            assert run.run_id == ""
            assert run.problem.startswith("MLflow cannot be used: ")
            run.on_epoch("loss", 0, 1.0)
            run.log(metrics={"loss": 1.0})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()


def test_an_artifact_store_that_cannot_be_written_is_one_clear_error(platform: Platform) -> None:
    platform.settings.home.mkdir()
    (platform.settings.home / "objects").write_text("not a folder")
    recorded = log_run(platform.tracking, "dagster-run-1", artifacts={"a": b"a"})
    assert recorded.problem.startswith("MLflow cannot be used: ")


def test_a_new_database_gets_its_tables(platform: Platform, postgres_server: EmbeddedPostgres) -> None:
    url = postgres_server.url("catalyst_mlflow", "empty_mlflow")
    with sa.create_engine(
        postgres_server.owner_url("postgres"), isolation_level="AUTOCOMMIT"
    ).connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE empty_mlflow OWNER catalyst_mlflow")
    assert log_run(Tracking(platform.settings, url), "dagster-run-1").problem == ""
