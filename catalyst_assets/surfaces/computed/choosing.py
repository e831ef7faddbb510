"""Which materials have their adsorption energies computed: those that somebody names, of a campaign's pool, or of a filter.

Never all there are: a material takes a potential seconds to minutes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.campaigns.pool import load_pool
from catalyst_assets.campaigns.pool_filter import Pool
from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.errors import UsageError
from catalyst_assets.sharding import split_by_weight
from resources.postgres.database import fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa
    from pymatgen.core.structure import Structure

    from resources.postgres.database import Database
    from resources.settings import Settings

# What a shard has at most: sites of crystals, whose slabs have ten to a hundred times as many, times adsorbates and facets.
_MOST_WORK: Final = 72


@dataclass(frozen=True)
class Choice:
    """Which materials are meant.

    Attributes
    ----------
    materials
        These.
    campaign
        Those of its pool.
    source, elements, only_elements
        Those that pass, as a campaign's pool does.
    most
        So many of those that wait, the first by their ids; of those that are named, all.
    """

    materials: tuple[str, ...] = ()
    campaign: str | None = None
    source: str | None = None
    elements: tuple[str, ...] = ()
    only_elements: tuple[str, ...] = ()
    most: int = 100

    @property
    def is_empty(self) -> bool:
        """Whether nothing is chosen."""
        return not (self.materials or self.campaign or self.source or self.elements or self.only_elements)


def choose_materials(database: "Database", choice: Choice) -> list[str]:
    """Return the materials that are meant.

    Raises
    ------
    UsageError
        One that is named, or the campaign, is not there.
    """
    with database.transaction() as connection:
        if choice.materials:
            return _known(connection, choice.materials)
        if choice.campaign is not None:
            row = fetch_one(connection, "campaigns/one", name=choice.campaign)
            if row is None:
                raise UsageError(
                    f"There is no campaign {choice.campaign}.", "`catalyst campaign list` lists them."
                )
            pool = read_stored(row["document"]).pool
        elif choice.is_empty:
            return []
        else:
            pool = Pool(source=choice.source, elements=choice.elements, only_elements=choice.only_elements)
        return [row["material_id"] for row in load_pool(connection, pool)]


def load_structures(database: "Database", materials: Sequence[str]) -> "dict[str, Structure]":
    """Return materials as they were ingested.

    Raises
    ------
    UsageError
        One is not there, or has no structure.
    """
    from pymatgen.core.structure import Structure

    with database.transaction() as connection:
        found = _structures(connection, materials)
    for name in materials:
        if found[name] is None:
            raise UsageError(f"{name} cannot be computed. {NO_STRUCTURE}", "Name materials that have one.")
    return {name: Structure.from_dict(found[name]) for name in materials}


def cut_shards(settings: "Settings", rows: Sequence[Mapping[str, Any]], facets: int) -> Iterator[list[str]]:
    """Yield the ids of waiting materials in shards.

    Parameters
    ----------
    rows
        Of :func:`waiting`.
    facets
        How many a material may have.
    """
    weights = [row["n_sites"] * len(row["adsorbates"]) * facets for row in rows]
    most = max(_MOST_WORK, -(-sum(weights) // settings.max_shards))
    for start, stop in split_by_weight(weights, most) if rows else ():
        yield [row["material_id"] for row in rows[start:stop]]


def waiting(
    connection: "sa.Connection",
    materials: Sequence[str],
    adsorbates: Sequence[str],
    method: str,
    settings_sha256: str,
    *,
    again: bool,
) -> list[Any]:
    """Return which of some materials wait for which adsorbates."""
    return fetch_all(
        connection,
        "surfaces/waiting",
        materials=list(materials),
        adsorbates=list(adsorbates),
        method=method,
        settings_sha256=settings_sha256,
        again=again,
    )


def _known(connection: "sa.Connection", materials: Sequence[str]) -> list[str]:
    _structures(connection, materials)
    return list(dict.fromkeys(materials))


def _structures(connection: "sa.Connection", materials: Sequence[str]) -> dict[str, Any]:
    rows = fetch_all(connection, "surfaces/structures", materials=list(materials))
    found = {row["material_id"]: row["structure_json"] for row in rows}
    for material in materials:
        if material not in found:
            raise UsageError(f"There is no material {material}.", "`catalyst db query` lists what there is.")
    return found
