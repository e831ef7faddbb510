"""Starting and ending campaigns and their iterations in the database, each step one transaction."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.history import read_history
from catalyst_assets.campaigns.labels import hash_labels
from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.campaigns.model import Campaign, Refresh
from catalyst_assets.campaigns.pool import explain_left_out, load_pool
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from catalyst_assets.errors import InvalidPoolError, UsageError
from catalyst_assets.loop.state import CampaignState, IterationState, JobHistory
from catalyst_assets.partitions import IterationKey
from catalyst_assets.representation.noted import QUARANTINE_SOURCE
from catalyst_assets.vocabulary.stored import keep_known_properties
from catalyst_assets.vocabulary.validators import VALIDATORS
from resources.postgres.database import Database, Role, Row, execute, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.representation.noted import FeatureSet

History = Callable[[str], dict[tuple[str, str], JobHistory]]

# What may change while a campaign runs; the rest would make its iterations incomparable.
_ADJUSTABLE = {"description", "acquisition", "failures", "validation", "refresh", "stop", "review"}


def start_campaign(database: Database, campaign: Campaign, *, reopen: bool = False) -> None:
    """Store a campaign and freeze its test set; starting it again changes nothing.

    Parameters
    ----------
    reopen
        Let a finished campaign go on; it ends again at once where a stop rule still holds.

    Raises
    ------
    InvalidPoolError
        No material is in the pool.
    UsageError
        A campaign of that name has another goal.
    """
    with database.transaction(Role.PIPELINE) as connection:
        store_campaign(connection, campaign, reopen=reopen)


def store_campaign(connection: "sa.Connection", campaign: Campaign, *, reopen: bool) -> None:
    """Start a campaign within a transaction, as :func:`start_campaign` does."""
    known = fetch_one(connection, "loop/lock_campaign", name=campaign.name)
    if known is not None and known["sha256"] != campaign.sha256:
        _refuse_another_goal(known["document"], campaign)
    pool = load_pool(connection, campaign.pool)
    if not pool:
        raise InvalidPoolError(
            f"The pool of campaign {campaign.name} is empty: no material matches "
            f"{json.dumps(campaign.pool.model_dump(mode='json', exclude_defaults=True))}.",
            " ".join(explain_left_out(connection, campaign.pool))
            or "Materialize `materials` from that source first, or widen the pool.",
        )
    execute(
        connection,
        "campaigns/upsert",
        name=campaign.name,
        document=json.dumps(campaign.document),
        sha256=campaign.sha256,
    )
    if reopen:
        execute(connection, "campaigns/reopen", name=campaign.name)
    if known is None:
        chosen = choose_test_set([row["material_id"] for row in pool], campaign.test_fraction, campaign.seed)
        execute_many(
            connection,
            "campaigns/add_test_member",
            [{"campaign": campaign.name, "material_id": material_id} for material_id in chosen],
        )


def stop_campaign(database: Database, name: str, reason: str) -> None:
    """End a campaign by a person's decision; what is being computed or validated still comes in.

    Raises
    ------
    UsageError
        There is no such campaign, or it has ended already.
    """
    with database.transaction(Role.PIPELINE) as connection:
        end_campaign(connection, name, reason)


def end_campaign(connection: "sa.Connection", name: str, reason: str) -> None:
    """End a campaign within a transaction, as :func:`stop_campaign` does."""
    known = fetch_one(connection, "loop/lock_campaign", name=name)
    if known is None:
        raise UsageError(f"There is no campaign {name}.", "`catalyst campaign list` names them.")
    if known["status"] == "finished":
        raise UsageError(f"Campaign {name} has ended already: {known['stop_reason']}.")
    finish_campaign(connection, name, reason)


def choose_test_set(material_ids: list[str], fraction: float, seed: int) -> list[str]:
    """Draw the same share of a pool for the same seed, whatever its order.

    Returns
    -------
    list of str
        ``round(fraction * n)`` identifiers, sorted.
    """

    def lot(material_id: str) -> str:
        return hashlib.sha256(f"test set {seed} {material_id}".encode()).hexdigest()

    return sorted(sorted(material_ids, key=lot)[: round(fraction * len(material_ids))])


def load_campaign_state(connection: "sa.Connection", name: str, history: History) -> CampaignState | None:
    """Lock a campaign and return its state, of one that has ended too; None when there is none.

    Parameters
    ----------
    history
        Job histories of the runs of one partition key.
    """
    row = fetch_one(connection, "loop/lock_campaign", name=name)
    if row is None:
        return None
    campaign = read_stored(row["document"])
    jobs: dict[tuple[str, str], JobHistory] = {}
    told: set[IterationKey] = set()
    # What a run wrote is read after the word that it has ended: its work would seem undone otherwise.
    while asked := _keys_at_work(iterations := _read_iterations(connection, campaign)) - told:
        for key in sorted(asked, key=str):
            jobs |= history(str(key))
        told |= asked
    state = CampaignState(
        campaign=campaign,
        iterations=iterations,
        n_evaluated=0,
        n_hits=0,
        exhausted=False,
        is_active=row["status"] == "active",
        jobs=jobs,
        now=datetime.now(UTC),
        retry_requested_at=row["retry_requested_at"],
        advance_requested_at=row["advance_requested_at"],
    )
    if not state.is_active or any(job.active for job in jobs.values()):
        return state  # what it has found decides nothing
    evaluations = load_evaluations(connection, campaign)
    evaluated = {one.material_id for one in evaluations}
    under_way = {one["material_id"] for one in fetch_all(connection, "loop/under_way", campaign=name)}
    return replace(
        state,
        n_evaluated=len(evaluations),
        n_hits=sum(evaluation.is_hit for evaluation in evaluations),
        n_under_way=len(under_way - evaluated),
        n_new_labels=_count_new_labels(connection, state),
        exhausted=_is_exhausted(connection, campaign, len(iterations)),
    )


def _read_iterations(connection: "sa.Connection", campaign: Campaign) -> tuple[IterationState, ...]:
    answers = VALIDATORS[campaign.validator].answers
    work = fetch_all(connection, "loop/work", campaign=campaign.name, answers=answers)
    by_key = {one["partition_key"]: one for one in work}
    rows = fetch_all(connection, "loop/iterations", campaign=campaign.name)
    return tuple(_iteration(row | by_key[row["partition_key"]]) for row in rows)


def _keys_at_work(iterations: Sequence[IterationState]) -> set[IterationKey]:
    """Return those of which runs may be due: the newest, and those with something to answer or to follow."""
    return {
        one.key for one in iterations if one is iterations[-1] or one.n_pending or one.has_results_to_follow
    }


def open_iteration(
    connection: "sa.Connection",
    campaign: Campaign,
    key: IterationKey,
    *,
    features: "FeatureSet | None" = None,
    pool_sha256: str | None = None,
) -> None:
    """Freeze the labels known now as those of ``key``, with their count and hash, and which pool it chooses from.

    Parameters
    ----------
    features
        Where given, labels of structures that wait for these are left to a later iteration.
    pool_sha256
        Stored list of the pool; where None, it is that of the time when the predictions are planned.
    """
    rows = fetch_all(
        connection,
        "loop/known_labels",
        campaign=campaign.name,
        relaxed_by=campaign.pool.relaxed_by,
        method=campaign.method,
        properties=sorted({*campaign.properties, *campaign.learned_properties}),
        kinds_without_labels=list(KINDS_WITHOUT_LABELS),
        features_only=features is not None,
        feature_set=features.number if features else None,
        fingerprint=features.fingerprint if features else "",
        quarantine_source=QUARANTINE_SOURCE,
    )
    labels: list[dict[str, Any]] = [row | {"method": campaign.method} for row in rows]
    execute(
        connection,
        "loop/open_iteration",
        partition_key=str(key),
        campaign=campaign.name,
        iteration=key.iteration,
        parent=str(key.parent) if key.parent else None,
        campaign_sha256=campaign.sha256,
        document=json.dumps(campaign.document),
        label_count=len(labels),
        label_sha256=hash_labels(labels),
        pool_sha256=pool_sha256,
    )
    keep_known_properties(connection)
    execute_many(connection, "loop/add_label", [label | {"partition_key": str(key)} for label in labels])


def close_iteration(connection: "sa.Connection", key: IterationKey) -> None:
    """Mark an iteration as done."""
    execute(connection, "loop/close_iteration", partition_key=str(key))


def finish_campaign(connection: "sa.Connection", name: str, reason: str) -> None:
    """Mark a campaign as finished, with the stop rule that ended it."""
    execute(connection, "campaigns/finish", name=name, reason=reason)


def _count_new_labels(connection: "sa.Connection", state: CampaignState) -> int:
    """Count what the newest iteration did not learn from, where that may open the next one."""
    campaign = state.campaign
    by_labels = campaign.refresh != Refresh()
    if not by_labels or not state.iterations or state.iterations[-1].status != "ranked":
        return 0
    row = fetch_one(
        connection,
        "loop/new_labels",
        campaign=campaign.name,
        partition_key=str(state.iterations[-1].key),
        properties=sorted({*campaign.properties, *campaign.learned_properties}),
        kinds_without_labels=list(KINDS_WITHOUT_LABELS),
    )
    return row["n"] if row else 0


def _is_exhausted(connection: "sa.Connection", campaign: Campaign, iteration: int) -> bool:
    history = read_history(connection, campaign, iteration)
    if load_pool(connection, campaign.pool, without=history.withheld, most=1):
        return False
    # Without anything else to suggest nothing waits: ``History.for_pool``.
    return not load_pool(connection, campaign.pool, without=history.withheld - history.waiting, most=1)


def _iteration(row: Row) -> IterationState:
    counts = {one.name: row[one.name] for one in fields(IterationState) if one.name in row}
    return IterationState(key=IterationKey.parse(row["partition_key"]), **counts)


def _refuse_another_goal(stored: dict[str, Any], campaign: Campaign) -> None:
    # What it says nothing of, because it was stored before one could, is as it is by default.
    stored, wanted = read_stored(stored).document, campaign.document
    changed = sorted(
        name
        for name in stored.keys() | wanted.keys()
        if name not in _ADJUSTABLE and stored.get(name) != wanted.get(name)
    )
    if changed:
        raise UsageError(
            f"Campaign {campaign.name} exists with another {', '.join(changed)}.",
            "Give the new goal a new name; only stop, refresh, validation, acquisition, failures, review and description may change.",
        )
