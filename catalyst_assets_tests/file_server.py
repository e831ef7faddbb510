"""Large files on loopback, with ranges and conditions as RFC 9110 has them, and trouble where a test wants it."""

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from catalyst_assets_tests.loopback import Handler, running

# Answers instead of the server; gets what it would send.
Fault = Callable[[Handler, bytes], None]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    range: str | None
    condition: str | None


class FileServer:
    """What it serves may be changed between requests.

    Attributes
    ----------
    faults
        What answers the next GETs; None is the server itself.
    knows_ranges, knows_versions
        Whether it answers with parts, and says an ETag.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.faults: list[Fault | None] = []
        self.knows_ranges = True
        self.knows_versions = True
        self.asked: list[Asked] = []
        self.port = 0

    @property
    def url(self) -> str:
        """Where the files are."""
        return f"http://127.0.0.1:{self.port}/"

    def respond(self, path: str, handler: Handler) -> None:
        """Answer with a file, what is left of it, or a fault."""
        wanted, condition = handler.headers.get("Range"), handler.headers.get("If-Range")
        self.asked.append(Asked(handler.command, path, wanted, condition))
        body = self.files.get(path.lstrip("/"))
        if body is None:
            return handler.reply(404, b"no such file")
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = {"ETag": tag} if self.knows_versions else {}
        start, status = 0, 200
        if wanted and self.knows_ranges and condition == tag:
            found = re.fullmatch(r"bytes=(\d+)-", wanted)
            assert found
            start, status = int(found[1]), 206
            if start >= len(body):
                return handler.reply(416, b"", Content_Range=f"bytes */{len(body)}")
            headers["Content_Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        fault = self.faults.pop(0) if self.faults and handler.command == "GET" else None
        if fault is not None:
            return fault(handler, body[start:])
        return handler.reply(status, body[start:], **headers)


def cut_after(count: int) -> Fault:
    """Return a fault that ends the connection after so many bytes."""

    def answer(handler: Handler, body: bytes) -> None:
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        handler.reply(200, body, cut=len(body) - count, ETag=tag)

    return answer


def status(code: int, **headers: str) -> Fault:
    """Return a fault that answers with a status."""
    return lambda handler, body: handler.reply(code, b"trouble", **headers)


def web_page(handler: Handler, body: bytes) -> None:
    """Answer with a maintenance page and status 200."""
    handler.reply(200, b"<html>We will be back soon.</html>", Content_Type="text/html; charset=utf-8")


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Run a server for a while."""
    served = FileServer(files)
    with running(served):
        yield served
