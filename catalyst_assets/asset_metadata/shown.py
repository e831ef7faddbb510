"""Metadata as a person reads it in Dagster's UI: tables of ten rows with sensible digits, never JSON.

Numbers that are plotted over time stay numbers; what has no value is left out.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from catalyst_assets.vocabulary.known import known_properties

ROWS: Final = 10
_DIGITS: Final = 4
_LISTS: Final = (list, tuple, set, frozenset)


def table(rows: Iterable[Mapping[str, Any]], most: int = ROWS) -> dg.MetadataValue:
    """Show rows of the same keys, which are the columns; of more than ``most``, the first and how many there are."""
    listed = list(rows)
    if not listed:
        return dg.MetadataValue.text("none")
    cells = {name: [_cell(row[name]) for row in listed[:most]] for name in listed[0]}
    if len(listed) > most:
        for number, column in enumerate(cells.values()):
            column.append(None if number else f"… and {len(listed) - most} more")
    kinds = {name: _type_of(column) for name, column in cells.items()}
    for name, kind in kinds.items():
        if kind == "string":  # numbers among words, too
            cells[name] = [cell if cell is None else str(cell) for cell in cells[name]]
    columns = [dg.TableColumn(str(name), kind) for name, kind in kinds.items()]
    records = [
        dg.TableRecord(dict(zip(map(str, cells), row, strict=True)))
        for row in zip(*cells.values(), strict=True)
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))


def listing(name: str, values: Sequence[object]) -> dg.MetadataValue:
    """Show values below each other under one name."""
    return table({name: value} for value in values)


def pairs(first: str, second: str, values: Mapping[str, Any], most: int = ROWS) -> dg.MetadataValue:
    """Show what a mapping says as a table of two columns."""
    return table(({first: key, second: value} for key, value in values.items()), most)


def by_property(values: Mapping[str, Any]) -> dg.MetadataValue:
    """Show one number a property, or several by name, in the property's unit."""
    known = known_properties()
    several = [name for value in values.values() if isinstance(value, Mapping) for name in value]
    columns = [*dict.fromkeys(several)] or ["value"]
    return table(
        {
            "property": name,
            **{column: value.get(column) if isinstance(value, Mapping) else value for column in columns},
            "unit": known[name].unit if name in known else "",
        }
        for name, value in values.items()
    )


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return metadata of plain values: numbers with the digits that count, mappings and lists as tables, no None."""
    return {name: _value(name, value) for name, value in values.items() if value is not None}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        if name.endswith("_by_property"):
            return by_property(value)
        if value and all(isinstance(part, Mapping) for part in value.values()):
            columns = [*dict.fromkeys(column for part in value.values() for column in part)]
            return table(
                {"name": key, **{column: part.get(column) for column in columns}}
                for key, part in value.items()
            )
        return pairs("name", "value", value)
    if type(value) in _LISTS:  # Dagster's own schemas, links and tables are subclasses of tuple
        return listing(name.replace("_", " "), list(value))
    return _round(value) if isinstance(value, float) else value


def _cell(value: Any) -> str | int | float | bool | None:
    if isinstance(value, bool | int | str) or value is None:
        return value
    if isinstance(value, float):
        return _round(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_cell(part)}" for name, part in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(str(_cell(part)) for part in value)
    return str(value)


def _round(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _type_of(cells: Iterable[object]) -> str:
    kinds = {type(cell) for cell in cells if cell is not None}
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "int"
    return "float" if kinds and kinds <= {int, float} else "string"
