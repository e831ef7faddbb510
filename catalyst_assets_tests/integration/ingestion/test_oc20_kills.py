"""OC20 killed while it downloads or loads: the next run goes on to the same end."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalyst_assets.ingestion.fetching.downloads import Downloader
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.raw_cache import current_files
from catalyst_assets_tests.file_server import FileServer, serving
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.loopback import Handler
from catalyst_assets_tests.oc20_loading import (
    FILES,
    H_ARCHIVE,
    H_ENERGIES,
    OH_ARCHIVE,
    OH_ENERGIES,
    STATE,
    fetch,
    problems,
    published,
    two_bulks,
)
from catalyst_assets_tests.oc20_samples import relaxations
from resources.platform import Platform
from resources.settings import Settings


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({"h.tar": H_ARCHIVE, "oh.tar": OH_ARCHIVE}) as running:
        yield running


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    return two_bulks(tmp_path)


PROGRAM = """
import json, sys
from pathlib import Path
from catalyst_assets_tests.oc20_loading import fetch
from catalyst_assets.ingestion.adsorption import loading
from catalyst_assets.ingestion.oc20.files import PublishedFile
from catalyst_assets.ingestion.shards import load_shard, plan_shards
from resources.postgres.connection import connect
from resources.platform import Platform
from resources.settings import load_settings

settings = load_settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
keep = loading.keep_quarantine

def wait(*given):
    print("merged, not committed", flush=True)
    sys.stdin.readline()
    keep(*given)

loading.keep_quarantine = wait
with connect(settings) as database:
    platform = Platform(settings, database)
    if sys.argv[3] == "fetch":
        fetch(platform, sys.argv[4], [PublishedFile(*json.loads(sys.argv[5]))])
    else:
        for shard in plan_shards(database, platform.objects, settings):
            load_shard(database, platform.objects, shard)
"""


def start(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    assert settings.database_url is not None
    command = [sys.executable, "-c", PROGRAM, str(settings.home), settings.database_url.get_secret_value()]
    return subprocess.Popen([*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_killed_in_a_download_the_next_refresh_asks_for_the_missing_range(
    platform: Platform, shared_settings: Settings, server: FileServer
) -> None:
    large = relaxations("H", {f"random{n}": n / 100 for n in range(150)})
    server.files["h.tar"] = large
    file = published("h", large, "oc20_relaxations", "H")
    reached, released = threading.Event(), threading.Event()

    def half(handler: Handler, body: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()[:16]}"')
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        reached.set()
        released.wait(60)

    server.faults = [half]
    described = json.dumps([file.name, file.path, file.md5, file.kind, file.adsorbate])
    process = start(shared_settings, "fetch", server.url, described)
    try:
        assert reached.wait(60)
        deadline = time.monotonic() + 20
        part = Downloader(Fetcher(), platform.settings.home / "downloads").part(server.url + "h.tar")
        while (not part.exists() or not part.stat().st_size) and time.monotonic() < deadline:
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
        released.set()
    kept = part.stat().st_size
    assert 0 < kept < len(large)
    assert current_files(platform.database) == []

    fetch(platform, server.url, [file])

    assert [asked.range for asked in server.asked] == [None, f"bytes={kept}-"]
    assert load(platform).adsorption_new == 150
    assert problems(platform) == {""}


def test_killed_in_a_load_the_next_one_gives_the_same_rows(
    platform: Platform, shared_settings: Settings, server: FileServer, mapping: Path
) -> None:
    fetch(platform, server.url, FILES, [mapping])
    process = start(shared_settings, "load")
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):  # the mapping, and the first archive
            assert process.stdout.readline() == "merged, not committed\n"
            process.stdin.write("go on\n")
            process.stdin.flush()
        assert process.stdout.readline() == "merged, not committed\n"
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    halfway = query(platform, STATE)
    assert len(halfway) == len(H_ENERGIES)

    load(platform)

    resumed = query(platform, STATE)
    assert len(resumed) == len(H_ENERGIES) + len(OH_ENERGIES)
    assert [row for row in resumed if row in halfway] == halfway
    load(platform, reparse=True)
    assert query(platform, STATE) == resumed
    assert problems(platform) == {""}
