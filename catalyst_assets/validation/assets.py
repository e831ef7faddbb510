"""Assets of validation: the labels each iteration starts from, and the answers it brings. Wiring only."""

import time
import warnings
from typing import Any

import dagster as dg
from dagster._core.definitions.external_asset import create_external_asset_from_source_asset

from catalyst_assets.asset_metadata.links import link_to
from catalyst_assets.asset_metadata.shown import shown
from catalyst_assets.asset_metadata.tables import stored_in
from catalyst_assets.constants import OWNERS, Group, Work, op_tags, pool_of
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform
from resources.postgres.database import fetch_all


def _observe_labels(
    context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.DataVersionsByPartition:
    """Report what every iteration that Dagster knows opened with."""
    from catalyst_assets.campaigns.labels import load_origins
    from catalyst_assets.validation.label_observations import observe

    known = set(context.instance.get_dynamic_partitions(AL_ITERATION.name or ""))
    for origin in load_origins(platform.database):
        if origin.partition_key in known:
            context.log_event(observe(origin))
    # Returned versions would be reported again, without what they were made from.
    return dg.DataVersionsByPartition({})


with warnings.catch_warnings():
    # Observable sources are in beta; every process that loads the code location would say so.
    warnings.simplefilter("ignore")
    labels = create_external_asset_from_source_asset(
        dg.observable_source_asset(
            name="labels",
            group_name=Group.LABELS.value,
            partitions_def=AL_ITERATION,
            tags={"dagster/kind/postgres": ""},
            metadata={**stored_in("iteration_labels"), **link_to(_observe_labels)},
            description=(
                "Every value known when an iteration opened; its version is the hash of that set, another one since a "
                "result that it was made of was corrected or retracted. A row is a value of one property of one "
                "material.\n\n"
                "It is made of the properties in `materials` (with those of `adsorption_labels` and "
                "`energies_above_hull`) by the campaign's method, and of the `validation_results` of the campaign's "
                "earlier iterations. Dagster refuses a circle, so that these do not stand upstream: each "
                "observation counts them and links them. `loop_sensor` observes it when an iteration opens."
            ),
        )(_observe_labels)
    )


@dg.asset(
    group_name=Group.VALIDATION.value,
    owners=OWNERS,
    kinds={"postgres"},
    metadata=stored_in("validation_results"),
    partitions_def=AL_ITERATION,
    deps=["ranked_candidates"],
    pool=pool_of(Work.VALIDATE),
    op_tags=op_tags(Work.VALIDATE),
)
def validation_results(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Results that validation gave of an iteration's candidates, and how well they had been predicted.

    A row is a result: the value of one property of one candidate, or that its validation failed. Materialized, the
    validator is asked about flagged candidates, results that came meanwhile are examined, and candidates follow them.
    """
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.figures import draw_discovery
    from catalyst_assets.learning.models.marks import try_to_mark
    from catalyst_assets.validation.answering import validate_iteration
    from catalyst_assets.validation.prediction_errors import score_iteration
    from catalyst_assets.validation.registry import find_validator

    started = time.monotonic()
    key = context.partition_key
    with platform.database.transaction() as connection:
        campaign = read_iteration(connection, key).campaign
    answered = validate_iteration(platform.database, key, find_validator(campaign.validator, platform))
    if answered.waiting:
        context.log.info("%d candidates of %s wait for the %s.", answered.waiting, key, campaign.validator)
    if unmarked := try_to_mark(platform, campaign.name):
        context.log.warning(unmarked)
    metrics = score_iteration(platform.database, key)
    with platform.database.transaction() as connection:
        evaluations = load_evaluations(connection, campaign)
        results = fetch_all(connection, "validation/results", partition_key=key)
    return dg.MaterializeResult(
        metadata=shown(
            {
                "validator": campaign.validator,
                "asked_now": answered.submitted,
                "validated_now": answered.settled.validated,
                "poor_now": answered.settled.poor,
                "rejected_now": answered.settled.failed,
                "flagged_again": answered.settled.returned,
                "reopened": answered.settled.reopened,
                "unfit_results": answered.unfit,
                "waiting": answered.waiting,
                **metrics,
                "dagster/row_count": len(results),
                "discovery_curve": dg.MetadataValue.md(draw_discovery([e.is_hit for e in evaluations])),
                "duration_seconds": time.monotonic() - started,
            }
        )
    )
