"""What every campaign of an installation has come to, as rows and as a table for 80 columns.

`catalyst campaign list` and `catalyst status` show it.
"""

from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.commands.tables import fitted_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.table import Table

    from resources.postgres.database import Database

_STANDINGS: Final = ("ranked", "flagged", "in_validation", "validated", "rejected")
_WHY: Final = "why it ended"
# In the order in which they go where there is no room for all.
_DISPENSABLE: Final = (_WHY, "validated", "rejected", "in validation", "flagged", "ranked", "iterations")


def read_overview(database: "Database") -> "list[dict[str, Any]]":
    """Return one row a campaign in the order of their starts; ``n_hits`` is None where nothing can be a hit."""
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.campaigns.library import read_stored
    from catalyst_assets.errors import CatalystError
    from resources.postgres.database import Role, fetch_all

    found = []
    with database.transaction(Role.PIPELINE) as connection:
        for row in fetch_all(connection, "campaigns/overview"):
            try:
                campaign = read_stored(row.pop("document"))
                hits = sum(one.is_hit for one in load_evaluations(connection, campaign))
                row["n_hits"] = hits if campaign.criteria else None
            except CatalystError:  # of another version: what can be counted without reading it is
                row["n_hits"] = None
            found.append(row)
    return found


def campaigns_table(
    campaigns: "Sequence[Mapping[str, Any]]", width: int, *, standings: bool = False
) -> "Table":
    """Return the table of what each campaign has come to.

    Parameters
    ----------
    width
        Columns that do not fit are left out, the least important first.
    standings
        Count its candidates by their standing, as far as one has any.
    """
    shown = [name for name in _STANDINGS if standings and any(row[name] for row in campaigns)]
    rows = [
        {
            "campaign": row["name"],
            "status": row["status"],
            "iterations": str(row["n_iterations"]),
            "evaluated": str(row["n_evaluated"]),
            "hits": "-" if row["n_hits"] is None else str(row["n_hits"]),
            **{name.replace("_", " "): str(row[name]) for name in shown},
            _WHY: row["stop_reason"] or "",
        }
        for row in campaigns
    ]
    return fitted_table("Campaigns", rows, ("campaign", "status", _WHY), _DISPENSABLE, width)
