"""Refreshing the Materials Project, from its interface or, where that is asked for, from its table."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.client import require_key
from catalyst_assets.ingestion.materials_project.selection import Selection, select
from catalyst_assets.ingestion.materials_project.source import MaterialsProject
from catalyst_assets.ingestion.materials_project.spec import NAME, MaterialsProjectConfig
from catalyst_assets.ingestion.materials_project.table import MaterialsProjectTable
from catalyst_assets.ingestion.records import Scope
from catalyst_assets.ingestion.sources.refreshing import Refreshed, refresh_increment
from resources.paths import scratch_folder

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.settings import Settings


def require(config: MaterialsProjectConfig, settings: "Settings", *, reparse: bool) -> list[str]:
    """Refuse a question that cannot be asked, or, unless nobody is asked, one without a key.

    Raises
    ------
    UsageError
        Its parts are not what they should be, the table is asked for a part of it, or there is no key.
    """
    _select(config, is_asked=not reparse)
    if not (config.full_table or reparse):
        require_key(settings.mp_api_key)
    return []


def refresh_source(
    config: MaterialsProjectConfig,
    platform: "Platform",
    tell: Callable[[str], object] = lambda text: None,
    fetcher: Fetcher | None = None,
) -> Refreshed:
    """Fetch what is new of a selection from the interface, or of the whole table.

    Parameters
    ----------
    fetcher
        How patient it is; as usual when None.

    Raises
    ------
    UsageError
        The table is asked for a part of it, or there is no key for the interface, or it cannot be one.
    SourceError
        The interface refuses, or gives nothing usable before the deadline; or the table cannot be read.
    """
    selection = _select(config)
    with scratch_folder() as folder:
        refreshed = refresh_increment(
            NAME,
            platform,
            lambda asking, memory: (
                MaterialsProjectTable(platform, Path(folder), config, selection, memory)
                if config.full_table
                else MaterialsProject(platform, asking, config, selection, memory)
            ),
            tell,
            fetcher,
        )
    return replace(refreshed, said={"selection": selection.scope_document})


def _select(config: MaterialsProjectConfig, *, is_asked: bool = True) -> Selection:
    selection = select(
        config.chemsys,
        config.elements,
        config.exclude_elements,
        config.material_ids,
        config.include_non_commercial,
    )
    if is_asked and config.full_table and selection.scope != Scope():
        raise UsageError(
            "The full table is all of the Materials Project, but only some of it was asked for.",
            "Leave out either --full-table or what restricts it.",
        )
    return selection
