"""Experiment tracking: one MLflow run for each training, through dagster-mlflow.

dagster-mlflow's resource opens a run as the global active one, names it after the job and leaves it
running. Here its runs are named after asset and partition, carry the Dagster run and always end. It
imports mlflow, which takes seconds, so nothing here does so before a run is opened.
"""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from resources.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

_ASSET_TAG: Final = "catalyst.asset"
_PARTITION_TAG: Final = "catalyst.partition"
_DATA_TAG: Final = "catalyst.data_sha256"
_MAX_METRICS: Final = 1000  # MLflow's limits on one batch
_MAX_PARAMS: Final = 100
_MAX_PARAM_LENGTH: Final = 6000

Curves = Mapping[str, Sequence[float] | Sequence[tuple[int, float]]]


@dataclass
class TrackedRun:
    """An open MLflow run.

    Attributes
    ----------
    run_id
        MLflow's id.
    url
        Where MLflow's own pages show it while `catalyst up` runs.
    """

    run_id: str
    url: str
    _client: "MlflowClient" = field(repr=False)

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        curves: Curves | None = None,
        artifacts: Mapping[str, bytes] | None = None,
    ) -> None:
        """Record what the run used and found; see `Tracking.log_run`."""
        from mlflow.entities import Metric, Param
        from mlflow.exceptions import MlflowException

        now = int(time.time() * 1000)
        values = [Metric(name, float(value), now, 0) for name, value in (metrics or {}).items()]
        for name, curve in (curves or {}).items():
            for index, point in enumerate(curve):
                step, value = point if isinstance(point, tuple) else (index, point)
                values.append(Metric(name, float(value), now, int(step)))
        settings = [Param(name, str(value)[:_MAX_PARAM_LENGTH]) for name, value in (params or {}).items()]
        try:
            for start in range(0, len(settings), _MAX_PARAMS):
                self._client.log_batch(self.run_id, params=settings[start : start + _MAX_PARAMS])
            for start in range(0, len(values), _MAX_METRICS):
                self._client.log_batch(self.run_id, metrics=values[start : start + _MAX_METRICS])
            if artifacts:
                self._log_artifacts(artifacts)
        except (MlflowException, OSError) as error:
            raise _unusable(error) from error

    def _log_artifacts(self, artifacts: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="catalyst-") as folder:
            for name, data in artifacts.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            self._client.log_artifacts(self.run_id, folder)


class Tracking:
    """The installation's MLflow: runs in PostgreSQL, artifacts in the object store.

    Parameters
    ----------
    settings
        Where artifacts lie, and where MLflow's pages are served.
    url
        URL of the `mlflow` database.
    """

    def __init__(self, settings: Settings, url: str) -> None:
        self._settings = settings
        self._url = url

    @contextmanager
    def run(
        self,
        asset: str,
        partition: str | None,
        dagster_run_id: str,
        *,
        data_sha256: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> Iterator[TrackedRun]:
        """Open a run for one materialization; it ends FINISHED, or FAILED if the block raises.

        Runs of the same asset and partition that a killed process left open are ended first. The
        experiment is the partition's campaign, or `catalyst`.

        Raises
        ------
        CatalystError
            MLflow's database or artifact store cannot be used.
        """
        from mlflow.exceptions import MlflowException

        name = asset if partition is None else f"{asset} {partition}"
        all_tags = {_ASSET_TAG: asset, _PARTITION_TAG: partition or "", **(tags or {})}
        if data_sha256:
            all_tags[_DATA_TAG] = data_sha256
        status = "FAILED"
        with ExitStack() as stack:
            stack.callback(self._forget_globals)
            try:
                experiment_id, experiment = self._experiment(partition)
                self._end_stale(experiment_id, asset, partition)
                run_id = self._client.create_run(experiment_id, tags=all_tags, run_name=name).info.run_id
                resource = stack.enter_context(self._resource(experiment, run_id, name, dagster_run_id))
            except (MlflowException, OSError) as error:
                raise _unusable(error) from error
            try:
                yield TrackedRun(run_id, self._page(experiment_id, run_id), resource.tracking_client)
                status = "FINISHED"
            finally:
                resource.end_run(status)

    def log_run(
        self,
        asset: str,
        partition: str | None,
        dagster_run_id: str,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        curves: Curves | None = None,
        artifacts: Mapping[str, bytes] | None = None,
        data_sha256: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Record a finished piece of work as one run and return its id.

        Parameters
        ----------
        params
            Settings that shaped the work.
        metrics
            Final values.
        curves
            For each name the values by step: either in order from 0, or ``(step, value)`` pairs.
        artifacts
            Files by name.
        data_sha256
            Hash of the data that was used.

        Raises
        ------
        CatalystError
            MLflow's database or artifact store cannot be used.
        """
        with self.run(asset, partition, dagster_run_id, data_sha256=data_sha256, tags=tags) as run:
            run.log(params=params, metrics=metrics, curves=curves, artifacts=artifacts)
        return run.run_id

    def run_url(self, run_id: str) -> str:
        """Return the page of a run, served while `catalyst up` runs."""
        return self._page(self._client.get_run(run_id).info.experiment_id, run_id)

    @property
    def artifact_root(self) -> str:
        """URL under which MLflow keeps artifacts."""
        root = self._settings.object_store_url
        return (root if "://" in root else Path(root).absolute().as_uri()).rstrip("/") + "/mlflow"

    @cached_property
    def _client(self) -> "MlflowClient":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
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
        return mlflow.MlflowClient(tracking_uri=self._url)

    def initialise(self) -> None:
        """Make the tables of a new MLflow database."""
        _ = self._client

    @contextmanager
    def _resource(self, experiment: str, run_id: str, name: str, dagster_run_id: str) -> Iterator[Any]:
        """Yield dagster-mlflow's resource, attached to an open run."""
        import dagster as dg

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
            yield resources.mlflow

    def _experiment(self, partition: str | None) -> tuple[str, str]:
        name = partition.partition("__")[0] if partition else "catalyst"
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id), name
        location = f"{self.artifact_root}/{name}"
        return str(self._client.create_experiment(name, artifact_location=location)), name

    def _end_stale(self, experiment_id: str, asset: str, partition: str | None) -> None:
        mine = (
            f"attributes.status = 'RUNNING' AND tags.`{_ASSET_TAG}` = '{asset}' "
            f"AND tags.`{_PARTITION_TAG}` = '{partition or ''}'"
        )
        for run in self._client.search_runs([experiment_id], mine):
            self._client.set_terminated(run.info.run_id, "KILLED")

    def _page(self, experiment_id: str, run_id: str) -> str:
        server = f"http://{self._settings.host}:{self._settings.mlflow_port}"
        return f"{server}/#/experiments/{experiment_id}/runs/{run_id}"

    def _forget_globals(self) -> None:
        import mlflow

        while mlflow.active_run() is not None:
            mlflow.end_run("FAILED")
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # it is in the environment too, password included


def _unusable(error: Any) -> CatalystError:
    reason = str(error).strip().splitlines()[0]
    return CatalystError(
        f"The MLflow run cannot be recorded: {reason}.",
        "See `catalyst status`; free disk space, or correct CATALYST_OBJECT_STORE.",
    )
