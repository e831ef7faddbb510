"""Between database and potential: which structures wait to be relaxed, and relaxing some of them.

What was relaxed is written with all of its shard in one transaction; what a potential cannot relax goes to quarantine
under the potential's name.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.potentials.relaxed.corrections import correction_ev
from catalyst_assets.potentials.relaxed.recipe import choose_recipe
from catalyst_assets.potentials.worker.symmetry import space_group
from catalyst_assets.sharding import shard_bounds, split_by_weight
from resources.postgres.database import execute, execute_many, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa
    from pymatgen.core.structure import Structure

    from catalyst_assets.potentials.interface import Answer, Potential
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from resources.postgres.database import Database
    from resources.settings import Settings

QUARANTINE_SOURCE: Final = "relaxed_structures"
# Some minutes of a core for the slower potentials: what a killed worker costs.
_MOST_SITES: Final = 1500


@dataclass(frozen=True)
class Account:
    """What became of the structures in use.

    Attributes
    ----------
    failed
        Those in quarantine.
    waiting
        Those of which nothing is known.
    relaxed_and_failed
        Those of which two things are said.
    other_space_group
        Those that ended in another space group than they began in.
    mean_volume_change
        Of the relaxed ones, without sign; None where there are none.
    """

    structures: int
    converged: int
    not_converged: int
    failed: int
    waiting: int
    relaxed_and_failed: int
    other_space_group: int
    mean_volume_change: float | None


def plan_relaxations(
    database: "Database", settings: "Settings", recipe: "Recipe", most_steps: int, *, again: bool = False
) -> list[list[str]]:
    """Cut the structures that wait for a potential into shards, each a list of hashes.

    From now on the recipe is that of its potential.

    Parameters
    ----------
    again
        Whether those that it failed at wait, too.
    """
    choose_recipe(database, recipe)
    with database.transaction() as connection:
        execute(
            connection,
            "potentials/forget_contradicted",
            **recipe.keys,
            quarantine_source=QUARANTINE_SOURCE,
        )
        rows = fetch_all(
            connection,
            "potentials/waiting_structures",
            **recipe.keys,
            most_steps=most_steps,
            again=again,
            quarantine_source=QUARANTINE_SOURCE,
        )
    shards = []
    for start, stop in shard_bounds(len(rows), settings):
        part = rows[start:stop]
        for first, last in split_by_weight([row["n_sites"] for row in part], _MOST_SITES):
            shards.append([row["structure_hash"] for row in part[first:last]])
    return shards


def any_waiting(database: "Database", recipe: "Recipe") -> bool:
    """Tell whether a structure in use was neither relaxed by a potential nor failed by it."""
    with database.transaction() as connection:
        row = fetch_one(
            connection, "potentials/any_waiting", **recipe.keys, quarantine_source=QUARANTINE_SOURCE
        )
    return bool(row and row["waiting"])


def relax_shard(
    database: "Database",
    potential: "Potential",
    recipe: "Recipe",
    most_steps: int,
    structure_hashes: Sequence[str],
) -> dict[str, int]:
    """Relax some structures and write what came of it; those that were relaxed meanwhile are left as they are.

    Returns
    -------
    dict
        How many were ``converged``, ``not_converged``, ``failed``, or are ``known`` or not in use any more.

    Raises
    ------
    PotentialError
        The potential's worker cannot start.
    """
    from pymatgen.core.structure import Structure

    with database.transaction() as connection:
        rows = fetch_all(
            connection,
            "potentials/structures",
            **recipe.keys,
            most_steps=most_steps,
            structure_hashes=list(structure_hashes),
        )
    before = {
        row["structure_hash"]: Structure.from_dict(row["structure_json"])
        for row in rows
        if row["structure_json"] is not None
    }
    materials = {row["structure_hash"]: row["material_ids"] for row in rows}
    wanted = replace(recipe.wanted, most_steps=most_steps)
    answers = (
        potential.relax({name: as_atoms(found) for name, found in before.items()}, wanted) if before else ()
    )
    kept, failures = (
        [],
        {row["structure_hash"]: NO_STRUCTURE for row in rows if row["structure_json"] is None},
    )
    for answer in answers:
        row = _read(answer, before[answer.name], recipe)
        if isinstance(row, str):
            failures[answer.name] = row
        else:
            kept.append(row)
    with database.transaction() as connection:
        _write(connection, recipe, kept, failures, materials)
    converged = sum(row["status"] == "converged" for row in kept)
    return {
        "converged": converged,
        "not_converged": len(kept) - converged,
        "failed": len(failures),
        "known": len(structure_hashes) - len(rows),
    }


def measure_account(database: "Database", recipe: "Recipe") -> Account:
    """Count what became of the structures in use."""
    with database.transaction() as connection:
        (row,) = fetch_all(
            connection, "potentials/account", **recipe.keys, quarantine_source=QUARANTINE_SOURCE
        )
    return Account(**row)


def hash_relaxed(database: "Database", recipe: "Recipe") -> tuple[str, int]:
    """Return the hash of a potential's relaxed structures, and their number."""
    with database.transaction() as connection:
        (content,) = fetch_all(connection, "potentials/relaxed_sha256", **recipe.keys)
    return str(content["sha256"]), int(content["relaxed"])


