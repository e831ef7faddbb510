"""Assets of the sources: what each gave, as received.

Wiring only. How a source is refreshed is its module's business; what is made of its files is `assets`'.
"""

import functools
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from catalyst_assets.ingestion.fetching.retries import fail_once, retry_policy
from resources.platform import Platform
from resources.settings import get_settings

# How old a source's newest refresh may be: a schedule that fails once is a warning, twice is too old.
_DAILY = dg.FreshnessPolicy.time_window(timedelta(days=2), warn_window=timedelta(hours=30))
_WEEKLY = dg.FreshnessPolicy.time_window(timedelta(days=14), warn_window=timedelta(days=8))


def _raw_asset(**options: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    def define(compute: Callable[..., Any]) -> dg.AssetsDefinition:
        defined: dg.AssetsDefinition = dg.asset(
            group_name=Group.INGESTION.value,
            owners=OWNERS,
            pool=Queue.INGEST.value,
            op_tags=op_tags(Queue.INGEST),
            retry_policy=retry_policy(get_settings().source_retries, get_settings().retry_delay_seconds),
            **options,
        )(fail_once(compute))
        return defined

    return define


class ReferenceTablesConfig(dg.Config):
    """Which tables are read beyond those shipped."""

    mapping_files: list[str] = Field(
        default_factory=list, description="Paths of mapping files; each names its table and its columns."
    )


class OptimadeConfig(dg.Config):
    """Which providers are read, and what of them."""

    providers: list[str] = Field(
        default_factory=list, description="Names of known providers, or paths of provider files."
    )
    filter: str = Field(default="", description="OPTIMADE filter of the entries wanted; all if empty.")
    most_entries: int | None = Field(
        default=None, ge=1, description="Entries after which a provider is left; the next refresh goes on."
    )


class AflowConfig(dg.Config):
    """What of AFLOW is read."""

    matchbook: str = Field(description="AFLUX conditions, such as species(Ti,O),nspecies(2).")
    most_entries: int | None = Field(
        default=None, ge=1, description="Entries after which to stop; the next refresh goes on."
    )
    endpoint: str = Field(default="", description="Where AFLUX is; AFLOW's own if empty.")


class MaterialsProjectConfig(dg.Config):
    """What of the Materials Project is read; the key comes from the environment alone."""

    chemsys: list[str] = Field(
        default_factory=list, description="Chemical systems, such as Fe-O; any if none."
    )
    elements: list[str] = Field(default_factory=list, description="Elements that must be there.")
    exclude_elements: list[str] = Field(default_factory=list, description="Elements that must not.")
    material_ids: list[str] = Field(default_factory=list, description="Names of materials; any if none.")
    include_non_commercial: bool = Field(
        default=False, description="Take materials, too, whose licence forbids commercial use."
    )
    most_entries: int | None = Field(
        default=None, ge=1, description="Documents after which to stop; the next refresh goes on."
    )
    batch_size: int = Field(default=250, ge=1, le=500, description="Documents asked for at a time.")
    endpoint: str = Field(default="", description="Where the interface is; its own if empty.")
    full_table: bool = Field(
        default=False, description="Read all of the open table instead of asking the interface: very large."
    )
    table_uri: str = Field(default="", description="Where the table is; its own place if empty.")
    table_options: dict[str, str] | None = Field(
        default=None, description="How deltalake reaches the table's store; unsigned in us-east-1 if none."
    )


class Oc20Config(dg.Config):
    """Which files of OC20 are read."""

    adsorbates: list[str] = Field(
        default_factory=list, description="Adsorbates whose relaxations are read: H, O, OH."
    )
    files: list[str] = Field(default_factory=list, description="Names of other published files.")
    paths: list[str] = Field(default_factory=list, description="Files on the machine that reads them.")
    base_url: str = Field(default="", description="Where the published files are; their own place if empty.")
    allow_pickles: bool = Field(
        default=False, description="Read pickles, too, in a process of their own and as plain data only."
    )


class PrototypesConfig(dg.Config):
    """What is enumerated."""

    files: list[str] = Field(description="Paths of enumerations: a prototype and species for its sites.")


@_raw_asset(kinds={"csv", "parquet"})
def raw_reference_tables(
    config: ReferenceTablesConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Tables with mapping files, as received: the shipped set and what the configuration names."""
    from pathlib import Path

    from catalyst_assets.ingestion.reference_tables.source import ReferenceTables
    from catalyst_assets.ingestion.sources import refresh

    started = time.monotonic()
    source = ReferenceTables([Path(path) for path in config.mapping_files])
    refreshed = refresh(source, platform.database, platform.objects)
    return dg.MaterializeResult(
        metadata={
            "fetched": refreshed.fetched,
            "unchanged": refreshed.unchanged,
            "size_bytes": refreshed.size_bytes,
            "sha256": dg.MetadataValue.json(dict(refreshed.sha256)),
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(refreshed.content_sha256),
    )


@_raw_asset(kinds={"json"}, freshness_policy=_WEEKLY)
def raw_optimade(
    context: dg.AssetExecutionContext, config: OptimadeConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Pages of OPTIMADE providers, as received: what is new since the last refresh."""
    from catalyst_assets.ingestion.optimade.refresh import refresh_providers

    started = time.monotonic()
    refreshed = refresh_providers(
        platform.database,
        platform.objects,
        config.providers,
        config.filter,
        config.most_entries,
        on_page=lambda source, pages: context.log.info("%s: page %d kept", source, pages),
    )
    if refreshed.failures:
        raise dg.Failure(
            "; ".join(f"{name}: {reason}" for name, reason in refreshed.failures.items()),
            allow_retries=refreshed.is_transient,
        )
    return dg.MaterializeResult(
        metadata={
            "providers": dg.MetadataValue.json(config.providers),
            "fetched": refreshed.fetched,
            "size_bytes": refreshed.size_bytes,
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(refreshed.content_sha256),
    )


@_raw_asset(kinds={"json"}, freshness_policy=_WEEKLY)
def raw_aflow(config: AflowConfig, platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
    """Pages of AFLOW's search, as received: what is new since the last refresh."""
    from catalyst_assets.ingestion.aflow.source import ENDPOINT, NAME, Aflow
    from catalyst_assets.ingestion.fetching.http import Fetcher
    from catalyst_assets.ingestion.raw_cache import read_memory
    from catalyst_assets.ingestion.sources import hash_current, refresh

    started = time.monotonic()
    with Fetcher() as fetcher:
        source = Aflow(
            fetcher,
            config.matchbook,
            read_memory(platform.database, NAME),
            config.most_entries,
            config.endpoint or ENDPOINT,
        )
        refreshed = refresh(source, platform.database, platform.objects)
    return dg.MaterializeResult(
        metadata={
            "matchbook": config.matchbook,
            "fetched": refreshed.fetched,
            "size_bytes": refreshed.size_bytes,
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(hash_current(platform.database, [NAME])),
    )


@_raw_asset(kinds={"json", "parquet"}, freshness_policy=_DAILY)
def raw_materials_project(
    context: dg.AssetExecutionContext,
    config: MaterialsProjectConfig,
    platform: dg.ResourceParam[Platform],
) -> dg.MaterializeResult[Any]:
    """Summary documents of the Materials Project, as received: what changed since the last refresh."""
    from catalyst_assets.ingestion.materials_project.refresh import (
        refresh_materials_project,
        refresh_materials_project_table,
    )
    from catalyst_assets.ingestion.materials_project.selection import select
    from catalyst_assets.ingestion.materials_project.source import NAME
    from catalyst_assets.ingestion.sources import hash_current

    started = time.monotonic()
    selection = select(
        config.chemsys,
        config.elements,
        config.exclude_elements,
        config.material_ids,
        config.include_non_commercial,
    )
    note = functools.partial(context.log.info, "file %d kept")
    if config.full_table:
        refreshed = refresh_materials_project_table(
            platform.database,
            platform.objects,
            selection,
            config.endpoint,
            config.table_uri,
            config.table_options,
            on_file=note,
        )
    else:
        refreshed = refresh_materials_project(
            platform.database,
            platform.objects,
            platform.settings.mp_api_key,
            selection,
            config.endpoint,
            config.most_entries,
            config.batch_size,
            on_file=note,
        )
    return dg.MaterializeResult(
        metadata={
            "selection": dg.MetadataValue.json(selection.scope_document),
            "fetched": refreshed.fetched,
            "size_bytes": refreshed.size_bytes,
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(hash_current(platform.database, [NAME])),
    )


@_raw_asset(kinds={"extxyz"})
def raw_oc20(
    context: dg.AssetExecutionContext, config: Oc20Config, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """OC20's relaxations, and what is known of their systems, as published; each file is fetched once."""
    from pathlib import Path

    from catalyst_assets.ingestion.fetching.downloads import in_tenths
    from catalyst_assets.ingestion.oc20.source import refresh_oc20

    started = time.monotonic()
    refreshed, known = refresh_oc20(
        platform,
        config.adsorbates,
        config.files,
        [Path(path) for path in config.paths],
        config.base_url,
        allow_pickles=config.allow_pickles,
        progress=in_tenths(functools.partial(context.log.info, "%.2f of %.2f GB")),
    )
    return dg.MaterializeResult(
        metadata={
            "fetched": refreshed.fetched,
            "size_bytes": refreshed.size_bytes,
            "sha256": dg.MetadataValue.json(dict(refreshed.sha256)),
            "duration_seconds": time.monotonic() - started,
        },
        data_version=dg.DataVersion(known),
    )


@_raw_asset(kinds={"yaml"})
def raw_prototypes(
    config: PrototypesConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Files that say which hypothetical crystals are enumerated: prototypes, and species for their sites."""
    from pathlib import Path

    from catalyst_assets.ingestion.prototypes.source import Prototypes
    from catalyst_assets.ingestion.sources import refresh

    refreshed = refresh(
        Prototypes([Path(file) for file in config.files]), platform.database, platform.objects
    )
    return dg.MaterializeResult(
        metadata={"fetched": refreshed.fetched, "unchanged": refreshed.unchanged},
        data_version=dg.DataVersion(refreshed.content_sha256),
    )
