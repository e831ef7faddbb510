"""What goes wrong between the Materials Project and us: refusals, stalls, new versions halfway, kill -9."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.client import SummaryClient
from catalyst_assets.ingestion.materials_project.selection import select
from catalyst_assets.ingestion.materials_project.spec import NAME
from catalyst_assets.ingestion.raw_cache import current_files, read_memory
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.mp_refresh import fetch, problems, standing
from catalyst_assets_tests.mp_server import (
    KEY,
    MaterialsProjectServer,
    cut_off,
    hang_up,
    sample_documents,
    serving,
    status,
    web_page,
)
from resources.platform import Platform


@pytest.fixture
def server() -> Iterator[MaterialsProjectServer]:
    with serving(sample_documents(most_sites=20)[::4][:33]) as running:
        yield running


@pytest.fixture
def client(server: MaterialsProjectServer) -> SummaryClient:
    return SummaryClient(SecretStr(KEY), Fetcher(sleep=lambda _: None), server.endpoint)


def test_trouble_on_the_way_is_waited_out_and_leaves_no_trace(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.heartbeat_faults = [status(503), web_page]
    server.faults = [
        status(429, Retry_After="17"),
        status(500),
        status(503),
        None,
        web_page,
        cut_off,
        None,
        hang_up,
        status(502),
        status(504),
    ]
    pauses: list[float] = []

    fetch(platform, server, fetcher=Fetcher(sleep=pauses.append))

    assert load(platform).new == 33
    assert pauses[2] == 17
    assert len(pauses) == 10
    assert all(0 < pause <= 60 for pause in pauses)
    assert problems(platform) == {""}


def test_a_connection_that_stalls_is_given_up(server: MaterialsProjectServer) -> None:
    released = threading.Event()
    server.faults = [lambda handler: released.wait(20)]  # type: ignore[list-item]
    started = time.monotonic()

    with pytest.raises(SourceError, match="gives no usable answer"):
        SummaryClient(SecretStr(KEY), Fetcher(attempts=1), server.endpoint, timeout_seconds=1).search(
            ("material_id",)
        )

    released.set()
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("code", [400, 401, 403, 404, 422])
def test_a_refusal_is_not_repeated(server: MaterialsProjectServer, client: SummaryClient, code: int) -> None:
    server.faults = [status(code)]

    with pytest.raises(SourceError, match=f"status {code}") as refused:
        client.search(("material_id",))

    assert ("MP_API_KEY" in refused.value.remedy) == (code in (401, 403))
    assert not refused.value.is_transient
    assert len(server.asked) == 1


def test_what_is_no_list_of_documents_is_not_asked_for_again(
    server: MaterialsProjectServer, client: SummaryClient
) -> None:
    server.faults = [lambda handler: handler.reply(200, b'{"detail": "moved"}')]

    with pytest.raises(SourceError, match="does not answer with documents"):
        client.search(("material_id",))

    assert len(server.asked) == 1


def test_a_redirection_is_not_followed_with_the_key(
    server: MaterialsProjectServer, client: SummaryClient
) -> None:
    server.faults = [status(307, Location=f"{server.endpoint}/steal")]

    with pytest.raises(SourceError, match="status 307"):
        client.search(("material_id",))

    assert len(server.asked) == 1


def test_the_key_is_in_no_row_and_no_message(platform: Platform, server: MaterialsProjectServer) -> None:
    wrong = "w" * 32
    with pytest.raises(SourceError, match="status 403") as refused:
        fetch(platform, server, key=wrong)
    assert wrong not in str(refused.value)
    assert refused.value.__context__ is None or wrong not in repr(refused.value.__context__)

    fetch(platform, server)
    kept = query(platform, "SELECT CAST(raw AS text) FROM raw_files raw")
    assert kept
    assert KEY not in str(kept)
    assert KEY not in json.dumps(read_memory(platform.database, NAME))


@pytest.mark.parametrize("key", [None, "short", "x" * 31, "x" * 33, "x" * 31 + "\n", "ä" * 32])
def test_what_cannot_be_a_key_is_refused_before_anything_is_asked(key: str | None) -> None:
    with pytest.raises(UsageError, match=r"key|MP_API_KEY") as refused:
        SummaryClient(None if key is None else SecretStr(key), Fetcher())
    assert key is None or key not in str(refused.value)


def test_an_interrupted_refresh_goes_on_with_the_batch_it_lacks(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.faults = [None, None, None, status(403)]
    with pytest.raises(SourceError):
        fetch(platform, server)
    first = server.batches[0]
    server.asked.clear()

    fetch(platform, server, batch_size=10)

    assert server.indexes == []
    assert not set(first) & {name for batch in server.batches for name in batch}
    assert load(platform).new == 33


def test_a_version_that_appears_meanwhile_gets_an_index_of_its_own(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.faults = [None, None, None, status(403)]
    with pytest.raises(SourceError):
        fetch(platform, server)
    server.documents[0]["deprecated"] = True
    server.version = "2026.06.08"
    server.asked.clear()

    fetch(platform, server)

    assert len(server.indexes) == 2
    load(platform)
    assert len(standing(platform)) == 32
    server.asked.clear()
    fetch(platform, server)
    assert server.asked == []


def test_a_version_that_changes_under_the_index_is_not_taken(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    def publish() -> None:
        server.version = "2026.06.08"

    server.after_index = publish
    with pytest.raises(SourceError, match="left its version"):
        fetch(platform, server)
    assert current_files(platform.database) == []

    fetch(platform, server)
    assert load(platform).new == 33


def test_an_index_with_gaps_retires_nothing(platform: Platform, server: MaterialsProjectServer) -> None:
    fetch(platform, server)
    load(platform)
    server.version = "2026.06.08"
    server.faults = [lambda handler: handler.reply(200, b'{"data": [], "meta": {"total_doc": 33}}')]
    with pytest.raises(SourceError, match="server counts 33"):
        fetch(platform, server)
    server.documents = []
    with pytest.raises(SourceError, match="lists no materials"):
        fetch(platform, server)

    assert load(platform).deprecated == 0
    assert len(standing(platform)) == 33


def test_a_limit_leaves_the_rest_to_the_next_refresh(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    fetch(platform, server, most_entries=10)
    assert load(platform).new == 12
    server.asked.clear()

    fetch(platform, server)

    assert server.indexes == []
    assert load(platform).new == 21


def test_many_documents_are_asked_for_page_by_page_in_a_fixed_order(
    server: MaterialsProjectServer, client: SummaryClient
) -> None:
    server.documents = [
        {**server.documents[0], "material_id": f"mp-{number}", "structure": {}} for number in range(2500)
    ]

    pages = client.search(("material_id",))

    assert [len(json.loads(page)["data"]) for page in pages] == [1000, 1000, 500]
    assert [(asked.get("_skip", "0"), asked["_limit"]) for asked in server.asked] == [
        ("0", "1000"),
        ("1000", "1000"),
        ("2000", "500"),
    ]
    assert {asked["_sort_fields"] for asked in server.asked} == {"material_id"}


def test_no_request_goes_without_a_criterion_and_nothing_is_downloaded_beside_it(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    from mp_api.client.core.settings import MAPI_CLIENT_SETTINGS

    # Here mp-api would put the whole database if it ever fell to that.
    folder = MAPI_CLIENT_SETTINGS.LOCAL_DATASET_CACHE
    before = sorted(folder.rglob("*"))

    fetch(platform, server)
    fetch(platform, server, select(elements=["Fe"]))

    assert all(asked["deprecated"] in ("True", "False") for asked in server.asked)
    assert sorted(folder.rglob("*")) == before


def catalyst(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "catalyst_assets.cli", "ingest", "materials_project", *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


FETCH = """
import sys
from pathlib import Path
from catalyst_assets.ingestion.materials_project.refresh import refresh_source
from catalyst_assets.ingestion.materials_project.spec import MaterialsProjectConfig
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import load_settings

