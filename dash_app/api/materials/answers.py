"""Which candidates were measured, with what, and which of them are hits: as many as were validated, however large the pool."""

import threading
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any, Final

import sqlalchemy as sa
from cachetools import TTLCache

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.rejections import KINDS_WITHOUT_LABELS
from dash_app.api.campaigns import find_document
from dash_app.api.discovery import parse_document
from resources.postgres.database import Row, fetch_all, fetch_one

# Changes are kept for a week: what is kept for less is told apart from what was computed before them.
_KEPT_SECONDS: Final = 3600.0
_MOST_KEPT: Final = 32


class StoredAnswers:
    """What follows from answers, in memory until something is answered, ranked or asked differently."""

    def __init__(self) -> None:
        self._kept: TTLCache[tuple[str, ...], tuple[Row | None, dict[int, Any]]] = TTLCache(
            _MOST_KEPT, _KEPT_SECONDS
        )
        self._lock = threading.Lock()

    def measured(self, connection: sa.Connection, campaign: str | None, name: str) -> dict[int, float]:
        """Return what was measured of a property by each candidate's campaign's method, replicates averaged."""
        key = ("measured", campaign or "", name)
        return self._find(connection, key, lambda: _measured_candidates(connection, campaign, name))

    def judged(self, connection: sa.Connection, campaign: str | None) -> dict[int, bool]:
        """Return whether each candidate that has an answer is a hit, rejected or not; without criteria none is judged."""
        key = ("judged", campaign or "")
        return self._find(connection, key, lambda: _judged_candidates(connection, campaign))

    def _find(
        self, connection: sa.Connection, key: tuple[str, ...], compute: Callable[[], dict[int, Any]]
    ) -> dict[int, Any]:
        # Looked at before what is computed: of answers that come in between the next one who asks sees that they came.
        state = fetch_one(connection, "app/candidates/answers_state")
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and kept[0] == state:
            return kept[1]
        found = compute()
        with self._lock:
            self._kept[key] = (state, found)
        return found


def _measured_candidates(connection: sa.Connection, campaign: str | None, name: str) -> dict[int, float]:
    rows = fetch_all(connection, "app/candidates/answered", campaign=campaign, property=name)
    return {row["candidate_id"]: row["value"] for row in rows if row["value"] is not None}


def _judged_candidates(connection: sa.Connection, campaign: str | None) -> dict[int, bool]:
    rows = fetch_all(connection, "app/candidates/answered", campaign=campaign, property=None)
    answered: list[Row] = []
    for number, group in groupby(rows, key=lambda row: row["candidate_id"]):
        several = list(group)
        values = {row["property"]: row["value"] for row in several if row["value"] is not None}
        answered.append(several[0] | {"candidate_id": number, "measured": values, "rejection_kind": None})
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
