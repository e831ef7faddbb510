"""How far every campaign is, kept in memory until something of one is answered, decided or asked differently."""

import threading
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa
from cachetools import TTLCache

from dash_app.api.discovery import Discovery, evaluations_of, parse_document, sum_up
from resources.postgres.database import Row, fetch_all

# Changes are kept for a week: what is kept for less is told apart from what was computed before them.
_KEPT_SECONDS: Final = 3600.0
_MOST_KEPT: Final = 10_000


class Standings:
    """What each campaign has come to; only those are read of which something changed."""

    def __init__(self) -> None:
        self._kept: TTLCache[str, tuple[Row, Discovery]] = TTLCache(_MOST_KEPT, _KEPT_SECONDS)
        self._lock = threading.Lock()

    def of(self, connection: sa.Connection, campaigns: Sequence[Row]) -> dict[str, Discovery]:
        """Return what campaigns, rows of `app/campaigns`, have come to."""
        # Looked at before what is read: of what changes in between the next one who asks sees that it did.
        states = {row["name"]: row for row in fetch_all(connection, "app/campaign_states")}
        found = {}
        for row in campaigns:
            name = row["name"]
            state = states.get(name, {})
            with self._lock:
                kept = self._kept.get(name)
            if kept is None or kept[0] != state:
                campaign = parse_document(row["document"])
                kept = state, sum_up(campaign, evaluations_of(connection, name, campaign))
                with self._lock:
                    self._kept[name] = kept
            found[name] = kept[1]
        return found
