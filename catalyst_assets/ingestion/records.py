"""One validated record: a crystal, its values with unit and method, and where it came from.

Every source ends here: what passes `validate` may be loaded, what fails is a `Rejection` that says which
field and why. What a crystal must be is `reading.limits`' business, what a value must be its property's declaration.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from catalyst_assets.ingestion.reading.crystals import Crystal, describe
from catalyst_assets.ingestion.reading.limits import structure_problems
from catalyst_assets.ingestion.unit_doubts import ask_unit
from catalyst_assets.vocabulary.known import known_methods, known_properties
from catalyst_assets.vocabulary.words import Property

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

    from catalyst_assets.ingestion.reading.cells import Cell
    from catalyst_assets.ingestion.reading.compositions import Stoichiometry

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
    """What a source says of one crystal, or of a composition whose crystal is not known.

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
    structure: "Structure | Cell | Stoichiometry"
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
    properties, methods = known_properties(), known_methods()
    return [
        (index, Problem(value.field, reason))
        for index, record in enumerate(records)
        for value in record.values
        for reason in _explain(value, properties.get(value.property), methods)
    ]


def _explain(value: Value, known: Property | None, methods: Collection[str]) -> Iterator[str]:
    """Yield what is wrong with a value."""
    if known is not None and (value.value < known.low or value.value > known.high):
        question = ask_unit(value.value, known)
        yield f"{value.value:g} {value.unit} is outside {known.range_text}{question}"
    if value.method not in methods:
        yield f"{value.method!r} is not a known method"
    if known is None:
        yield f"{value.property!r} is not a known property"
    elif known.unit != value.unit:
        yield f"is in {value.unit!r}, but {value.property} is stored in {known.unit!r}"
    if not math.isfinite(value.value):
        yield f"{value.value} is not finite"
