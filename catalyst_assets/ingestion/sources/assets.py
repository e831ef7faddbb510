"""Assets of the sources: what each gave, as received. Each is made of the source's declaration.

Wiring only. How a source is refreshed is its folder's business; what is made of its files is `ingestion.assets`'.
"""

import functools
import time
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_origin

import dagster as dg
from pydantic import Field

from catalyst_assets.asset_metadata.shown import pairs, shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.asset_metadata.versions import hash_folders
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.ingestion.fetching.retries import fail_once, retry_policy
from catalyst_assets.ingestion.sources.configured import is_named, read_configured
from catalyst_assets.ingestion.sources.confining import require_allowed
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec
from resources.platform import Platform
from resources.settings import get_settings

if TYPE_CHECKING:
    from catalyst_assets.ingestion.sources.refreshing import Kept
    from resources.settings import Settings


def make_raw_asset(spec: SourceSpec) -> dg.AssetsDefinition:
    """Return the asset of a source's raw files."""

    def compute(
        context: dg.AssetExecutionContext, config: Any, platform: dg.ResourceParam[Platform]
    ) -> dg.MaterializeResult[Any]:
        from catalyst_assets.ingestion.sources.refreshing import (
            find_kept,
            is_waiting,
            list_failed,
            refresh_as_far,
        )

        started = time.monotonic()
        kinds = {parser.kind for parser in spec.make_parsers()}
        if spec.asset not in _configured(context.run.run_config):
            # Nothing was said when it was materialized: what this installation takes by schedule is meant.
            config = read_configured(spec.name, platform.settings, (*SOURCES, spec)) or config
        else:
            configured = read_configured(spec.name, platform.settings, (*SOURCES, spec))
            require_allowed(spec, config, platform.settings, configured)
        if lacking := spec.lacks(config, platform.settings):
            context.log.info("%s is not configured: it needs %s.", spec.name, lacking)
            return _not_configured(lacking, find_kept(platform.database, kinds))
        refresh = functools.partial(spec.find(spec.refresh), config, platform, context.log.info)
        refreshed = refresh_as_far(spec.name, platform, refresh)
        failures = "; ".join(f"{name}: {reason}" for name, reason in refreshed.failures.items())
        is_tried_again = refreshed.is_transient and context.retry_number < settings.source_retries
        # What came before it failed is loaded; the check says that it is not all.
        if failures and (is_tried_again or not is_waiting(platform.database, kinds)):
            raise dg.Failure(failures, allow_retries=refreshed.is_transient)
        kept, failed = find_kept(platform.database, kinds), list_failed(platform.database, refreshed)
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(passed=not failures, description=failures or None)],
            metadata=shown(
                {
                    "status": "refreshed",
                    **refreshed.said,
                    "fetched": refreshed.fetched,
                    "unchanged": refreshed.unchanged,
                    "size_bytes": refreshed.size_bytes,
                    **_troubles(refreshed.failures, failed),
                    "dagster/row_count": kept.files,
                    "duration_seconds": time.monotonic() - started,
                }
            ),
            data_version=dg.DataVersion(refreshed.content_sha256),
        )

    settings, schedule = get_settings(), spec.schedule
    folder = "/".join(spec.config.__module__.split(".")[1:-1])
    # Dagster knows the result of an asset with checks by this name only.
    compute.__annotations__["return"] = dg.MaterializeResult
    compute.__annotations__["config"] = _asset_config(spec)
    asset: dg.AssetsDefinition = dg.asset(
        name=spec.asset,
        description=f"{spec.description} A row is a file.",
        kinds=set(spec.kinds),
        check_specs=[
            dg.AssetCheckSpec(
                "is_complete",
                asset=spec.asset,
                description="Did all come that was asked for?",
            )
        ],
        metadata={
            "licence": spec.licence,
            "downloads": spec.downloads,
            **stored_in("raw_files"),
        },
        code_version=hash_folders(folder, "ingestion/sources", "ingestion/fetching"),
        group_name=Group.INGESTION.value,
        owners=OWNERS,
        pool=pool_of(Work.FETCH),
        op_tags=op_tags(Work.FETCH),
        retry_policy=retry_policy(settings.source_retries, settings.retry_delay_seconds),
        # Nobody expects what no schedule brings.
        freshness_policy=dg.FreshnessPolicy.time_window(schedule.fail_after, warn_window=schedule.warn_after)
        if schedule and is_named(spec.name, settings)
        else None,
    )(fail_once(compute))
    return asset


def _asset_config(spec: SourceSpec) -> type[dg.Config]:
    """Return a source's configuration as one of Dagster's that asks nothing: what must be given is empty at first."""
    required = {name: field for name, field in spec.config.model_fields.items() if field.is_required()}
    annotations: dict[str, Any] = {name: field.annotation for name, field in required.items()}
    body: dict[str, Any] = {
        name: Field(
            default_factory=get_origin(annotations[name]) or annotations[name], description=field.description
        )
        for name, field in required.items()
    }
    described = {"__doc__": spec.config.__doc__, "__module__": spec.config.__module__}
    return types.new_class(
        spec.config.__name__,
        (spec.config, dg.Config),
        exec_body=lambda namespace: namespace.update(body, __annotations__=annotations, **described),
    )


def _configured(run_config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a run was told of its assets."""
    ops: Mapping[str, Any] = run_config.get("ops") or {}
    return {name: given for name, given in ops.items() if given}


def _troubles(failures: Mapping[str, str], failed_before: Sequence[int]) -> dict[str, Any]:
    """Return what `catalyst ingest` reads, too: whole."""
    said: dict[str, Any] = {}
    if failures:
        said["failures"] = pairs("part", "reason", failures, most=len(failures))
    if failed_before:
        said["failed_before"] = ", ".join(map(str, failed_before))
    return said


def note_unconfigured(instance: "dg.DagsterInstance", settings: "Settings") -> None:
    """Tell Dagster of sources that nobody configured and that never ran: what is made of all sources lacks none then."""
    for spec in SOURCES:
        key = dg.AssetKey(spec.asset)
        lacking = spec.lacks(_asset_config(spec)(), settings)
        if (
            lacking
            and not is_named(spec.name, settings)
            and instance.get_latest_materialization_event(key) is None
        ):
            status = {"status": _status(lacking)}
            instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata=status))


def _status(lacking: str) -> str:
    return f"not configured: it needs {lacking}"


def _not_configured(lacking: str, kept: "Kept") -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(passed=True, description="Nothing was asked for.")],
        metadata=shown(
            {
                "status": _status(lacking),
                "fetched": 0,
                "dagster/row_count": kept.files,
            }
        ),
        data_version=dg.DataVersion(kept.sha256),
    )


RAW_ASSETS = [make_raw_asset(spec) for spec in SOURCES]
