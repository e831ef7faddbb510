"""How long a person waits for the loop: from a flag to its answer, and from a finished batch to the next ranking.

Everything is what a user runs: `catalyst demo` for the data, `catalyst up`, `catalyst campaign start`, flags through the
API. What Dagster's own records say of the runs in between tells computing from processes, queue and ticks.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import yaml

from catalyst_assets.errors import CatalystError
from resources.paths import scratch_folder

if TYPE_CHECKING:
    import httpx
    from dagster import DagsterInstance


_POOL: Final = "oxide-perovskites-demo"
_CAMPAIGN: Final = "bench-loop"
_POLL_SECONDS: Final = 0.3  # more often, and the looking itself would slow what is looked at
# By then the run whose answer is seen has ended, too: one campaign has one run at a time.
_REST_SECONDS: Final = 5.0
_PATIENCE_SECONDS: Final = 300.0
_ANSWERED: Final = ("validated", "rejected")  # rejected: measured, and no hit
_SERVICES: Final = ("APP", "API", "DAGSTER", "MLFLOW")

Window = tuple[float, float]


@dataclass(frozen=True)
class Waits:
    """Seconds of several waits of one kind.

    Attributes
    ----------
    median, shortest, longest
        From the request to what a person sees, through the API.
    computing
        Median of the part in which a step of Dagster computed.
    dagster_share
        Share of all the seconds in which none did: ticks, queue, processes, the run's own bookkeeping.
    """

    median: float
    shortest: float
    longest: float
    computing: float
    dagster_share: float
    n: int


@dataclass(frozen=True)
class LoopReport:
    """What a person waits for in a campaign on the demo's pool.

    Attributes
    ----------
    flag_to_answer
        One candidate is flagged; its answer is there.
    batch_to_ranking
        The last answer of a batch is there; the next iteration's candidates are.
    load_before
        Processes that wanted a core in the minute before; on an idle machine near 0.
    """

    flag_to_answer: Waits
    batch_to_ranking: Waits
    load_before: float


def measure_loop(
    flags: int = 5, iterations: int = 3, tell: Callable[[str], None] = lambda state: None
) -> LoopReport:
    """Drive a campaign with flags of our own, in an installation that is made for it and removed afterwards.

    Parameters
    ----------
    flags
        Candidates that are flagged one by one.
    iterations
        Batches that are flagged as a whole, each followed by a ranking.

    Raises
    ------
    CatalystError
        A command failed, or nothing came for minutes.
    """
    load = os.getloadavg()[0]
    with scratch_folder() as folder:
        home = Path(folder, "home")
        environment = {**os.environ, "CATALYST_HOME": str(home), **_free_ports()}
        tell("making an installation")
        _catalyst(environment, "demo", "--iterations", "1", "--json")
        with _running(environment, Path(folder, "up.log")) as api, _dagster(home) as instance:
            tell("starting a campaign")
            goal = Path(folder, "campaign.yaml")
            goal.write_text(yaml.safe_dump(_campaign(iterations)), encoding="utf-8")
            _catalyst(environment, "campaign", "start", str(goal))
            reviewer = _Reviewer(api)
            answers, rankings = [], []
            waiting = reviewer.ranked(0)
            for number in range(flags):
                tell(f"flag {number + 1} of {flags}")
                answers.append(reviewer.flag(0, [waiting.pop()]))
                time.sleep(_REST_SECONDS)
            for iteration in range(iterations):
                tell(f"batch {iteration + 1} of {iterations}")
                _, answered = reviewer.flag(iteration, waiting)
                waiting = reviewer.ranked(iteration + 1)
                rankings.append((answered, time.time()))
            # A run's own end is recorded a moment after what it computed is seen.
            time.sleep(1.0)
            steps = _steps(instance)
    return LoopReport(_waits(answers, steps), _waits(rankings, steps), round(load, 2))


class _Reviewer:
    """Who flags candidates and looks whether they are answered."""

    def __init__(self, api: "httpx.Client") -> None:
        self._api = api

    def ranked(self, iteration: int) -> list[int]:
        """Wait for an iteration's batch and return its candidates, the best last."""
        wanted = 20 if iteration == 0 else 10
        rows = self._until(iteration, wanted, "ranked")
        return [int(row["candidate_id"]) for row in rows[:wanted]][::-1]

    def flag(self, iteration: int, candidates: list[int]) -> Window:
        """Flag candidates; return when that was, and when the last of them was answered."""
        before = len(self._rows(iteration, *_ANSWERED))
        started = time.time()
        for candidate in candidates:
            answer = self._api.post(f"/candidates/{candidate}/flag")
            answer.raise_for_status()
        self._until(iteration, before + len(candidates), *_ANSWERED)
        return started, time.time()

    def _rows(self, iteration: int, *statuses: str) -> list[dict[str, Any]]:
        wanted: dict[str, str | int | Sequence[str]] = {
            "campaign": _CAMPAIGN,
            "iteration": iteration,
            "status": statuses,
            "limit": 100,
        }
        answer = self._api.get("/candidates", params=wanted)
        if answer.status_code == 404:  # the campaign or iteration is not there yet
            return []
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def _until(self, iteration: int, count: int, *statuses: str) -> list[dict[str, Any]]:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            rows = self._rows(iteration, *statuses)
            if len(rows) >= count:
                return rows
            time.sleep(_POLL_SECONDS)
        raise CatalystError(
            f"Iteration {iteration} has no {count} {' or '.join(statuses)} candidates after {_PATIENCE_SECONDS:.0f} s.",
            "Run it on a machine that is less busy.",
        )


