"""A chaos run: the same campaign twice, side by side, one undisturbed in one process and one with a fault an iteration."""

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from catalyst_assets.bench.chaos.campaign import MOST_ITERATIONS, chaos_campaign, final_state
from catalyst_assets.bench.chaos.faults import Fault, Injected, inject
from catalyst_assets.bench.chaos.figures import FaultFigures, figures, read_work
from catalyst_assets.bench.chaos.installation import Installation, end_process, start_process
from catalyst_assets.bench.chaos.machine import leftovers, small_store
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.constants import Executor
from catalyst_assets.errors import CatalystError, UsageError
from resources.paths import scratch_folder
from resources.settings import Settings, load_settings
from resources.supervisor import free_port

# About what an undisturbed iteration and a short step take: the moment of a fault is drawn from them.
_ITERATION_SECONDS: Final = 10.0
_STEP_SECONDS: Final = 0.5
_LOOK_SECONDS: Final = 0.25
# A worker that is silent for six beats loses its step.
_HEARTBEAT_SECONDS: Final = 0.5
_SHARD_SIZE: Final = 14
BOUND_SECONDS: Final = 300.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class ChaosReport:
    """What `catalyst bench chaos --json` prints.

    Attributes
    ----------
    differing
        Parts of the database whose final state is another than the undisturbed run's; none, if all is well.
    unfinished_runs, leftovers
        Runs that have not ended, and processes that outlive the installation; none either.
    skipped
        Faults that this machine does not allow, and why.
    median_iteration_s, longest_iteration_s
        From one iteration's opening to the next one's.
    rows_compared
        Of the final state.
    """

    iterations: int
    seed: int
    differing: list[str]
    unfinished_runs: list[str]
    leftovers: list[str]
    faults: list[FaultFigures]
    skipped: dict[str, str]
    median_iteration_s: float
    longest_iteration_s: float
    rows_compared: int
    seconds: float
    cores: int

    @property
    def is_right(self) -> bool:
        """Whether the disturbed run ended as the undisturbed one and left nothing behind."""
        return not (self.differing or self.unfinished_runs or self.leftovers)


@dataclass(frozen=True)
class Drawn:
    """A fault that will come.

    Attributes
    ----------
    delay_s
        After how many seconds of its iteration.
    linger_s
        How long the step that it hits has been under way, if it hits one.
    """

    fault: Fault
    delay_s: float
    linger_s: float


def draw_faults(iterations: int, seed: int, possible: Sequence[Fault]) -> list[Drawn]:
    """Draw a fault for each iteration, each kind as often as any other, and its moment."""
    chance = random.Random(seed)  # noqa: S311 - a seed makes it repeatable
    drawn: list[Fault] = []
    while len(drawn) < iterations:
        drawn += chance.sample(list(possible), len(possible))
    return [
        Drawn(fault, chance.uniform(0.0, _ITERATION_SECONDS), chance.uniform(0.0, _STEP_SECONDS))
        for fault in drawn[:iterations]
    ]


