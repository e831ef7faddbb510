"""What a campaign asks a laboratory for: its candidates that wait for an answer, with what is to be measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.errors import UsageError
from catalyst_assets.vocabulary.known import label_of, unit_of
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class Asked:
    """A property that is to be measured."""

    property: str
    label: str
    unit: str


@dataclass(frozen=True)
class OrderedCandidate:
    """One candidate of a work order.

    Attributes
    ----------
    predicted
        Mean and standard deviation by property, in its unit.
    n_sites, structure
        In the cell, and as pymatgen writes it; None where only the composition is known.
    """

    candidate: int
    partition_key: str
    iteration: int
    rank: int
    material_id: str
    formula: str
    status: str
    n_sites: int | None
    predicted: Mapping[str, Any] = field(repr=False)
    structure: Mapping[str, Any] | None = field(repr=False)

    @property
    def cif_name(self) -> str:
        """Name of the file with its structure."""
        return f"{self.candidate}_{self.formula}.cif"


@dataclass(frozen=True)
class WorkOrder:
    """What is asked for, all in all.

    Attributes
    ----------
    asked
        What every candidate is measured for.
    method
        By which method.
    """

    campaign: str
    description: str
    method: str
    asked: tuple[Asked, ...]
    candidates: tuple[OrderedCandidate, ...]

    @property
    def iterations(self) -> tuple[int, ...]:
        """Those that its candidates are of."""
        return tuple(sorted({each.iteration for each in self.candidates}))


def read_order(connection: "sa.Connection", campaign: str, iteration: int | None = None) -> WorkOrder:
    """Return what a campaign waits for, or one of its iterations.

    Raises
    ------
    UsageError
        There is no such campaign.
    """
    row = fetch_one(connection, "campaigns/one", name=campaign)
    if row is None:
        raise UsageError(f"There is no campaign {campaign}.", "`catalyst campaign list` names them.")
    goal = read_stored(row["document"])
    rows = fetch_all(connection, "validation/work_orders/candidates", campaign=campaign, iteration=iteration)
    return WorkOrder(
        campaign,
        goal.description,
        goal.method,
        tuple(Asked(name, label_of(name), unit_of(name)) for name in goal.learned_properties),
        tuple(OrderedCandidate(candidate=row.pop("candidate_id"), **row) for row in rows),
    )
