"""Loading what is cached, as the assets of ingestion do but without Dagster, and looking at the result."""

from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from catalyst_assets.ingestion.derived.update import update_derived
from catalyst_assets.ingestion.shards import load_shard, plan_shards, settle_files
from resources.platform import Platform
from resources.postgres.database import Role


def load(platform: Platform, *, reparse: bool = False, backwards: bool = False) -> SimpleNamespace:
    """Load every pending file, or every current one, in the order of their arrival or against it; derive the rest.

    What comes back has the fields of ``Settled`` and of ``Updated``.
    """
    shards = plan_shards(platform.database, platform.objects, platform.settings, reparse=reparse)
    shards.sort(key=lambda shard: shard["raw_file_id"], reverse=backwards)
    settled = settle_files(
        platform.database,
        platform.objects,
        [(shard["raw_file_id"], load_shard(platform.database, platform.objects, shard)) for shard in shards],
    )
    return SimpleNamespace(**asdict(settled), **asdict(update_derived(platform.database)))


def query(platform: Platform, statement: str, **parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a statement."""
    with platform.database.transaction(Role.OWNER) as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement), parameters)]
