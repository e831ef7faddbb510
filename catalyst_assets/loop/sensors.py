"""Dagster's clock for the loop: one sensor that advances campaigns, one that ends dead runs."""

import warnings
from typing import TYPE_CHECKING

import dagster as dg

from catalyst_assets.campaigns.labels import load_origins
from catalyst_assets.constants import REASON_TAG
from catalyst_assets.errors import CatalystError
from catalyst_assets.loop.advance import Advance, RequestedRun, advance_campaign
from catalyst_assets.loop.asked.answering import answer_requests
from catalyst_assets.loop.calculations import calculations_to_follow
from catalyst_assets.loop.corrections import tell_corrections
from catalyst_assets.loop.jobs import (
    BY_POTENTIAL,
    FEATURES_SENSOR,
    FOLLOWERS,
    features_job,
    iteration_job,
    validation_job,
)
from catalyst_assets.loop.looks import find_due
from catalyst_assets.loop.notices.installation import look_at_installation
from catalyst_assets.loop.notices.keeping import post_notices
from catalyst_assets.loop.reservations import reserve_runs
from catalyst_assets.loop.runs import reap_dead_runs
from catalyst_assets.loop.state import ITERATION_JOB
from catalyst_assets.partitions import AL_ITERATION
from catalyst_assets.validation.jobs.dagster_job import calculation_job
from catalyst_assets.validation.label_observations import observe
from resources.settings import get_settings

if TYPE_CHECKING:
    from resources.platform import Platform
    from resources.postgres.database import Database

_AUTOMATION_SECONDS = 10


@dg.sensor(
    jobs=[iteration_job, validation_job, features_job, calculation_job],
    minimum_interval_seconds=get_settings().loop_interval_seconds,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description=(
        "Drives campaigns: asks each of which something changed what it needs next and requests that run of "
        "`iteration`, `validation` or `features`, or says what it waits for (`catalyst campaign show`); and a run of "
        "`calculation` for each that waits. It carries out what people ask by the API, follows results, whoever wrote "
        "them, reads the database and not events, and requests nothing twice."
    ),
)
def loop_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Ask every active campaign what it needs next, and request that run.

    It reads the database rather than events, so that a restart or a double tick changes nothing.
    """
    platform: Platform = context.resources.platform
    _answer(context, platform)
    for key in tell_corrections(platform.database, context.instance):
        context.log.info("Labels of %s were corrected or retracted since it opened.", key)
    advances: list[Advance] = []
    problems: list[str] = []
    due = find_due(platform.database)
    for name in due.campaigns:
        try:
            advance = advance_campaign(platform, context.instance, name)
        except CatalystError as error:  # one broken campaign must not hold up the others
            problems.append(f"{name}: {error}")
            context.log.error("Campaign %s cannot go on: %s", name, error)
            continue
        if advance is not None:
            advances.append(advance)
    requests = [advance.request for advance in advances if advance.request is not None]
    calculations = calculations_to_follow(platform, context.instance) if due.calculates else []
    run_keys = [*(wanted.run_key for wanted in requests), *(wanted.run_key for wanted in calculations)]
    ours = reserve_runs(platform.database, run_keys)
    requests = [wanted for wanted in requests if wanted.run_key in ours]
    calculations = [wanted for wanted in calculations if wanted.run_key in ours]
    if not requests and not calculations:
        told = [*map(str, advances), *problems, *filter(None, [due.waiting])]
        return dg.SkipReason("; ".join(told) or "No active campaign.")
    return dg.SensorResult(
        run_requests=[
            dg.RunRequest(
                run_key=request.run_key,
                job_name=request.job,
                partition_key=request.partition_key,
                tags=request.tags,
            )
            for request in requests
        ]
        + [
            dg.RunRequest(
                run_key=request.run_key,
                job_name=request.job,
                run_config={"ops": request.ops},
                tags=dict(request.tags),
            )
            for request in calculations
        ],
        dynamic_partitions_requests=[
            AL_ITERATION.build_add_request([r.partition_key for r in requests if r.partition_key])
        ],
        asset_events=[label_observation(platform.database, r) for r in requests if r.job == ITERATION_JOB],
    )


@dg.sensor(
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description=(
        "Fails the runs whose process is gone, so that no campaign waits for them; raises notices of jobs that failed, and "
        "posts those that were raised (CATALYST_ALERT_WEBHOOK)."
    ),
)
def reaper_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Fail the runs whose process is gone, so that nothing waits for them; tell of what failed for good."""
    platform: Platform = context.resources.platform
    reaped = reap_dead_runs(context.instance, platform.database)
    look_at_installation(context.instance, platform.database)
    post_notices(platform.database, platform.settings)
    return dg.SkipReason(f"Ended {len(reaped)} dead runs: {', '.join(reaped)}" if reaped else "No dead run.")


def _answer(context: dg.SensorEvaluationContext, platform: "Platform") -> None:
    try:
        for line in answer_requests(platform):
            context.log.info("Answered %s", line)
    except CatalystError as error:  # campaigns go on meanwhile
        context.log.error("What people ask cannot be answered now: %s", error)


def label_observation(database: "Database", request: RequestedRun) -> dg.AssetObservation:
    """Tell Dagster which labels an iteration opened with, and what they were made from."""
    (origin,) = load_origins(database, [str(request.partition_key)])
    return observe(origin)


def _make_features_sensor() -> dg.AutomationConditionSensorDefinition:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.AutomationConditionSensorDefinition(
            FEATURES_SENSOR,
            target=dg.AssetSelection.assets(*FOLLOWERS, *BY_POTENTIAL),
            description=(
                "Makes what follows from loaded materials: which records are one crystal, labels and hulls, the network "
                "where there is none, and the features that campaigns need; where a potential is chosen, relaxed structures and "
                "their energies. It looks at what is outstanding, so that a "
                "run which made everything already starts nothing; an asset's Automation tab says what it waits for."
            ),
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=_AUTOMATION_SECONDS,
            run_tags={REASON_TAG: "features follow materials"},
            # The daemon itself cannot load conditions of ours.
            use_user_code_server=True,
        )


features_sensor = _make_features_sensor()
