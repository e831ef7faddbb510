"""Crystals of the database as graphs, for networks that read structures and not their cached features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.errors import LoopError
from catalyst_assets.representation.graphs import CrystalGraph, build_graphs
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def find_graphs(
    database: "Database", structure_hashes: Sequence[str], cutoff: float
) -> tuple[dict[str, CrystalGraph], dict[str, str]]:
    """Read structures and list their neighbours within ``cutoff`` Å; return graphs and reasons of failure by hash."""
    from pymatgen.core.structure import Structure

    wanted = sorted(set(structure_hashes))
    with database.transaction() as connection:
        rows = fetch_all(connection, "representation/structures", structure_hashes=wanted)
    reasons = dict.fromkeys(
        set(wanted) - {row["structure_hash"] for row in rows}, "It has been replaced since."
    )
    reasons |= {row["structure_hash"]: NO_STRUCTURE for row in rows if row["structure_json"] is None}
    rows = [row for row in rows if row["structure_json"] is not None]
    found = [row["structure_hash"] for row in rows]
    graphs, failures = build_graphs((Structure.from_dict(row["structure_json"]) for row in rows), cutoff)
    reasons |= {found[index]: reason for index, reason in failures.items()}
    return {found[index]: graph for index, graph in graphs.items()}, reasons


def read_graphs(database: "Database", structure_hashes: Sequence[str], cutoff: float) -> list[CrystalGraph]:
    """Read structures and list their neighbours within ``cutoff`` Å, in the order asked.

    Raises
    ------
    LoopError
        A structure is gone, has no graph, or only its composition is known.
    """
    graphs, reasons = find_graphs(database, structure_hashes, cutoff)
    if reasons:
        first = min(reasons)
        remedy = (
            "Leave such materials out of the pool (`n_sites_min: 1`), or do not fine-tune."
            if reasons[first] == NO_STRUCTURE
            else "Materialize `structure_embeddings`, then the iteration from `training_set` on."
        )
        raise LoopError(
            f"{len(reasons)} structures cannot be read, among them {first[:16]}. {reasons[first]}", remedy
        )
    return [graphs[name] for name in structure_hashes]
