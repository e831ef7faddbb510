"""How fast the API answers while several clients ask it: pages, one candidate, re-rankings, over a large pool."""

import os
import random
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.bench.api.clients import Client, Endpoint, Latency, ask, path_of, summarise
from catalyst_assets.bench.api.listening import hear_changes
from catalyst_assets.bench.api.pool import CAMPAIGN, make_pool
from catalyst_assets.errors import CatalystError
from resources.paths import scratch_folder
from resources.postgres.connection import connect
from resources.services import describe_services, equip_services
from resources.settings import load_settings
from resources.supervisor import free_port
from resources.web.tokens import create_token

if TYPE_CHECKING:
    from resources.postgres.database import Database
    from resources.settings import Settings

_PAGE: Final = 100
_DEEP: Final = 1000
_EVENTS: Final = 50
_START_SECONDS: Final = 120.0
_METALS: Final = ("Sr", "Ti", "Ba", "Zr", "La", "Fe", "Ni", "Ca", "Cu", "Zn", "Mg", "Nb", "Ag", "In", "Sn")
_METAL_PAIRS: Final = (("Sr", "Ti"), ("Ba", "Zr"), ("La", "Fe"), ("Ca", "Ti"), ("K", "Nb"))
_GAP: Final = "band_gap_direct"


@dataclass(frozen=True)
class ApiReport:
    """What `catalyst bench api --json` prints.

    Attributes
    ----------
    p50_ms, p95_ms
        Over the paths that an index answers, in equal parts.
    arbitrary_p95_ms
        Likewise over filters that no index answers.
    event_p50_ms, event_p95_ms
        From the commit of a change until a subscriber of the API has it.
    rerank_s
        Ranking an iteration's pool of ``rerank_candidates`` again: the median once it was read, and ``rerank_first_s``
        with reading it.
    load_before
        Processes that wanted a core in the minute before the clients began; on an idle machine near 0.
    seconds_to_fill
        What making the pool took.
    """

    candidates: int
    clients: int
    requests_each: int
    p50_ms: float
    p95_ms: float
    arbitrary_p95_ms: float
    event_p50_ms: float
    event_p95_ms: float
    rerank_candidates: int
    rerank_s: float
    rerank_first_s: float
    by_endpoint: dict[str, Latency]
    load_before: float
    seconds_to_fill: float


def measure_api(
    candidates: int,
    clients: int = 5,
    requests: int = 100,
    home: Path | None = None,
    tell: Callable[[str], None] = lambda state: None,
) -> ApiReport:
    """Fill an installation, serve its API and ask it.

    Parameters
    ----------
    requests
        Of each kind.
    home
        Where the installation is kept, to be asked again without filling it; a scratch folder that is removed if not given.

    Raises
    ------
    CatalystError
        The API does not start, or refuses a request.
    """
    with scratch_folder() as folder:
        settings = load_settings(home=home or Path(folder, "home"), api_port=free_port())
        with connect(settings, upgrade=True) as database:
            began = time.perf_counter()
            if not _is_filled(database):
                make_pool(database, candidates, tell)
            filled = time.perf_counter() - began
            name = f"bench {time.time_ns()}"
            token = create_token(database, name, ["read"])
            with _serving(settings, database, Path(folder, "api.log")) as url:
                return _measure(database, url, token, candidates, clients, requests, filled, tell)


def _measure(
    database: "Database",
    url: str,
    token: str,
    candidates: int,
    clients: int,
    requests: int,
    filled: float,
    tell: Callable[[str], None],
) -> ApiReport:
    client = Client(url, token)
    tell("walking to a deep page")
    endpoints = list(_endpoints(client, requests))
    rerank = f"/campaigns/{CAMPAIGN}/iterations/5/rerank"
    tell("ranking again")
    first = summarise(ask(url, token, [rerank], 1)).longest_ms
    again = ask(url, token, [path_of(rerank, exploration_weight=n / 10) for n in range(10)], 1)
    load = os.getloadavg()[0]
    taken: dict[str, list[float]] = {}
    for endpoint in endpoints:
        tell(endpoint.name)
        ask(url, token, endpoint.paths[:clients], clients)
        taken[endpoint.name] = ask(url, token, endpoint.paths, clients)
    indexed = [each for endpoint in endpoints if endpoint.indexed for each in taken[endpoint.name]]
    others = [each for endpoint in endpoints if not endpoint.indexed for each in taken[endpoint.name]]
    overall = summarise(indexed)
    tell("events")
    events = summarise(list(hear_changes(database, url, token, _EVENTS)))
    return ApiReport(
        candidates=candidates,
        clients=clients,
        requests_each=requests,
        p50_ms=overall.p50_ms,
        p95_ms=overall.p95_ms,
        arbitrary_p95_ms=summarise(others).p95_ms,
        event_p50_ms=events.p50_ms,
        event_p95_ms=events.p95_ms,
        rerank_candidates=client.get_json(rerank)["choices"],
        rerank_s=round(summarise(again).p50_ms / 1000, 3),
        rerank_first_s=round(first / 1000, 3),
        by_endpoint={name: summarise(seconds) for name, seconds in taken.items()},
        load_before=round(load, 2),
        seconds_to_fill=round(filled, 1),
    )


