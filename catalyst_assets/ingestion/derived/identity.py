"""Which records are the same crystal: one material, with the provenance and the values of every source that knows it.

Compared are records of one reduced formula and space group by pymatgen's StructureMatcher, whose defaults are the
Materials Project's (Ong et al., Comput. Mater. Sci. 68, 314 (2013)), across sources: what one source keeps apart stays
apart. The outcome depends on the records alone, not on the order in which they came, but for one thing: what a campaign
has used already is not hidden behind another record.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.ingestion.changes import Plan, Reader, mark_read, unread
from catalyst_assets.ingestion.progress import report
from resources.postgres.database import execute, execute_many, fetch_all

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from resources.postgres.database import Database

Properties = Mapping[str, Sequence[Mapping[str, Any]]]

# AFLOW lists a crystal again in each of its catalogs; people upload what others have uploaded.
_REPEATING_SOURCES: Final = frozenset({"aflow", "uploads"})
_PREFERRED_SOURCES: Final = ("materials_project",)
# What a source knows stands over what somebody made up.
_LAST_SOURCES: Final = frozenset({"uploads"})
_SYMPREC_ANGSTROM: Final = 0.1
# Functionals and radii differ by less in the volume of one phase, a phase under pressure by more.
_VOLUME_RATIO: Final = 1.25
_MOST_COMPARED_SITES: Final = 200
_FORMULAS_AT_ONCE: Final = 200


@dataclass(frozen=True)
class KnownRecord:
    """One source's record of a crystal, as it stands in the database.

    Attributes
    ----------
    structure_json
        None where only the composition is known.
    withdrawn
        Its source no longer has it.
    in_use
        A campaign has labels, predictions or candidates of it.
    same_as
        The material that it was found to be.
    """

    material_id: str
    structure_json: Mapping[str, Any] | None = field(repr=False)
    structure_hash: str
    properties: Properties = field(repr=False)
    withdrawn: bool = False
    in_use: bool = False
    same_as: str | None = None

    @property
    def source(self) -> str:
        """Who says so."""
        return self.material_id.partition(":")[0]

    @cached_property
    def structure(self) -> "Structure":
        """The crystal, built at most once.

        Raises
        ------
        ValueError
            Only the composition is known.
        """
        from pymatgen.core.structure import Structure

        if self.structure_json is None:
            raise ValueError(f"{self.material_id} has no structure")
        return Structure.from_dict(dict(self.structure_json))

    @cached_property
    def volume_per_atom(self) -> float:
        """In Å³."""
        return float(self.structure.volume / len(self.structure))

    @cached_property
    def space_group(self) -> int | None:
        """Number of the space group; None where spglib finds none."""
        from pymatgen.symmetry.analyzer import SpacegroupAnalyzer, SymmetryUndeterminedError

        try:
            analyzer = SpacegroupAnalyzer(self.structure, symprec=_SYMPREC_ANGSTROM)
            return int(analyzer.get_space_group_number())
        except SymmetryUndeterminedError:
            return None

    def is_same_crystal(self, other: "KnownRecord") -> bool:
        """Tell whether another record is of the same crystal; of compositions, of the same one."""
        if self.structure_hash == other.structure_hash:
            return True
        if self.structure_json is None or other.structure_json is None:
            return False
        if max(len(self.structure), len(other.structure)) > _MOST_COMPARED_SITES:
            return False
        if not 1 / _VOLUME_RATIO < self.volume_per_atom / other.volume_per_atom < _VOLUME_RATIO:
            return False
        if self.space_group is None or self.space_group != other.space_group:
            return False
        return bool(_matcher().fit(self.structure, other.structure))


@dataclass(frozen=True)
class Identity:
    """What a record is found to be, and the values that are known of it then."""

    material_id: str
    same_as: str | None
    properties: Properties


@dataclass(frozen=True)
class Identities:
    """Which records are the same crystal, all in all.

    Attributes
    ----------
    records
        That stand, each under its source's name.
    materials
        Different crystals among them.
    sha256
        Of what the sources say, and of which material each record is.
    """

    records: int
    materials: int
    sha256: str


def plan_comparisons(database: "Database") -> Plan:
    """Return the formulas whose records have changed since they were compared."""
    span = unread(database, Reader.IDENTITY)
    with database.transaction() as connection:
        rows = fetch_all(connection, "ingestion/formulas_to_compare", after=span.after, until=span.until)
    return Plan(span.until, tuple(row["reduced_formula"] for row in rows))


def unify_formulas(database: "Database", formulas: Sequence[str]) -> int:
    """Compare the records of some formulas; return how many are now another's."""
    unified = 0
    for start in range(0, len(formulas), _FORMULAS_AT_ONCE):
        chosen = formulas[start : start + _FORMULAS_AT_ONCE]
        while (found := _unify(database, chosen)) is None:
            continue
        unified += found
        report("comparing formulas", len(chosen))
    return unified


