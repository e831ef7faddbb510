"""Assets of validation: the labels each iteration starts from, and the answers it brings. Wiring only."""

import time
import warnings
from typing import Any

import dagster as dg

from catalyst_assets.constants import OWNERS, Group, Queue, op_tags
from catalyst_assets.partitions import AL_ITERATION
from resources.platform import Platform

with warnings.catch_warnings():
    # Observable sources are in beta; every process that loads the code location would say so.
    warnings.simplefilter("ignore", dg.BetaWarning)

    @dg.observable_source_asset(
        name="labels",
        group_name=Group.LABELS.value,
        partitions_def=AL_ITERATION,
        tags={"dagster/kind/postgres": ""},
        description="Every value known when an iteration opened; its version is the hash of that set.",
    )
    def labels(
        context: dg.OpExecutionContext, platform: dg.ResourceParam[Platform]
    ) -> dg.DataVersionsByPartition:
        """Report the label hash of every iteration that Dagster knows."""
        from catalyst_assets.campaigns.labels import data_versions

        known = set(context.instance.get_dynamic_partitions(AL_ITERATION.name or ""))
        versions = data_versions(platform.database)
        return dg.DataVersionsByPartition({key: sha256 for key, sha256 in versions.items() if key in known})


@dg.asset(
    group_name=Group.VALIDATION.value,
    owners=OWNERS,
    kinds={"postgres"},
    partitions_def=AL_ITERATION,
    deps=["ranked_candidates"],
    pool=Queue.VALIDATE.value,
    op_tags=op_tags(Queue.VALIDATE),
)
def validation_results(
    context: dg.AssetExecutionContext, platform: dg.ResourceParam[Platform]
) -> dg.MaterializeResult[Any]:
    """Answers of the validator for the flagged candidates, and how well they had been predicted."""
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.campaigns.iterations import read_iteration
    from catalyst_assets.figures import draw_discovery
    from catalyst_assets.validation.answering import answer_pending
    from catalyst_assets.validation.prediction_errors import score_iteration
    from catalyst_assets.validation.registry import find_validator

    started = time.monotonic()
    key = context.partition_key
    with platform.database.transaction() as connection:
        campaign = read_iteration(connection, key).campaign
    validator = find_validator(campaign.validator, platform.database)
    answered = answer_pending(platform.database, key, validator)
    if answered.waiting:
        context.log.info(
            "%d candidates of %s wait for the %s: results come through the API.",
            answered.waiting,
            key,
            campaign.validator.value,
        )
    metrics = score_iteration(platform.database, key)
    with platform.database.transaction() as connection:
        evaluations = load_evaluations(connection, campaign)
    return dg.MaterializeResult(
        metadata={
            "validator": campaign.validator.value,
            "validated_now": answered.validated,
            "rejected_now": answered.rejected,
            "waiting": answered.waiting,
            **{name: value for name, value in metrics.items() if value is not None},
            "discovery_curve": dg.MetadataValue.md(draw_discovery([e.is_hit for e in evaluations])),
            "duration_seconds": time.monotonic() - started,
        }
    )
