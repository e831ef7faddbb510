"""What would make validation results unfit to learn from: another method, a wrong unit, an unphysical value."""

from typing import TYPE_CHECKING

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.labels import find_unfit_values
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def audit_results(database: "Database", partition_key: str) -> list[str]:
    """Return the problems of an iteration's results as sentences."""
    with database.transaction() as connection:
        method = read_iteration(connection, partition_key).campaign.method
        rows = fetch_all(connection, "validation/results", partition_key=partition_key)
    return find_unfit_values(rows, method)
