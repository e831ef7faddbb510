"""Opening the installation for one command, and the option that names it."""

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resources.platform import Platform
    from resources.settings import Settings

Home = Annotated[
    Path | None,
    typer.Option(
        file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@contextmanager
def open_platform(home: Path | None, *, upgrade: bool = False) -> "Iterator[Platform]":
    """Open database, registry and object store of the installation under ``home``.

    Parameters
    ----------
    upgrade
        Make the database, or bring its schema up to date, first.

    Raises
    ------
    DatabaseUnavailableError, SchemaVersionError
        As `connect`.
    """
    from resources.platform import Platform
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    settings = load_settings(home=home)
    with connect(settings, upgrade=upgrade) as database:
        yield Platform(settings, database)


def require_database(settings: "Settings") -> None:
    """Make sure that there is a database to open.

    Raises
    ------
    UsageError
        There is none yet.
    """
    from catalyst_assets.errors import UsageError

    if settings.embedded and not (settings.home / "postgres" / "data").exists():
        raise UsageError(
            f"There is no database under {settings.home}.",
            "Start with `catalyst demo` or `catalyst up`, or name the folder with --home.",
        )
