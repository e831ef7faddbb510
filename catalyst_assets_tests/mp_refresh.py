"""Refreshing the Materials Project from the server on loopback, and looking at what stands afterwards."""

from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from catalyst_assets.ingestion.accounting import account_for_rows
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.materials_project.refresh import refresh_source
from catalyst_assets.ingestion.materials_project.selection import Selection
from catalyst_assets.ingestion.materials_project.spec import MaterialsProjectConfig
from catalyst_assets.ingestion.sources.refreshing import Refreshed
from catalyst_assets_tests.loading import query
from catalyst_assets_tests.mp_server import KEY, MaterialsProjectServer
from resources.platform import Platform


def fetch(
    platform: Platform,
    server: MaterialsProjectServer,
    selection: Selection | None = None,
    key: str = KEY,
    **options: Any,
) -> Refreshed:
    """Refresh from the server, in small batches and without pauses."""
    asking = options.pop("fetcher", None) or Fetcher(sleep=lambda _: None)
    config = configure(selection, **{"endpoint": server.endpoint, "batch_size": 12, **options})
    return refresh_source(config, with_key(platform, key), fetcher=asking)


def configure(selection: Selection | None = None, **options: Any) -> MaterialsProjectConfig:
    """Return the configuration that asks for a selection."""
    wanted = selection or Selection()
    return MaterialsProjectConfig(**wanted.criteria, include_non_commercial=wanted.non_commercial, **options)


def with_key(platform: Platform, key: str) -> Platform:
    """Return a platform whose settings hold a key of the interface."""
    return replace(platform, settings=platform.settings.model_copy(update={"mp_api_key": SecretStr(key)}))


def standing(platform: Platform) -> set[str]:
    """Return the names of the materials that are not deprecated."""
    return {name for (name,) in query(platform, "SELECT material_id FROM materials WHERE NOT deprecated")}


def problems(platform: Platform) -> set[str]:
    """Return what does not add up, and an empty text for every file that does."""
    return {account.problem for account in account_for_rows(platform.database, platform.objects)}
