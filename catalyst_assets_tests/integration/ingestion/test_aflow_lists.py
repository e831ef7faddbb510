"""The end of AFLOW's list is checked, not believed; what can be had of it loads all the same."""

from collections.abc import Callable
from typing import Any

import pytest

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.aflow.source import Aflow
from catalyst_assets.ingestion.aflow.spec import NAME
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.sources.refreshing import refresh
from catalyst_assets_tests.aflux_server import AfluxServer, serving
from catalyst_assets_tests.integration.ingestion.test_aflow import MATCHBOOK, entry
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.loopback import Handler
from catalyst_assets_tests.optimade_server import Fault, cut_off, status, web_page
from resources.platform import Platform

COUNT = 25
Spoil = Callable[[int, int, Any], Any]


def fetch(platform: Platform, server: AfluxServer, **options: Any) -> str:
    """Refresh and load; return what went wrong."""
    memory = read_memory(platform.database, NAME)
    trouble = ""
    with Fetcher(attempts=2, sleep=lambda _: None) as fetcher:
        source = Aflow(fetcher, MATCHBOOK, memory, endpoint=server.endpoint, page_size=10, **options)
        try:
            refresh(source, platform.database, platform.objects)
        except SourceError as error:
            trouble = str(error)
    load(platform)
    return trouble


def loaded(platform: Platform) -> int:
    ((count,),) = query(platform, "SELECT count(*) FROM material_sources")
    return int(count)


def is_complete(platform: Platform) -> bool:
    memory = read_memory(platform.database, NAME)
    return bool(memory and memory.get("newest"))


def entries(count: int = COUNT) -> list[dict[str, Any]]:
    return [entry(number) for number in range(count)]


def fails_at(fault: Fault, *places: int) -> Spoil:
    def spoil(page: int, size: int, answer: Any) -> Any:
        start = (abs(page) - 1) * size
        return fault if any(start <= place < start + size for place in places) else answer

    return spoil


def test_pages_that_repeat_end_with_an_error(platform: Platform) -> None:
    with serving(entries()) as server:
        first = server.answer(-1, 10)
        server.spoil = lambda page, size, answer: first if size == 10 else answer
        assert "page 2 gives the same entries again" in fetch(platform, server)
        assert (loaded(platform), is_complete(platform)) == (10, False)
        server.spoil = None
        assert fetch(platform, server) == ""
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)


@pytest.mark.parametrize("lost", [[], {}])
def test_fewer_entries_than_are_counted_are_not_complete(platform: Platform, lost: Any) -> None:
    with serving(entries(), older_shape=True) as server:
        server.spoil = lambda page, size, answer: lost if page == -2 else answer
        assert "10 of 25 entries came" in fetch(platform, server)
        assert (loaded(platform), is_complete(platform)) == (10, False)


@pytest.mark.parametrize("older_shape", [False, True])
def test_an_entry_that_is_left_out_of_a_page_ends_no_list(platform: Platform, older_shape: bool) -> None:
    with serving(entries(), older_shape=older_shape) as server:

        def spoil(page: int, size: int, answer: Any) -> Any:
            if page != -2:
                return answer
            return dict(list(answer.items())[1:]) if older_shape else answer[1:]

        server.spoil = spoil
        trouble = fetch(platform, server)
    assert loaded(platform) == COUNT - 1
    assert ("24 of 25 entries came" in trouble) == older_shape


def test_a_server_that_gives_fewer_at_a_time_is_read_to_its_end(platform: Platform) -> None:
    with serving(entries()) as server:
        answer = server.answer
        server.spoil = lambda page, size, _: answer(page, min(size, 4))
        assert fetch(platform, server) == ""
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)


@pytest.mark.parametrize(
    ("fault", "places"),
    [
        (status(500), (12,)),
        (status(404), (12,)),
        (web_page, (12,)),
        (cut_off, (3, 14)),
        (status(502), (0,)),
        (status(500), (24,)),
        (lambda handler: handler.reply(200, b'{"error": "out of memory"}'), (12,)),
    ],
)
def test_a_page_that_keeps_failing_costs_the_entry_that_fails_it(
    platform: Platform, fault: Fault, places: tuple[int, ...]
) -> None:
    with serving(entries()) as server:
        server.spoil = fails_at(fault, *places)
        trouble = fetch(platform, server)
        assert all(f"entry {place + 1}" in trouble for place in places)
        assert loaded(platform) == COUNT - len(places)
        assert "entry" in fetch(platform, server)
        server.spoil = None
        assert fetch(platform, server) == ""
        assert (loaded(platform), is_complete(platform)) == (COUNT, True)
        server.asked.clear()
        assert fetch(platform, server) == ""
        assert server.asked == [(-1, 1)]


def test_what_was_passed_over_is_asked_for_alone_while_nothing_is_new(platform: Platform) -> None:
    with serving(entries()) as server:
        server.spoil = fails_at(status(500), 12)
        fetch(platform, server)
        server.spoil = None
        server.asked.clear()
        assert fetch(platform, server) == ""
        assert server.asked == [(-1, 1), (-13, 1)]


def test_a_service_that_is_down_is_not_asked_for_every_part(platform: Platform) -> None:
    def down(handler: Handler) -> None:
        handler.reply(503, b"")

    with serving(entries()) as server:
        server.spoil = lambda page, size, answer: down
        assert "status 503" in fetch(platform, server)
        assert len(server.asked) < 10


def test_a_refresh_reads_so_many_pages_and_the_next_one_goes_on(platform: Platform) -> None:
    with serving(entries()) as server:
        assert "2 pages were read" in fetch(platform, server, most_pages=2)
        assert loaded(platform) == 20
        assert fetch(platform, server, most_pages=2) == ""
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)
