"""Reading the ledger of results: each row with whether it counts, and why not."""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from catalyst_assets.vocabulary.known import label_of
from dash_app.api.problems import NotFoundError
from dash_app.contract import Held
from dash_app.result_contract import Result, ResultDetail
from resources.postgres.database import Row, fetch_all

_FILTERS: Final = ("campaign", "iteration", "material_id", "since", "before", "candidate_id", "result_ids")
_MOST: Final = 100_000


def read_results(connection: sa.Connection, *, limit: int = _MOST, **filters: Any) -> list[Result]:
    """Return results that pass filters, by name, the newest first."""
    rows = fetch_all(connection, "app/results", **(dict.fromkeys(_FILTERS) | filters), limit=limit)
    return [_result(row) for row in rows]


def read_result(connection: sa.Connection, result_id: int) -> ResultDetail:
    """Return a result with its history.

    Raises
    ------
    NotFoundError
        There is none of this number.
    """
    numbers = [row["result_id"] for row in fetch_all(connection, "app/result_chain", result_id=result_id)]
    chain = list(reversed(read_results(connection, result_ids=numbers))) if numbers else []
    for result in chain:
        if result.result_id == result_id:
            return ResultDetail(**result.model_dump(), chain=chain)
    raise NotFoundError(f"There is no result {result_id}.", "GET /results lists them.")


def read_held(connection: sa.Connection, result_ids: Sequence[int]) -> dict[int, Held]:
    """Return results as problems show what the ledger holds, by their numbers."""
    found = read_results(connection, result_ids=list(result_ids))
    return {result.result_id: Held.model_validate(result, from_attributes=True) for result in found}


def _result(row: Row) -> Result:
    why_not = _why_not(row)
    return Result(
        **row, label=label_of(row["property"]) if row["property"] else "", counts=not why_not, why_not=why_not
    )


def _why_not(row: Row) -> str:
    if row["outcome"] == "retracted":
        return f"it retracts result {row['supersedes']}"
    if row["superseded_by"] is not None:
        done = (
            "retracted"
            if row["superseded_as"] == "retracted"
            else f"corrected by result {row['superseded_by']}"
        )
        return f"{done}, by {row['superseded_by_whom']}: {row['superseded_because']}"
    if row["problem"]:
        return str(row["problem"])
    if not row["is_examined"]:
        return "it is looked at before it is learned from, which takes a moment while `catalyst up` runs"
    if row["learned_method"] not in (None, row["method"]):
        return (
            f"it was obtained by {row['method']}, and {row['campaign']} learns from {row['learned_method']}"
        )
    return ""
