"""One validated record: a crystal, its values with unit and method, and where it came from.

Every source ends here: what passes `validate` may be loaded, what fails is a `Rejection` that says which
field and why. The checks are one pandera schema a table.
"""

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from catalyst_assets.constants import METHODS, PROPERTIES, Property

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core.structure import Structure

# The shortest bond there is, H2's, has 0.74 Å.
SHORTEST_DISTANCE_ANGSTROM = 0.5
# Diamond has 5.7 Å³ an atom, solid caesium 115; sheets in a box have more.
VOLUME_PER_ATOM_ANGSTROM3 = (2.0, 500.0)
MOST_SITES = 2000
_UNKNOWN = Property("", -math.inf, math.inf, 0.0, 1.0, "")


@dataclass(frozen=True)
class Value:
    """A number that a source gives for a material.

    Attributes
    ----------
    field
        What the source calls it, for messages.
    """

    property: str
    value: float
    unit: str
    method: str
    field: str


@dataclass(frozen=True)
class Record:
    """What a source says of one crystal.

    Attributes
    ----------
    source_id
        The source's own name of it.
    place
        Where in the raw file it stands, such as ``perovskites.csv row 17``: its name in quarantine.
    """

    source: str
    source_id: str
    place: str
    structure: "Structure"
    values: tuple[Value, ...] = ()

    @property
    def material_id(self) -> str:
        """The platform's name of the material."""
        return f"{self.source}:{self.source_id}"


@dataclass(frozen=True)
class Problem:
    """What is wrong with one field of a record."""

    field: str
    reason: str


@dataclass(frozen=True)
class Rejection:
    """A record that may not be loaded.

    Attributes
    ----------
    payload
        What helps to find and mend it; JSON values only.
    """

    place: str
    problems: tuple[Problem, ...]
    payload: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """All problems in one line."""
        return "; ".join(f"{problem.field}: {problem.reason}" for problem in self.problems)


@dataclass(frozen=True)
class Crystal:
    """What the database and the checks want to know of a structure.

    Attributes
    ----------
    thickness
        Smallest distance between opposite faces of the cell, in Å.
    volume_per_atom
        In Å³.
    shortest_distance
        Between two atoms, images included, in Å; infinite when none are closer than
        ``SHORTEST_DISTANCE_ANGSTROM``, NaN when an earlier check fails.
    structure_hash
        See :func:`hash_structure`.
    """

    reduced_formula: str
    chemical_system: str
    elements: tuple[str, ...]
    n_sites: int
    ordered: bool
    known_species: bool
    thickness: float
    volume_per_atom: float
    shortest_distance: float
    structure_json: Mapping[str, Any]
    structure_hash: str


def describe(structure: "Structure") -> Crystal:
    """Measure a structure, without judging it.

    Oxidation states and site properties are dropped: a material is species on positions.
    """
    from pymatgen.core.structure import Structure

    ordered = structure.is_ordered
    symbols = [site.specie.symbol if ordered else site.species_string for site in structure]
    species = sorted(set(symbols))
    known = ordered and _elements().issuperset(species)
    volume, thickness = _cell_size(structure)
    # A search in a flat or crowded cell would look at an unbounded number of images.
    searchable = known and thickness >= SHORTEST_DISTANCE_ANGSTROM and 0 < len(symbols) <= MOST_SITES
    plain = Structure(structure.lattice, symbols, structure.frac_coords) if searchable else None
    return Crystal(
        reduced_formula=plain.composition.reduced_formula if plain else "",
        chemical_system="-".join(species),
        elements=tuple(species),
        n_sites=len(symbols),
        ordered=ordered,
        known_species=known,
        thickness=thickness,
        volume_per_atom=volume / max(len(symbols), 1),
        shortest_distance=_shortest_distance(plain) if plain else math.nan,
        structure_json=plain.as_dict(verbosity=0) if plain else {},
        structure_hash=hash_structure(plain) if plain else "",
    )


def hash_structure(structure: "Structure") -> str:
    """Return the sha256 of an ordered structure's canonical form.

    Lattice parameters in 10⁻⁴ Å and 10⁻³ °, and the sites by species and fractional coordinate in
    10⁻⁴, sorted: neither the order of sites nor the cell's orientation matters.
    """
    lengths, angles = structure.lattice.abc, structure.lattice.angles
    sites = sorted(
        [site.specie.symbol, *(round(float(x) % 1.0 * 10_000) % 10_000 for x in site.frac_coords)]
        for site in structure
    )
    canonical = [[round(x * 10_000) for x in lengths], [round(x * 1_000) for x in angles], sites]
    return hashlib.sha256(json.dumps(canonical, separators=(",", ":")).encode()).hexdigest()


def validate(records: Sequence[Record]) -> tuple[list[tuple[Record, Crystal]], list[Rejection]]:
    """Split records into those that may be loaded, with what was measured of them, and the others."""
    crystals = [describe(record.structure) for record in records]
    problems: dict[int, list[Problem]] = defaultdict(list)
    for index, problem in _structure_problems(crystals) + _value_problems(records):
        problems[index].append(problem)
    accepted = [
        pair for index, pair in enumerate(zip(records, crystals, strict=True)) if index not in problems
    ]
    rejected = [
        Rejection(
            records[index].place,
            tuple(found),
            {"record": records[index].source_id, "fields": sorted({problem.field for problem in found})},
        )
        for index, found in sorted(problems.items())
    ]
    return accepted, rejected


