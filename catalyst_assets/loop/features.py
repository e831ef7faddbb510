"""Whether an iteration has the features it needs: how many lack, and which run makes them.

Asked when an iteration is about to open or to run, and while features are waited for; often, so that what takes long in
a large pool is not counted again at once.
"""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import dagster as dg

from catalyst_assets.campaigns.history import read_history
from catalyst_assets.campaigns.pool import load_pool, read_members
from catalyst_assets.loop.jobs import FEATURES_SENSOR
from catalyst_assets.loop.runs import end_of
from catalyst_assets.loop.state import FeatureState, IterationState
from catalyst_assets.representation.noted import (
    QUARANTINE_SOURCE,
    FeatureSet,
    any_lacking,
    current_features,
)
from resources.postgres.database import Row, fetch_one
from resources.runs.attempts import UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa
    from dagster import DagsterInstance

    from catalyst_assets.campaigns.model import Campaign
    from resources.object_store import ObjectStore
    from resources.platform import Platform

_FAILED: Final = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
# A count that took long holds for so many times as long.
_REST: Final = 20.0
_SHORT_SECONDS: Final = 0.2

_counted: dict[tuple[str, str], tuple[float, int]] = {}


@dataclass(frozen=True)
class Opening:
    """What is about to open or to run.

    Attributes
    ----------
    iteration
        Its number.
    opened
        It, where it is open already, with the time and the hash of its pool.
    """

    iteration: int
    opened: IterationState | None = None
    opened_at: datetime | None = None
    pool_sha256: str | None = None


def read_feature_state(
    connection: "sa.Connection",
    platform: "Platform",
    instance: "DagsterInstance",
    campaign: "Campaign",
    opening: Opening,
    waiting: Row | None,
) -> FeatureState:
    """Return what is known of the features that an iteration needs.

    Parameters
    ----------
    waiting
        What the campaign has been waiting for.
    """
    features = current_features(connection, platform.objects)
    lacks = any_lacking(connection, features)
    since = waiting["since"] if waiting is not None and waiting["waits_on"] == "features" else None
    counted = 0
    if lacks:
        # An open iteration counts on what was there then; the next one waits for what was there when it began to wait.
        until = opening.opened_at or since or datetime.now(UTC)
        counted = _count_again(
            platform,
            campaign,
            lambda: _count(connection, platform.objects, campaign, opening, features, until),
        )
    can_rank = opening.opened is not None or _can_rank(connection, campaign, opening.iteration, features)
    if features is not None and can_rank and not counted:
        return FeatureState()
    makers = _latest(instance, "structure_embeddings", "backbone")
    loaders = _latest(instance, "material_identity", "materials")
    active = [record for record in makers + loaders if record.dagster_run.status in UNFINISHED]
    failed = [record for record in makers[:1] if record.dagster_run.status in _FAILED]
    if features is None:
        failed = [record for record in makers if record.dagster_run.status in _FAILED]
    refused = [record for record in loaders if record.dagster_run.status in _FAILED]
    return FeatureState(
        has_backbone=features is not None,
        can_rank=can_rank,
        n_lacking=counted,
        active_run=active[0].dagster_run.run_id if active else None,
        failed_run=failed[0].dagster_run.run_id if failed else None,
        failed_at=end_of(failed[0]) if failed else None,
        refused_run=refused[0].dagster_run.run_id if refused else None,
        is_automated=not _is_switched_off(instance),
        waiting_since=since,
    )


def _count(
    connection: "sa.Connection",
    objects: "ObjectStore",
    campaign: "Campaign",
    opening: Opening,
    features: FeatureSet | None,
    until: datetime,
) -> int:
    members = load_pool(connection, campaign.pool, features=features, described=False, arrived_until=until)
    about = {
        "relaxed_by": campaign.pool.relaxed_by,
        "feature_set": features.number if features else None,
        "fingerprint": features.fingerprint if features else "",
        "quarantine_source": QUARANTINE_SOURCE,
    }
    if opening.opened is None:
        labelled = fetch_one(
            connection,
            "loop/labels_without_features",
            properties=list(campaign.learned_properties),
            method=campaign.method,
            arrived_until=until,
            **about,
        )
    else:
        labelled = fetch_one(
            connection, "loop/frozen_labels_without_features", partition_key=str(opening.opened.key), **about
        )
        if opening.pool_sha256 is not None and members:
            frozen = {(name, hashed) for name, hashed, _ in read_members(objects, opening.pool_sha256)}
            members = [one for one in members if (one["material_id"], one["structure_hash"]) in frozen]
    # Those of both are counted once, as far as that is known without reading them all.
    return max(len(members), labelled["n_materials"] if labelled else 0)


def _count_again(platform: "Platform", campaign: "Campaign", count: "Callable[[], int]") -> int:
    name = (platform.settings.home.as_posix(), campaign.name)
    known = _counted.get(name)
    if known is not None and time.monotonic() < known[0]:
        return known[1]
    started = time.monotonic()
    counted = count()
    took = time.monotonic() - started
    if counted and took > _SHORT_SECONDS:
        _counted[name] = (time.monotonic() + _REST * took, counted)
    else:
        _counted.pop(name, None)
    return counted


def _can_rank(
    connection: "sa.Connection", campaign: "Campaign", iteration: int, features: FeatureSet | None
) -> bool:
    history = read_history(connection, campaign, iteration)
    for withheld in (history.withheld, history.withheld - history.waiting):
        if load_pool(connection, campaign.pool, without=withheld, features=features, described=True, most=1):
            return True
    return False


def _latest(instance: "DagsterInstance", *assets: str) -> list[dg.RunRecord]:
    """Return the latest run that was to make each asset."""
    found = []
    for name in assets:
        planned = instance.event_log_storage.get_latest_planned_materialization_info(dg.AssetKey(name))
        record = instance.get_run_record_by_id(planned.run_id) if planned else None
        if record is not None:
            found.append(record)
    return found


def _is_switched_off(instance: "DagsterInstance") -> bool:
    from dagster._core.definitions.run_request import InstigatorType
    from dagster._core.scheduler.instigation import InstigatorStatus

    states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    return any(
        state.instigator_name == FEATURES_SENSOR and state.status is InstigatorStatus.STOPPED
        for state in states
    )
