"""The end of a provider's list is checked, not believed; what is kept of a list without an end loads all the same.

The kinds of trap are those of public reports: optimade-python-tools#2248, mpds-api#48, OPTIMADE#391,
optimade-python-tools#2166.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.optimade.source import refresh_source
from catalyst_assets.ingestion.optimade.spec import OptimadeConfig
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.sources.refreshing import Refreshed
from catalyst_assets_tests.loading import load, query
from catalyst_assets_tests.optimade_server import (
    Fault,
    OptimadeServer,
    Page,
    cut_off,
    rock_salts,
    serving,
    status,
    web_page,
)
from resources.platform import Platform
from resources.settings import Settings

COUNT = 25
Spoil = Callable[[dict[str, str], Page], Page | Fault]


@pytest.fixture
def server() -> Iterator[OptimadeServer]:
    with serving(rock_salts(COUNT)) as running:
        yield running


@pytest.fixture
def refresh(platform: Platform, server: OptimadeServer, tmp_path: Path) -> Callable[..., Refreshed]:
    path = tmp_path / "provider.yaml"
    described = {"name": "local", "base_url": server.base_url, "licence": "CC0-1.0", "page_limit": 10}
    path.write_text(yaml.safe_dump(described | {"increments": False}), encoding="utf-8")

    def run(**options: Any) -> Refreshed:
        fetcher = Fetcher(attempts=2, sleep=lambda _: None)
        return refresh_source(OptimadeConfig(providers=[str(path)], **options), platform, fetcher=fetcher)

    return run


def loaded(platform: Platform) -> int:
    load(platform)
    ((count,),) = query(platform, "SELECT count(*) FROM materials WHERE NOT deprecated")
    return int(count)


def is_complete(platform: Platform) -> bool:
    memory = read_memory(platform.database, "optimade_local")
    return bool(memory and memory.get("version"))


def offset(asked: dict[str, str]) -> int:
    return int(asked.get("page_offset", 0))


def with_next(page: Page, link: object) -> Page:
    return page | {"links": {"next": link}}


def without_counts(page: Page) -> Page:
    return page | {"meta": {"implementation": {"version": "1.0"}}}


def empty_pages_for_ever(asked: dict[str, str], page: Page) -> Page:
    following = f"/optimade/structures?page_offset={offset(asked) + 10}"
    return with_next(page, following)


def first_page_again(asked: dict[str, str], page: Page) -> Page:
    if asked["page_limit"] == "1":
        return page
    return with_next(page, "/optimade/structures?page_limit=10")


def offset_ignored(asked: dict[str, str], page: Page) -> Page:
    if offset(asked) < 100:
        page = page | {"data": rock_salts(10)}
    return with_next(page, f"/optimade/structures?page_offset={offset(asked) + 10}")


def empty_second_page(asked: dict[str, str], page: Page) -> Page:
    return page | {"data": []} if offset(asked) == 10 else page


@pytest.mark.parametrize(
    ("spoil", "said", "count"),
    [
        (empty_pages_for_ever, "is empty and names a next one", COUNT),
        (first_page_again, "comes after itself", 10),
        (offset_ignored, "gives the same entries again", 10),
        (empty_second_page, "is empty and names a next one", 10),
    ],
)
def test_a_list_without_an_end_is_left_with_an_error_and_what_came_before_loads(
    platform: Platform,
    server: OptimadeServer,
    refresh: Callable[..., Refreshed],
    spoil: Spoil,
    said: str,
    count: int,
) -> None:
    server.spoil = spoil
    failure = refresh().failures["local"]
    assert said in failure
    assert server.base_url in failure
    assert (loaded(platform), is_complete(platform)) == (count, False)
    server.spoil = None
    assert refresh().failures == {}
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)


def renamed(asked: dict[str, str], page: Page) -> Page:
    return page | {"links": {"next_page": page["links"]["next"]}}


def renamed_uncounted(asked: dict[str, str], page: Page) -> Page:
    return without_counts(renamed(asked, page))


def in_meta_uncounted(asked: dict[str, str], page: Page) -> Page:
    return without_counts(page) | {"links": {}, "meta": {"links": {"Next": page["links"]["next"]}}}


def more_without_next(asked: dict[str, str], page: Page) -> Page:
    return page | {"links": {"next": None}, "meta": {"more_data_available": True}}


def available_only(asked: dict[str, str], page: Page) -> Page:
    return page | {"links": {}, "meta": {"data_available": COUNT}}


def counted_by_page(asked: dict[str, str], page: Page) -> Page:
    return page | {"links": {}, "meta": {"data_returned": len(page["data"]), "data_available": COUNT}}


def a_number(asked: dict[str, str], page: Page) -> Page:
    return with_next(page, 17)


def another_host(asked: dict[str, str], page: Page) -> Page:
    return with_next(page, "file:///etc/passwd")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (renamed, "10 of 25 entries came"),
        (renamed, "links.next_page"),
        (renamed_uncounted, "links.next_page"),
        (in_meta_uncounted, "meta.links.Next"),
        (more_without_next, "says that there is more, but names no next page"),
        (available_only, "10 of 25 entries came"),
        (counted_by_page, "10 of 25 entries came"),
        (a_number, "17"),
        (another_host, "is said to lie at None"),
    ],
)
def test_a_list_that_ends_too_early_is_not_complete(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed], spoil: Spoil, said: str
) -> None:
    server.spoil = spoil
    assert said in refresh().failures["local"]
    assert (loaded(platform), is_complete(platform)) == (10, False)
    # Nor does the next refresh believe it.
    assert said in refresh().failures["local"]


def test_entries_that_are_counted_but_never_given_are_said(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    server.spoil = lambda asked, page: page | {"meta": page["meta"] | {"data_returned": 26}}
    assert "25 of 26 entries came" in refresh().failures["local"]
    assert loaded(platform) == COUNT


def relative(asked: dict[str, str], page: Page) -> Page:
    link = page["links"]["next"]
    return with_next(page, link and f"?{urlsplit(link['href']).query}")


def rooted(asked: dict[str, str], page: Page) -> Page:
    link = page["links"]["next"]
    return with_next(page, link and {"href": f"/optimade/structures?{urlsplit(link['href']).query}"})


def to_an_empty_page(asked: dict[str, str], page: Page) -> Page:
    following = f"{offset(asked) + 10}"
    return with_next(page, f"structures?page_offset={following}" if page["data"] else None)


def never_null(asked: dict[str, str], page: Page) -> Page:
    return page if page["links"]["next"] else page | {"links": {"next": ""}}


@pytest.mark.parametrize("spoil", [relative, rooted, to_an_empty_page, never_null, None])
def test_what_the_specification_allows_is_followed_to_the_end(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed], spoil: Spoil | None
) -> None:
    server.spoil = spoil
    assert refresh().failures == {}
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)


@pytest.mark.parametrize(
    ("kept", "wanted"),
    [("page_offset={}", None), ("page_offset={}&response_fields=nsites&page_limit=7", 7)],
)
def test_what_a_next_link_drops_is_asked_for_again(
    platform: Platform,
    server: OptimadeServer,
    refresh: Callable[..., Refreshed],
    kept: str,
    wanted: int | None,
) -> None:
    def obey(asked: dict[str, str], page: Page) -> Page:
        fields = asked.get("response_fields", "").split(",")
        entries = [
            entry | {"attributes": {k: v for k, v in entry["attributes"].items() if k in fields}}
            for entry in page["data"]
        ]
        page = page | {"data": entries}
        following = kept.format(offset(asked) + len(entries))
        return with_next(page, f"?{following}") if page["links"]["next"] else page

    server.spoil = obey
    assert refresh(filter='elements HAS "Na"').failures == {}
    assert loaded(platform) == COUNT
    assert query(platform, "SELECT reason FROM quarantine") == []
    assert {asked["filter"] for asked in server.asked} == {'(elements HAS "Na")'}
    assert {int(asked["page_limit"]) for asked in server.asked[2:]} == {wanted or 10}


def fails_at(fault: Fault, *places: int, exactly: bool = False) -> Spoil:
    """Let every page fail that holds one of some entries; or, exactly, that begins there and has full length."""

    def spoil(asked: dict[str, str], page: Page) -> Page | Fault:
        first, count = offset(asked), int(asked["page_limit"])
        hit = any(first <= place < first + count for place in places)
        if exactly:
            hit = first in places and count == 10
        return fault if hit else page

    return spoil


@pytest.mark.parametrize(
    ("fault", "places"),
    [
        (status(500), (12,)),
        (status(404), (12,)),
        (cut_off, (12,)),
        (web_page, (12,)),
        (web_page, (0,)),
        (web_page, (24,)),
        (web_page, (3, 14)),
    ],
)
def test_a_page_that_keeps_failing_costs_the_entry_that_fails_it(
    platform: Platform,
    server: OptimadeServer,
    refresh: Callable[..., Refreshed],
    fault: Fault,
    places: tuple[int, ...],
) -> None:
    server.spoil = fails_at(fault, *places)

    failure = refresh().failures["local"]

    assert all(f"entry {place + 1} (" in failure for place in places)
    assert (loaded(platform), is_complete(platform)) == (COUNT - len(places), False)
    server.asked.clear()
    assert all(f"entry {place + 1} (" in refresh().failures["local"] for place in places)
    assert len(server.asked) < 30
    server.spoil = None
    server.asked.clear()
    assert refresh().failures == {}
    assert loaded(platform) == COUNT
    if 24 not in places:  # behind it nothing came that could be remembered with it
        assert len(server.asked) == len(places)
    if 0 not in places:  # the question whether there is anything new is about the first entry
        assert refresh().fetched == 0


def test_a_page_that_only_fails_as_a_whole_is_had_in_parts(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    server.spoil = fails_at(status(500), 10, exactly=True)
    assert refresh().failures == {}
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)
    assert [asked["page_limit"] for asked in server.asked if offset(asked) == 20] == ["10"]


def test_a_page_of_which_nothing_can_be_had_is_passed_over(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    server.spoil = fails_at(status(500), *range(10, 20))
    assert "entry 11 (" in refresh().failures["local"]
    assert loaded(platform) == COUNT - 10


def test_a_list_that_changed_since_a_page_failed_is_read_anew(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    server.spoil = fails_at(status(500), 4)
    refresh()
    server.spoil = None
    server.entries = [*rock_salts(COUNT + 1)[-1:], *server.entries]
    assert refresh().failures == {}
    assert (loaded(platform), is_complete(platform)) == (COUNT + 1, True)


def test_a_page_named_by_a_cursor_cannot_be_passed_over(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    def by_cursor(asked: dict[str, str], page: Page) -> Page | Fault:
        if "page_cursor" in asked:
            return status(500)
        return with_next(page, "?page_cursor=abc")

    server.spoil = by_cursor
    assert "status 500" in refresh().failures["local"]
    assert loaded(platform) == 10


def test_a_provider_that_ignores_offsets_is_not_read_in_parts(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    def spoil(asked: dict[str, str], page: Page) -> Page | Fault:
        whole = asked["page_limit"] == "10"
        return status(500) if whole else page | {"data": server.entries[: int(asked["page_limit"])]}

    server.spoil = spoil
    assert "status 500" in refresh().failures["local"]
    assert query(platform, "SELECT count(*) FROM raw_files") == [(0,)]


def test_a_provider_that_is_down_is_not_asked_for_every_part(
    server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    server.spoil = lambda asked, page: (
        page if asked["page_limit"] == "1" and len(server.asked) < 2 else status(502)
    )
    assert "status 502" in refresh().failures["local"]
    assert len(server.asked) < 10


def test_a_refresh_reads_so_many_pages_and_the_next_one_goes_on(
    platform: Platform, server: OptimadeServer, refresh: Callable[..., Refreshed]
) -> None:
    platform.settings = platform.settings.model_copy(update={"source_pages": 2})
    assert "2 pages were read" in refresh().failures["local"]
    assert loaded(platform) == 20
    assert refresh().failures == {}
    assert (loaded(platform), is_complete(platform)) == (COUNT, True)


def test_the_command_loads_what_came_and_fails(
    platform: Platform,
    server: OptimadeServer,
    shared_settings: Settings,
    dagster_instance: object,
    tmp_path: Path,
) -> None:
    server.spoil = renamed
    path = tmp_path / "local.yaml"
    described = {"name": "local", "base_url": server.base_url, "licence": "CC0-1.0", "page_limit": 10}
    path.write_text(yaml.safe_dump(described), encoding="utf-8")
    url = shared_settings.database_url
    assert url is not None
    place = {"CATALYST_HOME": str(shared_settings.home), "CATALYST_DATABASE_URL": url.get_secret_value()}
    outcome = subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", "ingest", "optimade", "--provider", str(path)],
        env=os.environ | place,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert outcome.returncode == 1
    assert "10 new" in outcome.stdout
    assert "10 of 25 entries came" in outcome.stderr
    assert "links.next_page" in outcome.stderr
