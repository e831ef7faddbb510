"""No secret stands where others read: images, logs, process lists, what compose and podman show."""

import re
from pathlib import Path
from typing import Final

from catalyst_assets_tests.containers.commands import logs, podman, run
from catalyst_assets_tests.containers.stack import Stack

_RUNS: Final = {"dagster", "mlflow", "pipeline", "validator"}
_WITH_RUNS: Final = (
    "code-location",
    "dagster-daemon",
    "worker-ingest",
    "worker-predict",
    "worker-validate",
    "worker-gpu",
)
# As it is meant: the pages, Redis, the bucket and the proxy read none.
LOGINS: Final = {"api": {"app"}, "dagster-webserver": {"dagster"}, "mlflow": {"mlflow"}} | dict.fromkeys(
    _WITH_RUNS, _RUNS
)
_LONG: Final = re.compile(r"[0-9A-Fa-f]{20,}")


def secrets_of(folder: Path) -> set[str]:
    """Return every password and key below a folder of secrets."""
    return {
        found
        for path in folder.rglob("*")
        if path.is_file()
        for found in _LONG.findall(path.read_text("utf-8"))
    }


def places_of(stack: Stack, secrets: set[str]) -> list[str]:
    """Return where a secret stands that should not."""
    containers = [stack.container(name) for name in stack.running]
    shown = {
        "compose config": stack.compose("--profile", "cli", "config"),
        "podman inspect": podman("inspect", *containers),
        "process list": run(["ps", "axww", "-o", "args"]),
        "image history": podman("history", "--no-trunc", stack.image),
    } | {f"log of {name}": logs(stack.container(name)) for name in stack.running}
    found = [place for place, text in shown.items() if any(secret in text for secret in secrets)]
    root = podman("image", "mount", stack.image)
    try:
        pattern = stack.folder / "patterns"
        pattern.write_text("\n".join(sorted(secrets)), encoding="utf-8")
        hits = run(
            ["grep", "-rlFf", pattern, f"{root}/opt/catalyst", f"{root}/etc", f"{root}/home"], check=False
        )
        found += [f"image: {line}" for line in hits.splitlines() if line.startswith(root)]
    finally:
        pattern.unlink()
        podman("image", "unmount", stack.image)
    return found


def logins_of(stack: Stack) -> dict[str, set[str]]:
    """Return, for each service that can read any, whose logins in the database."""
    known = {}
    for name in stack.running:
        said = podman(
            "exec", "--user", "0", stack.container(name), "sh", "-c",
            "cat /run/secrets/* 2>/dev/null | grep -oE 'catalyst_(pipeline|validator|app|dagster|mlflow)_[0-9a-f]{8}' | sort -u",
            check=False,
        )  # fmt: skip
        known[name] = {line.removeprefix("catalyst_").rpartition("_")[0] for line in said.split()}
    return {name: logins for name, logins in known.items() if logins}
