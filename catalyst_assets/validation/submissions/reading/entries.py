"""What the rows of a sheet say: one entry a measurement, each cell understood and checked by itself.

What needs the database (which candidate, which material, what was submitted before) is `resolving`'s business.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import chain, islice
from typing import Any, Final

from catalyst_assets.validation.submissions.reading import cells
from catalyst_assets.validation.submissions.reading.columns import Column
from catalyst_assets.validation.submissions.reading.formulas import read_formula
from catalyst_assets.validation.submissions.reading.layout import find_decimal, is_row_of_units, with_units
from catalyst_assets.validation.submissions.reading.measuring import (
    BadValueError,
    Given,
    Measuring,
    read_method,
    read_property,
)
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.quantities import (
    DecimalSign,
    Quantity,
    UnreadableCellError,
    read_quantity,
)
from catalyst_assets.validation.submissions.reading.sheets import Sheet

_LOOKED_AT: Final = 2000
# Read as texts, each with what it is in an entry.
_TEXTS: Final = (
    "campaign", "material_id", "formula", "property", "unit", "method", "sample", "batch", "operator", "attachment",
    "note", "correction",
)  # fmt: skip
_MATERIAL: Final = ("candidate", "material_id", "formula", "structure")
# Prefilled in a work order: a row with nothing else was not filled in yet.
_READ_TEXT: Final = {name: partial(cells.read_text, name) for name in (*_TEXTS, "structure", "conditions")}
_REMEMBERED: Final = 50_000
_ORDERED: Final = frozenset({"campaign", "property", "unit", "method", *_MATERIAL})


@dataclass(frozen=True)
class Defaults:
    """What is said once for a whole file; what a row says goes before.

    Attributes
    ----------
    decimal
        The sign before decimals; found out when None.
    """

    campaign: str = ""
    method: str = ""
    unit: str = ""
    operator: str = ""
    correction: str = ""
    decimal: DecimalSign | None = None


@dataclass(slots=True)
class Entry:
    """One measurement as a row gives it, or one that failed.

    Attributes
    ----------
    place
        Of its row.
    formula
        As written; it is one.
    column
        Heading above its value.
    value, standard_deviation
        In the unit that the property is stored in; None where it failed or nothing was stated.
    given
        Value and unit as written, where they were converted.
    """

    place: str
    column: str
    candidate: int | None
    campaign: str
    material_id: str
    formula: str
    structure: object
    property: str | None
    method: str
    value: float | None
    unit: str | None
    standard_deviation: float | None
    given: str
    sample: str
    batch: str
    replicate: int
    conditions: Mapping[str, object]
    synthesis: bool | None
    operator: str
    measured_on: date | None
    attachment: str
    note: str
    correction: str


@dataclass
class EntryReader:
    """Reads one sheet, and counts what is not filled in.

    Attributes
    ----------
    unfilled
        Rows of a work order without any result yet.
    left_out
        Headings of columns that say nothing of a result.
    """

    sheet: Sheet
    defaults: Defaults
    problems: Problems
    today: date
    unfilled: int = 0
    left_out: tuple[str, ...] = ()
    _decimal: DecimalSign = "."
    # What cells of a column said before: a million rows have few different ones.
    _known: dict[str, dict[str, Any]] = field(default_factory=lambda: defaultdict(dict))
    _place: str = ""
    _is_bad: bool = False

    def __post_init__(self) -> None:
        self._sort_columns(self.sheet.columns)
        self.left_out = tuple(c.header for c in self.sheet.columns if c.kind == "unknown")
        known = {**self.sheet.defaults}
        for name in ("campaign", "method", "unit", "operator", "correction"):
            known.setdefault(name, getattr(self.defaults, name))
        self._place = "the whole file"
        self._given = {
            name: self._cell(name, name, known.get(name), _READ_TEXT[name]) or "" for name in _TEXTS
        }
        self._measuring = Measuring()

    def _sort_columns(self, columns: Sequence[Column]) -> None:
        self._fields = {c.name: c for c in columns if c.kind == "field" and c.replicate is None}
        self._texts = [(name, self._fields[name]) for name in _TEXTS if name in self._fields]
        self._naming = [self._fields[name].index for name in _MATERIAL if name in self._fields]
        self._conditions = [c for c in columns if c.kind == "condition"]
        self._properties = [c for c in columns if c.kind == "property"]
        self._values = [c for c in columns if c.kind == "field" and c.name == "value"]
        self._deviations = {(c.name, c.replicate): c for c in columns if c.kind == "deviation"}

    def __iter__(self) -> Iterator[Entry]:
        """Yield an entry for every measurement; a row with a problem gives none."""
        self._require_columns()
        rows = iter(self.sheet.rows)
        first = list(islice(rows, _LOOKED_AT))
        self._decimal = self.defaults.decimal or find_decimal(self.sheet, first)
        if first and is_row_of_units(self.sheet.columns, first[0][1]):
            self._sort_columns(with_units(self.sheet.columns, first.pop(0)[1]))
        place = self.sheet.place.format
        for number, row in chain(first, rows):
            if any(cell is not None and cell != "" for cell in row):
                self._place, self._is_bad = place(number), False
                entries = list(self._read_row(row))
                if not self._is_bad:
                    yield from entries

    def _require_columns(self) -> None:
        has = {c.name for c in self.sheet.columns if c.kind == "field"} | {
            k for k, v in self._given.items() if v
        }
        if self._values and "property" not in has:
            self.problems.add(
                self.sheet.header_place, "", "", "it has a column of values and none that says which property they are",
                "Add a column property, or name the property above the values: `band_gap [eV]`.",
            )  # fmt: skip
        if "method" not in has:
            self.problems.add(
                self.sheet.header_place, "", "", "it does not say by which method the values were obtained",
                "Add a column method, such as experiment, or give --method. "
                "Values of different methods never mix.",
            )  # fmt: skip

    def _read_row(self, row: Sequence[object]) -> Iterator[Entry]:
        get = _getter(row)
        texts = {**self._given}
        for name, column in self._texts:
            texts[name] = self._cell(name, column.header, get(column.index), _READ_TEXT[name]) or texts[name]
        if texts["formula"]:
            header = self._fields["formula"].header if "formula" in self._fields else "formula"
            self._cell("whether a formula", header, texts["formula"], _formula)
        values = [*self._read_values(get, texts["property"])]
        synthesis = self._field("synthesis", get, cells.read_synthesis)
        outcome = self._field("outcome", get, cells.read_outcome)
        has_failed = synthesis is False or outcome is False
        if not values and not has_failed and not self._is_bad:
            self._tell_unfilled(get, outcome)
            return
        if values and has_failed:
            self._bad(
                values[0].column.header, get(values[0].column.index),
                "is a value, though " + ("the synthesis failed" if synthesis is False else "the outcome is failed"),
                "Leave the value empty, or correct synthesis or outcome.",
            )  # fmt: skip
        common: dict[str, Any] = {
            "place": self._place,
            "candidate": self._field("candidate", get, cells.read_candidate),
            "structure": self._structure(get),
            "replicate": self._field("replicate", get, cells.read_replicate) or 1,
            "conditions": self._read_conditions(get),
            "synthesis": synthesis,
            "measured_on": self._field("date", get, lambda cell: cells.read_date(cell, self.today)),
            "method": self._method(texts["method"]),
            **{name: texts[name] for name in _TEXTS if name not in ("property", "unit", "method")},
        }
        named = (self._given["material_id"], self._given["formula"], *map(get, self._naming))
        if not any(named):
            self._bad(
                "", "", "it names no material", "Give candidate, material_id, or formula (with structure)."
            )
        if has_failed:
            yield Entry(
                **common,
                column="outcome",
                property=self._property(texts["property"]),
                value=None,
                unit=None,
                standard_deviation=None,
                given="",
            )
            return
        for value in values:
            entry = self._measured(value, texts["unit"], common)
            if entry is not None:
                yield entry

    def _read_values(self, get: Callable[[int], object], named: str) -> Iterator[Given]:
        wide = [(column, column.name) for column in self._properties]
        long = [(column, self._property(named)) for column in self._values]
        for column, name in (*wide, *long):
            quantity = self._cell("value", column.header, get(column.index), self._quantity)
            deviation = self._deviation(column, get)
            if quantity is None:
                continue
            if (
                deviation is not None
                and quantity.deviation is not None
                and deviation.value != quantity.deviation
            ):
                self._bad(
                    column.header, get(column.index), "has another deviation than its own column", "Keep one."
                )
            stated = deviation.value if deviation is not None else quantity.deviation
            unit = deviation.unit if deviation is not None else ""
            yield Given(column, name, quantity, stated, unit)

    def _deviation(self, column: Column, get: Callable[[int], object]) -> Quantity | None:
        """Return the deviation beside a value, with the unit if its heading has one."""
        own = self._deviations.get((column.name, column.replicate)) if column.kind == "property" else None
        own = own or self._fields.get("standard_deviation")
        found: Quantity | None = None
        if own is not None:
            cell = get(own.index)
            found = self._cell("standard_deviation", own.header, cell, self._quantity)
            if found is not None:
                if found.value < 0:
                    self._bad(
                        own.header,
                        cell,
                        "is negative, which no deviation is",
                        "Write it without the minus sign.",
                    )
                found = Quantity(found.value, None, found.unit or own.unit)
        variance = self._fields.get("variance")
        if variance is not None:
            cell = get(variance.index)
            given = self._cell("variance", variance.header, cell, self._quantity)
            if given is not None and given.value < 0:
                self._bad(
                    variance.header,
                    cell,
                    "is negative, which no variance is",
                    "Write the variance, or its root.",
                )
            elif given is not None and found is None:
                found = Quantity(given.value**0.5)
        return found

    def _measured(self, given: Given, unit_of_row: str, common: dict[str, Any]) -> Entry | None:
        if given.property is None and self._is_bad:
            return None
        try:
            measured = self._measuring.measure(given, unit_of_row)
        except BadValueError as error:
            self._bad(error.column, error.found, error.reason, error.remedy)
            return None
        column = given.column
        fields = common if column.replicate is None else {**common, "replicate": column.replicate}
        return Entry(**fields, column=column.header, property=given.property, **measured._asdict())

    def _property(self, text: str) -> str | None:
        column = self._fields.get("property")
        name: str | None = self._cell(
            "which property", column.header if column else "property", text, _read_property
        )
        return name

    def _method(self, text: str) -> str:
        column = self._fields.get("method")
        if not text and column is None:
            self._is_bad = True  # it was said of the whole file
        elif not text:
            self._bad(
                "method", "", "the method is missing", "Write by which it was obtained, such as experiment."
            )
        return self._cell("which method", column.header if column else "method", text, _read_method) or ""

    def _structure(self, get: Callable[[int], object]) -> object:
        column = self._fields.get("structure")
        cell = None if column is None else get(column.index)
        return (
            cell
            if isinstance(cell, Mapping)
            else self._cell("structure", "structure", cell, _READ_TEXT["structure"])
        )

    def _read_conditions(self, get: Callable[[int], object]) -> dict[str, object]:
        found = dict(self._field("conditions", get, cells.read_conditions) or {})
        for column in self._conditions:
            text = self._cell("a condition", column.header, get(column.index), _READ_TEXT["conditions"])
            if text:
                found[column.name] = text
        return found

    def _field(self, name: str, get: Callable[[int], object], read: Callable[[object], Any]) -> Any:
        column = self._fields.get(name)
        return None if column is None else self._cell(name, column.header, get(column.index), read)

    def _cell(self, name: str, header: str, cell: object, read: Callable[[object], Any]) -> Any:
        if cell is None or cell == "":
            return None
        known = self._known[name]
        if isinstance(cell, str) and cell in known:
            return known[cell]
        try:
            value = read(cell)
        except UnreadableCellError as error:
            self._bad(header, cell, error.reason, error.remedy)
            return None
        if isinstance(cell, str) and len(known) < _REMEMBERED:
            known[cell] = value
        return value

    def _quantity(self, cell: object) -> Quantity | None:
        return read_quantity(cell, self._decimal, is_certain=self.defaults.decimal is not None)

    def _bad(self, column: str, found: object, reason: str, remedy: str) -> None:
        self._is_bad = True
        self.problems.add(self._place, column, found, reason, remedy)

    def _tell_unfilled(self, get: Callable[[int], object], outcome: bool | None) -> None:
        """Leave out a row of a work order that has no result yet; refuse one that says when and by whom."""
        filled = [
            c.header
            for c in self._fields.values()
            if c.name in ("standard_deviation", "date", "variance") and get(c.index) not in (None, "")
        ]
        if outcome or filled:
            self._bad(
                "value", "", f"the value is missing, though {filled[0] if filled else 'outcome'} is filled in",
                "Write the value; if nothing came of it, write failed into outcome. "
                "What a formula computes is saved with the workbook only by a spreadsheet program.",
            )  # fmt: skip
        else:
            self.unfilled += 1


def _getter(row: Sequence[object]) -> Callable[[int], object]:
    length = len(row)
    return lambda index: row[index] if index < length else None


def _formula(text: Any) -> str:
    return read_formula(text)


def _read_property(text: Any) -> str:
    return read_property(text)


def _read_method(text: Any) -> str:
    return read_method(text)
