"""AFLUX on loopback: pages of given entries from either end, in both shapes of reply."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from catalyst_assets.ingestion.aflow.entries import read_stamp
from catalyst_assets_tests.loopback import Handler, running
from catalyst_assets_tests.places import DATA

SAMPLES = DATA / "aflow"


def sample_entries() -> list[dict[str, Any]]:
    """Return the entries of the sample in the newer shape."""
    entries: list[dict[str, Any]] = json.loads((SAMPLES / "aflux_page_2026_lematerial.json").read_text())
    return entries


class AfluxServer:
    """What it serves may be changed between requests.

    Attributes
    ----------
    older_shape
        Whether it answers as it did years ago: an object, and every value a string.
    spoil
        Makes of page number, size and the page what is sent instead: another page, or a fault.
    refuses_from
        Page from which on it answers 403.
    asked
        Page number and size of every request.
    """

    def __init__(self, entries: list[dict[str, Any]], *, older_shape: bool = False) -> None:
        self.entries = entries
        self.older_shape = older_shape
        self.spoil: Callable[[int, int, Any], Any] | None = None
        self.refuses_from: int | None = None
        self.asked: list[tuple[int, int]] = []
        self.requests: list[str] = []
        self.port = 0

    @property
    def endpoint(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/API/aflux/"

    def respond(self, path: str, handler: Handler) -> None:
        """Answer with a page, or refuse it."""
        request = unquote(path)
        found = re.search(r"\$paging\((-?\d+),(\d+)\)", request)
        assert found
        page, size = int(found[1]), int(found[2])
        self.asked.append((page, size))
        self.requests.append(request)
        if self.refuses_from is not None and size > 1 and abs(page) >= self.refuses_from:
            handler.reply(403, b"no")
        else:
            answer = self.answer(page, size)
            answer = self.spoil(page, size, answer) if self.spoil else answer
            if callable(answer):
                answer(handler)
            else:
                handler.reply(200, json.dumps(answer).encode())

    def answer(self, page: int, size: int) -> Any:
        """Return one page; a negative one counts from the newest entry."""
        ordered = sorted(self.entries, key=lambda entry: read_stamp(entry) or "", reverse=page < 0)
        start = (abs(page) - 1) * size
        found = ordered[start : start + size]
        if not self.older_shape:
            return found
        return {
            f"{start + number} of {len(ordered)}": {key: _as_text(value) for key, value in entry.items()}
            for number, entry in enumerate(found, 1)
        }


def _as_text(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], list):
        return ";".join(",".join(map(str, row)) for row in value)
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value)


@contextmanager
def serving(entries: list[dict[str, Any]], *, older_shape: bool = False) -> Iterator[AfluxServer]:
    """Run a server for a while."""
    served = AfluxServer(entries, older_shape=older_shape)
    with running(served):
        yield served
