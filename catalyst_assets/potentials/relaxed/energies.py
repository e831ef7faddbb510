"""Formation energies by a potential, as properties of the materials that it relaxed.

An element stands at the lowest energy per atom that the potential gives it: of a state that `elements` relaxed, or of
an ingested crystal of it. What did not converge, or holds an element without such an energy, has a reason in place of a
number. The hull is that of `ingestion.derived.hulls`: these are the entries of one source and one method to it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.derived.hulls import MOST_ELEMENTS, find_too_high, hull_label
from catalyst_assets.ingestion.derived.values import set_derived_values
from catalyst_assets.potentials.relaxed.elements import Reference, load_references
from catalyst_assets.vocabulary.known import known_properties
from resources.postgres.database import execute, fetch_all, fetch_one

if TYPE_CHECKING:
    from catalyst_assets.potentials.relaxed.recipe import Recipe
    from resources.postgres.database import Database

SOURCE: Final = "potential"
_PROPERTY: Final = "formation_energy_per_atom"
_ROUNDED_EV: Final = 6
_AT_ONCE: Final = 5000


@dataclass(frozen=True)
class Computed:
    """The formation energy of a material in eV/atom, or why there is none."""

    energy: float | None
    problem: str | None


@dataclass(frozen=True)
class Account:
    """What energies the materials have that a potential has relaxed.

    Attributes
    ----------
    without
        Those that have none, with the reason.
    contradicted, lost
        Those that have one and a reason for none, or were there when energies were written last and have neither.
    without_hull
        Those that have a formation energy, and no energy above hull although they are of few enough elements and it
        would be in range.
    """

    relaxed: int
    with_energy: int
    with_hull: int
    without: int
    contradicted: int
    lost: int
    without_hull: int


def energies_are_outstanding(database: "Database", recipe: "Recipe") -> bool:
    """Tell whether a material that a potential has relaxed lacks its formation energy."""
    with database.transaction() as connection:
        row = fetch_one(connection, "potentials/energies_outstanding", **recipe.keys, source=SOURCE)
    return bool(row and row["outstanding"])


def write_formation_energies(database: "Database", recipe: "Recipe") -> int:
    """Bring the formation energies of all that a potential has relaxed up to date; return how many materials changed.

    All of it in one transaction, in which nobody else writes materials: energies against different references are never
    seen beside each other.
    """
    stored = load_references(database, recipe)
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_materials")
        rows = fetch_all(connection, "potentials/relaxed_materials", **recipe.keys, source=SOURCE)
        before = {row["material_id"]: row["value"] for row in rows if row["value"] is not None}
        # What another recipe relaxed loses what it had.
        rows = [row for row in rows if row["status"] is not None]
        computed = formation_energies(rows, stored)
        wanted = {name: each.energy for name, each in computed.items() if each.energy is not None}
        by_structure = {
            row["structure_hash"]: {
                "structure_hash": row["structure_hash"],
                "formation_energy": computed[row["material_id"]].energy,
                "formation_problem": computed[row["material_id"]].problem,
            }
            for row in rows
            if Computed(row["formation_energy"], row["formation_problem"]) != computed[row["material_id"]]
        }
        listed = list(by_structure.values())
        for start in range(0, len(listed), _AT_ONCE):
            part = json.dumps(listed[start : start + _AT_ONCE])
            execute(connection, "potentials/set_formation_energies", **recipe.keys, rows=part)
        execute(connection, "potentials/energies_written", **recipe.keys)
        return set_derived_values(
            connection, _PROPERTY, label=SOURCE, method=recipe.method, before=before, wanted=wanted
        )


def formation_energies(
    rows: Sequence[Mapping[str, Any]], stored: Mapping[str, Reference]
) -> dict[str, Computed]:
    """Return the formation energy of each material, or why there is none.

    Parameters
    ----------
    rows
        ``material_id``, ``reduced_formula``, ``elements``, ``status``, ``steps`` and ``energy_per_atom``, corrected, of each.
    stored
        What the elements come to, beside those among the materials.
    """
    references = lowest_references(rows, stored)
    return {row["material_id"]: _formation_energy(row, references, stored) for row in rows}


def lowest_references(rows: Sequence[Mapping[str, Any]], stored: Mapping[str, Reference]) -> dict[str, float]:
    """Return the lowest energy per atom that is known of each element, in eV."""
    lowest = {name: each.energy_per_atom for name, each in stored.items() if each.energy_per_atom is not None}
    for row in rows:
        if len(row["elements"]) == 1 and row["status"] == "converged":
            (element,) = row["elements"]
            lowest[element] = min(row["energy_per_atom"], lowest.get(element, row["energy_per_atom"]))
    return lowest


def measure_energies(database: "Database", recipe: "Recipe") -> Account:
    """Count which of the materials that a potential has relaxed have their energies."""
    about = {**recipe.keys, "source": SOURCE, "label": hull_label(SOURCE)}
    with database.transaction() as connection:
        (row,) = fetch_all(connection, "potentials/energies_account", **about)
        lacking = fetch_all(connection, "potentials/without_hull", **about, most_elements=MOST_ELEMENTS)
    systems = sorted({each["chemical_system"] for each in lacking})
    too_high = find_too_high(database, SOURCE, recipe.method, systems) if systems else set()
    return Account(**row, without_hull=len({each["material_id"] for each in lacking} - too_high))


def hash_energies(database: "Database", recipe: "Recipe") -> str:
    """Return the hash of the formation energies by a potential; those above the hull follow from them."""
    with database.transaction() as connection:
        (content,) = fetch_all(connection, "potentials/energies_sha256", **recipe.keys)
    return str(content["sha256"])


def _formation_energy(
    row: Mapping[str, Any], references: Mapping[str, float], stored: Mapping[str, Reference]
) -> Computed:
    from pymatgen.core.composition import Composition

    if row["status"] != "converged":
        return Computed(None, f"its relaxation did not converge in {row['steps']} steps")
    missing = sorted(set(row["elements"]) - references.keys())
    if missing:
        return Computed(
            None, "there is no reference of " + "; of ".join(_why(name, stored) for name in missing)
        )
    composition = Composition(row["reduced_formula"])
    elements = sum(
        composition.get_atomic_fraction(name) * references[name] for name in sorted(row["elements"])
    )
    value = round(row["energy_per_atom"] - elements, _ROUNDED_EV)
    known = known_properties()[_PROPERTY]
    if not known.admits(value):
        return Computed(None, f"{value:g} {known.unit} is outside {known.range_text}")
    return Computed(value, None)


def _why(element: str, stored: Mapping[str, Reference]) -> str:
    reference = stored.get(element)
    return f"{element} ({reference.problem})" if reference is not None and reference.problem else element
