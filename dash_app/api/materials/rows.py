"""Candidates as the API answers them: what their ranking said, what validation found, whether they are hits."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sqlalchemy as sa

from catalyst_assets.campaigns.criteria import bound_chances
from dash_app.api.campaigns import find_document
from dash_app.api.discovery import parse_document
from dash_app.api.materials.answers import judge
from dash_app.api.materials.explanations import stack_draws
from dash_app.api.superseded import count_in
from dash_app.contract import Candidate
from resources.postgres.database import Row, fetch_all


def read_candidates(connection: sa.Connection, candidate_ids: Sequence[int]) -> list[Candidate]:
    """Return candidates in the order asked for; those that there are none of are left out."""
    rows = fetch_all(connection, "app/candidates/rows", candidate_ids=list(candidate_ids))
    _add_answers(connection, rows)
    _add_rankings(connection, rows)
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


def _add_answers(connection: sa.Connection, rows: Sequence[Row]) -> None:
    found: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for answer in fetch_all(
        connection,
        "app/candidates/answers",
        material_ids=[row["material_id"] for row in rows],
        partition_keys=[row["partition_key"] for row in rows],
    ):
        found[answer["material_id"], answer["partition_key"]].append(answer)
    for row in rows:
        row["validated"] = found[row["material_id"], row["partition_key"]]


def _add_rankings(connection: sa.Connection, rows: Sequence[Row]) -> None:
    """Add which model ranked each, and how far it is from what that model had learned."""
    keys = sorted({row["partition_key"] for row in rows})
    rankings = {
        ranking["partition_key"]: ranking
        for ranking in fetch_all(connection, "app/candidates/rankings", partition_keys=keys)
    }
    scored = [
        (version, row["material_id"])
        for row in rows
        if (version := rankings[row["partition_key"]]["prediction_version"]) is not None
    ]
    known = fetch_all(
        connection,
        "app/candidates/scored",
        versions=[version for version, _ in scored],
        material_ids=[material_id for _, material_id in scored],
    )
    distances = {(row["version"], row["material_id"]): row["distance"] for row in known}
    chances = _chances(rankings.values(), known)
    for row in rows:
        ranking = rankings[row["partition_key"]]
        scoring = ranking["prediction_version"], row["material_id"]
        distance = distances.get(scoring)
        is_known = distance is not None and ranking["threshold"] is not None
        row["chances"] = chances.get(scoring, {})
        row["distance"] = distance
        row["out_of_distribution"] = distance > ranking["threshold"] if is_known else None
        row |= {name: ranking[name] for name in ("model_version", "champion_version", "stale")}


def _chances(rankings: Iterable[Row], scored: Sequence[Row]) -> dict[tuple[int, str], dict[str, float]]:
    """Return how likely each property is within its bound, by version and material, from the draws that are stored."""
    found = {}
    for ranking in rankings:
        rows = [row for row in scored if row["version"] == ranking["prediction_version"]]
        campaign = parse_document(ranking["document"]) if rows else None
        draws = None if campaign is None else stack_draws(rows, ranking)
        if campaign is None or draws is None:
            continue
        by_property = bound_chances(
            campaign, draws, np.asarray([row["std"] for row in rows]), ranking["properties"]
        )
        for place, row in enumerate(rows):
            key = row["version"], row["material_id"]
            found[key] = {name: float(chances[place]) for name, chances in by_property.items()}
    return found


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