def _endpoints(client: Client, requests: int) -> Iterator[Endpoint]:
    """Yield what is asked, no request twice the same where there is something to vary."""
    rng = random.Random(0)  # noqa: S311 - nothing secret
    campaign = {"campaign": CAMPAIGN, "limit": _PAGE}

    def pages(name: str, vary: Callable[[int], dict[str, object]], *, indexed: bool = True) -> Endpoint:
        paths = [path_of("/candidates", **(campaign | vary(n))) for n in range(requests)]
        return Endpoint(name, tuple(paths), indexed)

    yield pages("first page", lambda n: {})
    yield pages("an iteration", lambda n: {"iteration": n % 10, "sort": "-acquisition"})
    yield pages("by status", lambda n: {"status": ["flagged", "validated"], "sort": "-updated_at"})
    yield pages(
        "by elements",
        lambda n: {"elements": ",".join(_METAL_PAIRS[n % 5]), "sort": f"-predicted.{_GAP}"},
    )
    yield pages(
        "by a range",
        lambda n: {
            "predicted": f"{_GAP}:{1.3 + n / 1000:.3f}:{1.35 + n / 1000:.3f}",
            "sort": f"uncertainty.{_GAP}",
        },
    )
    yield pages("sorted by a property", lambda n: {"sort": f"-predicted.{_GAP}"})
    yield pages("hits", lambda n: {"hit": True, "sort": f"validated.{_GAP}"})
    yield pages("deep page", _deep_cursors(client, requests).__getitem__)
    listed = [
        item
        for iteration in range(10)
        for item in client.get_json(
            path_of("/candidates", campaign=CAMPAIGN, iteration=iteration, limit=_DEEP)
        )["items"]
    ]
    chosen = rng.sample(listed, min(requests, len(listed)))
    yield Endpoint("a candidate", tuple(f"/candidates/{item['candidate_id']}" for item in chosen))
    yield Endpoint("a material", tuple(f"/materials/{item['material_id']}" for item in chosen))
    yield pages(
        "arbitrary filters",
        lambda n: {
            "exclude_elements": rng.sample(_METALS, 3),
            "predicted": [f"{_GAP}:{0.5 + n / 500:.3f}:2.5", "formation_energy_per_atom::-1.0"],
            "uncertainty": f"{_GAP}::0.6",
            "feasibility": "0.05:0.5",
            "sort": ["formula", "-feasibility", "-uncertainty.formation_energy_per_atom"][n % 3],
        },
        indexed=False,
    )
    yield pages(
        "only some elements",
        lambda n: {
            "only_elements": [*rng.sample(_METALS, 8), "O", "N"],
            "uncertainty": f"{_GAP}:0.2:",
            "sort": "-iteration",
        },
        indexed=False,
    )


def _deep_cursors(client: Client, requests: int) -> list[dict[str, object]]:
    """Walk through pages of an order, and return the cursors of the last ones."""
    query: dict[str, object] = {"campaign": CAMPAIGN, "limit": _DEEP, "sort": f"predicted.{_GAP}"}
    found: list[dict[str, object]] = []
    while len(found) < requests + 20:
        page = client.get_json(path_of("/candidates", **(query | (found[-1] if found else {}))))
        if page["next"] is None:
            break
        found.append({"sort": query["sort"], "cursor": page["next"]})
    if not found:
        return [{"sort": query["sort"]}] * requests
    deep = found[-requests:]
    return [deep[n % len(deep)] for n in range(requests)]


@contextmanager
def _serving(settings: "Settings", database: "Database", log: Path) -> Iterator[str]:
    """Run the service that answers the API as `catalyst up` runs it, and yield its address."""
    services = {each.name: each for each in equip_services(describe_services(settings), settings, database)}
    service = services["api"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            service.command, env=dict(service.environment), stdout=out, stderr=subprocess.STDOUT
        )
        try:
            deadline = time.monotonic() + _START_SECONDS
            while not _answers(str(service.url)):
                if process.poll() is not None or time.monotonic() > deadline:
                    said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
                    raise CatalystError(f"The API does not start: {said}", "")
                time.sleep(0.2)
            yield str(service.url)
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        Client(url, "").get("/health")
    except OSError:
        return False
    return True


def _is_filled(database: "Database") -> bool:
    from resources.postgres.database import Role, fetch_one

    with database.transaction(Role.PIPELINE) as connection:
        return fetch_one(connection, "app/campaign_document", name=CAMPAIGN) is not None
