"""The source `aflow`: AFLOW's entries by its search language AFLUX (Rose et al., Comput. Mater. Sci. 137, 362 (2017)).

AFLUX has no filter by date and gives no total, but it sorts by the first keyword and counts pages from the end when
their number is negative. So a refresh reads the entries from the newest to the oldest and stops where the last one
began; entries that appear meanwhile shift the pages, which repeats some and misses none.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.aflow.entries import KEYWORDS, AflowParser, list_entries
from catalyst_assets.ingestion.aflow.spec import ENDPOINT, LICENCE, NAME, AflowConfig
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.raw_cache import RawRequest
from catalyst_assets.ingestion.sources.refreshing import Pages, Refreshed, refresh_increment

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

_LONGEST_URL: Final = 8000
_STAMP: Final = re.compile(r"(\d{8}_\d{2}:\d{2}:\d{2})_GMT([+-]\d{1,2})(?::?(\d{2}))?")


class Aflow(Pages):
    """AFLOW behind its AFLUX endpoint.

    Parameters
    ----------
    fetcher
        Asks it.
    matchbook
        AFLUX conditions, such as ``species(Ti,O),nspecies(2)``. Another matchbook is another question: it starts
        anew.
    memory
        What the last refresh left.
    most_entries
        Stop after the page with which so many entries were fetched; the next refresh goes on from there.
    endpoint
        Where AFLUX is.
    page_size
        Entries a page.

    Raises
    ------
    UsageError
        The matchbook is empty or too long, or gives directives of its own.
    """

    def __init__(
        self,
        fetcher: Fetcher,
        matchbook: str,
        memory: Mapping[str, Any] | None = None,
        most_entries: int | None = None,
        endpoint: str = ENDPOINT,
        page_size: int = 500,
    ) -> None:
        self._matchbook = check_matchbook(matchbook)
        self._endpoint = endpoint
        self._page_size = page_size
        question = {"endpoint": endpoint, "matchbook": self._matchbook}
        super().__init__(fetcher, question, memory, most_entries)

    def list_new(self) -> Iterator[RawRequest]:
        """Ask for the newest entry, then yield one request a page until what is known.

        Raises
        ------
        SourceError
            AFLOW cannot be asked.
        """
        if "page" not in self._memory:
            _, entries = self._ask(_request(self._endpoint, self._matchbook, -1, 1))
            newest = read_stamp(entries[0]) if entries else None
            if not entries or (newest is not None and newest == self._memory.get("newest")):
                return
            self._memory = {
                **self._memory,
                "page": 1,
                "next_newest": newest,
                "started": datetime.now(UTC).isoformat(),
            }
        while "page" in self._memory and not self.is_enough:
            page = self._memory["page"]
            yield RawRequest(
                NAME,
                _request(self._endpoint, self._matchbook, -page, self._page_size),
                AflowParser.kind,
                LICENCE,
                # The same page of another refresh holds other entries: neither takes the other's place.
                slot=f"{self._memory['started']} page {page}",
            )

    def fetch(self, request: RawRequest) -> bytes:
        """Return one page and note whether another one comes.

        Raises
        ------
        SourceError
            AFLOW refuses, or does not answer with entries.
        """
        data, entries = self._ask(request.url)
        self._entries += len(entries)
        since = self._memory.get("newest")
        stamps = [stamp for stamp in map(read_stamp, entries) if stamp]
        # An entry without a date says nothing of where the known ones begin.
        known = bool(since and stamps and len(stamps) == len(entries) and max(stamps) < since)
        if len(entries) < self._page_size or known:
            self._memory = {"question": self._memory["question"], "newest": self._memory["next_newest"]}
        else:
            self._memory = {**self._memory, "page": self._memory["page"] + 1}
        return data

    def _ask(self, url: str) -> tuple[bytes, list[Any]]:
        data, page = self._fetcher.get_json(url)
        entries = list_entries(page)
        if entries is None:
            raise SourceError(
                f"{url} does not answer with entries: {str(page)[:200]}", "Correct the matchbook."
            )
        return data, entries


def require(config: AflowConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Refuse a matchbook that cannot be asked for, unless nobody is asked.

    Raises
    ------
    UsageError
        See :func:`check_matchbook`.
    """
    if not reparse:
        check_matchbook(config.matchbook)
    return []


def refresh_source(config: AflowConfig, platform: "Platform", tell: Callable[[str], object]) -> Refreshed:
    """Fetch what AFLOW has new.

    Raises
    ------
    SourceError
        AFLOW refuses, or gives nothing usable before the deadline.
    """
    refreshed = refresh_increment(
        NAME,
        platform,
        lambda fetcher, memory: Aflow(
            fetcher, config.matchbook, memory, config.most_entries, config.endpoint or ENDPOINT
        ),
        tell,
    )
    return replace(refreshed, said={"matchbook": config.matchbook})


def check_matchbook(matchbook: str) -> str:
    """Return the conditions as they are asked for.

    Raises
    ------
    UsageError
        They are none, too long, or hold directives of their own.
    """
    conditions = matchbook.strip().strip(",")
    remedy = "Give conditions as in AFLUX, such as 'species(Ti,O),nspecies(2)'."
    if not conditions:
        raise UsageError("The matchbook is empty: that would be all of AFLOW.", remedy)
    if re.search(r"(^|[,$])\s*\$?(paging|format)\s*\(", conditions) or re.search(r"[\s#&]", conditions):
        raise UsageError(f"The matchbook {conditions!r} holds blanks, '#', '&', paging or format.", remedy)
    length = len(_request(ENDPOINT, conditions, -1_000_000, 1000))
    if length > _LONGEST_URL:
        raise UsageError(
            f"The matchbook makes a request of {length} characters, AFLUX reads {_LONGEST_URL}.",
            "Ask for less at a time.",
        )
    return conditions


def _request(endpoint: str, conditions: str, page: int, size: int) -> str:
    # The first keyword sets the order; page 0 would be everything at once.
    keywords = ",".join(["aflowlib_date", conditions, *KEYWORDS])
    return f"{endpoint}?{keywords},$paging({page},{size}),$format(json)"


def read_stamp(entry: Any) -> str | None:
    """Return the latest date of an entry in UTC as ISO text; None when it has none that can be read."""
    given = entry.get("aflowlib_date") if isinstance(entry, dict) else None
    texts = given if isinstance(given, list) else str(given).split(",")
    stamps = []
    for text in texts:
        found = _STAMP.fullmatch(str(text).strip())
        if found:
            try:
                moment = datetime.strptime(found[1], "%Y%m%d_%H:%M:%S")
                offset = timedelta(hours=int(found[2]))
                stamps.append(moment.replace(tzinfo=timezone(offset)).astimezone(UTC).isoformat())
            except (ValueError, OverflowError):
                continue
    return max(stamps, default=None)
