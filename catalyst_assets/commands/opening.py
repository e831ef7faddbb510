"""Opening the installation for one command."""

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from resources.platform import Platform


@contextmanager
def open_platform(home: "Path | None") -> "Iterator[Platform]":
    """Open database, registry and object store of the installation under ``home``.

    Raises
    ------
    DatabaseUnavailableError, SchemaVersionError
        As `connect`.
    """
    from resources.platform import Platform
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    settings = load_settings(home=home)
    with connect(settings) as database:
        yield Platform(settings, database)
