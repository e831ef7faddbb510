"""Refreshing several OPTIMADE providers: one that fails does not keep the others waiting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.optimade.providers import load_provider
from catalyst_assets.ingestion.optimade.source import OptimadeProvider
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.sources import hash_current, refresh

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database


@dataclass(frozen=True)
class RefreshedProviders:
    """What asking the providers brought.

    Attributes
    ----------
    failures
        Why a provider could not be read to its end, by its name.
    is_transient
        Asking again later may help with one of them.
    content_sha256
        Of all their pages that are kept.
    """

    fetched: int
    size_bytes: int
    failures: Mapping[str, str]
    is_transient: bool
    content_sha256: str


def refresh_providers(
    database: "Database",
    objects: "ObjectStore",
    providers: Sequence[str],
    filter: str = "",  # noqa: A002 (OPTIMADE's own word)
    most_entries: int | None = None,
    *,
    fetcher: Fetcher | None = None,
    on_page: Callable[[str, int], None] = lambda source, pages: None,
) -> RefreshedProviders:
    """Fetch what is new at each provider into the raw cache.

    Parameters
    ----------
    providers
        Names or files: see :func:`load_provider`.
    filter, most_entries
        See :class:`OptimadeProvider`.
    fetcher
        Asks them; one with the usual patience when None.
    on_page
        Called with the source and the pages it has given.

    Raises
    ------
    UsageError
        A provider is not known, or its file not valid; none was asked then.
    """
    chosen = [load_provider(name) for name in dict.fromkeys(providers)]
    fetched = size = 0
    is_transient = False
    failures: dict[str, str] = {}
    with fetcher or Fetcher() as asking:
        for provider in chosen:
            source = OptimadeProvider(
                provider, asking, filter, read_memory(database, provider.source), most_entries
            )

            def note(pages: int, name: str = provider.source) -> None:
                on_page(name, pages)

            try:
                refreshed = refresh(source, database, objects, note)
            except SourceError as error:
                failures[provider.name] = str(error)
                is_transient |= error.is_transient
                continue
            fetched += refreshed.fetched
            size += refreshed.size_bytes
    kept = hash_current(database, [provider.source for provider in chosen])
    return RefreshedProviders(fetched, size, failures, is_transient, kept)
