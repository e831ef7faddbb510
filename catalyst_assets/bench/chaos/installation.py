"""An installation under test as its tester sees it: its processes, how far its campaign is, and what its runs say."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, TypeVar

import psutil

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.constants import CAMPAIGN_TAG
from catalyst_assets.errors import CatalystError, DatabaseUnavailableError
from resources.dagster_instance import prepare_dagster_home, settings_environment
from resources.postgres.connection import connect
from resources.postgres.database import Database, Role, Row, fetch_all, load_query, run_as_written
from resources.postgres.keeper import die_with_parent, read_note
from resources.runs.process import PID_TAG
from resources.settings import Settings

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

_Answer = TypeVar("_Answer")
# What its process says once all services run.
READY: Final = "Everything runs."
_PROCESS: Final = "catalyst_assets.commands.bench.chaos_process"
_START_SECONDS: Final = 300.0
_OUTAGE_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.05


class Installation:
    """A home of its own, and the process that runs its services.

    Parameters
    ----------
    settings
        Its own; nothing is on their home yet.
    campaign
        What it drives.
    """

    def __init__(self, settings: Settings, campaign: Campaign) -> None:
        self.settings = settings
        self.campaign = campaign
        self._log = settings.home.with_suffix(".log")
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._database: Database | None = None
        self._instance: DagsterInstance | None = None

    @property
    def home(self) -> Path:
        """Its folder."""
        return self.settings.home

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run it for as long as the block lasts; the campaign is started by then.

        Raises
        ------
        CatalystError
            It does not start.
        """
        with self._stack, self._log.open("wb") as log:
            self._process = start_process(self.settings, self.campaign, log)
            self._stack.callback(self._stop)
            self.wait_until(self._is_ready, "The installation does not start", _START_SECONDS)
            self._database = self._stack.enter_context(connect(self.settings))
            yield

    def _is_ready(self) -> bool:
        assert self._process is not None  # noqa: S101 - asked while it runs
        if self._process.poll() is not None:
            raise CatalystError(f"The installation ended: {self.log()[-2000:]}")
        return READY in self.log()

    def log(self) -> str:
        """Return what its services' supervisor said."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            end_process(process)

    @property
    def instance(self) -> "DagsterInstance":
        """Its Dagster, opened when it is first asked for."""
        if self._instance is None:
            assert self._database is not None  # noqa: S101 - asked while it runs
            self._instance = self._stack.enter_context(_open_instance(self.settings, self._database))
        return self._instance

    def ask(self, query: str, **parameters: Any) -> list[Row]:
        """Return the rows of a named query, also while PostgreSQL is started again."""

        def rows() -> list[Row]:
            assert self._database is not None  # noqa: S101 - asked while it runs
            with self._database.transaction(Role.OWNER) as connection:
                return fetch_all(connection, query, **parameters)

        return patiently(rows)

    def change(self, statements: str) -> None:
        """Execute a named file of statements as the owner."""

        def execute() -> None:
            assert self._database is not None  # noqa: S101 - asked while it runs
            with self._database.transaction(Role.OWNER) as connection:
                run_as_written(connection, load_query(statements).text)

        patiently(execute)

    def progress(self) -> Row:
        """Return how far the campaign is."""
        (found,) = self.ask("bench/chaos/progress", name=self.campaign.name)
        return found

    def held_steps(self, queue: str | None = None) -> list[Row]:
        """Return the steps that workers do now."""
        held = self.ask("bench/chaos/held_steps")
        return [step for step in held if queue in (None, step["queue"])]

    def runs(self) -> "list[DagsterRun]":
        """Return the runs of the campaign, the newest first."""
        import dagster as dg

        wanted = dg.RunsFilter(tags={CAMPAIGN_TAG: self.campaign.name})
        return patiently(lambda: list(self.instance.get_runs(wanted)))

    def failed_runs(self) -> set[str]:
        """Return the ids of those that failed."""
        import dagster as dg

        return {run.run_id for run in self.runs() if run.status is dg.DagsterRunStatus.FAILURE}

    def run_process(self) -> psutil.Process | None:
        """Return the process of the run that is under way."""
        for run in self.runs():
            if not run.is_finished and PID_TAG in run.tags:
                with contextlib.suppress(psutil.NoSuchProcess):
                    return psutil.Process(int(run.tags[PID_TAG]))
        return None

    def service(self, words: str) -> psutil.Process | None:
        """Return the process of a service by words of its command."""
        assert self._process is not None  # noqa: S101 - asked while it runs
        for child in psutil.Process(self._process.pid).children():
            with contextlib.suppress(psutil.Error):
                if words in " ".join(child.cmdline()):
                    return child
        return None

    def postmaster(self) -> psutil.Process | None:
        """Return the process of the PostgreSQL server; None while it is started again."""
        with contextlib.suppress(psutil.NoSuchProcess, IndexError, ValueError):
            return psutil.Process(int(read_note(self.home / "postgres" / "data")[0]))
        return None

    def wait_until(self, holds: Callable[[], Any], else_: str, seconds: float) -> None:
        """Wait until something holds.

        Raises
        ------
        CatalystError
            It does not in time: ``else_`` says what.
        """
        deadline = time.monotonic() + seconds
        while not holds():
            if time.monotonic() > deadline:
                raise CatalystError(f"{else_} after {seconds:.0f} s.", f"See {self.home / 'logs'}.")
            time.sleep(_POLL_SECONDS)


def start_process(settings: Settings, campaign: Campaign, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the process of an installation, with no settings but its own; it ends with this thread."""
    outside = ("CATALYST_", "DAGSTER_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
    own = settings_environment(settings) | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", _PROCESS, campaign.model_dump_json(exclude_none=True)],
        env=kept | own, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )  # fmt: skip


def end_process(process: subprocess.Popen[bytes]) -> None:
    """Ask the process of an installation to end, and kill it if it does not."""
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def patiently(ask: Callable[[], _Answer]) -> _Answer:
    """Return an answer of PostgreSQL, also while it is started again.

    Raises
    ------
    DatabaseUnavailableError
        It is not for a minute.
    """
    import sqlalchemy as sa

    deadline = time.monotonic() + _OUTAGE_SECONDS
    while True:
        try:
            return ask()
        except (DatabaseUnavailableError, sa.exc.DBAPIError) as error:
            if time.monotonic() > deadline:
                raise DatabaseUnavailableError(f"PostgreSQL does not come back: {error}") from error
            time.sleep(_POLL_SECONDS)


@contextlib.contextmanager
def _open_instance(settings: Settings, database: Database) -> "Iterator[DagsterInstance]":
    """Open an installation's Dagster, by an environment that is put back at once."""
    import dagster as dg

    before = os.environ.copy()
    os.environ.update(prepare_dagster_home(settings, database))
    try:
        instance = dg.DagsterInstance.get()
    finally:
        os.environ.clear()
        os.environ.update(before)
    with instance:
        yield instance
