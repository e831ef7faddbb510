"""Energy above hull of materials whose source gives a formation energy and no hull.

A hull is made of the entries of one source and one method: references and corrections of two sources differ by more
than phases do. The elements stand at zero, which is what a formation energy is measured from. What is missing among
the ingested entries is missing in the hull, so the energy above it is a lower bound. The construction is pymatgen's
(Ong et al., Chem. Mater. 20, 1798 (2008)).
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.changes import Plan, Reader, mark_read, unread
from catalyst_assets.ingestion.derived.values import set_derived_values
from catalyst_assets.ingestion.progress import report
from catalyst_assets.vocabulary.known import known_properties
from resources.postgres.database import execute, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database

_PROPERTY: Final = "energy_above_hull"
# A convex hull in more dimensions takes minutes, and nobody has computed its phases.
MOST_ELEMENTS: Final = 8
_ROUNDED_EV: Final = 6
_SYSTEMS_AT_ONCE: Final = 200


@dataclass(frozen=True)
class FormationEnergy:
    """A formation energy in eV/atom that one source gives by one method."""

    material_id: str
    reduced_formula: str
    chemical_system: str
    value: float
    has_hull: bool = False


def hull_label(source: str) -> str:
    """Return the source under which the energies above a hull of a source's entries are kept."""
    return f"{source}_hull"


def plan_hulls(database: "Database") -> Plan:
    """Return the chemical systems in which a formation energy has changed, and those that contain such a one."""
    span = unread(database, Reader.HULLS)
    with database.transaction() as connection:
        rows = fetch_all(
            connection, "ingestion/systems_with_new_energies", after=span.after, until=span.until
        )
        changed = {row["chemical_system"] for row in rows}
        known = fetch_all(connection, "ingestion/chemical_systems") if changed else []
    # Also those that no material is left in, whose hulls are to be forgotten.
    systems = changed | {row["chemical_system"] for row in known}
    return Plan(span.until, tuple(sorted(s for s in systems if not changed.isdisjoint(_within(s)))))


def compute_hulls(database: "Database", systems: Sequence[str]) -> int:
    """Compute those hulls of some systems whose entries have changed; return how many materials got another value."""
    changed = 0
    for start in range(0, len(systems), _SYSTEMS_AT_ONCE):
        chosen = systems[start : start + _SYSTEMS_AT_ONCE]
        changed += _compute(database, chosen)
        report("computing hulls", len(chosen))
    return changed


def settle_hulls(database: "Database", until: int) -> tuple[str, int]:
    """Remember that everything up to a change is computed; return the hash of what hulls are made of, and their number."""
    mark_read(database, Reader.HULLS, until)
    with database.transaction() as connection:
        (content,) = fetch_all(connection, "ingestion/hulls_sha256")
    return str(content["sha256"]), int(content["hulls"])


def find_too_high(database: "Database", source: str, method: str, systems: Sequence[str]) -> set[str]:
    """Return the materials of some systems that keep no energy above hull because it is above the property's range."""
    with database.transaction() as connection:
        by_system = _load(connection, systems)[source, method]
    highest = known_properties()[_PROPERTY].high
    return {
        material_id
        for system in systems
        if (entries := _entries_within(system, by_system)) is not None
        for material_id, value in energies_above_hull(system, entries).items()
        if value > highest
    }


def _load(connection: Any, systems: Sequence[str]) -> dict[tuple[str, str], dict[str, list[FormationEnergy]]]:
    """Return the formation energies of some systems and of those within them, by source and method, then by system."""
    within = sorted({part for system in systems for part in _within(system)})
    by_kind: dict[tuple[str, str], dict[str, list[FormationEnergy]]] = defaultdict(lambda: defaultdict(list))
    for row in fetch_all(connection, "ingestion/formation_energies", chemical_systems=within):
        kind = row.pop("source"), row.pop("method")
        by_kind[kind][row["chemical_system"]].append(FormationEnergy(**row))
    return by_kind


def _compute(database: "Database", systems: Sequence[str]) -> int:
    with database.transaction() as connection:
        by_kind = _load(connection, systems)
        before = fetch_all(connection, "ingestion/computed_hulls", chemical_systems=list(systems))
    outdated = {(row["source"], row["method"], row["chemical_system"]): row["sha256"] for row in before}
    changed = 0
    for (source, method), by_system in sorted(by_kind.items()):
        for system in systems:
            if (entries := _entries_within(system, by_system)) is None:
                continue
            decisive = sorted([e.material_id, e.reduced_formula, e.value, e.has_hull] for e in entries)
            sha256 = hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
            if outdated.pop((source, method, system), None) == sha256:
                continue
            hull = {"source": source, "method": method, "chemical_system": system}
            values = energies_above_hull(system, entries)
            with database.transaction() as connection:
                fetch_all(connection, "ingestion/lock_materials")
                changed += _write(connection, hull, values)
                execute(connection, "ingestion/remember_hull", sha256=sha256, **hull)
    for source, method, system in sorted(outdated):
        hull = {"source": source, "method": method, "chemical_system": system}
        with database.transaction() as connection:
            fetch_all(connection, "ingestion/lock_materials")
            changed += _write(connection, hull, {})
            execute(connection, "ingestion/forget_hull", **hull)
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


def _within(chemical_system: str) -> list[str]:
    """Return the systems that a system contains, itself last; none where there are too many elements for a hull."""
    elements = chemical_system.split("-")
    if len(elements) > MOST_ELEMENTS:
        return [chemical_system]
    return [
        "-".join(chosen) for size in range(1, len(elements) + 1) for chosen in combinations(elements, size)
    ]


def _entries_within(
    system: str, by_system: Mapping[str, Sequence[FormationEnergy]]
) -> list[FormationEnergy] | None:
    """Return the entries that decide a system's hull; None where it has no hull, or nobody asks for it."""
    own = by_system.get(system, ())
    if len(system.split("-")) > MOST_ELEMENTS or all(entry.has_hull for entry in own):
        return None
    return [entry for part in _within(system) for entry in by_system.get(part, ())]


def _write(connection: Any, hull: Mapping[str, str], values: Mapping[str, float]) -> int:
    """Make these the computed values of a system; return how many materials that changed."""
    label, method = hull_label(hull["source"]), hull["method"]
    before = fetch_all(
        connection,
        "ingestion/hull_values",
        label=label,
        method=method,
        chemical_system=hull["chemical_system"],
    )
    known = {row["material_id"]: row["value"] for row in before}
    highest = known_properties()[_PROPERTY].high
    wanted = {name: value for name, value in values.items() if value <= highest}
    return set_derived_values(connection, _PROPERTY, label=label, method=method, before=known, wanted=wanted)
