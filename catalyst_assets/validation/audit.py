"""What would make validation results unfit to learn from: another method, a wrong unit, an unphysical value."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.constants import PROPERTIES
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def audit_results(database: "Database", partition_key: str) -> list[str]:
    """Return the problems of an iteration's results as sentences."""
    with database.transaction() as connection:
        method = read_iteration(connection, partition_key).campaign.method
        rows = fetch_all(connection, "validation/results", partition_key=partition_key)
    return find_result_problems(rows, method)


def find_result_problems(rows: Iterable[Mapping[str, Any]], method: str) -> list[str]:
    """Ask of each result whether its method, unit and range are right."""
    problems = []
    for row in rows:
        name = f"{row['property']} of {row['material_id']}"
        known = PROPERTIES.get(row["property"])
        if row["method"] != method:
            problems.append(f"{name} is by {row['method']}, the campaign's method is {method}.")
        if known is None:
            problems.append(f"{name} is no known property.")
            continue
        if row["unit"] != known.unit:
            problems.append(f"{name} is in {row['unit']}, not {known.unit}.")
        if row["value"] is not None and not known.low <= row["value"] <= known.high:
            problems.append(
                f"{name} is {row['value']:g} {known.unit}, outside {known.low:g} to {known.high:g}."
            )
    return problems
