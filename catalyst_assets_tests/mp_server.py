"""The Materials Project's interface on loopback: heartbeat and summary route, with whatever goes wrong on the way."""

import copy
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from emmet.core.mpid import AlphaID

from catalyst_assets_tests.loopback import Handler, running
from catalyst_assets_tests.places import DATA

SAMPLES = DATA / "materials_project"
KEY = "k3y" + "x" * 29

Fault = Callable[[Handler], None]


def sample_documents(count: int | None = None, most_sites: int = 1000) -> list[dict[str, Any]]:
    """Return the sample's documents, each with a gap; copies under other names if more are wanted."""
    every = json.loads((SAMPLES / "DERIVED_summary_shape_docs.json").read_text())["data"]
    sample = [document for document in every if document["nsites"] <= most_sites]
    documents = []
    for number in range(len(sample) if count is None else count):
        document = copy.deepcopy(sample[number % len(sample)])
        document["band_gap"] = round(0.01 * (number % 400), 2)
        if number >= len(sample):
            document["material_id"] = f"mp-{3_000_000 + number}"
        documents.append(document)
    return documents


class MaterialsProjectServer:
    """What it serves may be changed between requests.

    Attributes
    ----------
    documents
        All there are.
    version
        Of the database.
    heartbeats
        How often it was asked for it.
    asked
        Query parameters of every request for summary documents, faulty ones included.
    faults
        What the next requests for summary documents meet instead of an answer; None is an answer.
    after_index
        Called once after the next answer about deprecated documents.
    withheld
        Names of documents that it lists, but does not give.
    """

    def __init__(self, documents: list[dict[str, Any]], version: str = "2026.04.13") -> None:
        self.documents = documents
        self.version = version
        self.heartbeats = 0
        self.heartbeat_faults: list[Fault | None] = []
        self.asked: list[dict[str, str]] = []
        self.faults: list[Fault | None] = []
        self.after_index: Callable[[], None] | None = None
        self.withheld: set[str] = set()
        self.port = 0

    @property
    def endpoint(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def batches(self) -> list[list[str]]:
        """Materials of each request for some by name."""
        return [query["material_ids"].split(",") for query in self.asked if "material_ids" in query]

    @property
    def indexes(self) -> list[dict[str, str]]:
        """Requests for all materials."""
        return [query for query in self.asked if "structure" not in query["_fields"]]

    def respond(self, path: str, handler: Handler) -> None:
        """Answer one request."""
        parts = urlsplit(path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        if parts.path == "/heartbeat":
            self.heartbeats += 1
            fault = self.heartbeat_faults.pop(0) if self.heartbeat_faults else None
            if fault is not None:
                return fault(handler)
            answer = {"version": "0.87.3", "db_version": self.version, "access_controlled_batch_ids": []}
            return handler.reply(200, json.dumps(answer).encode())
        if parts.path != "/materials/summary/":
            return handler.reply(404, b'{"detail": "Not Found"}')
        self.asked.append(query)
        key = handler.headers.get("x-api-key")
        if key != KEY:
            # As the real gateway does, with a word about what was wrong.
            return handler.reply(401 if not key else 403, json.dumps({"detail": f"bad key {key}"}).encode())
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            return fault(handler)
        if int(query.get("_limit", "100")) > 1000:
            return handler.reply(400, b'{"detail": "Requested more data per query than allowed"}')
        handler.reply(200, json.dumps(self.answer(query)).encode())
        if query.get("deprecated") == "True" and self.after_index is not None:
            self.after_index, change = None, self.after_index
            change()
        return None

    def select(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Return the documents that match; one that is withheld is only listed."""
        hidden = self.withheld if "structure" in query.get("_fields", "") else set()
        return [
            document
            for document in self.documents
            if _matches(document, query) and document["material_id"] not in hidden
        ]

    def answer(self, query: dict[str, str]) -> dict[str, Any]:
        """Return one page."""
        found = self.select(query)
        if query.get("_sort_fields") == "material_id":
            found.sort(key=lambda document: str(document["material_id"]))
        skip, limit = int(query.get("_skip", "0")), int(query.get("_limit", "100"))
        fields = query.get("_fields", "material_id").split(",")
        return {
            "data": [
                {field: document[field] for field in fields if field in document}
                for document in found[skip : skip + limit]
            ],
            "meta": {"total_doc": len(found), "max_limit": 1000},
        }


def _matches(document: dict[str, Any], query: dict[str, str]) -> bool:
    meta = document.get("builder_meta") or {}
    licences = {"All": ("BY-C", "BY-NC")}.get(query.get("license", "BY-C"), (query.get("license", "BY-C"),))
    elements = set(document["elements"])
    named = [_number(name) for name in query["material_ids"].split(",")] if "material_ids" in query else None
    return (
        meta.get("license") in licences
        and meta.get("batch_id") != query.get("batch_id_not_eq", object())
        and document["deprecated"] == (query.get("deprecated", "False") == "True")
        and (named is None or _number(document["material_id"]) in named)
        and ("chemsys" not in query or document["chemsys"] in query["chemsys"].split(","))
        and ("elements" not in query or elements.issuperset(query["elements"].split(",")))
        and ("exclude_elements" not in query or elements.isdisjoint(query["exclude_elements"].split(",")))
    )


def _number(name: str) -> int:
    return int(AlphaID(name))


def status(code: int, **headers: str) -> Fault:
    """Answer with a status and no documents."""
    return lambda handler: handler.reply(code, b'{"detail": "no"}', **headers)


def web_page(handler: Handler) -> None:
    """Answer as a service under maintenance does: a page for people, status 200."""
    handler.reply(200, b"<html><body>We will be back soon</body></html>")


def cut_off(handler: Handler) -> None:
    """Promise more bytes than come."""
    handler.reply(200, b'{"data": [' + b" " * 1000, cut=500)


def hang_up(handler: Handler) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


@contextmanager
def serving(documents: list[dict[str, Any]]) -> Iterator[MaterialsProjectServer]:
    """Run a server for a while."""
    served = MaterialsProjectServer(documents)
    with running(served):
        yield served
