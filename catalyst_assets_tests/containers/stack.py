"""The stack of compose.yaml under podman-compose, started in the order of its own conditions.

Podman has health checks run by systemd; where that is not, nobody would. So they are asked for here, which is also how
the order of the services is kept.
"""

import shutil
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from catalyst_assets_tests.containers.commands import CommandError, logs, podman, run

_NAME: Final = "catalyst-test"
_PATIENCE_SECONDS: Final = 240
_LOOK_SECONDS: Final = 1.0


class Stack:
    """The services of compose.yaml in a folder of their own.

    Parameters
    ----------
    folder
        Where ``compose.yaml``, ``deploy`` and ``secrets`` lie, of this stack alone.
    source
        The files of the commit.
    image
        The platform's, of that commit.
    """

    def __init__(self, folder: Path, source: Path, image: str) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self._lay_out(source, image)

    def _lay_out(self, source: Path, image: str) -> None:
        self.image = image
        shutil.copy(source / "compose.yaml", self.folder)
        shutil.copytree(source / "deploy", self.folder / "deploy", dirs_exist_ok=True)
        for name in ("compose.test.yaml", "campaign.yaml"):
            shutil.copy(Path(__file__).parent / name, self.folder)
        document = yaml.safe_load((source / "compose.yaml").read_text(encoding="utf-8"))
        self.services: dict[str, dict[str, Any]] = document["services"]
        self.running = [name for name, service in self.services.items() if "profiles" not in service]

    def compose(self, *arguments: str, timeout: float = 300) -> str:
        """Return what podman-compose says."""
        files = ("-f", "compose.yaml", "-f", "compose.test.yaml")
        return run(
            ["podman-compose", "-p", _NAME, *files, *arguments],
            cwd=self.folder,
            env={"CATALYST_IMAGE": self.image},
            timeout=timeout,
        )

    def start(self) -> float:
        """Start every service once those it waits for are ready, and return the seconds until all are healthy."""
        began = time.monotonic()
        left = [name for name in self.running if not self._is_there(name)]
        while left:
            ready = [name for name in left if self._may_start(name)]
            if ready:
                self.compose("up", "--detach", "--no-deps", "--no-recreate", *ready)
            left = [name for name in left if name not in ready]
            self._wait_a_little(began, left)
        self.wait_until_healthy(self.running)
        return time.monotonic() - began

    def cli(self, *arguments: str) -> str:
        """Return what a command says in the container for people."""
        return self.compose("--profile", "cli", "run", "--rm", "-T", "--no-deps", "cli", *arguments)

    def wait_until_healthy(self, names: Iterable[str]) -> float:
        """Return the seconds until the services are healthy."""
        began = time.monotonic()
        left = [name for name in names if "healthcheck" in self.services[name]]
        while left := [name for name in left if not self.is_healthy(name)]:
            self._wait_a_little(began, left)
        return time.monotonic() - began

    def is_healthy(self, name: str) -> bool:
        """Run a service's own health check."""
        try:
            podman("healthcheck", "run", self.container(name), timeout=60)
        except CommandError:
            return False
        return True

    def kill(self, name: str) -> None:
        """Kill a service's processes, as a fault does, and wait until they are gone."""
        pid = podman("inspect", "--format", "{{.State.Pid}}", self.container(name))
        run(["kill", "-9", pid])
        while Path("/proc", pid).exists():
            time.sleep(0.05)

    def replace(self, source: Path, image: str) -> float:
        """Start the platform's services anew as of another commit, data kept; return the seconds until all are healthy."""
        self._lay_out(source, image)
        old = [self.container(name) for name in self.running if "/catalyst:" in self._image(name)]
        podman("rm", "--force", "--time", "30", *old)
        return self.start()

    def stop(self) -> None:
        """Stop everything and remove what it had: containers, volumes, networks."""
        self.compose("--profile", "cli", "down", "--volumes", "--timeout", "10")

    def query(self, statement: str, database: str = "catalyst") -> list[str]:
        """Return the rows of a statement, as the database's owner."""
        said = podman(
            "exec", self.container("postgres"), "sh", "-c",
            f'PGPASSWORD=$(cat /run/secrets/password) psql -h 127.0.0.1 -U catalyst {database} -Atc "$0"', statement,
        )  # fmt: skip
        return said.splitlines()

    def execute(self, name: str, command: Sequence[str], timeout: float = 60) -> str:
        """Return what a command says in a service's container."""
        return podman("exec", self.container(name), *command, timeout=timeout)

    @staticmethod
    def container(name: str) -> str:
        """Return the name of a service's container."""
        return f"{_NAME}_{name}_1"

    def _image(self, name: str) -> str:
        return podman("inspect", "--format", "{{.ImageName}}", self.container(name))

    def _is_there(self, name: str) -> bool:
        return bool(podman("ps", "--quiet", "--all", "--filter", f"name=^{self.container(name)}$"))

    def _may_start(self, name: str) -> bool:
        return all(
            self._fulfils(other, wanted["condition"])
            for other, wanted in self.services[name].get("depends_on", {}).items()
        )

    def _fulfils(self, name: str, condition: str) -> bool:
        if not self._is_there(name):
            return False
        if condition == "service_completed_successfully":
            state = podman(
                "inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", self.container(name)
            )
            return state == "exited 0"
        return condition == "service_started" or self.is_healthy(name)

    def _wait_a_little(self, began: float, left: Sequence[str]) -> None:
        if left and time.monotonic() - began > _PATIENCE_SECONDS:
            said = "\n".join(logs(self.container(name), "20") for name in left)
            raise CommandError(f"Not healthy after {_PATIENCE_SECONDS} s: {', '.join(left)}.\n{said}")
        if left:
            time.sleep(_LOOK_SECONDS)
