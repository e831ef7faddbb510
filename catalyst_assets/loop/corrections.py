"""Telling Dagster that labels were corrected or retracted, so that it shows what was made from them as outdated.

Nothing is made again by itself: an iteration keeps the labels it opened with, and the next one has the new.
"""

from typing import TYPE_CHECKING

from catalyst_assets.campaigns.labels import load_origins
from catalyst_assets.validation.label_observations import observe
from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    import dagster as dg

    from resources.postgres.database import Database


def tell_corrections(database: "Database", instance: "dg.DagsterInstance") -> list[str]:
    """Observe anew the labels of iterations that corrections or retractions concern of which Dagster was not told.

    Returns
    -------
    Their partition keys. Killed halfway, it tells all of them again.
    """
    with database.transaction() as connection:
        untold = [row["result_id"] for row in fetch_all(connection, "loop/untold_corrections")]
        if not untold:
            return []
        rows = fetch_all(connection, "loop/corrected_iterations", result_ids=untold)
    keys = [row["partition_key"] for row in rows]
    for origin in load_origins(database, keys):
        instance.report_runless_asset_event(observe(origin))
    with database.transaction() as connection:
        execute(connection, "loop/tell_corrections", result_ids=untold)
    return keys
