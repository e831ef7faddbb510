"""Candidates as the API answers them: what their ranking said, what validation found, whether they are hits."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from dash_app.api.campaigns import find_document
from dash_app.api.materials.answers import judge
from dash_app.api.superseded import count_in
from dash_app.contract import Candidate
from resources.postgres.database import Row, fetch_all


def read_candidates(connection: sa.Connection, candidate_ids: Sequence[int]) -> list[Candidate]:
    """Return candidates in the order asked for; those that there are none of are left out."""
    rows = fetch_all(connection, "app/candidates/rows", candidate_ids=list(candidate_ids))
    hits = judge(connection, _answered(connection, rows))
    superseded = count_in(connection, (row["partition_key"] for row in rows))
    return [
        Candidate(
            **row,
            hit=hits.get(row["candidate_id"]),
            labels_superseded=superseded.get(row["partition_key"], 0),
        )
        for row in rows
    ]


def _answered(connection: sa.Connection, rows: Sequence[Row]) -> list[Row]:
    """Return those that have an answer by their campaign's method, each with what was measured."""
    method = lru_cache(lambda name: find_document(connection, name).get("method"))
    answered = []
    for row in rows:
        answers: list[dict[str, Any]] = [
            each for each in row["validated"] if each["method"] == method(row["campaign"])
        ]
        if answers:
            measured = {each["property"]: each["value"] for each in answers if each["outcome"] == "measured"}
            answered.append(row | {"measured": measured})
    return answered
