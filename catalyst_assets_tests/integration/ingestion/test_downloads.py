"""Downloads over real connections: what goes wrong on the way costs what is missing, and nothing wrong is kept."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalyst_assets.errors import CatalystError, SourceError
from catalyst_assets.ingestion.fetching.downloads import Downloader, in_tenths
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets_tests.file_server import FileServer, cut_after, serving, status, web_page
from catalyst_assets_tests.loopback import Handler

BODY = random.Random(1).randbytes(3 * 1024**2 + 17)
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"big.tar": BODY}) as running:
        yield running


class Patience:
    """Waits for nothing, and remembers for how long it was told to wait."""

    def __init__(self, folder: Path) -> None:
        self.pauses: list[float] = []
        self._folder = folder

    def downloader(self, timeout_seconds: float = 60, attempts: int = 6, **options: object) -> Downloader:
        fetcher = Fetcher(sleep=self.pauses.append, timeout_seconds=timeout_seconds, attempts=attempts)
        return Downloader(fetcher, self._folder, **options)  # type: ignore[arg-type]


@pytest.fixture
def patience(tmp_path: Path) -> Patience:
    return Patience(tmp_path / "downloads")


def ranges(server: FileServer) -> list[str | None]:
    return [asked.range for asked in server.asked]


def test_a_file_comes_whole_with_its_hash_and_says_how_far_it_is(
    server: FileServer, patience: Patience
) -> None:
    told: list[tuple[int, int | None]] = []
    downloader = patience.downloader(progress=lambda done, total: told.append((done, total)))

    found = downloader.fetch(server.url + "big.tar", MD5, SHA256)

    assert found.path.read_bytes() == BODY
    assert (found.sha256, found.version.size) == (SHA256, len(BODY))
    assert told[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    downloader.remove(server.url + "big.tar")
    assert list(found.path.parent.iterdir()) == []


def test_a_cut_off_body_is_gone_on_with_where_it_ended(server: FileServer, patience: Patience) -> None:
    server.faults = [cut_after(2 * 1024**2), None]

    assert patience.downloader().fetch(server.url + "big.tar", MD5).path.read_bytes() == BODY

    assert ranges(server) == [None, f"bytes={2 * 1024**2}-"]
    assert server.asked[1].condition == f'"{SHA256[:16]}"'
    assert patience.pauses == []


def test_trouble_is_waited_out_with_growing_pauses_and_as_long_as_the_server_says(
    server: FileServer, patience: Patience
) -> None:
    server.faults = [status(429, Retry_After="17"), status(500), status(503), web_page, cut_after(9), None]

    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256

    assert patience.pauses[0] == 17
    assert len(patience.pauses) == 5
    assert all(0 < pause <= 60 for pause in patience.pauses)
    assert ranges(server)[-1] == "bytes=9-"


def test_a_stalled_connection_is_left_and_asked_again(server: FileServer, patience: Patience) -> None:
    released = threading.Event()

    def stall(handler: Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", f'"{SHA256[:16]}"')
        handler.end_headers()
        handler.wfile.write(body[:1000])
        handler.wfile.flush()
        released.wait(20)

    server.faults = [stall]
    try:
        found = patience.downloader(timeout_seconds=0.3).fetch(server.url + "big.tar", MD5)
    finally:
        released.set()

    assert found.path.read_bytes() == BODY
    assert ranges(server) == [None, "bytes=1000-"]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_start(
    server: FileServer, patience: Patience
) -> None:
    server.faults = [cut_after(2000), status(403)]
    with pytest.raises(SourceError, match="403"):
        patience.downloader().fetch(server.url + "big.tar")
    changed = BODY[::-1]
    server.files["big.tar"] = changed

    assert patience.downloader().fetch(server.url + "big.tar").path.read_bytes() == changed

    assert ranges(server)[-1] == "bytes=2000-"


def test_a_server_without_ranges_or_versions_gives_the_file_anew(
    server: FileServer, patience: Patience
) -> None:
    server.faults = [cut_after(2000), None]
    server.knows_ranges = False
    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256
    patience.downloader().remove(server.url + "big.tar")

    server.asked.clear()
    server.knows_versions = False

    def cut_without_version(handler: Handler, body: bytes) -> None:
        handler.reply(200, body, cut=len(body) - 1500)

    server.faults = [cut_without_version, None]
    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256
    assert ranges(server) == [None, None]


def test_a_range_that_cannot_be_had_starts_the_file_anew(server: FileServer, patience: Patience) -> None:
    server.faults = [cut_after(2000), status(416), None]

    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256

    assert ranges(server) == [None, "bytes=2000-", None]


def test_another_range_than_asked_for_is_not_taken(server: FileServer, patience: Patience) -> None:
    wrong = f"bytes 5-{len(BODY) - 1}/{len(BODY)}"
    server.faults = [
        cut_after(2000),
        lambda handler, body: handler.reply(206, BODY[5:], Content_Range=wrong),
        None,
    ]

    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256


def test_an_empty_part_is_asked_for_again_with_a_pause(server: FileServer, patience: Patience) -> None:
    nothing = f"bytes 2000-1999/{len(BODY)}"
    server.faults = [
        cut_after(2000),
        lambda handler, body: handler.reply(206, b"", Content_Range=nothing),
        None,
    ]

    assert patience.downloader().fetch(server.url + "big.tar", MD5).sha256 == SHA256

    assert len(patience.pauses) == 2
    assert ranges(server) == [None, "bytes=2000-", "bytes=2000-"]


@pytest.mark.parametrize("code", [401, 403, 404])
def test_a_refusal_is_not_repeated(server: FileServer, patience: Patience, code: int) -> None:
    server.faults = [status(code)]

    with pytest.raises(SourceError, match=f"status {code}"):
        patience.downloader().fetch(server.url + "big.tar")

    assert len(server.asked) == 1


def test_a_server_that_never_recovers_is_given_up(server: FileServer, patience: Patience) -> None:
    server.faults = [status(429, Retry_After="0")] * 9

    with pytest.raises(SourceError, match="status 429") as caught:
        patience.downloader(attempts=4).fetch(server.url + "big.tar")

    assert caught.value.is_transient
    assert len(server.asked) == 4


def test_a_file_that_comes_too_slowly_ends_at_the_deadline_and_stays_for_the_next_run(
    server: FileServer, patience: Patience
) -> None:
    with pytest.raises(SourceError, match="not whole after 0 s"):
        patience.downloader(deadline_seconds=0).fetch(server.url + "big.tar")

    found = patience.downloader().fetch(server.url + "big.tar", MD5)

    assert found.sha256 == SHA256
    assert server.asked[-1].range is not None


@pytest.mark.parametrize(("md5", "sha256"), [("0" * 32, ""), (MD5, "0" * 64), ("", "0" * 64)])
def test_another_file_than_published_or_pinned_is_thrown_away(
    server: FileServer, patience: Patience, md5: str, sha256: str
) -> None:
    downloader = patience.downloader()

    with pytest.raises(SourceError, match="not the file it should be") as caught:
        downloader.fetch(server.url + "big.tar", md5, sha256)

    assert "0000" in caught.value.message
    assert not caught.value.is_transient
    assert not downloader.part(server.url + "big.tar").exists()


def test_a_disk_that_is_too_small_is_noticed_before_the_first_byte(
    server: FileServer, patience: Patience
) -> None:
    downloader = patience.downloader(free_bytes=lambda folder: 10**6)

    with pytest.raises(CatalystError, match=r"needs 0.5 GB in .*, which has 0.0 GB"):
        downloader.fetch(server.url + "big.tar")

    assert downloader.part(server.url + "big.tar").stat().st_size == 0


def test_two_processes_do_not_write_one_file(server: FileServer, patience: Patience) -> None:
    reached, released = threading.Event(), threading.Event()

    def wait(handler: Handler, body: bytes) -> None:
        reached.set()
        released.wait(20)
        handler.reply(200, body)

    server.faults = [wait]
    first = threading.Thread(target=lambda: patience.downloader().fetch(server.url + "big.tar"))
    first.start()
    try:
        assert reached.wait(20)
        with pytest.raises(CatalystError, match="Another process"):
            patience.downloader().fetch(server.url + "big.tar")
    finally:
        released.set()
        first.join()


def test_progress_is_told_in_tenths() -> None:
    told: list[tuple[float, float]] = []
    progress = in_tenths(lambda done, total: told.append((done, total)))

    for done in range(0, 10**9 + 1, 10**7):
        progress(done, 10**9)
    progress(5, None)

    assert told == [(step / 10, 1.0) for step in range(11)]


PROGRAM = """
import sys
from pathlib import Path
from catalyst_assets.ingestion.fetching.downloads import Downloader
from catalyst_assets.ingestion.fetching.http import Fetcher
Downloader(Fetcher(), Path(sys.argv[2])).fetch(sys.argv[1])
"""


def test_a_killed_download_asks_only_for_what_is_missing(server: FileServer, patience: Patience) -> None:
    reached, released = threading.Event(), threading.Event()

    def half(handler: Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", f'"{SHA256[:16]}"')
        handler.end_headers()
        handler.wfile.write(body[: 1024**2])
        handler.wfile.flush()
        reached.set()
        released.wait(60)

    server.faults = [half]
    downloader = patience.downloader()
    part = downloader.part(server.url + "big.tar")
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, server.url + "big.tar", str(part.parent)])
    try:
        assert reached.wait(60)
        deadline = time.monotonic() + 20
        while (not part.exists() or not part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
        released.set()
    kept = part.stat().st_size
    assert 0 < kept <= 1024**2

    found = downloader.fetch(server.url + "big.tar", MD5)

    assert found.path.read_bytes() == BODY
    assert ranges(server) == [None, f"bytes={kept}-"]
    server.asked.clear()
    assert downloader.fetch(server.url + "big.tar", MD5).sha256 == SHA256
    assert server.asked == []
