"""Assets of the sources: what each gave, as received. Each is made of the source's declaration.

Wiring only. How a source is refreshed is its folder's business; what is made of its files is `ingestion.assets`'.
"""

import functools
import time
import types
from typing import Any

import dagster as dg

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from catalyst_assets.ingestion.fetching.retries import fail_once, retry_policy
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import SourceSpec
from resources.platform import Platform
from resources.settings import get_settings


def make_raw_asset(spec: SourceSpec) -> dg.AssetsDefinition:
    """Return the asset of a source's raw files."""

    def compute(
        context: dg.AssetExecutionContext, config: Any, platform: dg.ResourceParam[Platform]
    ) -> dg.MaterializeResult[Any]:
        from catalyst_assets.ingestion.sources.refreshing import is_waiting, list_failed, refresh_as_far

        started = time.monotonic()
        refresh = functools.partial(spec.find(spec.refresh), config, platform, context.log.info)
        refreshed = refresh_as_far(spec.name, platform, refresh)
        failures = "; ".join(f"{name}: {reason}" for name, reason in refreshed.failures.items())
        is_tried_again = refreshed.is_transient and context.retry_number < settings.source_retries
        # What came before it failed is loaded; the check says that it is not all.
        kinds = {parser.kind for parser in spec.make_parsers()}
        if failures and (is_tried_again or not is_waiting(platform.database, kinds)):
            raise dg.Failure(failures, allow_retries=refreshed.is_transient)
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(passed=not failures, description=failures or None)],
            metadata={
                **refreshed.said,
                "fetched": refreshed.fetched,
                "unchanged": refreshed.unchanged,
                "size_bytes": refreshed.size_bytes,
                "failed_before": list_failed(platform.database, refreshed),
                "failures": dict(refreshed.failures),
                "duration_seconds": time.monotonic() - started,
            },
            data_version=dg.DataVersion(refreshed.content_sha256),
        )

    settings, schedule = get_settings(), spec.schedule
    # Dagster knows the result of an asset with checks by this name only.
    compute.__annotations__["return"] = dg.MaterializeResult
    # The source's configuration as one of Dagster's.
    compute.__annotations__["config"] = types.new_class(
        spec.config.__name__,
        (spec.config, dg.Config),
        exec_body=lambda body: body.update(__doc__=spec.config.__doc__, __module__=spec.config.__module__),
    )
    asset: dg.AssetsDefinition = dg.asset(
        name=spec.asset,
        description=spec.description,
        kinds=set(spec.kinds),
        check_specs=[
            dg.AssetCheckSpec(
                "is_complete",
                asset=spec.asset,
                description="All that was asked for came; what did is loaded.",
            )
        ],
        metadata={"licence": spec.licence, "downloads": spec.downloads},
        group_name=Group.INGESTION.value,
        owners=OWNERS,
        pool=Queue.INGEST.value,
        op_tags=op_tags(Queue.INGEST),
        retry_policy=retry_policy(settings.source_retries, settings.retry_delay_seconds),
        freshness_policy=schedule
        and dg.FreshnessPolicy.time_window(schedule.fail_after, warn_window=schedule.warn_after),
    )(fail_once(compute))
    return asset


RAW_ASSETS = [make_raw_asset(spec) for spec in SOURCES]
