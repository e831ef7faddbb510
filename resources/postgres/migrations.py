"""The schema of the `catalyst` database: `sql/migrations/NNNN_name.sql`, applied in order, once each."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_assets.errors import CatalystError, SchemaVersionError
from resources.paths import project_file
from resources.postgres.database import Database, Role, execute, fetch_all, fetch_one, run_as_written

if TYPE_CHECKING:
    import sqlalchemy as sa

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")


@dataclass(frozen=True)
class Migration:
    """One step of the schema."""

    version: int
    name: str
    sha256: str
    path: Path


@dataclass(frozen=True)
class AppliedMigration:
    """A step that a database has taken."""

    version: int
    name: str
    sha256: str
    applied_at: datetime


@dataclass(frozen=True)
class SchemaState:
    """What a database has of the schema that this code knows."""

    applied: tuple[AppliedMigration, ...]
    pending: tuple[Migration, ...]

    @property
    def version(self) -> int:
        """The newest applied step; 0 for an empty database."""
        return self.applied[-1].version if self.applied else 0


@cache
def read_migrations(folder: Path | None = None) -> tuple[Migration, ...]:
    """Return the migrations in ``folder`` (default: the installation's), in order.

    Raises
    ------
    CatalystError
        A file is misnamed, or two have the same number.
    """
    found: dict[int, Migration] = {}
    for path in sorted((folder or project_file("sql") / "migrations").glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None or int(match[1]) in found:
            raise CatalystError(
                f"{path} is not a migration: expected a unique NNNN_name.sql.", "Rename or remove the file."
            )
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[int(match[1])] = Migration(int(match[1]), match[2], digest, path)
    return tuple(found.values())


def schema_state(database: Database, folder: Path | None = None) -> SchemaState:
    """Compare the database with the migrations of this code, changing nothing.

    Raises
    ------
    SchemaVersionError
        The database is newer than the code, or an applied migration was changed afterwards.
    """
    with database.transaction(database.reader) as connection:
        return _state(connection, folder)


def upgrade_schema(database: Database, folder: Path | None = None) -> list[Migration]:
    """Apply what is pending, each migration in a transaction of its own, and return it.

    Raises
    ------
    SchemaVersionError
        As `schema_state`, or a migration failed; it left nothing behind.
    """
    done: list[Migration] = []
    pending = schema_state(database, folder).pending
    while pending:
        with database.transaction(Role.OWNER) as connection:
            execute(connection, "migrations/lock")
            execute(connection, "migrations/create_table")
            pending = _state(connection, folder).pending  # another process may have been faster
            if pending:
                _apply(connection, pending[0])
                done.append(pending[0])
                pending = pending[1:]
    return done


def require_current_schema(database: Database, folder: Path | None = None) -> None:
    """Refuse a database that is not at the schema of this code.

    Raises
    ------
    SchemaVersionError
        As `schema_state`, or migrations are pending.
    """
    state = schema_state(database, folder)
    if state.pending:
        raise SchemaVersionError(
            f"The database is at schema {state.version}, this version of catalyst needs "
            f"{state.pending[-1].version}.",
            "Run `catalyst db upgrade`.",
        )


def _state(connection: "sa.Connection", folder: Path | None) -> SchemaState:
    known = {migration.version: migration for migration in read_migrations(folder)}
    present = fetch_one(connection, "migrations/table_exists")
    rows = fetch_all(connection, "migrations/applied") if present and present["present"] else []
    applied = tuple(AppliedMigration(**row) for row in rows)
    for step in applied:
        if step.version not in known:
            raise SchemaVersionError(
                f"The database is at schema {applied[-1].version} ({applied[-1].name}), newer than this "
                f"version of catalyst, which knows up to {max(known, default=0)}.",
                "Install the version of catalyst that wrote it, or choose another home or database.",
            )
        if known[step.version].sha256 != step.sha256:
            raise SchemaVersionError(
                f"{known[step.version].path.name} was changed after it was applied on "
                f"{step.applied_at:%Y-%m-%d %H:%M}.",
                "Restore the file and put the change into a new migration, or choose another home or database.",
            )
    seen = {step.version for step in applied}
    return SchemaState(applied, tuple(step for version, step in known.items() if version not in seen))


def _apply(connection: "sa.Connection", migration: Migration) -> None:
    import sqlalchemy as sa

    try:
        run_as_written(connection, migration.path.read_text(encoding="utf-8"))
    except sa.exc.OperationalError as error:
        raise SchemaVersionError(
            f"The connection was lost while {migration.path.name} was applied: {str(error.orig).strip()}.",
            "Nothing was changed; run again.",
        ) from error
    except sa.exc.DBAPIError as error:
        raise SchemaVersionError(
            f"{migration.path.name} failed: {str(error.orig).strip().splitlines()[0]}.",
            "Nothing of it was applied. The database may hold objects of the same name, or the login may "
            "lack the right to create roles.",
        ) from error
    record = {"version": migration.version, "name": migration.name, "sha256": migration.sha256}
    execute(connection, "migrations/record", **record)