def as_atoms(structure: "Structure") -> Any:
    """Return a structure as ASE's `Atoms`, without what a potential has no use for."""
    from ase import Atoms

    return Atoms(
        numbers=[site.specie.Z for site in structure],
        scaled_positions=structure.frac_coords,
        cell=structure.lattice.matrix,
        pbc=True,
    )


def _read(answer: "Answer", before: "Structure", recipe: "Recipe") -> dict[str, Any] | str:
    """Return the row of a relaxed structure, or why there is none."""
    from pymatgen.core.structure import Structure
    from pymatgen.entries.compatibility import CompatibilityError

    from catalyst_assets.ingestion.reading.crystals import describe
    from catalyst_assets.ingestion.reading.limits import structure_problems

    if answer.error or answer.relaxed is None or answer.status not in {"converged", "not_converged"}:
        return answer.error or "the potential gave no structure"
    after = Structure(
        answer.relaxed.cell.array, before.species, answer.relaxed.get_scaled_positions(), to_unit_cell=True
    )
    (crystal,) = describe([after])
    if problems := structure_problems([crystal]):
        return "relaxed to what is no crystal: " + "; ".join(reason for _, reason in problems)
    try:
        correction = correction_ev(after, recipe.corrections)
    except CompatibilityError as error:
        return f"relaxed, and its energy cannot be corrected by {recipe.corrections}: {error}"
    return {
        "method": recipe.method,
        "recipe_sha256": recipe.sha256,
        "structure_hash": answer.name,
        "relaxed_hash": crystal.structure_hash,
        "structure_json": json.dumps(crystal.structure_json),
        "energy_ev": answer.energy,
        "correction_ev": correction,
        "n_sites": len(after),
        "status": answer.status,
        "steps": answer.steps,
        "largest_force": answer.largest_force,
        "space_group_held": answer.held,
        "space_group_before": _space_group(before),
        "space_group_after": _space_group(after),
        "volume_change": after.volume / before.volume - 1,
    }


def _space_group(structure: "Structure") -> int | None:
    numbers = np.array([site.specie.Z for site in structure])
    return space_group(structure.lattice.matrix, structure.frac_coords, numbers)


def _write(
    connection: "sa.Connection",
    recipe: "Recipe",
    kept: Sequence[Mapping[str, Any]],
    failures: Mapping[str, str],
    materials: Mapping[str, Sequence[str]],
) -> None:
    execute(
        connection,
        "potentials/forget_failures",
        quarantine_source=QUARANTINE_SOURCE,
        method=recipe.method,
        structure_hashes=[*(row["structure_hash"] for row in kept), *failures],
    )
    execute_many(connection, "potentials/keep_relaxed", kept)
    execute(connection, "potentials/forget_relaxed", **recipe.keys, structure_hashes=list(failures))
    execute_many(
        connection,
        "representation/quarantine",
        [
            {
                "source": QUARANTINE_SOURCE,
                "record": name,
                "raw_sha256": recipe.method,
                "reason": reason,
                "payload": json.dumps({"material_ids": list(materials[name]), "recipe": recipe.sha256}),
            }
            for name, reason in sorted(failures.items())
        ],
    )
