"""Refreshing the Materials Project, from its interface or, where that is asked for, from its table."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pydantic import SecretStr

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.client import ENDPOINT, SummaryClient
from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.materials_project.source import NAME, MaterialsProject
from catalyst_assets.ingestion.materials_project.table import OPTIONS, TABLE, MaterialsProjectTable
from catalyst_assets.ingestion.raw_cache import read_memory
from catalyst_assets.ingestion.records import Scope
from catalyst_assets.ingestion.sources import Refreshed, refresh

if TYPE_CHECKING:
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database


def refresh_materials_project(
    database: "Database",
    objects: "ObjectStore",
    key: SecretStr | None,
    selection: Selection,
    endpoint: str = "",
    most_entries: int | None = None,
    batch_size: int = 250,
    *,
    fetcher: Fetcher | None = None,
    on_file: Callable[[int], None] = lambda count: None,
) -> Refreshed:
    """Fetch what is new of a selection from the interface into the raw cache.

    Parameters
    ----------
    key
        Of the interface; it is kept nowhere.
    selection, most_entries, batch_size
        See :class:`MaterialsProject`.
    endpoint
        Where the interface is; the Materials Project's own if empty.
    fetcher
        How patient it is; as usual when None.

    Raises
    ------
    UsageError
        There is no key, or it cannot be one.
    SourceError
        The interface refuses, or gives nothing usable before the deadline.
    """
    with fetcher or Fetcher() as asking:
        client = SummaryClient(key, asking, endpoint or ENDPOINT, selection.non_commercial)
        source = MaterialsProject(
            client, objects, selection, read_memory(database, NAME), most_entries, batch_size
        )
        return refresh(source, database, objects, on_file)


def refresh_materials_project_table(
    database: "Database",
    objects: "ObjectStore",
    selection: Selection,
    endpoint: str = "",
    uri: str = "",
    options: Mapping[str, str] | None = None,
    *,
    on_file: Callable[[int], None] = lambda count: None,
) -> Refreshed:
    """Fetch what is new of the table into the raw cache; needs no key.

    Raises
    ------
    UsageError
        The selection names materials: the table is all of them.
    SourceError
        The table cannot be read.
    """
    require_everything(selection)
    with MaterialsProjectTable(
        database,
        objects,
        selection.non_commercial,
        read_memory(database, NAME),
        endpoint or ENDPOINT,
        uri or TABLE,
        OPTIONS if options is None else options,
    ) as source:
        return refresh(source, database, objects, on_file)


def require_everything(selection: Selection) -> None:
    """Make sure that the full table is not asked for a part of it.

    Raises
    ------
    UsageError
        It is.
    """
    if selection.scope != Scope():
        raise UsageError(
            "The full table is all of the Materials Project, but only some of it was asked for.",
            "Leave out either --full-table or what restricts it.",
        )
