"""Energy above hull of materials whose source gives a formation energy and no hull.

A hull is made of the entries of one source and one method: references and corrections of two sources differ by more
than phases do. The elements stand at zero, which is what a formation energy is measured from. What is missing among
the ingested entries is missing in the hull, so the energy above it is a lower bound. The construction is pymatgen's
(Ong et al., Chem. Mater. 20, 1798 (2008)).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.progress import report
from catalyst_assets.vocabulary.known import known_properties
from resources.postgres.database import execute, execute_many, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database

SUFFIX: Final = "_hull"
# A convex hull in more dimensions takes minutes, and nobody has computed its phases.
_MOST_ELEMENTS: Final = 8
_ROUNDED_EV: Final = 6


@dataclass(frozen=True)
class FormationEnergy:
    """A formation energy in eV/atom that one source gives by one method."""

    material_id: str
    reduced_formula: str
    chemical_system: str
    value: float
    has_hull: bool = False


def update_hulls(database: "Database") -> int:
    """Compute every hull whose entries have changed; return how many materials got another value."""
    changed = 0
    with database.transaction() as connection:
        kinds = fetch_all(connection, "ingestion/hulls_to_compute", suffix=SUFFIX)
    for kind in kinds:
        by = {"source": kind["source"], "method": kind["method"]}
        with database.transaction() as connection:
            rows = fetch_all(connection, "ingestion/formation_energies", **by)
            known = {
                row["chemical_system"]: row["sha256"]
                for row in fetch_all(connection, "ingestion/computed_hulls", **by)
            }
        energies = [FormationEnergy(**row) for row in rows]
        for system, sha256, entries in _systems(energies):
            if known.pop(system, None) == sha256:
                continue
            values = energies_above_hull(system, entries)
            with database.transaction() as connection:
                fetch_all(connection, "ingestion/lock_materials")
                changed += _write(connection, by, system, values)
                execute(connection, "ingestion/remember_hull", chemical_system=system, sha256=sha256, **by)
            report("computing hulls")
        if known:
            with database.transaction() as connection:
                fetch_all(connection, "ingestion/lock_materials")
                for system in known:
                    changed += _write(connection, by, system, {})
                    execute(connection, "ingestion/forget_hull", chemical_system=system, **by)
    return changed


def energies_above_hull(chemical_system: str, entries: Sequence[FormationEnergy]) -> dict[str, float]:
    """Return the energy above hull, in eV/atom, of the entries of one system that have none.

    Parameters
    ----------
    chemical_system
        Elements, joined by dashes.
    entries
        Those of the system and of every system within it.

    Returns
    -------
    dict
        By material; never negative.
    """
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core.composition import Composition

    lowest: dict[str, float] = {}
    for entry in entries:
        lowest[entry.reduced_formula] = min(entry.value, lowest.get(entry.reduced_formula, entry.value))
    compositions = {formula: Composition(formula) for formula in lowest}
    phases = [PDEntry(Composition(element), 0.0) for element in chemical_system.split("-")]
    phases += [
        PDEntry(compositions[formula], value * compositions[formula].num_atoms)
        for formula, value in sorted(lowest.items())
    ]
    diagram = PhaseDiagram(phases)
    found = {}
    for entry in entries:
        if entry.chemical_system == chemical_system and not entry.has_hull:
            hull = diagram.get_hull_energy_per_atom(compositions[entry.reduced_formula])
            found[entry.material_id] = max(0.0, round(entry.value - hull, _ROUNDED_EV))
    return found


def _systems(
    energies: Sequence[FormationEnergy],
) -> Iterator[tuple[str, str, list[FormationEnergy]]]:
    """Yield each system in which a hull is asked for, a hash of what decides it, and the entries within it."""
    by_system: dict[str, list[FormationEnergy]] = defaultdict(list)
    for energy in energies:
        by_system[energy.chemical_system].append(energy)
    for system, own in sorted(by_system.items()):
        elements = system.split("-")
        if len(elements) > _MOST_ELEMENTS or all(entry.has_hull for entry in own):
            continue
        within = [
            entry
            for size in range(1, len(elements) + 1)
            for chosen in combinations(elements, size)
            for entry in by_system.get("-".join(chosen), ())
        ]
        decisive = sorted([e.material_id, e.reduced_formula, e.value, e.has_hull] for e in within)
        yield system, hashlib.sha256(json.dumps(decisive).encode()).hexdigest(), within


def _write(connection: Any, by: Mapping[str, str], chemical_system: str, values: Mapping[str, float]) -> int:
    """Make these the computed values of a system; return how many materials that changed."""
    label = f"{by['source']}{SUFFIX}"
    known_property = known_properties()["energy_above_hull"]
    before = fetch_all(
        connection, "ingestion/hull_values", label=label, method=by["method"], chemical_system=chemical_system
    )
    known = {row["material_id"]: row["value"] for row in before}
    wanted = {name: value for name, value in values.items() if value <= known_property.high}
    names = sorted(name for name in known.keys() | wanted.keys() if known.get(name) != wanted.get(name))
    about = {"unit": known_property.unit, "method": by["method"], "source": label}
    rows = []
    for name in names:
        entries = [{"value": wanted[name], "derived": True, **about}] if name in wanted else []
        row = {"material_id": name, "entries": json.dumps(entries), "label": label, "method": by["method"]}
        rows.append(row)
    execute_many(connection, "ingestion/set_hull_value", rows)
    return len(rows)
