"""Which candidates were measured, with what, and which of them are hits: as many as were validated, however large the pool."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from dash_app.api.campaigns import find_document
from dash_app.api.discovery import parse_document
from resources.postgres.database import Row, fetch_all


def measured_candidates(connection: sa.Connection, campaign: str | None, name: str) -> dict[int, float]:
    """Return what was measured of a property by each candidate's campaign's method, replicates averaged."""
    rows = fetch_all(connection, "app/candidates/answered", campaign=campaign, property=name)
    return {row["candidate_id"]: row["value"] for row in rows if row["value"] is not None}


def judged_candidates(connection: sa.Connection, campaign: str | None) -> dict[int, bool]:
    """Return whether each candidate that has an answer is a hit; without criteria none is judged."""
    rows = fetch_all(connection, "app/candidates/answered", campaign=campaign, property=None)
    answered: list[Row] = []
    for number, group in groupby(rows, key=lambda row: row["candidate_id"]):
        several = list(group)
        values = {row["property"]: row["value"] for row in several if row["value"] is not None}
        answered.append(several[0] | {"candidate_id": number, "measured": values})
    return judge(connection, answered)


def judge(connection: sa.Connection, answered: Sequence[Row]) -> dict[int, bool]:
    """Return whether candidates are hits.

    Parameters
    ----------
    answered
        Of each ``candidate_id``, ``campaign``, ``formula``, ``rejection_kind`` and the values that were ``measured``.
    """
    hits: dict[int, bool] = {}
    for name in {row["campaign"] for row in answered}:
        campaign = parse_document(find_document(connection, name))
        if campaign is None or not campaign.criteria:
            continue
        asked = [
            row
            for row in answered
            if row["campaign"] == name and row["rejection_kind"] not in KINDS_WITHOUT_LABELS
        ]
        values: list[dict[str, Any]] = [row["measured"] for row in asked]
        judged = judge_hits(campaign, values, [row["formula"] for row in asked])
        hits |= {row["candidate_id"]: hit for row, hit in zip(asked, judged, strict=True)}
    return hits
