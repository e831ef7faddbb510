"""Looking at results before they are learned from, whoever wrote them: known property, its unit, its range, the method.

What is unfit stays in the ledger with the reason, and counts for nothing until it is corrected.
"""

import json
from typing import TYPE_CHECKING

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.labels import find_unfit_values
from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa


def examine(connection: "sa.Connection", partition_key: str | None) -> int:
    """Examine the results of an iteration that nobody has looked at; return how many are unfit.

    Parameters
    ----------
    connection
        As the validator's role.
    partition_key
        None for the results that nobody's iteration asked for: they may be by any method.
    """
    rows = fetch_all(connection, "validation/to_examine", partition_key=partition_key)
    if not rows:
        return 0
    method = None if partition_key is None else read_iteration(connection, partition_key).campaign.method
    found = [
        {"result_id": row["result_id"], "problem": " ".join(_problems(row, method)) or None} for row in rows
    ]
    execute(connection, "validation/record_examinations", found=json.dumps(found))
    return sum(one["problem"] is not None for one in found)


def _problems(row: dict[str, object], method: str | None) -> list[str]:
    return [] if row["outcome"] == "retracted" else find_unfit_values([row], method or str(row["method"]))
