"""Writing a shortlist: all of an iteration's candidates in one transaction, or none.

In automatic review the batch is sent to validation at once.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import LoopError
from resources.code_version import code_version
from resources.postgres.database import execute, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.acquisition.shortlist import Shortlist
    from resources.postgres.database import Database

AUTOMATIC_REVIEWER: Final = "automatic review"


def record_shortlist(database: "Database", shortlist: "Shortlist") -> bool:
    """Write an iteration's candidates, and flag the batch where no person reviews; all in one transaction.

    Returns
    -------
    bool
        False when the same ranking was recorded before; then nothing changes.

    Raises
    ------
    LoopError
        Another ranking was recorded and candidates of it have been flagged or rejected since.
    """
    iteration = shortlist.iteration
    key, campaign = iteration.partition_key, iteration.campaign
    with database.transaction() as connection:
        fetch_one(connection, "loop/lock_campaign", name=campaign.name)
        recorded = fetch_one(connection, "acquisition/ranking", partition_key=key)
        if recorded is not None and identify(shortlist).items() <= recorded.items():
            return False
        existing = fetch_all(connection, "acquisition/candidates", partition_key=key)
        moved = [row["material_id"] for row in existing if row["status"] != "ranked"]
        if moved:
            raise LoopError(
                f"The ranking of {key} would change, but {len(moved)} of its candidates have been acted upon, "
                f"among them {', '.join(moved[:3])}.",
                "Keep it: what was learned since belongs to the next iteration.",
            )
        execute(
            connection,
            "acquisition/record_ranking",
            partition_key=key,
            strategy=campaign.acquisition.strategy.value,
            exploration_weight=campaign.acquisition.exploration_weight,
            **identify(shortlist),
            history=json.dumps(shortlist.inputs.history.to_json()),
            code_version=code_version(),
        )
        execute(connection, "acquisition/set_ranks_aside", partition_key=key)
        execute_many(connection, "acquisition/upsert_candidate", shortlist.rows)
        execute(connection, "acquisition/close_ranks", partition_key=key, n_shortlisted=shortlist.n_listed)
        execute(connection, "acquisition/mark_ranked", partition_key=key)
        if campaign.review == "automatic":
            _flag_batch(connection, key, shortlist.inputs.batch_size)
    return True


def identify(shortlist: "Shortlist") -> dict[str, Any]:
    """Return what a recorded ranking has in common with the same one computed again."""
    return {
        "prediction_version": shortlist.inputs.prediction_version,
        "batch_size": shortlist.inputs.batch_size,
        "seed": shortlist.inputs.seed,
        "label_sha256": shortlist.iteration.label_sha256,
        "features_sha256": shortlist.features_sha256,
        "ranking_sha256": shortlist.ranking.sha256,
    }


def _flag_batch(connection: "sa.Connection", partition_key: str, batch_size: int) -> None:
    import sqlalchemy as sa

    for row in fetch_all(connection, "acquisition/candidates", partition_key=partition_key)[:batch_size]:
        try:
            fetch_one(
                connection,
                "acquisition/transition",
                candidate_id=row["candidate_id"],
                to_status="flagged",
                actor=AUTOMATIC_REVIEWER,
                reason="",
            )
        except sa.exc.IntegrityError as error:
            raise LoopError(
                f"The batch of {partition_key} cannot be sent to validation: "
                f"{str(error.orig).strip().splitlines()[0]}.",
                "Materialize `ranked_candidates` again: it leaves out what was flagged since.",
            ) from None
