"""The source `optimade`: crystals of any provider that speaks OPTIMADE (Evans et al., Sci. Data 8, 217 (2021)).

Not read with the client of optimade-python-tools 1.5: it asks again for ever while a provider answers 429, shares
its results between instances, gives up a provider at the first other error, and keeps decoded answers where we
keep bytes. A refresh remembers the next page with each page it keeps, so an interrupted one goes on from there.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.fetching.narrowing import ATTEMPTS
from catalyst_assets.ingestion.optimade.entries import FIELDS, OptimadeParser
from catalyst_assets.ingestion.optimade.pages import Page, read_page, shown_url
from catalyst_assets.ingestion.optimade.providers import Provider, list_providers, load_provider
from catalyst_assets.ingestion.optimade.reading import Reading
from catalyst_assets.ingestion.optimade.spec import OptimadeConfig
from catalyst_assets.ingestion.pages import dict_in
from catalyst_assets.ingestion.raw_cache import RawRequest
from catalyst_assets.ingestion.sources.refreshing import Pages, Refreshed, hash_current, refresh_increment

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

# An import that is still running may add entries with a stamp that was seen already.
_SETTLING: Final = timedelta(hours=1)
_MOST_PAGES: Final = 100_000


class OptimadeProvider(Pages):
    """One provider.

    Parameters
    ----------
    provider
        Where it is and what is taken.
    config
        Its filter is another question than another filter: it starts anew. It stops after the page with which
        ``most_entries`` entries were fetched; the next refresh goes on from there.
    fetcher
        Asks it.
    memory
        What the last refresh left.
    most_pages
        After so many the refresh ends; the next one goes on from there.
    """

    def __init__(
        self,
        provider: Provider,
        config: OptimadeConfig,
        fetcher: Fetcher,
        memory: Mapping[str, Any] | None,
        most_pages: int = _MOST_PAGES,
    ) -> None:
        self._provider = provider
        self._filter = config.filter
        question = {"base_url": provider.base_url, "filter": config.filter}
        super().__init__(fetcher, question, memory, config.most_entries)
        self._most_pages = most_pages
        self._held = b""

    @property
    def name(self) -> str:
        """The source that its materials and memory go by."""
        return self._provider.source

    def list_new(self) -> Iterator[RawRequest]:
        """Ask whether there is anything new, then yield one request a page.

        Raises
        ------
        SourceError
            The provider cannot be asked, or its list has no end, or not all of it can be had.
        """
        # A list whose entries were not counted on the way is read anew.
        if "received" not in self._memory and not self._begin():
            return
        reading = self._make_reading()
        pages = 0
        while "received" in self._memory and not self.is_enough:
            if pages == self._most_pages:
                raise SourceError(
                    f"{pages} pages were read, and {shown_url(self._memory['next'])} comes next.",
                    "Run again: it goes on from there; CATALYST_SOURCE_PAGES lets one refresh read more.",
                )
            before = self._memory
            read = reading.read_on(before)
            for page in read.pages:
                # Of a page that came in parts the last one says that all of them are kept.
                self._memory = read.memory if page is read.pages[-1] else before
                self._entries += len(page.entries)
                self._held = page.data
                yield self._request(page.url)
            pages += max(1, len(read.pages))
            self._memory = read.memory
            if read.is_stale and self._begin():
                reading = self._make_reading()
            if read.trouble:
                raise SourceError(read.trouble, read.remedy)

    def fetch(self, request: RawRequest) -> bytes:
        """Return the page that was asked for last."""
        return self._held

    def _make_reading(self) -> Reading:
        return Reading(self._ask, self._is_alive, self._settled, is_filtered=self._is_filtered)

    def _request(self, url: str) -> RawRequest:
        properties = {path: content.model_dump() for path, content in self._provider.properties.items()}
        return RawRequest(
            self.name, url, OptimadeParser.kind, self._provider.licence, {"properties": properties}
        )

    def _begin(self) -> bool:
        """Look whether there is anything new, and if so remember where its list begins."""
        now = datetime.now(UTC)
        try:
            version = self._ask_version()
        except SourceError as error:
            # One bad entry must not hide the others: they are asked for.
            if not error.is_transient or error.is_general:
                raise
            version = None
        if version is not None and version == self._memory.get("version"):
            return False
        self._memory = {
            **self._settled(self._memory),
            "next": self._url(page_limit=self._provider.page_limit, response_fields=self._fields),
            "next_version": version,
            "started": now.isoformat(),
            "newest_seen": None,
            "received": 0,
            "gaps": [],
        }
        return True

    @property
    def _fields(self) -> str:
        own = {path.split(".")[0] for path in self._provider.properties}
        return ",".join([*FIELDS, *sorted(own)])

    @property
    def _is_filtered(self) -> bool:
        return bool(self._filter or self._memory.get("since"))

    def _settled(self, memory: Mapping[str, Any], *, is_whole: bool = False) -> dict[str, Any]:
        """Return what is left to know of a list: that all of it is kept, or nothing but what was known before it."""
        version, since = memory.get("version"), memory.get("since")
        if is_whole:
            if self._provider.increments and memory["newest_seen"]:
                settled = datetime.fromisoformat(memory["started"]) - _SETTLING
                newest = min(datetime.fromisoformat(memory["newest_seen"]), settled)
                since = max(filter(None, [since, newest.isoformat().replace("+00:00", "Z")]))
            # After an increment the next question is about later changes: this one's count says nothing of it.
            version = None if self._provider.increments else memory["next_version"]
        return {"question": memory["question"], "version": version, "since": since}

    def _ask_version(self) -> dict[str, Any] | None:
        """Return what tells two states of the provider apart, None where nothing does."""
        url = self._url(page_limit=1, response_fields="id,last_modified")
        page = self._ask(url)
        count = page.announced(is_filtered=self._is_filtered)
        if not page.entries:
            if count or page.says_more:
                raise SourceError(
                    f"{url} gives no entry, but says that there are {count or 'more'}.",
                    "Tell the provider.",
                    is_transient=True,
                )
            # Nothing (new) matches: the state is the one that is known.
            known: dict[str, Any] | None = self._memory.get("version")
            self._memory = {**self._memory, "version": known or {}}
            return known or {}
        if self._provider.increments or count is None:
            return None
        meta = dict_in(page.document, "meta")
        return {"entries": count, "implementation": dict_in(meta, "implementation").get("version")}

    def _ask(self, url: str, attempts: int | None = None) -> Page:
        data, document = self._fetcher.get_json(url, attempts)
        # After a page that was one, what is none is a fault of this page.
        return read_page(url, data, document, is_transient="received" in self._memory)

    def _is_alive(self) -> bool:
        """Tell whether the provider answers anything; its first entry may be the bad one."""
        for place in ({}, {"page_offset": 1}):
            try:
                self._ask(self._url(page_limit=1, response_fields="id", **place), ATTEMPTS)
            except SourceError:
                continue
            return True
        return False

    def _url(self, **parameters: Any) -> str:
        since = self._memory.get("since")
        parts = [f"({self._filter})"] if self._filter else []
        if since:
            parts.append(f'last_modified>"{since}"')
        if parts:
            parameters["filter"] = " AND ".join(parts)
        return f"{self._provider.base_url.rstrip('/')}/structures?{urlencode(parameters)}"


def require(config: OptimadeConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Return the sources that providers' materials go by.

    Raises
    ------
    UsageError
        No provider is named, or one is not known, or its file is not valid.
    """
    if not config.providers and not reparse:
        raise UsageError("No provider is named.", f"Add --provider: {', '.join(list_providers())} or a file.")
    return [load_provider(name).source for name in config.providers]