settings = load_settings(home=Path(sys.argv[1]))
with connect(settings, upgrade=True) as database:
    config = MaterialsProjectConfig(endpoint=sys.argv[2], batch_size=5)
    refresh_source(config, Platform(settings, database))
"""


def test_the_command_goes_on_where_a_killed_download_was(
    server: MaterialsProjectServer, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")
    reached, released = threading.Event(), threading.Event()

    def stall(_: object) -> None:
        reached.set()
        released.wait(60)

    server.faults = [None, None, None, None, stall]
    download = subprocess.Popen(
        [sys.executable, "-c", FETCH, home, server.endpoint], env={**os.environ, "MP_API_KEY": KEY}
    )
    assert reached.wait(90)
    download.kill()
    download.wait()
    released.set()
    whole = {name for batch in server.batches[:2] for name in batch}
    server.asked.clear()

    command = catalyst("--endpoint", server.endpoint, "--home", home, "--json", MP_API_KEY=KEY)
    answer, complaint = command.communicate(timeout=180)

    assert command.returncode == 0, complaint
    assert server.indexes == []
    assert [len(batch) for batch in server.batches] == [23]
    assert whole.isdisjoint(server.batches[0])
    summary = json.loads(answer)
    assert {name: summary[name] for name in ("fetched", "new", "deprecated", "quarantined")} == {
        "fetched": 1,
        "new": 33,
        "deprecated": 0,
        "quarantined": 0,
    }
    assert KEY not in answer + complaint


def test_the_command_without_a_key_says_where_to_put_it(tmp_path: Path) -> None:
    refused = catalyst("--home", str(tmp_path / "home"), MP_API_KEY="")
    _, complaint = refused.communicate(timeout=60)

    assert refused.returncode == 2
    assert "MP_API_KEY" in complaint
    assert not (tmp_path / "home").exists()