def measure_chaos(
    iterations: int,
    seed: int,
    tell: Tell = lambda state: None,
    *,
    folder: Path | None = None,
) -> ChaosReport:
    """Drive a campaign undisturbed, and beside it again on Celery with a fault in each iteration.

    Parameters
    ----------
    seed
        Of the faults and their moments.
    folder
        Where both installations lie and stay; in a scratch folder, removed afterwards, if None.

    Raises
    ------
    CatalystError
        An iteration takes longer than `BOUND_SECONDS`, or a fault has not the outcome that it must have.
    UsageError
        More iterations than the pool has candidates for, or the folder is in use.
    """
    if iterations > MOST_ITERATIONS:
        raise UsageError(f"The pool is enough for {MOST_ITERATIONS} iterations, not {iterations}.")
    started = time.monotonic()
    campaign = chaos_campaign(iterations)
    with _place(folder) as place, _undisturbed(place / "calm", campaign) as calm_is_done:
        stormy = Installation(_settings(place / "stormy", "celery"), campaign)
        with small_store(stormy.home) as refusal:
            skipped = {} if refusal is None else {Fault.DISK_FULL.value: refusal}
            possible = [fault for fault in Fault if fault.value not in skipped]
            with stormy.running():
                storm = _Storm(stormy, tell)
                storm.drive(draw_faults(iterations, seed, possible))
                work = read_work(stormy)
            tell("comparing with the undisturbed run")
            calm_is_done()
            left = leftovers([place / "calm", stormy.home])
            expected, found = final_state(place / "calm"), final_state(stormy.home)
    parts = sorted(expected.keys() | found.keys())
    return ChaosReport(
        iterations=iterations,
        seed=seed,
        differing=[part for part in parts if expected.get(part) != found.get(part)],
        unfinished_runs=work.unfinished,
        leftovers=left,
        faults=figures(storm.injected, work),
        skipped=skipped,
        median_iteration_s=round(median(storm.durations), 1),
        longest_iteration_s=round(max(storm.durations), 1),
        rows_compared=sum(map(len, expected.values())),
        seconds=round(time.monotonic() - started, 1),
        cores=len(os.sched_getaffinity(0)),
    )


class _Storm:
    """The driving of an installation through its faults, and the watch that no iteration takes too long."""

    def __init__(self, installation: Installation, tell: Tell) -> None:
        self._installation = installation
        self._tell = tell
        self._opened_at = time.monotonic()
        self._n_opened = 0
        self.injected: list[Injected] = []
        self.durations: list[float] = []

    def drive(self, drawn: Sequence[Drawn]) -> None:
        """Put a fault in each iteration; return when the campaign is finished."""
        for number, one in enumerate(drawn):
            self._wait(lambda number=number: self._n_opened > number)  # type: ignore[misc]
            due = time.monotonic() + one.delay_s
            self._wait(lambda due=due: time.monotonic() > due)  # type: ignore[misc]
            if self._is_finished:
                return
            self._tell(f"iteration {number + 1} of {len(drawn)}: {one.fault.value}")
            injected = inject(one.fault, self._installation, one.linger_s)
            self.injected += [] if injected is None else [injected]
        self._wait(lambda: self._is_finished)

    def _wait(self, holds: Callable[[], bool]) -> None:
        self._look()
        while not holds() and not self._is_finished:
            if time.monotonic() - self._opened_at > BOUND_SECONDS:
                raise CatalystError(
                    f"Iteration {self._n_opened} takes longer than {BOUND_SECONDS:.0f} s, after "
                    f"{self.injected[-1] if self.injected else 'no fault'}.",
                    f"See {self._installation.home / 'logs'}; name a folder that is kept with --folder.",
                )
            time.sleep(_LOOK_SECONDS)
            self._look()

    def _look(self) -> None:
        progress = self._installation.progress()
        self._is_finished = progress["status"] != "active"
        if progress["n_opened"] > self._n_opened or self._is_finished:
            now = time.monotonic()
            if self._n_opened:
                self.durations.append(now - self._opened_at)
            self._n_opened, self._opened_at = progress["n_opened"], now


@contextmanager
def _undisturbed(home: Path, campaign: Campaign) -> Iterator[Callable[[], None]]:
    """Drive the campaign in one process, beside the block; yield what waits for its end."""
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        process = start_process(_settings(home, "in_process"), campaign, output)

    def wait() -> None:
        if process.wait(BOUND_SECONDS):
            raise CatalystError(f"The undisturbed run failed: {log.read_text(errors='replace')[-2000:]}")

    try:
        yield wait
    finally:
        end_process(process)


def _settings(home: Path, executor: Executor) -> Settings:
    return load_settings(
        home=home,
        executor=executor,
        redis_port=free_port(),
        shard_size=_SHARD_SIZE,
        heartbeat_seconds=_HEARTBEAT_SECONDS,
    )


@contextmanager
def _place(folder: Path | None) -> Iterator[Path]:
    if folder is None:
        with scratch_folder() as made:
            yield Path(made)
        return
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty.", "Name a folder that is not there yet.")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder.absolute()
