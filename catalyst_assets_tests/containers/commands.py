"""Running podman, podman-compose and what else is a program; in a form that works where nobody may raise limits."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[2]
# crun needs cgroups version 2, and systemd is not there to make them.
_CONFIGURATION: Final = """\
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
"""


class CommandError(Exception):
    """A program ended with an error."""


def run(
    command: Sequence[str | Path],
    *,
    timeout: float = 600,
    env: Mapping[str, str] | None = None,
    cwd: Path = PROJECT,
    check: bool = True,
) -> str:
    """Return what a program says; of the other stream only if it ends with an error.

    Raises
    ------
    CommandError
        It does, and ``check``.
    """
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        timeout=timeout,
        check=False,
        cwd=cwd,
        env=os.environ | (env or {}),
    )
    if check and done.returncode:
        said = f"{done.stdout}\n{done.stderr}"[-3000:]
        raise CommandError(f"{command[0]} {command[1]} ended with {done.returncode}:\n{said}")
    return done.stdout.strip()


def podman(*arguments: str | Path, timeout: float = 600, check: bool = True) -> str:
    """Return what podman says."""
    return run(["podman", *arguments], timeout=timeout, check=check)


def logs(container: str, lines: str = "all") -> str:
    """Return what a container has said on both streams."""
    return run(
        ["sh", "-c", f"podman logs --tail {'-1' if lines == 'all' else lines} {container} 2>&1"], check=False
    )


def configure(folder: Path) -> None:
    """Have podman of this process take the configuration that works here.

    Raises
    ------
    CommandError
        A program is not installed.
    """
    programs = ("podman", "runc", "debootstrap", "catatonit", "git")
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        raise CommandError(f"{', '.join(missing)} is not installed: `make containers` does that on Debian.")
    path = folder / "containers.conf"
    path.write_text(_CONFIGURATION, encoding="utf-8")
    os.environ["CONTAINERS_CONF"] = str(path)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
