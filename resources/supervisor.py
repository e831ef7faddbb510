"""Keeps a set of long-running programs going: starts, watches, restarts and stops them together.

Which programs those are is `services`'s business.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from catalyst_assets.errors import CatalystError, UsageError
from resources.logs import open_log, tail
from resources.postgres.keeper import die_with_parent
from resources.probes import Pulse, is_stopped, keep_probing, says_something

_TICK_SECONDS: Final = 0.25
_CHECK_SECONDS: Final = 2.0
_GRACE_SECONDS: Final = 10.0
_STABLE_SECONDS: Final = 60.0
_MAX_BACKOFF_SECONDS: Final = 30.0
_START_ATTEMPTS: Final = 3
_PROBE_SECONDS: Final = 10.0
_MOST_MISSED: Final = 6


@dataclass(frozen=True)
class Service:
    """One program.

    Attributes
    ----------
    name
        Names its log file, and it in messages.
    command
        Its argv.
    environment
        All the variables it gets: none of this process come along.
    port, port_option
        Where it listens, and how a user chooses another: ``--dagster-port or CATALYST_DAGSTER_PORT``.
    url
        Where people find it; None for a program without pages.
    ready_path
        Path under ``url`` that answers once it works.
    keeps_work
        After a crash of the program itself, what it had started may finish (the daemon's runs).
    is_alive
        Tells of a program without pages whether it works.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    port: int | None = None
    port_option: str = ""
    url: str | None = None
    ready_path: str = "/"
    keeps_work: bool = False
    is_alive: Callable[[], bool] = field(default=lambda: True, repr=False)


@dataclass
class _Child:
    service: Service
    log: Path
    probe_seconds: float
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    restart_at: float = 0.0
    was_ready: bool = False
    pulse: Pulse = field(init=False)

    def __post_init__(self) -> None:
        self.pulse = Pulse(self._works)

    def _works(self) -> bool:
        service, process = self.service, self.process
        if process is None:
            return True  # it is started again in a moment
        if service.url is not None:
            return says_something(service.url + service.ready_path, self.probe_seconds)
        return not is_stopped(process.pid) and service.is_alive()


class Supervisor:
    """Runs services until it is told to stop.

    Parameters
    ----------
    services
        What to run.
    logs
        Folder of one log file a service.
    working_directory
        Where the services run.
    checks
        Called every two seconds, such as to restart the database; what they raise is reported.
    report
        Receives one line about each thing that happens to a service.
    probe_seconds, most_missed
        How often each service is asked whether it works, and how many times in a row it may not answer
        before it is killed and started again.
    """

    def __init__(
        self,
        services: Sequence[Service],
        logs: Path,
        working_directory: Path,
        *,
        checks: Sequence[Callable[[], None]] = (),
        report: Callable[[str], None] = lambda line: None,
        probe_seconds: float = _PROBE_SECONDS,
        most_missed: int = _MOST_MISSED,
    ) -> None:
        self._children = [
            _Child(service, logs / f"{service.name}.log", probe_seconds) for service in services
        ]
        self._probe_seconds = probe_seconds
        self._most_missed = most_missed
        self._working_directory = working_directory
        self._checks = checks
        self._report = report
        self._orphaned_groups: list[int] = []
        self._stop = threading.Event()
        self._stop_requests = 0

    def run(self, when_ready: Callable[[], None] = lambda: None) -> None:
        """Start every service, call ``when_ready`` once all answer, and return after a signal.

        A service that ends is started again, after a pause that doubles up to half a minute. On
        SIGINT, SIGTERM or SIGHUP all are stopped with everything they started. Call it from the main
        thread: the services die with it.

        Raises
        ------
        CatalystError
            A service cannot be started at all; the others were stopped.
        """
        with self._signals(), contextlib.ExitStack() as stack:
            stack.callback(self._stop_all)
            for child in self._children:
                self._start(child)
            keep_probing([child.pulse for child in self._children], self._probe_seconds, self._stop)
            announced = False
            next_check = time.monotonic() + _CHECK_SECONDS
            while not self._stop.is_set():
                for child in self._children:
                    self._watch(child)
                self._living_groups()
                if not announced and all(self._is_ready(child) for child in self._children):
                    announced = True
                    when_ready()
                if time.monotonic() >= next_check:
                    self._run_checks()
                    next_check = time.monotonic() + _CHECK_SECONDS
                self._stop.wait(_TICK_SECONDS)

    def request_stop(self, *_: object) -> None:
        """Make `run` return; asked twice, without waiting for the services to end by themselves."""
        self._stop_requests += 1
        self._stop.set()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        stopping = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, self.request_stop) for number in stopping}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _start(self, child: _Child) -> None:
        with open_log(child.log) as log:
            child.process = subprocess.Popen(
                child.service.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._working_directory,
                env=dict(child.service.environment),
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGTERM),
            )
        child.started = time.monotonic()
        child.pulse.restart()

    def _watch(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.restart_at:
                self._start(child)
                self._report(f"{child.service.name} was started again")
            return
        status = child.process.poll()
        if status is None:
            silent = child.pulse.silent_seconds(self._most_missed)
            if silent is not None:
                self._report(f"{child.service.name} has not answered for {silent:.0f} s and is killed")
                child.pulse.restart()
                child.process.kill()
            return
        if child.service.keeps_work:
            self._orphaned_groups.append(child.process.pid)
        else:
            _signal_group(child.process.pid, signal.SIGKILL)  # what it left behind would hold its port
        child.process = None
        child.failures = 1 if now - child.started > _STABLE_SECONDS else child.failures + 1
        if not child.was_ready and child.failures >= _START_ATTEMPTS:
            said = tail(child.log.read_text(encoding="utf-8", errors="replace"))
            raise CatalystError(f"{child.service.name} does not start: {said}", f"See {child.log}.")
        pause = min(_MAX_BACKOFF_SECONDS, 2.0 ** (child.failures - 1))
        child.restart_at = now + pause
        self._report(
            f"{child.service.name} ended with status {status} and is started again in {pause:.0f} s; see {child.log}"
        )

    def _is_ready(self, child: _Child) -> bool:
        if not child.was_ready and child.process is not None:
            service = child.service
            child.was_ready = service.url is None or answers(service.url + service.ready_path)
            if child.was_ready:
                self._report(f"{service.name} runs")
        return child.was_ready

    def _run_checks(self) -> None:
        for check in self._checks:
            try:
                check()
            except CatalystError as error:
                self._report(str(error))

    def _stop_all(self) -> None:
        """End every service: first asked alone, then its whole group asked, then killed."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        asked: set[int] = set()
        for leaders_are_asked in (False, True):
            deadline = time.monotonic() + _GRACE_SECONDS
            while self._stop_requests < 2 and time.monotonic() < deadline and (left := self._living_groups()):
                leaders = {process.pid for process in running if process.poll() is None}
                for group in set(left) - asked - (set() if leaders_are_asked else leaders):
                    asked.add(group)
                    _signal_group(group, signal.SIGTERM)
                time.sleep(0.05)
        for group in self._living_groups():
            _signal_group(group, signal.SIGKILL)
        for process in running:
            process.wait()

    def _living_groups(self) -> list[int]:
        for child in self._children:
            if child.process is not None:
                child.process.poll()  # a process that was not waited for counts as alive
        started = [child.process.pid for child in self._children if child.process is not None]
        self._orphaned_groups = [group for group in self._orphaned_groups if _signal_group(group, 0)]
        return [group for group in started if _signal_group(group, 0)] + self._orphaned_groups


def free_port() -> int:
    """Return a port of the loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def require_free_ports(host: str, services: Sequence[Service]) -> None:
    """Refuse to start services whose port is taken.

    Raises
    ------
    UsageError
        Names the port, who holds it if that can be known, and how to choose another.
    """
    seen: dict[int, Service] = {}
    for service in services:
        if service.port is None:
            continue
        if service.port in seen:
            raise UsageError(
                f"Port {service.port} is asked for twice: by {seen[service.port].name} and {service.name}.",
                f"Choose another with {service.port_option}.",
            )
        seen[service.port] = service
        try:
            family, _, _, _, address = socket.getaddrinfo(host, service.port, type=socket.SOCK_STREAM)[0]
            socket.create_server(address, family=family).close()
        except socket.gaierror:
            raise UsageError(
                f"{host!r} is no address of this machine.", "Choose another with --host or CATALYST_HOST."
            ) from None
        except OSError as error:
            raise UsageError(
                f"Port {service.port} on {host}, for {service.name}, cannot be used: "
                f"{error.strerror or error}{_holder(service.port)}.",
                f"Choose another with {service.port_option}, or stop what uses it.",
            ) from None


def answers(url: str) -> bool:
    """Tell whether a server answers at ``url``, with whatever status below 500."""
    try:
        with urllib.request.urlopen(url, timeout=2.0):  # noqa: S310 - our own http address
            return True
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _holder(port: int) -> str:
    import psutil

    with contextlib.suppress(psutil.Error, OSError):
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.pid and found.laddr[1:2] == (port,):
                return f" by process {found.pid} ({psutil.Process(found.pid).name()})"
    return ""


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; False when none of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False
