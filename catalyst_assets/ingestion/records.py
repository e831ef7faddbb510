"""One validated record: a crystal, its values with unit and method, and where it came from.

Every source ends here: what passes `validate` may be loaded, what fails is a `Rejection` that says which
field and why. The checks are one pandera schema a table.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from catalyst_assets.ingestion.reading.crystals import Crystal, describe
from catalyst_assets.ingestion.reading.limits import failures, structure_problems
from catalyst_assets.ingestion.unit_doubts import ask_unit
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets.vocabulary.words import Property

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.ingestion.reading.cells import Cell

T = TypeVar("T")


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
    licence
        The raw file's if empty.
    """

    source: str
    source_id: str
    place: str
    structure: "Structure | Cell"
    values: tuple[Value, ...] = ()
    licence: str = ""

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

    @classmethod
    def of(cls, url: str, place: str, record: str, problems: Sequence[Problem], **more: Any) -> "Rejection":
        """Refuse a row of a file, with the fields that are wrong; ``record`` is empty when it cannot be told."""
        fields = [problem.field for problem in problems]
        return cls(place, tuple(problems), {"url": url, **more, "record": record, "fields": fields})


@dataclass(frozen=True)
class Scope:
    """Which of a source's records a listing speaks of; of all of them when nothing is given.

    Attributes
    ----------
    chemical_systems
        It speaks of one of these.
    elements, without_elements
        All of these are in it, and none of these.
    records
        It speaks of these names.
    """

    chemical_systems: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    without_elements: tuple[str, ...] = ()
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contents:
    """What a raw file holds, before structures are built.

    Attributes
    ----------
    rows
        How many rows it has, readable or not.
    duplicates
        Rows whose record an earlier row already gave: the index of each, and of that earlier row.
    names
        Place and record of each row, of a file whose records a later file may say anew.
    expected
        How many rows give a record or a rejection, where the others are left out on purpose.
    standing
        Names of all records that the source still has, of a file that lists them: others are retired.
    scope
        Which records ``standing`` speaks of: others are left as they are.
    """

    rows: int
    duplicates: Mapping[int, int] = field(default_factory=dict)
    names: tuple[tuple[str, str], ...] = ()
    expected: int | None = None
    standing: frozenset[str] | None = None
    scope: Scope = Scope()

    @property
    def accountable(self) -> int:
        """How many rows give a record or a rejection."""
        return self.rows if self.expected is None else self.expected

    @classmethod
    def of_entries(cls, records: Sequence[str], left_out: Collection[int] = ()) -> "Contents":
        """Count entries of a page by the records they give; one that gives none has an empty name.

        ``left_out`` are the entries that are neither loaded nor refused.
        """
        kept = [(index, record) for index, record in enumerate(records) if index not in left_out]
        names = tuple((place_of(index), record) for index, record in kept)
        return cls(len(records), find_repeated(kept), names, len(kept))

    @classmethod
    def of_rows(cls, rows: Iterable[tuple[str, str]]) -> "Contents":
        """Count rows by their places and the records they give; one that gives none has an empty name."""
        names = tuple(rows)
        return cls(len(names), find_repeated(enumerate(record for _, record in names)), names)


def read_field(
    read: Callable[[Any], T | None],
    given: Any,
    field: str,
    problems: list[Problem],
    *,
    required: bool = False,
) -> T | None:
    """Return what is read of a field; None where there is nothing, or with what is wrong added to ``problems``."""
    try:
        value = read(given)
    except ValueError as error:
        problems.append(Problem(field, str(error)))
        return None
    if value is None and required:
        problems.append(Problem(field, "is missing"))
    return value


def find_repeated(records: Iterable[tuple[int, str]]) -> dict[int, int]:
    """Return the rows whose record an earlier row already gave, each with that row; an empty name is no record."""
    first: dict[str, int] = {}
    return {
        index: first[record]
        for index, record in records
        if record and first.setdefault(record, index) != index
    }


def place_of(entry: int) -> str:
    """Return where an entry of a page stands, by its number from 0."""
    return f"entry {entry}"


def validate(records: Sequence[Record]) -> tuple[list[tuple[Record, Crystal]], list[Rejection]]:
    """Split records into those that may be loaded, with what was measured of them, and the others.

    A value past the end of its property's range by no more than rounding is that end: see
    :meth:`catalyst_assets.vocabulary.words.Property.without_rounding`.
    """
    records = [_without_rounding(record) for record in records]
    crystals = describe([record.structure for record in records])
    problems: dict[int, list[Problem]] = defaultdict(list)
    for index, reason in structure_problems(crystals):
        problems[index].append(Problem("structure", reason))
    for index, problem in _value_problems(records):
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
def value_schema() -> Any:
    """Return the pandera schema of values, one row a value, judged against what is declared of its property."""
    import numpy as np
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            "property_known": pa.Column(bool, pa.Check.eq(True)),
            "method_known": pa.Column(bool, pa.Check.eq(True)),
            "unit_matches": pa.Column(bool, pa.Check.eq(True)),
            "value": pa.Column(float, pa.Check(np.isfinite)),
            "in_range": pa.Column(bool, pa.Check.eq(True)),
        }
    )


def _without_rounding(record: Record) -> Record:
    properties = known_properties()
    rounded = [
        value.value
        if _is_within(value, known := properties.get(value.property)) or known is None
        else known.without_rounding(value.value)
        for value in record.values
    ]
    if all(number == value.value for number, value in zip(rounded, record.values, strict=True)):
        return record
    pairs = zip(record.values, rounded, strict=True)
    return replace(record, values=tuple(replace(value, value=number) for value, number in pairs))


def _is_within(value: Value, known: Property | None) -> bool:
    return known is not None and known.low <= value.value <= known.high and math.isfinite(value.value)


def _value_problems(records: Sequence[Record]) -> list[tuple[int, Problem]]:
    import pandas as pd

    properties, methods = known_properties(), known_methods()
    # Nearly all are sound, and a frame of millions of values would take longer than all else.
    judged = [
        (index, value, known)
        for index, record in enumerate(records)
        for value in record.values
        if not _is_within(value, known := properties.get(value.property))
        or known is None
        or value.method not in methods
        or value.unit != known.unit
    ]
    frame = pd.DataFrame(
        {
            "property_known": [known is not None for _, _, known in judged],
            "method_known": [value.method in methods for _, value, _ in judged],
            "unit_matches": [known is None or known.unit == value.unit for _, value, known in judged],
            "value": [float(value.value) for _, value, _ in judged],
            "in_range": [
                known is None or not (value.value < known.low or value.value > known.high)
                for _, value, known in judged
            ],
        }
    )
    found = []
    for row, column, _ in failures(value_schema(), frame):
        index, value, known = judged[row]
        found.append((index, Problem(value.field, _explain(value, known, column))))
    return found


def _explain(value: Value, known: Property | None, column: str) -> str:
    unit, limits = (known.unit, known.range_text) if known else ("", "")
    question = ask_unit(value.value, known) if known else ""
    return {
        "property_known": f"{value.property!r} is not a known property",
        "method_known": f"{value.method!r} is not a known method",
        "unit_matches": f"is in {value.unit!r}, but {value.property} is stored in {unit!r}",
        "value": f"{value.value} is not finite",
        "in_range": f"{value.value:g} {value.unit} is outside {limits}{question}",
    }[column]
