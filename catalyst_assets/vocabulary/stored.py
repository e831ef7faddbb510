"""The words of this installation in its database, where views name units by them: SQL reads no properties file."""

from typing import TYPE_CHECKING

from catalyst_assets.vocabulary.known import known_properties, label_of
from resources.postgres.database import execute

if TYPE_CHECKING:
    import sqlalchemy as sa


def keep_known_properties(connection: "sa.Connection") -> None:
    """Write what properties are called and measured in; those that are no longer declared stay.

    Raises
    ------
    UsageError
        The deployment's file cannot be read or is not valid.
    """
    known = sorted(known_properties().items())
    execute(
        connection,
        "campaigns/keep_known_properties",
        properties=[name for name, _ in known],
        units=[each.unit for _, each in known],
        labels=[label_of(name) for name, _ in known],
        descriptions=[each.description for _, each in known],
    )