def _campaign(iterations: int) -> dict[str, Any]:
    from catalyst_assets.campaigns.library import load_campaign

    changed = {"name": _CAMPAIGN, "review": "manual", "stop": {"max_iterations": iterations + 1}}
    return load_campaign(_POOL).document | changed


def _free_ports() -> dict[str, str]:
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in _SERVICES]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return {
            f"CATALYST_{name}_PORT": str(probe.getsockname()[1])
            for name, probe in zip(_SERVICES, probes, strict=True)
        }


def _catalyst(environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CatalystError(
            f"`catalyst {arguments[0]}` ended with {done.returncode}: {done.stderr.strip()[-500:]}",
            "Run it by hand to see why.",
        )
    return done.stdout


@contextlib.contextmanager
def _running(environment: Mapping[str, str], log: Path) -> "Iterator[httpx.Client]":
    """Run `catalyst up` for as long as the block lasts; yield a client of its API once all services answer."""
    import httpx

    url = f"http://127.0.0.1:{environment['CATALYST_APP_PORT']}/api/v1"
    with log.open("w") as output:
        up = subprocess.Popen(
            [sys.executable, "-m", "catalyst_assets.cli", "up"], env=environment, stdout=output, stderr=output
        )
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while "Everything runs" not in log.read_text(errors="replace"):
                if up.poll() is not None or time.monotonic() > deadline:
                    raise CatalystError(f"`catalyst up` does not start: {log.read_text()[-500:]}")
                time.sleep(_POLL_SECONDS)
            token = _catalyst(environment, "tokens", "create", "bench", "--may", "review").strip()
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client:
                yield client
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait()


@contextlib.contextmanager
def _dagster(home: Path) -> "Iterator[DagsterInstance]":
    import dagster as dg

    from resources.dagster_instance import prepare_dagster_home
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    settings = load_settings(home=home)
    with connect(settings) as database:
        os.environ.update(prepare_dagster_home(settings, database))
        with dg.DagsterInstance.get() as instance:
            yield instance


def _steps(instance: "DagsterInstance") -> list[Window]:
    """Return when each step of the campaign's runs computed."""
    import dagster as dg

    from catalyst_assets.constants import CAMPAIGN_TAG

    runs = instance.get_runs(dg.RunsFilter(tags={CAMPAIGN_TAG: _CAMPAIGN}))
    stats = [step for run in runs for step in instance.get_run_step_stats(run.run_id)]
    return [(step.start_time, step.end_time) for step in stats if step.start_time and step.end_time]


def _waits(windows: list[Window], steps: list[Window]) -> Waits:
    seconds = [stop - start for start, stop in windows]
    computing = [_covered(window, steps) for window in windows]
    return Waits(
        median=round(median(seconds), 2),
        shortest=round(min(seconds), 2),
        longest=round(max(seconds), 2),
        computing=round(median(computing), 2),
        dagster_share=round(1 - sum(computing) / sum(seconds), 3),
        n=len(seconds),
    )


def _covered(window: Window, steps: list[Window]) -> float:
    """Return how many seconds of a window lie in a step; those of several at once count once."""
    covered, reached = 0.0, window[0]
    for start, stop in sorted(steps):
        start, stop = max(start, reached), min(stop, window[1])
        if stop > start:
            covered += stop - start
            reached = stop
    return covered