@cache
def structure_schema() -> Any:
    """Return the pandera schema of measured structures, one row a record."""
    import pandera.pandas as pa

    low, high = VOLUME_PER_ATOM_ANGSTROM3
    return pa.DataFrameSchema(
        {
            "ordered": pa.Column(bool, pa.Check.eq(True, error="is false: species share a site")),
            "known_species": pa.Column(bool, pa.Check.eq(True, error="is false: no chemical element")),
            "n_sites": pa.Column(int, pa.Check.in_range(1, MOST_SITES, error=f"outside 1 to {MOST_SITES}")),
            "thickness": pa.Column(
                float,
                pa.Check.ge(SHORTEST_DISTANCE_ANGSTROM, error=f"below {SHORTEST_DISTANCE_ANGSTROM:g} Å"),
            ),
            "volume_per_atom": pa.Column(
                float, pa.Check.in_range(low, high, error=f"outside {low:g} to {high:g} Å³")
            ),
            "shortest_distance": pa.Column(
                float,
                pa.Check.ge(SHORTEST_DISTANCE_ANGSTROM, error=f"below {SHORTEST_DISTANCE_ANGSTROM:g} Å"),
                nullable=True,
            ),
        }
    )


@cache
def value_schema() -> Any:
    """Return the pandera schema of values, one row a value, judged against what is known of its property."""
    import numpy as np
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "property": pa.Column(str, pa.Check.isin(list(PROPERTIES))),
            "method": pa.Column(str, pa.Check.isin(list(METHODS))),
            "unit_matches": pa.Column(bool, pa.Check.eq(True)),
            "value": pa.Column(float, pa.Check(np.isfinite)),
            "in_range": pa.Column(bool, pa.Check.eq(True)),
        }
    )


def _structure_problems(crystals: Sequence[Crystal]) -> list[tuple[int, Problem]]:
    import pandas as pd

    schema = structure_schema()
    frame = pd.DataFrame({name: [getattr(crystal, name) for crystal in crystals] for name in schema.columns})
    return [
        (row, Problem("structure", f"{column.replace('_', ' ')} {check}"))
        for row, column, check in _failures(schema, frame)
    ]


def _value_problems(records: Sequence[Record]) -> list[tuple[int, Problem]]:
    import pandas as pd

    values = [(index, value) for index, record in enumerate(records) for value in record.values]
    frame = pd.DataFrame(
        {
            "property": [value.property for _, value in values],
            "method": [value.method for _, value in values],
            "unit_matches": [_limits(value).unit == value.unit for _, value in values],
            "value": [float(value.value) for _, value in values],
            "in_range": [
                not value.value < _limits(value).low and not value.value > _limits(value).high
                for _, value in values
            ],
        }
    )
    found = []
    for row, column, _ in _failures(value_schema(), frame):
        index, value = values[row]
        found.append((index, Problem(value.field, _explain(value, column))))
    return found


def _explain(value: Value, column: str) -> str:
    limits = _limits(value)
    return {
        "property": f"{value.property!r} is not a known property",
        "method": f"{value.method!r} is not a known method",
        "unit_matches": f"is in {value.unit!r}, but {value.property} is stored in {limits.unit!r}",
        "value": f"{value.value} is not finite",
        "in_range": f"{value.value:g} {value.unit} is outside {limits.low:g} to {limits.high:g}",
    }[column]


def _limits(value: Value) -> Property:
    return PROPERTIES.get(value.property, _UNKNOWN)


def _failures(schema: Any, frame: "pd.DataFrame") -> list[tuple[int, str, str]]:
    """Return (row, column, check) of every failed check, in the order of rows."""
    import pandera.errors

    if frame.empty:
        return []
    try:
        schema.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases[["index", "column", "check"]].itertuples(index=False)
        return sorted((int(row), str(column), str(check)) for row, column, check in cases)
    return []


@cache
def _elements() -> frozenset[str]:
    from pymatgen.core.periodic_table import Element

    return frozenset(element.symbol for element in Element) - {"D", "T"}


def _cell_size(structure: "Structure") -> tuple[float, float]:
    """Return the cell's volume in Å³ and its smallest thickness in Å; zeros when it spans no volume."""
    import numpy as np

    matrix = structure.lattice.matrix
    volume = abs(float(np.linalg.det(matrix)))
    if not math.isfinite(volume) or volume == 0 or not np.isfinite(structure.frac_coords).all():
        return 0.0, 0.0
    steepest = float(np.sqrt((np.linalg.inv(matrix) ** 2).sum(axis=0).max()))
    return volume, 1.0 / steepest if math.isfinite(steepest) else 0.0


def _shortest_distance(structure: "Structure") -> float:
    distances = structure.get_neighbor_list(SHORTEST_DISTANCE_ANGSTROM)[3]
    return float(distances.min()) if len(distances) else math.inf
