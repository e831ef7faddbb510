"""Registered versions as tables that fit a terminal: one table a model, and two versions side by side.

What a version is comes from ``learning.models.model_records``; the commands are in ``models``.
"""

from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.commands.tables import narrow_table
from catalyst_assets.constants import decimals
from catalyst_assets.vocabulary.known import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from catalyst_assets.learning.models.model_records import ModelComparison, ModelRecord

# In the order in which they go where there is no room for all.
_DISPENSABLE: Final = ("sha256", "created", "unit", "predicted by", "test MAE", "relative")
_ALIGNED_LEFT: Final = ("version", "property", "unit", "predicted by", "created", "sha256")


def tabulate(name: str, records: "Sequence[ModelRecord]", width: int) -> "Table":
    """Return the versions of one model, a line a property, without the columns that ``width`` has no room for."""
    rows = [row for record in records for row in _rows(record)]
    columns = [column for column in rows[0] if any(row[column] for row in rows)]
    table = _draw(name, rows, columns)
    for dispensable in _DISPENSABLE:
        if _width(table) <= width:
            break
        columns = [column for column in columns if column != dispensable]
        table = _draw(name, rows, columns)
    return table


def explain_superseded(reference: str, labels: "Sequence[str]") -> str:
    """Say which labels of a version no longer hold."""
    return f"{reference} learned from labels that were corrected or retracted since: {'; '.join(labels)}."


def tabulate_pair(comparison: "ModelComparison") -> "Table":
    """Return two versions as columns, a section a property."""
    first, second, shared = comparison.first, comparison.second, comparison.shared
    references = [f"{record.name}@{record.version}" for record in (first, second)]
    places = ("", "") if first.name == second.name else ("first ", "second ")
    table = narrow_table(" and ".join(references), [], [])
    table.add_column("", overflow="fold")
    for place, record in zip(places, (first, second), strict=True):
        table.add_column(f"{place}{_short(record)}", justify="right", no_wrap=True)

    def both(what: str, of: Any) -> None:
        table.add_row(what, _number(of(first)), _number(of(second)))

    both("iteration", lambda record: record.iteration)
    both("labels", lambda record: record.labels)
    if first.superseded or second.superseded:
        both("  of them superseded since", lambda record: len(record.superseded))
    both("relative error", lambda record: record.relative_mae)
    both("miscalibration area", lambda record: record.miscalibration_area)
    for name in sorted({*first.mae_by_property, *second.mae_by_property}):
        table.add_section()
        table.add_row(f"{name} ({unit_of(name)})" if unit_of(name) else name)
        both("  predicted by", lambda record, name=name: record.kinds.get(name))
        both("  held-out MAE", lambda record, name=name: record.mae_by_property.get(name))
        both("  test MAE", lambda record, name=name: record.test_mae_by_property.get(name))
        both(
            "  miscalibration area",
            lambda record, name=name: record.miscalibration_area_by_property.get(name),
        )
        scores = [record.scores_by_kind.get(name, {}) for record in (first, second)]
        for kind in dict.fromkeys((*scores[0], *scores[1])):
            table.add_row(f"  CRPS of {kind}", *(_number(each.get(kind)) for each in scores))
    if shared is not None:
        table.add_section()
        table.add_row(f"on the {shared.n_materials} materials both know")
        table.add_row("  relative error", *map(_number, shared.relative_mae))
        for name, errors in shared.mae_by_property.items():
            table.add_row(f"  MAE of {name}", *map(_number, errors))
    return table


def _rows(record: "ModelRecord") -> list[dict[str, str]]:
    """Return a line for each property; what is of the version stands in the first."""
    lines = []
    for number, name in enumerate(record.mae_by_property or [""]):
        of_version = {
            "version": _short(record),
            "labels": str(record.labels),
            "relative": _number(record.relative_mae),
            "created": record.created_at[:16].replace("T", " "),
            "sha256": record.model_sha256[:8],
        }
        shown = of_version if number == 0 else dict.fromkeys(of_version, "")
        of_property = {
            "property": name or "has not learned",
            "unit": unit_of(name),
            "held-out MAE": _number(record.mae_by_property.get(name)),
            "area": _number(record.miscalibration_area_by_property.get(name)),
            "test MAE": _number(record.test_mae_by_property.get(name), nothing=""),
            "predicted by": record.kinds.get(name, ""),
        }
        order = ("version", "labels", "relative", *of_property, "created", "sha256")
        lines.append({column: (shown | of_property)[column] for column in order})
    return lines


def _draw(name: str, rows: "Sequence[dict[str, str]]", columns: "Sequence[str]") -> "Table":
    table = narrow_table(name, [], [])
    for column in columns:
        justify: Any = "left" if column in _ALIGNED_LEFT else "right"
        table.add_column(column, justify=justify, no_wrap=column != "property", overflow="fold")
    for row in rows:
        table.add_row(*(row[column] for column in columns))
    return table


def _width(table: "Table") -> int:
    """Return how wide a table is that nothing is cut off."""
    from rich.console import Console

    return Console(width=1000).measure(table).maximum


def _short(record: "ModelRecord") -> str:
    return f"@{record.version}{' *' if record.is_champion else ''}"


def _number(value: "float | str | None", nothing: str = "-") -> str:
    if value is None:
        return nothing
    return decimals(value) if isinstance(value, float) else str(value)