def refresh_source(
    config: OptimadeConfig,
    platform: "Platform",
    tell: Callable[[str], object] = lambda text: None,
    fetcher: Fetcher | None = None,
) -> Refreshed:
    """Fetch what is new at each provider; one that fails does not keep the others waiting.

    Parameters
    ----------
    fetcher
        Asks them; one with the usual patience each when None.

    Raises
    ------
    UsageError
        A provider is not known, or its file not valid; none was asked then.
    """
    chosen = [load_provider(name) for name in dict.fromkeys(config.providers)]
    brought, failed = [], {}
    for provider in chosen:
        make = functools.partial(
            OptimadeProvider, provider, config, most_pages=platform.settings.source_pages
        )
        try:
            brought.append(refresh_increment(provider.source, platform, make, tell, fetcher))
        except SourceError as error:
            failed[provider.name] = error
    return Refreshed(
        fetched=sum(refreshed.fetched for refreshed in brought),
        unchanged=sum(refreshed.unchanged for refreshed in brought),
        size_bytes=sum(refreshed.size_bytes for refreshed in brought),
        sha256={url: sha256 for refreshed in brought for url, sha256 in refreshed.sha256.items()},
        content_sha256=hash_current(platform.database, [provider.source for provider in chosen]),
        said={"providers": config.providers},
        failures={name: str(error) for name, error in failed.items()},
        is_transient=any(error.is_transient for error in failed.values()),
    )
