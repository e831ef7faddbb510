"""What is recorded of a piece of work in its MLflow run, at once and while the work goes on.

Opening and ending runs is ``tracking``'s.
"""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError
from resources.mlflow.run_facts import NOTE, UsedData
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

_MAX_METRICS: Final = 1000  # MLflow's limits on one batch
_MAX_PARAMS: Final = 100
_MAX_PARAM_LENGTH: Final = 6000
_FLUSH_SECONDS: Final = 1.0  # a batch takes 20 ms, which a short epoch should not pay each time
_RETRY_SECONDS: Final = 30.0
_MOST_PENDING: Final = 20_000

Curves = Mapping[str, Sequence[float] | Sequence[tuple[int, float]]]
_log = logging.getLogger(__name__)


@dataclass
class TrackedRun:
    """An MLflow run that may not exist: the work it would record counts more than its record, so nothing is raised.

    Attributes
    ----------
    run_id
        MLflow's id; empty when no run could be opened.
    url
        Where MLflow's own pages show it while `catalyst up` runs.
    is_resumed
        It was begun by a process that was killed, and goes on here.
    problem
        Why something was not recorded; empty while all is well.
    """

    run_id: str = ""
    url: str = ""
    is_resumed: bool = False
    problem: str = ""
    _client: "MlflowClient | None" = field(default=None, repr=False)
    _seen: dict[str, set[int]] = field(default_factory=dict, repr=False)
    _pending: "list[Metric]" = field(default_factory=list, repr=False)
    _due: float = field(default=0.0, repr=False)
    _warned: bool = field(default=False, repr=False)
    _before_write: Callable[[], None] = field(default=lambda: None, repr=False)

    def open(
        self,
        client: "MlflowClient",
        run_id: str,
        url: str,
        *,
        is_resumed: bool,
        before_write: Callable[[], None] = lambda: None,
    ) -> None:
        """Record in a run of MLflow from now on, each time after ``before_write`` had nothing against it."""
        self._client, self.run_id, self.url, self.is_resumed = client, run_id, url, is_resumed
        self._before_write = before_write

    def log(
        self,
        *,
        params: Mapping[str, object] | None = None,
        metrics: Mapping[str, float] | None = None,
        curves: Curves | None = None,
        artifacts: Mapping[str, bytes] | None = None,
        data: UsedData | None = None,
        note: str = "",
        step: int = 0,
    ) -> None:
        """Record what the run used and found.

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
        data
            What it learned from.
        note
            A sentence that stands above it all.
        step
            Of the final values: the iteration, so that several runs are one curve.
        """
        if self._client is None:
            return
        from mlflow.entities import Metric, Param

        now = int(time.time() * 1000)
        settings = [Param(name, str(value)[:_MAX_PARAM_LENGTH]) for name, value in (params or {}).items()]
        values = [Metric(name, float(value), now, step) for name, value in (metrics or {}).items()]
        try:
            self._before_write()
            for name, curve in (curves or {}).items():
                points = (
                    point if isinstance(point, tuple) else (index, point) for index, point in enumerate(curve)
                )
                values += self._unseen(self._client, name, points)
            for start in range(0, len(settings), _MAX_PARAMS):
                self._client.log_batch(self.run_id, params=settings[start : start + _MAX_PARAMS])
            self._send(self._client, values)
            if data is not None:
                self._client.log_inputs(self.run_id, [data.as_input()])
            if note:
                self._client.set_tag(self.run_id, NOTE, note)
            if artifacts:
                _log_artifacts(self._client, self.run_id, artifacts)
        except Exception as error:
            self.note(error)

    def on_epoch(self, name: str, step: int, value: float) -> None:
        """Record one point of one curve while the work goes on; a step that is there already is left alone.

        Trouble with MLflow is logged once and costs nothing but, at worst, the record.
        """
        if self._client is None:
            return
        try:
            self._pending += self._unseen(self._client, name, [(step, value)])
            if time.monotonic() >= self._due:
                self._flush()
        except Exception as error:
            self._defer(error)

    def flush(self) -> None:
        """Send what `on_epoch` still holds."""
        try:
            self._flush()
        except Exception as error:
            self._defer(error)

    def note(self, error: Exception) -> None:
        """Keep the first reason why something was not recorded."""
        known = error if isinstance(error, CatalystError) else unusable(error)
        self.problem = self.problem or first_line(known)

    def _flush(self) -> None:
        if self._client is not None:
            self._send(self._client, self._pending)
            self._pending = []
            self._due = time.monotonic() + _FLUSH_SECONDS

    def _defer(self, error: Exception) -> None:
        self._due = time.monotonic() + _RETRY_SECONDS
        del self._pending[:-_MOST_PENDING]
        if not self._warned:
            self._warned = True
            _log.warning("The work goes on, its curves are not recorded for now. %s", first_line(error))

    def _send(self, client: "MlflowClient", values: "list[Metric]") -> None:
        if values:
            self._before_write()
        for start in range(0, len(values), _MAX_METRICS):
            client.log_batch(self.run_id, metrics=values[start : start + _MAX_METRICS])

    def _unseen(
        self, client: "MlflowClient", name: str, points: Iterable[tuple[int, float]]
    ) -> "list[Metric]":
        from mlflow.entities import Metric

        if name not in self._seen:
            # A training that goes on from its last checkpoint passes some steps again.
            known = client.get_metric_history(self.run_id, name) if self.is_resumed else []
            self._seen[name] = {metric.step for metric in known}
        seen, now = self._seen[name], int(time.time() * 1000)
        fresh = [(int(step), float(value)) for step, value in points if int(step) not in seen]
        seen.update(step for step, _ in fresh)
        return [Metric(name, value, now, step) for step, value in fresh]


def _log_artifacts(client: "MlflowClient", run_id: str, artifacts: Mapping[str, bytes]) -> None:
    with scratch_folder() as folder:
        for name, data in artifacts.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        client.log_artifacts(run_id, folder)


def unusable(error: Any) -> CatalystError:
    """Return our error for one of MLflow's."""
    return CatalystError(
        f"MLflow cannot be used: {first_line(error).rstrip('.')}.",
        "See `catalyst status`; free disk space, or correct CATALYST_OBJECT_STORE.",
    )


def first_line(error: BaseException) -> str:
    """Return what an error says, or its kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
