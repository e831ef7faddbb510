"""`catalyst validation list --results`: the ledger, corrections and retractions included, with what is worth a look."""

import json
from collections import defaultdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from catalyst_assets.commands.tables import fitted_table

if TYPE_CHECKING:
    from catalyst_assets.validation.results.outliers import Flag
    from resources.platform import Platform

_MOST_ROWS: Final = 40
_TEXTS: Final = (
    "formula",
    "material",
    "campaign",
    "property",
    "unit",
    "method",
    "sample",
    "stands",
    "by",
    "submitted",
)
# In the order in which they go where there is no room for all.
_DISPENSABLE: Final = ("material", "submitted", "method", "sample", "by", "campaign", "iteration")


def list_results(platform: "Platform", campaign: str | None, *, everything: bool, as_json: bool) -> None:
    """Print the ledger, the newest result first."""
    from rich.console import Console

    rows, flags = _read(platform, campaign)
    if as_json:
        typer.echo(json.dumps([_as_object(row, flags[row["result_id"]]) for row in rows]))
        return
    if not rows:
        typer.echo(f"No results{f' of {campaign}' if campaign else ''} yet.")
        return
    shown = rows if everything else rows[:_MOST_ROWS]
    console = Console(highlight=False, markup=False)
    cells = [_cells(row, flagged=bool(flags[row["result_id"]])) for row in shown]
    console.print(fitted_table(f"{len(rows):,} results", cells, _TEXTS, _DISPENSABLE, console.width))
    for row in shown:
        for flag in flags[row["result_id"]]:
            console.print(f"! {flag}.")
        if row["problem"]:
            console.print(f"Result {row['result_id']} is not learned from: {row['problem']}")
        if row["reason"]:
            verb = "retracts" if row["outcome"] == "retracted" else "corrects"
            console.print(f"Result {row['result_id']} {verb} {row['supersedes']}: {row['reason']}")
    if len(rows) > len(shown):
        console.print(f"… and {len(rows) - len(shown):,} more: --all, --campaign or --json")


def _read(platform: "Platform", campaign: str | None) -> "tuple[list[dict[str, Any]], dict[int, list[Flag]]]":
    from catalyst_assets.validation.results.outliers import load_flags
    from resources.postgres.database import fetch_all

    flags: dict[int, list[Flag]] = defaultdict(list)
    with platform.database.transaction() as connection:
        rows = fetch_all(connection, "validation/ledger", campaign=campaign)
        names = [campaign] if campaign else sorted({row["campaign"] for row in rows if row["campaign"]})
        for name in names:
            for flag in load_flags(connection, name):
                if flag not in flags[flag.result_id]:
                    flags[flag.result_id].append(flag)
    return rows, flags


def _cells(row: dict[str, Any], *, flagged: bool) -> dict[str, str]:
    deviation = row["standard_deviation"]
    value = "-" if row["value"] is None else f"{row['value']:.6g}"
    return {
        "result": str(row["result_id"]),
        "formula": row["formula"],
        "material": row["material_id"],
        "campaign": row["campaign"] or "-",
        "iteration": "-" if row["iteration"] is None else str(row["iteration"]),
        "property": row["property"] or "-",
        "value": value + (f" ± {deviation:.2g}" if deviation is not None else "") + (" !" if flagged else ""),
        "unit": row["unit"] or "",
        "method": row["method"],
        "sample": " ".join(
            filter(None, [row["sample"], f"#{row['replicate']}" if row["replicate"] > 1 else ""])
        ),
        "stands": _standing(row),
        "by": row["submitted_by"],
        "submitted": row["created_at"].astimezone().strftime("%m-%d %H:%M"),
    }


def _standing(row: dict[str, Any]) -> str:
    if row["superseded_by"] is not None:
        verb = "retracted" if row["superseded_as"] == "retracted" else "corrected"
        return f"{verb} by {row['superseded_by']}"
    if row["outcome"] != "measured":
        return str(row["outcome"])
    if not row["examined"]:
        return "not examined"
    return "unfit" if row["problem"] else "counts"


def _as_object(row: dict[str, Any], flags: "list[Flag]") -> dict[str, Any]:
    plain = {
        name: value.isoformat() if isinstance(value, date | datetime) else value
        for name, value in row.items()
    }
    return plain | {"stands": _standing(row), "flags": [str(flag) for flag in flags]}