def settle_identity(database: "Database", until: int) -> Identities:
    """Remember that everything up to a change is compared, and say what there is."""
    mark_read(database, Reader.IDENTITY, until)
    with database.transaction() as connection:
        # Only now it is known which of their candidates are known already.
        execute(connection, "ingestion/uploads/settle")
        totals = fetch_all(connection, "ingestion/material_totals")
    content = [[row["source"], str(row["own"]), str(row["identity"])] for row in totals]
    return Identities(
        sum(row["records"] for row in totals),
        sum(row["materials"] for row in totals),
        hashlib.sha256(json.dumps(content).encode()).hexdigest(),
    )


def _unify(database: "Database", formulas: Sequence[str]) -> int | None:
    """Unify the records of some formulas; None when one of them changed while they were compared."""
    parameters = {"formulas": list(formulas)}
    with database.transaction() as connection:
        rows = fetch_all(connection, "ingestion/records_of_formulas", **parameters)
    # Compared without a lock: it takes seconds, and campaigns go on meanwhile.
    changes = list(_changes(rows))
    before = {row["material_id"]: row for row in rows}
    with database.transaction() as connection:
        fetch_all(connection, "ingestion/lock_materials")
        now = fetch_all(connection, "ingestion/versions_of_formulas", **parameters)
        as_read = all(row.items() <= before.get(row["material_id"], {}).items() for row in now)
        if not as_read or len(now) != len(rows):
            return None
        execute_many(connection, "ingestion/set_identity", changes)
        execute(connection, "ingestion/point_to_materials", **parameters)
        execute(connection, "ingestion/remember_compared", **parameters)
    return sum(
        row["same_as"] is not None and before[row["material_id"]]["same_as"] is None for row in changes
    )


def identify(records: Sequence[KnownRecord]) -> list[Identity]:
    """Decide which records of one reduced formula are the same crystal.

    Returns
    -------
    list of Identity
        One a record, in the order of their names.
    """
    clusters: list[list[KnownRecord]] = []
    for candidate in sorted((record for record in records if not record.withdrawn), key=_preference):
        for cluster in clusters:
            if _may_join(candidate, cluster) and candidate.is_same_crystal(cluster[0]):
                cluster.append(candidate)
                break
        else:
            clusters.append([candidate])
    found = [
        Identity(record.material_id, None, _own_values(record)) for record in records if record.withdrawn
    ]
    for first, *others in clusters:
        found.append(Identity(first.material_id, None, _merge_values(first, others)))
        found += [Identity(other.material_id, first.material_id, _own_values(other)) for other in others]
    return sorted(found, key=lambda identity: identity.material_id)


def _changes(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    by_formula: dict[str, list[KnownRecord]] = defaultdict(list)
    for row in rows:
        known = {name: value for name, value in row.items() if name != "reduced_formula"}
        by_formula[row["reduced_formula"]].append(KnownRecord(**known))
    for records in by_formula.values():
        before = {record.material_id: record for record in records}
        for identity in identify(records):
            record = before[identity.material_id]
            if (record.same_as, record.properties) != (identity.same_as, identity.properties):
                yield {
                    "material_id": identity.material_id,
                    "same_as": identity.same_as,
                    "withdrawn": record.withdrawn,
                    "properties": json.dumps(identity.properties, allow_nan=False),
                }


def _preference(record: KnownRecord) -> tuple[bool, int, str]:
    ranks = {source: rank for rank, source in enumerate(_PREFERRED_SOURCES)}
    is_used = record.in_use and record.same_as is None
    rank = ranks.get(record.source, len(ranks)) + (record.source in _LAST_SOURCES)
    return not is_used, rank, record.material_id


def _may_join(candidate: KnownRecord, cluster: Sequence[KnownRecord]) -> bool:
    if candidate.in_use:
        return False
    repeated = any(other.source == candidate.source for other in cluster)
    return not repeated or candidate.source in _REPEATING_SOURCES


def _own_values(record: KnownRecord) -> dict[str, list[Mapping[str, Any]]]:
    kept = {
        name: [entry for entry in entries if entry["source"] == record.source and not entry.get("derived")]
        for name, entries in record.properties.items()
    }
    return {name: entries for name, entries in kept.items() if entries}


def _merge_values(first: KnownRecord, others: Sequence[KnownRecord]) -> dict[str, list[Mapping[str, Any]]]:
    """Return one entry a method and source: the first record's, then those of the others in their order."""
    merged: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for name, entries in first.properties.items():
        # What was derived from several records, such as a hull, is nobody's own.
        merged[name] += [entry for entry in entries if entry.get("derived")]
    for record in (first, *others):
        for name, entries in _own_values(record).items():
            taken = {(entry["source"], entry["method"]) for entry in merged[name]}
            merged[name] += [entry for entry in entries if (entry["source"], entry["method"]) not in taken]
    return {
        name: sorted(entries, key=lambda entry: (entry["source"], entry["method"]))
        for name, entries in sorted(merged.items())
        if entries
    }


@cache
def _matcher() -> Any:
    from pymatgen.analysis.structure_matcher import StructureMatcher

    return StructureMatcher()
