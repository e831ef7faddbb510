"""Loading what is cached, as the asset `materials` does but without Dagster, and looking at the result."""

from typing import Any

import sqlalchemy as sa

from catalyst_assets.ingestion.shards import Settled, load_shard, plan_shards, settle_files
from resources.platform import Platform
from resources.postgres.database import Role


def load(platform: Platform, *, reparse: bool = False, backwards: bool = False) -> Settled:
    """Load every pending file, or every current one, in the order of their arrival or against it."""
    shards = plan_shards(platform.database, platform.objects, platform.settings, reparse=reparse)
    shards.sort(key=lambda shard: shard["raw_file_id"], reverse=backwards)
    return settle_files(
        platform.database,
        platform.objects,
        [(shard["raw_file_id"], load_shard(platform.database, platform.objects, shard)) for shard in shards],
    )


def query(platform: Platform, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with platform.database.transaction(Role.OWNER) as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]
