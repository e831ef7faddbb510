"""The source `optimade`: crystals of any provider that speaks OPTIMADE (Evans et al., Sci. Data 8, 217 (2021)).

Not read with the client of optimade-python-tools 1.5: it asks again for ever while a provider answers 429, shares
its results between instances, gives up a provider at the first other error, and keeps decoded answers where we
keep bytes. A refresh remembers the next page with each page it keeps, so an interrupted one goes on from there.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from catalyst_assets.errors import SourceError, UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.optimade.entries import FIELDS, OptimadeParser
from catalyst_assets.ingestion.optimade.providers import Provider, list_providers, load_provider
from catalyst_assets.ingestion.optimade.spec import OptimadeConfig
from catalyst_assets.ingestion.pages import dict_in
from catalyst_assets.ingestion.raw_cache import RawRequest
from catalyst_assets.ingestion.sources.refreshing import Pages, Refreshed, hash_current, refresh_increment

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings

# An import that is still running may add entries with a stamp that was seen already.
_SETTLING: Final = timedelta(hours=1)


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
    """

    def __init__(
        self,
        provider: Provider,
        config: OptimadeConfig,
        fetcher: Fetcher,
        memory: Mapping[str, Any] | None,
    ) -> None:
        self._provider = provider
        self._filter = config.filter
        question = {"base_url": provider.base_url, "filter": config.filter}
        super().__init__(fetcher, question, memory, config.most_entries)

    @property
    def name(self) -> str:
        """The source that its materials and memory go by."""
        return self._provider.source

    def list_new(self) -> Iterator[RawRequest]:
        """Ask whether there is anything new, then yield one request a page.

        Raises
        ------
        SourceError
            The provider cannot be asked, or its pages go round in a circle.
        """
        if "next" not in self._memory:
            now = datetime.now(UTC)
            version = self._ask_version()
            if version is not None and version == self._memory.get("version"):
                return
            self._memory = {
                **self._memory,
                "next": self._url(page_limit=self._provider.page_limit, response_fields=self._fields),
                "next_version": version,
                "started": now.isoformat(),
                "newest_seen": None,
            }
        seen: set[str] = set()
        while self._memory.get("next") and not self.is_enough:
            url = self._memory["next"]
            if url in seen:
                raise SourceError(
                    f"{self.name}: the page {url} names itself as a later page.", "Tell the provider."
                )
            seen.add(url)
            yield RawRequest(
                self.name,
                url,
                OptimadeParser.kind,
                self._provider.licence,
                {"properties": {k: v.model_dump() for k, v in self._provider.properties.items()}},
            )

    def fetch(self, request: RawRequest) -> bytes:
        """Return one page and note which comes next.

        Raises
        ------
        SourceError
            The provider refuses, or does not answer with a page.
        """
        data, page = self._fetcher.get_json(request.url)
        entries = _entries(request.url, page)
        self._entries += len(entries)
        stamps = [self._memory["newest_seen"], *map(_last_modified, entries)]
        self._memory = {
            **self._memory,
            "next": self._next_url(request.url, page),
            "newest_seen": max((stamp for stamp in stamps if stamp), default=None),
        }
        if self._memory["next"] is None:
            self._memory = self._finished()
        return data

    @property
    def _fields(self) -> str:
        own = {path.split(".")[0] for path in self._provider.properties}
        return ",".join([*FIELDS, *sorted(own)])

    def _finished(self) -> dict[str, Any]:
        """Return what is left to know once all pages are kept."""
        since = self._memory.get("since")
        if self._provider.increments and self._memory["newest_seen"]:
            settled = datetime.fromisoformat(self._memory["started"]) - _SETTLING
            newest = min(datetime.fromisoformat(self._memory["newest_seen"]), settled)
            since = max(filter(None, [since, newest.isoformat().replace("+00:00", "Z")]))
        # After an increment the next question is about later changes: this one's count says nothing of it.
        version = None if self._provider.increments else self._memory["next_version"]
        return {"question": self._memory["question"], "version": version, "since": since}

    def _ask_version(self) -> dict[str, Any] | None:
        """Return what tells two states of the provider apart, None where nothing does."""
        url = self._url(page_limit=1, response_fields="id,last_modified")
        _, page = self._fetcher.get_json(url)
        entries = _entries(url, page)
        meta = dict_in(page, "meta")
        if not entries:
            # Nothing (new) matches: the state is the one that is known.
            known: dict[str, Any] | None = self._memory.get("version")
            self._memory = {**self._memory, "version": known or {}}
            return known or {}
        if self._provider.increments or not isinstance(meta.get("data_returned"), int):
            return None
        return {
            "entries": meta["data_returned"],
            "implementation": dict_in(meta, "implementation").get("version"),
        }

    def _url(self, **parameters: Any) -> str:
        since = self._memory.get("since")
        parts = [f"({self._filter})"] if self._filter else []
        if since:
            parts.append(f'last_modified>"{since}"')
        if parts:
            parameters["filter"] = " AND ".join(parts)
        return f"{self._provider.base_url.rstrip('/')}/structures?{urlencode(parameters)}"

    def _next_url(self, url: str, page: Mapping[str, Any]) -> str | None:
        link = dict_in(page, "links").get("next")
        if isinstance(link, dict):
            link = link.get("href")
        if not link:
            return None
        there, here = urlsplit(urljoin(url, str(link))), urlsplit(url)
        if there.hostname != here.hostname:
            raise SourceError(
                f"{self.name}: the page after {url} is said to lie at {there.hostname}.",
                "A provider's pages must lie on its own host; correct base_url if it has moved.",
            )
        # Some providers behind a proxy name their pages by http: the connection must not get worse.
        return there._replace(scheme=here.scheme, netloc=here.netloc).geturl()


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
        make = functools.partial(OptimadeProvider, provider, config)
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


def _entries(url: str, page: Any) -> list[Any]:
    entries = page.get("data") if isinstance(page, dict) else None
    if not isinstance(entries, list) or (isinstance(page, dict) and page.get("errors")):
        said = page.get("errors") if isinstance(page, dict) else page
        raise SourceError(
            f"{url} does not answer with a page of structures: {str(said)[:200]}", "Correct the address."
        )
    return entries


def _last_modified(entry: Any) -> str | None:
    """Return an entry's time stamp in UTC, None when it has none that can be read."""
    try:
        moment = datetime.fromisoformat(str(dict_in(entry, "attributes").get("last_modified")))
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat()
