"""Asset of acquisition: the candidates of an iteration. Wiring only."""

import time
from typing import Any

import dagster as dg

from catalyst_assets.asset_metadata.shown import shown, table
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform


@dg.asset(
    group_name=Group.ACQUISITION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("candidates"),
    partitions_def=AL_ITERATION,
    deps=["predictions"],
    pool=pool_of(Work.RANK),
    op_tags=op_tags(Work.RANK),
)
def ranked_candidates(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Candidates most worth validating now, by the campaign's strategy.

    A row is a candidate of the iteration: its rank, what is predicted of it, and what became of it.
    """
    from catalyst_assets.acquisition.recording import record_shortlist
    from catalyst_assets.acquisition.shortlist import compute_shortlist
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.figures import draw_discovery

    started = time.monotonic()
    shortlist = compute_shortlist(platform.database, platform.objects, context.partition_key)
    written = record_shortlist(platform.database, shortlist)
    campaign = shortlist.iteration.campaign
    with platform.database.transaction() as connection:
        evaluations = load_evaluations(connection, campaign)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "candidates": shortlist.n_listed,
                "batch_size": shortlist.inputs.batch_size,
                "still_available": len(shortlist.ranking.frame),
                "strategy": campaign.acquisition.strategy.value,
                "exploration_weight": campaign.acquisition.exploration_weight,
                "seed": shortlist.inputs.seed,
                "prediction_version": shortlist.inputs.prediction_version,
                "features_sha256": shortlist.features_sha256,
                "ranking_sha256": shortlist.ranking.sha256,
                "written": written,
                "dagster/row_count": shortlist.n_listed,
                "top": table(shortlist.readable_rows),
                "discovery_curve": dg.MetadataValue.md(draw_discovery([e.is_hit for e in evaluations])),
                "duration_seconds": time.monotonic() - started,
            }
        ),
        data_version=dg.DataVersion(shortlist.ranking.sha256),
    )
