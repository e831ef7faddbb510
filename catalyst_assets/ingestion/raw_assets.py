"""Assets of the sources: what each gave, as received.

Wiring only. How a source is refreshed is its module's business; what is made of its files is `assets`'.
"""

import functools
import time
from typing import Any

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from resources.platform import Platform

_raw_asset = functools.partial(
    dg.asset,
    group_name=Group.INGESTION.value,
    owners=OWNERS,
    pool=Queue.INGEST.value,
    op_tags=op_tags(Queue.INGEST),
)


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


class PrototypesConfig(dg.Config):
    """What is enumerated."""

    files: list[str] = Field(description="Paths of enumerations: a prototype and species for its sites.")


@_raw_asset(kinds={"csv", "parquet"})
def raw_reference_tables(
    config: ReferenceTablesConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Tables with mapping files, as received: the shipped set and what the configuration names."""
    from pathlib import Path

    from catalyst_assets.ingestion.reference_tables import ReferenceTables
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


@_raw_asset(kinds={"json"})
def raw_optimade(
    context: dg.AssetExecutionContext, config: OptimadeConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Pages of OPTIMADE providers, as received: what is new since the last refresh."""
    from catalyst_assets.ingestion.optimade_refresh import refresh_providers

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
            "; ".join(f"{name}: {reason}" for name, reason in refreshed.failures.items()), allow_retries=False
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


@_raw_asset(kinds={"json"})
def raw_aflow(config: AflowConfig, platform: dg.ResourceParam[Platform]) -> dg.MaterializeResult[Any]:
    """Pages of AFLOW's search, as received: what is new since the last refresh."""
    from catalyst_assets.ingestion.aflow import ENDPOINT, NAME, Aflow
    from catalyst_assets.ingestion.http import Fetcher
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


@_raw_asset(kinds={"yaml"})
def raw_prototypes(
    config: PrototypesConfig, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Files that say which hypothetical crystals are enumerated: prototypes, and species for their sites."""
    from pathlib import Path

    from catalyst_assets.ingestion.enumeration import Prototypes
    from catalyst_assets.ingestion.sources import refresh

    refreshed = refresh(
        Prototypes([Path(file) for file in config.files]), platform.database, platform.objects
    )
    return dg.MaterializeResult(
        metadata={"fetched": refreshed.fetched, "unchanged": refreshed.unchanged},
        data_version=dg.DataVersion(refreshed.content_sha256),
    )
