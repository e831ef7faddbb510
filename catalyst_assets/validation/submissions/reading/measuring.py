"""A value as it was written, into the unit that its property is stored in; whether it can be one of it."""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from catalyst_assets.ingestion.unit_doubts import ask_unit
from catalyst_assets.validation.submissions.reading.columns import Column, find_property
from catalyst_assets.validation.submissions.reading.quantities import Quantity, UnreadableCellError
from catalyst_assets.vocabulary.known import known_methods, known_properties, stored_as
from catalyst_assets.vocabulary.units import Conversion
from catalyst_assets.vocabulary.words import WHERE_DECLARED, close_to

_NO_CONVERSION: Final = Conversion()


class Given(NamedTuple):
    """A value with what stands beside it.

    Attributes
    ----------
    property
        None where nobody said which.
    deviation, deviation_unit
        None, and empty, where nothing is said.
    """

    column: Column
    property: str | None
    quantity: Quantity
    deviation: float | None
    deviation_unit: str


class Measured(NamedTuple):
    """A value in the unit of its property.

    Attributes
    ----------
    given
        Value and unit as written, where they were converted.
    """

    value: float
    unit: str
    standard_deviation: float | None
    given: str


class BadValueError(UnreadableCellError):
    """A value cannot be taken; the column is that of what is wrong."""

    def __init__(self, column: str, found: object, reason: str, remedy: str) -> None:
        super().__init__(reason, remedy)
        self.column, self.found = column, found


def read_property(text: str) -> str:
    """Return the property that a text names.

    Raises
    ------
    UnreadableCellError
        Nobody declared it.
    """
    name = find_property(text)
    if name is None:
        known = known_properties()
        raise UnreadableCellError(
            f"is no known property{_as_clause(close_to(text, known))}", f"Correct it; {WHERE_DECLARED}."
        )
    return name


def read_method(text: str) -> str:
    """Return the method that a text names, whatever its case.

    Raises
    ------
    UnreadableCellError
        Nobody declared it.
    """
    known = known_methods()
    if text in known:
        return text
    for name in known:
        if name.casefold() == text.casefold():
            return name
    raise UnreadableCellError(
        f"is no known method{_as_clause(close_to(text, known))}", f"Correct it; {WHERE_DECLARED}."
    )


@dataclass
class Measuring:
    """Converts values, and remembers how."""

    _known: dict[tuple[str, str], tuple[str, Conversion]] = field(default_factory=dict)

    def measure(self, given: Given, unit_of_row: str) -> Measured:
        """Return a value in the unit of its property.

        Raises
        ------
        BadValueError
            Its property or unit is missing, or it is outside what the property can be.
        """
        column, name, quantity, deviation, deviation_unit = given
        if name is None:
            raise BadValueError(
                "property", "", "it does not say which property was measured", "Name it, such as band_gap."
            )
        unit = self._unit(column, quantity.unit, unit_of_row, name)
        stored, conversion = self._find(name, unit)
        known = known_properties()[name]
        number = conversion(quantity.value)
        if not known.low <= number <= known.high:
            number = known.without_rounding(number)
            if not known.low <= number <= known.high:
                raise BadValueError(
                    column.header,
                    f"{quantity.value:.6g} {unit}".strip(),
                    f"is outside what {name} can be ({known.range_text} {known.unit})"
                    + _as_clause(ask_unit(number, known)),
                    "Correct the value or its unit.",
                )
        if deviation is not None:
            scale = conversion if deviation_unit in ("", unit) else self._scale(name, deviation_unit, column)
            deviation = abs(deviation * scale.factor / scale.divisor)
        as_given = "" if conversion == _NO_CONVERSION else f"{quantity.value:g} {unit}"
        return Measured(number, stored, deviation, as_given)

    def _unit(self, column: Column, in_cell: str, in_row: str, name: str) -> str:
        row = in_row if column.kind == "field" or not column.unit else ""
        said = list(dict.fromkeys(unit for unit in (in_cell, column.unit, row) if unit))
        if len(said) > 1 and len({unit.replace(" ", "") for unit in said}) > 1:
            raise BadValueError(
                column.header, " and ".join(said), "are two units of one value", "Keep the right one."
            )
        stored = known_properties()[name].unit
        unit = said[0] if said else ("dimensionless" if stored == "dimensionless" else "")
        if not unit:
            raise BadValueError(
                column.header,
                "",
                f"the unit of {name} is missing",
                f"Write it into the column unit, or above the values: `{name} [{stored}]`; or give --unit.",
            )
        try:
            self._find(name, unit)
        except ValueError as error:
            raise BadValueError(
                "unit" if in_row == unit else column.header,
                unit,
                f"is no unit of {name}: {error}",
                f"Write {stored}, or a unit that can be converted to it.",
            ) from None
        return unit

    def _scale(self, name: str, unit: str, column: Column) -> Conversion:
        try:
            return self._find(name, unit)[1]
        except ValueError as error:
            raise BadValueError(
                column.header, unit, f"is no unit of the deviation: {error}", "Write that of the value."
            ) from None

    def _find(self, name: str, unit: str) -> tuple[str, Conversion]:
        found = self._known.get((name, unit))
        if found is None:
            found = self._known[name, unit] = stored_as(name, unit)
        return found


def _as_clause(question: str) -> str:
    return question.removesuffix("?")
