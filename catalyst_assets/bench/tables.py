"""Where the published tables lie that benchmarks read: in a checkout of the project, not in its wheel."""

from pathlib import Path
from typing import Final

from catalyst_assets.errors import UsageError
from resources.paths import project_file

PEROVSKITES: Final = "castelli/perovskites.csv"
PEROV5: Final = "perov5"


def published_table(given: Path | None, name: str, option: str) -> Path:
    """Return the table that was named, or the checkout's own.

    Parameters
    ----------
    given
        What the user named; None if nothing.
    name
        The table below ``catalyst_assets_tests/data``.
    option
        By which it is named.

    Raises
    ------
    UsageError
        Nothing was named, and this is no checkout.
    """
    if given is not None:
        return given
    try:
        return project_file("catalyst_assets_tests") / "data" / name
    except FileNotFoundError:
        raise UsageError(
            f"This installation carries no table {name}; a checkout of the project does.",
            f"Name a table of your own with {option}.",
        ) from None
