"""What would make validation results unfit to learn from: another method, a wrong unit, an unphysical value.

And what is worth a look: values that stand apart.
"""

from typing import TYPE_CHECKING

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.labels import find_unfit_values
from catalyst_assets.validation.results.outliers import load_flags
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def audit_results(database: "Database", partition_key: str) -> list[str]:
    """Return the problems of an iteration's results as sentences."""
    with database.transaction() as connection:
        method = read_iteration(connection, partition_key).campaign.method
        rows = fetch_all(connection, "validation/results", partition_key=partition_key)
    return find_unfit_values(rows, method)


def find_outliers(database: "Database", partition_key: str) -> list[str]:
    """Return the results of an iteration that stand apart from their replicates or their prediction, as sentences."""
    with database.transaction() as connection:
        campaign = read_iteration(connection, partition_key).campaign.name
        flags = load_flags(connection, campaign)
    return [f"{flag}." for flag in flags if flag.partition_key == partition_key]
