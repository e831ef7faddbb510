"""What a pool holds, asked while somebody types: counted in a bounded time, a large one judged by a sample, and kept a while."""

import json
import threading
from collections.abc import Callable
from typing import Any, Final

import sqlalchemy as sa
from cachetools import TTLCache

from catalyst_assets.campaigns.evaluations import judge_hits
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.pool import count_left_out, count_pool, sample_pool
from catalyst_assets.campaigns.pool_filter import Pool
from dash_app.goal_contract import PoolPreview
from resources.postgres.database import execute, fetch_all

_KEPT_SECONDS: Final = 60.0
_MOST_KEPT: Final = 200
MOST_LOOKED_AT: Final = 20_000
MOST_MILLISECONDS: Final = 8_000


class Previews:
    """Pools that were looked at lately: who types asks for the same one again and again."""

    def __init__(self) -> None:
        self._kept: TTLCache[str, Any] = TTLCache(_MOST_KEPT, _KEPT_SECONDS)
        self._lock = threading.Lock()

    def look(self, connection: sa.Connection, pool: Pool, campaign: Campaign | None) -> PoolPreview:
        """Return what a pool holds; of a goal that cannot be read yet no hits.

        Raises
        ------
        DatabaseBusyError
            It took too long.
        """
        execute(connection, "app/limit_statements", milliseconds=MOST_MILLISECONDS)
        selected = pool.model_dump_json()
        size: int = self.kept(f"size {selected}", lambda: count_pool(connection, pool))
        left_out = self.kept(f"left out {selected}", lambda: count_left_out(connection, pool))
        looked_at = min(size, MOST_LOOKED_AT)
        if campaign is None:
            return PoolPreview(
                size=size,
                left_out=left_out,
                looked_at=looked_at,
                known=None,
                hits=None,
                is_estimate=looked_at < size,
            )
        parts = campaign.model_dump(mode="json", include={"criteria", "objective", "method", "derive"})
        known, hits = self.kept(
            f"known {selected} {json.dumps(parts, sort_keys=True)}",
            lambda: _judge(connection, pool, campaign),
        )
        return PoolPreview(
            size=size,
            left_out=left_out,
            looked_at=looked_at,
            known=known,
            hits=hits,
            is_estimate=looked_at < size,
        )

    def kept(self, key: str, find: Callable[[], Any]) -> Any:
        """Return what was found under a key lately, or find it."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        found = find()
        with self._lock:
            self._kept[key] = found
        return found


def _judge(connection: sa.Connection, pool: Pool, campaign: Campaign) -> tuple[int, int | None]:
    rows = fetch_all(
        connection,
        "app/known_values",
        material_ids=sample_pool(connection, pool, MOST_LOOKED_AT),
        properties=sorted({*campaign.properties, *campaign.learned_properties}),
        method=campaign.method,
    )
    learned = set(campaign.learned_properties)
    named = set(campaign.properties)
    complete = [row for row in rows if learned <= row["known"].keys() or named <= row["known"].keys()]
    if not campaign.criteria:
        return len(complete), None
    values: list[dict[str, float]] = [row["known"] for row in complete]
    return len(complete), sum(judge_hits(campaign, values, [row["formula"] for row in complete]))
