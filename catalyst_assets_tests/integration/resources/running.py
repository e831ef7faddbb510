"""A whole `catalyst up` for tests: started on ports of its own, ended without leftovers."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from catalyst_assets_tests.processes import eventually, processes_of

_MARKS = {
    "api": "dash_app.server:create_api_from_environment",
    "review-app": "dash_app.server:create_pages_from_environment",
    "dagster-webserver": "resources.web.dagster_server",
    "dagster-daemon": "resources.runs.daemon",
    "mlflow": "resources.web.mlflow_server",
}
# Whose passwords each knows; the daemon, whose runs take several roles, finds them in the home.
OWN = {
    "api": {"catalyst_app"},
    "review-app": set(),
    "dagster-webserver": {"catalyst_dagster"},
    "dagster-daemon": set(),
    "mlflow": {"catalyst_mlflow"},
}


@dataclass(frozen=True, eq=False)
class Running:
    """A `catalyst up` that answers.

    Attributes
    ----------
    link
        What it printed for its user to sign in with, once.
    """

    home: Path
    up: psutil.Process
    urls: dict[str, str]
    link: str = ""

    def catalyst(self, *arguments: str) -> str:
        """Run a command on the same home and return what it says."""
        command = [str(Path(sys.executable).with_name("catalyst")), *arguments, "--home", str(self.home)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Each service's process and all that it has started."""
        found = {}
        for process in self.up.children():
            for name, mark in _MARKS.items():
                if mark in process.cmdline():
                    found[name] = [process, *process.children(recursive=True)]
        return found

    def known(self, secrets: dict[str, str]) -> dict[str, set[str]]:
        """Return which secrets stand in the environment or command of each service and of all it has started."""
        code_servers = {"dagster-webserver", "dagster-daemon"}
        assert eventually(lambda: all(len(self.processes()[name]) > 1 for name in code_servers))
        found = {}
        for name, processes in self.processes().items():
            texts = [text for process in processes if (text := _told(process))]
            assert texts
            found[name] = {who for who, secret in secrets.items() if any(secret in text for text in texts)}
        return found


def _told(process: psutil.Process) -> str:
    try:
        return f"{process.environ()} {process.cmdline()}"
    except psutil.Error:
        return ""


@contextmanager
def running(home: Path, **variables: str) -> Iterator[Running]:
    """Run `catalyst up` on ``home`` with further variables in its environment."""
    with ExitStack() as probes:
        ports = {}
        for name in ("APP", "API", "DAGSTER", "MLFLOW"):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = probe.getsockname()[1]
    environment = {**os.environ, "CATALYST_HOME": str(home), **variables}
    environment |= {f"CATALYST_{name}_PORT": str(port) for name, port in ports.items()}
    catalyst = str(Path(sys.executable).with_name("catalyst"))
    with tempfile.TemporaryFile("w+") as said:
        up = subprocess.Popen([catalyst, "up"], env=environment, stdout=said, stderr=said)

        def told() -> str:
            said.seek(0)
            return said.read()

        try:
            assert eventually(lambda: "link=" in told() or up.poll() is not None, 240.0), told()
            assert up.poll() is None, told()
            urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
            link = re.search(r"http\S+link=\S+", told())
            assert link is not None, told()
            yield Running(home, psutil.Process(up.pid), urls, link[0])
        finally:
            up.send_signal(signal.SIGTERM)
            try:
                up.wait(60)
            finally:
                for process in processes_of(home):
                    process.kill()
