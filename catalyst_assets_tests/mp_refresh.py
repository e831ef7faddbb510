"""Refreshing the Materials Project from the server on loopback, and looking at what stands afterwards."""

from typing import Any

from pydantic import SecretStr

from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.refresh import refresh_materials_project
from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.sources import Refreshed
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.mp_server import KEY, MaterialsProjectServer
from resources.platform import Platform


def fetch(
    platform: Platform, server: MaterialsProjectServer, selection: Selection | None = None, **options: Any
) -> Refreshed:
    """Refresh from the server, in small batches and without pauses."""
    return refresh_materials_project(
        platform.database,
        platform.objects,
        SecretStr(options.pop("key", KEY)),
        selection or Selection(),
        server.endpoint,
        **{"batch_size": 12, "fetcher": Fetcher(sleep=lambda _: None), **options},
    )


def standing(platform: Platform) -> set[str]:
    """Return the names of the materials that are not deprecated."""
    return {name for (name,) in query(platform, "SELECT material_id FROM materials WHERE NOT deprecated")}


def problems(platform: Platform) -> set[str]:
    """Return what does not add up, and an empty text for every file that does."""
    return {account.problem for account in account_for_rows(platform.database, platform.objects)}
