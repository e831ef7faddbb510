"""An OPTIMADE provider on loopback: pages of given entries, with whatever goes wrong on the way."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from catalyst_assets_tests.loopback import Handler, running
from catalyst_assets_tests.places import DATA

SAMPLES = DATA / "optimade"

Fault = Callable[["Handler"], None]
Page = dict[str, Any]


def oqmd_entries() -> list[dict[str, Any]]:
    """Return the 1,000 ternary oxides of the OQMD sample."""
    pages = json.loads((SAMPLES / "oqmd_ternary_oxides_bandgap.json").read_text())
    return [entry for page in pages for entry in page["data"]]


class OptimadeServer:
    """What it serves may be changed between requests.

    Attributes
    ----------
    entries
        All there are; a filter on ``last_modified`` is the only one it knows.
    faults
        What the next requests meet instead of an answer, first come first served; None is an answer.
    spoil
        Makes of each query and its page what is sent instead: another page, or a fault.
    asked
        Query parameters of every request, faulty ones included.
    """

    def __init__(self, entries: list[dict[str, Any]]) -> None:
        self.entries = entries
        self.faults: list[Fault | None] = []
        self.spoil: Callable[[dict[str, str], Page], Page | Fault] | None = None
        self.asked: list[dict[str, str]] = []
        self.port = 0

    @property
    def base_url(self) -> str:
        """What stands before ``/structures``."""
        return f"http://127.0.0.1:{self.port}/optimade"

    @property
    def pages_asked(self) -> list[int]:
        """Offset of every page that was asked for, the question whether there is anything new left out."""
        return [int(query.get("page_offset", 0)) for query in self.asked if query["page_limit"] != "1"]

    def respond(self, path: str, handler: Handler) -> None:
        """Answer with a page, or with the next fault."""
        query = {key: values[0] for key, values in parse_qs(urlsplit(path).query).items()}
        self.asked.append(query)
        fault = self.faults.pop(0) if self.faults else None
        page: Page | Fault = fault or self.answer(query)
        if isinstance(page, dict) and self.spoil is not None:
            page = self.spoil(query, page)
        if isinstance(page, dict):
            handler.reply(200, json.dumps(page).encode())
        else:
            page(handler)

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        """Return one page."""
        since = query.get("filter", "").partition('last_modified>"')[2].partition('"')[0]
        found = [
            entry
            for entry in self.entries
            if not since or _stamp(entry["attributes"]["last_modified"]) > _stamp(since)
        ]
        offset, limit = int(query.get("page_offset", 0)), int(query["page_limit"])
        more = offset + limit < len(found)
        # The real provider names its next page by http and its own host: here by this server's.
        following = urlencode(query | {"page_offset": offset + limit})
        return {
            "links": {"next": {"href": f"{self.base_url}/structures?{following}"} if more else None},
            "data": found[offset : offset + limit],
            "meta": {
                "data_returned": len(found),
                "more_data_available": more,
                "implementation": {"version": "1.0"},
            },
        }


def rock_salts(count: int) -> list[dict[str, Any]]:
    """Return so many crystals of NaCl, each a little larger than the one before."""
    entries = []
    for number in range(count):
        a = 5.5 + number / 100
        attributes = {
            "lattice_vectors": [[a, 0, 0], [0, a, 0], [0, 0, a]],
            "cartesian_site_positions": [[0, 0, 0], [a / 2, a / 2, a / 2]],
            "species_at_sites": ["Na", "Cl"],
            "nsites": 2,
            "dimension_types": [1, 1, 1],
            "nperiodic_dimensions": 3,
            "structure_features": [],
            "last_modified": "2024-05-01T00:00:00Z",
        }
        entries.append({"id": f"e{number}", "type": "structures", "attributes": attributes})
    return entries


def status(code: int, **headers: str) -> Fault:
    """Answer with a status and no page."""
    return lambda handler: handler.reply(code, b'{"errors": []}', **headers)


def web_page(handler: Handler) -> None:
    """Answer as a service under maintenance does: a page for people, status 200."""
    handler.reply(200, b"<html><body>We will be back soon</body></html>")


def cut_off(handler: Handler) -> None:
    """Promise more bytes than come."""
    handler.reply(200, b'{"data": [' + b" " * 1000, cut=500)


@contextmanager
def serving(entries: list[dict[str, Any]]) -> Iterator[OptimadeServer]:
    """Run a server for a while."""
    served = OptimadeServer(entries)
    with running(served):
        yield served


def _stamp(text: str) -> str:
    return text.replace("Z", "").replace("+00:00", "").ljust(26, "0")
