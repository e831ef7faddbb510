"""Crystals of the database as graphs, for networks that read structures and not their cached features."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from catalyst_assets.errors import LoopError
from catalyst_assets.representation.graphs import CrystalGraph, build_graphs
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


def read_graphs(database: "Database", structure_hashes: Sequence[str], cutoff: float) -> list[CrystalGraph]:
    """Read structures and list their neighbours within ``cutoff`` Å, in the order asked.

    Raises
    ------
    LoopError
        A structure is gone, or has no graph.
    """
    from pymatgen.core.structure import Structure

    with database.transaction() as connection:
        wanted = sorted(set(structure_hashes))
        rows = fetch_all(connection, "representation/structures", structure_hashes=wanted)
    found = [row["structure_hash"] for row in rows]
    graphs, failures = build_graphs((Structure.from_dict(row["structure_json"]) for row in rows), cutoff)
    by_hash = {found[index]: graph for index, graph in graphs.items()}
    reasons = {found[index]: reason for index, reason in failures.items()}
    absent = sorted(set(structure_hashes) - set(by_hash))
    if absent:
        reason = reasons.get(absent[0], "It has been replaced since.")
        raise LoopError(
            f"{len(absent)} structures cannot be read, among them {absent[0][:16]}. {reason}",
            "Materialize `structure_embeddings`, then the iteration from `training_set` on.",
        )
    return [by_hash[name] for name in structure_hashes]
