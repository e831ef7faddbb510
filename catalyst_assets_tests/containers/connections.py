"""Who reaches whom: every connection between services is tried, by name and by each address."""

import json
from dataclasses import dataclass
from typing import Final

from catalyst_assets_tests.containers.commands import podman
from catalyst_assets_tests.containers.stack import Stack

PORTS: Final = {
    "postgres": 5432,
    "redis": 6379,
    "bucket": 8333,
    "api": 8051,
    "review-app": 8050,
    "dagster-webserver": 3000,
    "mlflow": 5000,
    "proxy": 8050,
}
OUTSIDE: Final = "outside"
_STORES: Final = {"postgres", "redis", "bucket"}
_BACKEND: Final = {"postgres", "bucket", "api", "dagster-webserver", "mlflow"}
_FRONTEND: Final = {"api", "review-app", "dagster-webserver", "mlflow", "proxy"}
# As it is meant: who is not named here reaches nobody.
ALLOWED: Final = {
    "proxy": _FRONTEND | {OUTSIDE},
    "review-app": _FRONTEND,
    "api": _FRONTEND | _BACKEND,
    "dagster-webserver": _FRONTEND | _BACKEND,
    "mlflow": _FRONTEND | _BACKEND,
    "code-location": _BACKEND | _STORES,
    "dagster-daemon": _BACKEND | _STORES,
    "worker-predict": _STORES,
    "worker-validate": _STORES,
    "worker-gpu": _STORES,
    "worker-ingest": _STORES | {OUTSIDE},
    "postgres": _BACKEND | _STORES,
    "redis": _STORES,
    "bucket": _BACKEND | _STORES,
}
# Connects by name and by address; a network with a way out has a default route.
_TRY: Final = """
import json, socket, sys
reached = []
for name, addresses, port in json.loads(sys.argv[1]):
    for address in [name, *addresses]:
        try:
            socket.create_connection((address, port), 1.5).close()
            reached.append(name)
        except OSError:
            pass
if any(line.split()[1] == "00000000" for line in open("/proc/net/route").read().splitlines()[1:]):
    reached.append("outside")
print(json.dumps(sorted(set(reached))))
"""


@dataclass(frozen=True)
class Tried:
    """What a service reached of what it was let try."""

    service: str
    reached: frozenset[str]

    @property
    def unmeant(self) -> list[str]:
        """What differs from how it is meant."""
        allowed = ALLOWED[self.service]
        return sorted((self.reached ^ allowed) - {self.service})


def try_all(stack: Stack) -> list[Tried]:
    """Try each service's way to each other and outside."""
    targets = [(name, _addresses(stack, name), port) for name, port in PORTS.items()]
    tried = []
    for service in ALLOWED:
        others = [target for target in targets if target[0] != service]
        said = stack.execute(service, ["python3", "-c", _TRY, json.dumps(others)], timeout=300)
        tried.append(Tried(service, frozenset(json.loads(said.splitlines()[-1]))))
    return tried


def table(tried: list[Tried]) -> str:
    """Return the connections as a table in Markdown."""
    names = [*PORTS, OUTSIDE]
    lines = [f"| from / to | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for each in tried:
        cells = ["–" if name == each.service else "yes" if name in each.reached else "no" for name in names]
        lines.append(f"| {each.service} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _addresses(stack: Stack, name: str) -> list[str]:
    networks = podman("inspect", "--format", "{{json .NetworkSettings.Networks}}", stack.container(name))
    return [network["IPAddress"] for network in json.loads(networks).values()]
