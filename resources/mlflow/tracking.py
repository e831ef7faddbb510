"""Experiment tracking: one MLflow run for each training, through dagster-mlflow.

dagster-mlflow's resource opens a run as the global active one, names it after the job and leaves it
running. Here its runs are named after asset and partition, carry the Dagster run and always end. It
imports mlflow, which takes seconds, so nothing here does so before a run is opened.
"""

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from resources.mlflow.run_facts import EXPERIMENT_KIND, NOTE, source_tags
from resources.mlflow.tracked_run import TrackedRun, unusable
from resources.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ASSET_TAG: Final = "catalyst.asset"
_PARTITION_TAG: Final = "catalyst.partition"
_DATA_TAG: Final = "catalyst.data_sha256"
_TRAINING_TAG: Final = "catalyst.training_key"


class Tracking:
    """The installation's MLflow: runs in PostgreSQL, artifacts in the object store.

    Parameters
    ----------
    settings
        Where artifacts lie, and where MLflow's pages are served.
    url
        URL of the `mlflow` database.
    before_write
        Called before anything is recorded; what it raises prevents it.
    """

    def __init__(
        self, settings: Settings, url: str, *, before_write: Callable[[], None] = lambda: None
    ) -> None:
        self._settings = settings
        self._url = url
        self.before_write = before_write

    @contextmanager
    def run(
        self,
        asset: str,
        partition: str | None,
        dagster_run_id: str,
        *,
        data_sha256: str = "",
        training_key: str = "",
        module: str = __name__,
        experiment_note: str = "",
    ) -> Iterator[TrackedRun]:
        """Open a run for one materialization; it ends FINISHED, FAILED if the block raises, KILLED if it is stopped.

        Runs of the same asset and partition that a killed process left open are ended first. The
        experiment is the partition's campaign, or `catalyst`. No trouble with MLflow reaches the block: the run says
        what it was.

        Parameters
        ----------
        data_sha256
            Hash of the data that is used.
        training_key
            Names work that resumes where it was killed: then its run goes on too, instead of a new one.
        module
            The code whose work it is.
        experiment_note
            What all runs of this experiment are for.
        """
        run, status, stack = TrackedRun(), "FAILED", ExitStack()
        try:
            stack.callback(self._forget_globals)
            tags = {_DATA_TAG: data_sha256, _TRAINING_TAG: training_key, **source_tags(module)}
            self.before_write()
            self._describe_experiment(partition, experiment_note)
            resource = stack.enter_context(self._opened(run, asset, partition, dagster_run_id, tags))

            def end() -> None:
                self.before_write()
                resource.end_run(status)

            stack.callback(end)
        except Exception as error:
            run.note(error)
        try:
            yield run
            status = "FINISHED"
        except Exception:
            raise
        except BaseException:  # Ctrl-C, or Dagster that stops the run: it may be resumed
            status = "KILLED"
            raise
        finally:
            run.flush()
            try:
                stack.close()
            except Exception as error:
                run.note(error)

    @property
    def pages(self) -> str:
        """URL of MLflow's pages while `catalyst up` runs."""
        return f"http://{self._settings.host}:{self._settings.mlflow_port}"

    @property
    def artifact_root(self) -> str:
        """URL under which MLflow keeps artifacts."""
        root = self._settings.object_store_url
        return (root if "://" in root else Path(root).absolute().as_uri()).rstrip("/") + "/mlflow"

    @cached_property
    def client(self) -> "MlflowClient":
        """MLflow's own client; the first use makes the tables of a new database."""
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        # MLflow would ask a server that does not answer again and again, for most of an hour.
        self._require_answer()
        import mlflow
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        loggers = [logging.getLogger(name) for name in ("mlflow.store.db.utils", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            # Makes the tables of a new database; without a root, MLflow would note ./mlruns in it.
            SqlAlchemyStore(self._url, self.artifact_root)  # type: ignore[no-untyped-call]
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
        client = mlflow.MlflowClient(tracking_uri=self._url)
        remove_empty_default(client)
        return client

    def _require_answer(self) -> None:
        import sqlalchemy as sa

        try:
            sa.create_engine(self._url, poolclass=sa.NullPool).connect().close()
        except sa.exc.OperationalError as error:
            raise unusable(error.orig or error) from error

    @contextmanager
    def _opened(
        self,
        run: TrackedRun,
        asset: str,
        partition: str | None,
        dagster_run_id: str,
        tags: Mapping[str, str],
    ) -> Iterator[Any]:
        """Open a run, or one that was killed again, and yield dagster-mlflow's resource attached to it."""
        import dagster as dg

        # The experiment is the campaign: its name before each would hide the iteration in MLflow's narrow column.
        name = asset if partition is None else f"{asset} {partition.rpartition('__')[2]}"
        experiment_id, experiment = self._experiment(partition)
        run_id = self._find_cut_off(experiment_id, asset, partition, tags[_TRAINING_TAG])
        self._end_stale(experiment_id, asset, partition, run_id)
        is_resumed = run_id is not None
        if run_id is None:
            own = {_ASSET_TAG: asset, _PARTITION_TAG: partition or "", **tags}
            run_id = str(self.client.create_run(experiment_id, tags=own, run_name=name).info.run_id)
        config = {"experiment_name": experiment, "mlflow_tracking_uri": self._url, "mlflow_run_id": run_id}
        with ExitStack() as stack:
            with warnings.catch_warnings():
                # dagster-mlflow is in beta and uses deprecated names; there is nothing a reader could do.
                warnings.simplefilter("ignore")
                from dagster_mlflow import mlflow_tracking

                resources = stack.enter_context(
                    dg.build_resources(
                        {"mlflow": mlflow_tracking},
                        resource_config={"mlflow": {"config": config}},
                        dagster_run=dg.DagsterRun(job_name=name, run_id=dagster_run_id),
                        log_manager=dg.DagsterLogManager.create(loggers=[]),  # nobody need hear it start
                    )
                )
            os.environ.pop("MLFLOW_TRACKING_URI", None)  # what the work starts need not know the password
            resource = resources.mlflow
            page = f"{self.pages}/#/experiments/{experiment_id}/runs/{run_id}"
            run.open(
                resource.tracking_client, run_id, page, is_resumed=is_resumed, before_write=self.before_write
            )
            yield resource

    def _experiment(self, partition: str | None) -> tuple[str, str]:
        name = partition.partition("__")[0] if partition else "catalyst"
        found = self.client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id), name
        location = f"{self.artifact_root}/{name}"
        made = self.client.create_experiment(name, artifact_location=location, tags=EXPERIMENT_KIND)
        return str(made), name

    def _describe_experiment(self, partition: str | None, note: str) -> None:
        experiment_id, _ = self._experiment(partition)
        if note and self.client.get_experiment(experiment_id).tags.get(NOTE) != note:
            self.client.set_experiment_tag(experiment_id, NOTE, note)

    def _find_cut_off(
        self, experiment_id: str, asset: str, partition: str | None, training_key: str
    ) -> str | None:
        """Return the newest run of a training that was killed before it ended."""
        if not training_key:
            return None
        mine = f"{_owned(asset, partition)} AND tags.`{_TRAINING_TAG}` = '{training_key}'"
        runs = self.client.search_runs([experiment_id], mine, order_by=["attributes.start_time DESC"])
        return next((str(run.info.run_id) for run in runs if run.info.status in ("RUNNING", "KILLED")), None)

    def _end_stale(self, experiment_id: str, asset: str, partition: str | None, kept: str | None) -> None:
        mine = f"attributes.status = 'RUNNING' AND {_owned(asset, partition)}"
        for run in self.client.search_runs([experiment_id], mine):
            if run.info.run_id != kept:
                self.client.set_terminated(run.info.run_id, "KILLED")

    def _forget_globals(self) -> None:
        import mlflow

        while mlflow.active_run() is not None:
            mlflow.end_run("FAILED")
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # it is in the environment too, password included


def remove_empty_default(client: "MlflowClient") -> None:
    """Take the experiment that MLflow makes by itself off its pages, if nobody has used it."""
    from mlflow.exceptions import MlflowException

    with suppress(MlflowException):  # another process may do the same
        if client.get_experiment("0").lifecycle_stage == "active" and not client.search_runs(["0"]):
            client.delete_experiment("0")


def _owned(asset: str, partition: str | None) -> str:
    return f"tags.`{_ASSET_TAG}` = '{asset}' AND tags.`{_PARTITION_TAG}` = '{partition or ''}'"
