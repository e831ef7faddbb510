"""What the Materials Project lists and what it gives are compared; what can be had loads all the same."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets_tests.loading import load
from catalyst_assets_tests.loopback import Handler
from catalyst_assets_tests.mp_refresh import fetch, problems
from catalyst_assets_tests.mp_server import (
    Fault,
    MaterialsProjectServer,
    cut_off,
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


def test_what_is_listed_but_not_given_is_named_and_asked_for_again(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    absent = server.documents[0]["material_id"]
    server.withheld = {absent}
    for new in (32, 0):
        with pytest.raises(SourceError, match=f"lists 1 materials that it does not give: {absent}"):
            fetch(platform, server)
        assert load(platform).new == new
    server.withheld = set()
    server.asked.clear()

    fetch(platform, server)

    assert server.indexes == []
    assert server.batches == [[absent]]
    assert load(platform).new == 1
    assert problems(platform) == {""}
    server.asked.clear()
    fetch(platform, server)
    assert server.asked == []
    assert load(platform, reparse=True).unchanged == 33


def test_what_is_listed_but_not_given_is_asked_for_with_the_next_version(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    absent = server.documents[0]["material_id"]
    server.withheld = {absent}
    with pytest.raises(SourceError, match=absent):
        fetch(platform, server)
    load(platform)
    server.withheld = set()
    server.version = "2026.06.08"
    server.asked.clear()

    fetch(platform, server)

    assert server.batches == [[absent]]
    assert load(platform).new == 1


@pytest.mark.parametrize("fault", [status(500), status(404), web_page, cut_off])
def test_a_batch_that_keeps_failing_costs_the_document_that_fails_it(
    platform: Platform, server: MaterialsProjectServer, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    bad = {server.documents[3]["material_id"], server.documents[20]["material_id"]}
    respond = server.respond

    def spoiled(path: str, handler: Handler) -> None:
        named = parse_qs(urlsplit(path).query).get("material_ids", [""])[0].split(",")
        fault(handler) if bad.intersection(named) else respond(path, handler)

    monkeypatch.setattr(server, "respond", spoiled)
    patience = Fetcher(attempts=2, sleep=lambda _: None)
    with pytest.raises(SourceError, match="lists 2 materials that it does not give") as refused:
        fetch(platform, server, fetcher=patience)
    assert all(name in str(refused.value) for name in bad)
    assert load(platform).new == 31
    monkeypatch.setattr(server, "respond", respond)
    server.asked.clear()

    fetch(platform, server)

    assert {name for batch in server.batches for name in batch} == bad
    assert load(platform).new == 2
    assert load(platform, reparse=True).unchanged == 33
    assert problems(platform) == {""}


def test_an_interface_that_is_down_is_not_asked_for_every_document(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    server.faults = [None, None, *[status(502)] * 100]
    server.heartbeat_faults = [None, None, *[status(502)] * 100]
    with pytest.raises(SourceError, match="status 502"):
        fetch(platform, server, fetcher=Fetcher(attempts=2, sleep=lambda _: None))
    assert len(server.asked) == 4


def test_a_refresh_reads_so_many_batches_and_the_next_one_goes_on(
    platform: Platform, server: MaterialsProjectServer
) -> None:
    platform.settings = platform.settings.model_copy(update={"source_pages": 2})
    with pytest.raises(SourceError, match="2 batches were read"):
        fetch(platform, server)
    assert load(platform).new == 24
    fetch(platform, server)
    assert load(platform).new == 9
