"""`catalyst validation list`, `retry` and `cancel`: the work that validators have."""

import getpass
import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform
from catalyst_assets.commands.tables import fitted_table

if TYPE_CHECKING:
    from datetime import datetime

    from catalyst_assets.validation.jobs.wishes import Granted

_MOST_ROWS: Final = 40
_MOST_REASONS: Final = 5
_TEXTS: Final = ("job", "material", "formula", "campaign", "validator", "property", "status", "since")
# In the order in which they go where there is no room for all.
_DISPENSABLE: Final = ("property", "material", "validator", "since", "campaign")
_Named = Annotated[
    str,
    typer.Argument(
        metavar="JOB|CANDIDATE",
        help="The first digits of a calculation's name, or the number of a candidate.",
    ),
]


def list_(
    campaign: Annotated[str | None, typer.Option(help="Only what this campaign asked for.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help=f"Every row, not the first {_MOST_ROWS}.")
    ] = False,
    results: Annotated[
        bool,
        typer.Option("--results", help="What was answered instead: the ledger of results, the newest first."),
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List what validators have to do: calculations, and candidates that wait for a laboratory.

    First what runs, then what waits, then calculations that failed or were cancelled, each with its reason.
    The JSON has every row, with the properties that are asked for and the folder of the calculation. Of results it says
    how each stands, and marks with ! those that lie far from their replicates or from what was predicted: they are
    learned from all the same.
    """
    from rich.console import Console

    from catalyst_assets.commands.validation.ledger import list_results
    from catalyst_assets.validation.jobs.wishes import list_work

    with open_platform(home) as platform:
        if results:
            list_results(platform, campaign, everything=everything, as_json=as_json)
            return
        rows = list_work(platform.database, campaign)
    if as_json:
        typer.echo(json.dumps([_as_object(row) for row in rows]))
        return
    if not rows:
        whose = f" of {campaign}" if campaign else ""
        typer.echo(f"Nothing{whose} waits for a validator, and no calculation failed.")
        return
    console = Console(highlight=False, markup=False)
    shown = rows if everything else rows[:_MOST_ROWS]
    table = fitted_table(_heading(rows), [_cells(row) for row in shown], _TEXTS, _DISPENSABLE, console.width)
    console.print(table)
    told = [row for row in shown if row["reason"] and row["status"] in {"failed", "cancelled", "flagged"}]
    for row in told[:_MOST_REASONS]:
        console.print(f"{_name(row)} ({row['formula']}) {row['status']}: {row['reason']}")
    if len(told) > _MOST_REASONS:
        console.print(f"… and the reasons of {len(told) - _MOST_REASONS:,} more: --json")
    if len(rows) > len(shown):
        console.print(f"… and {len(rows) - len(shown):,} more: --all, --campaign or --json")


def retry(named: _Named, home: Home = None) -> None:
    """Try again what failed or was cancelled: a calculation, or a candidate whose validation failed.

    The candidate is flagged for it, where its iteration is still open. Exit code 2: nothing of it failed.
    """
    from catalyst_assets.validation.jobs import wishes

    with open_platform(home) as platform:
        granted = wishes.retry(platform.database, named, getpass.getuser())
    _tell(granted, "waits again", "flagged again")


def cancel(
    named: _Named,
    reason: Annotated[str, typer.Option(help="Why; kept with the candidate and the calculation.")],
    home: Home = None,
) -> None:
    """Withdraw a candidate that waits for an answer; end its calculation where nobody else waits for it.

    A calculation is named to withdraw every candidate that waits for it. `retry` takes it back.
    """
    from catalyst_assets.validation.jobs import wishes

    with open_platform(home) as platform:
        granted = wishes.cancel(platform, named, reason, getpass.getuser())
    _tell(granted, "is cancelled", "withdrawn")


def _tell(granted: "Granted", job_said: str, candidate_said: str) -> None:
    if granted.job_id is not None:
        typer.echo(f"Calculation {granted.job_id[:12]} {job_said}.")
    for candidate in granted.candidates:
        typer.echo(f"Candidate {candidate} is {candidate_said}.")


def _heading(rows: list[dict[str, Any]]) -> str:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row["status"]] = counts.get(row["status"], 0) + 1
    return ", ".join(f"{count:,} {status.replace('_', ' ')}" for status, count in counts.items())


def _cells(row: dict[str, Any]) -> dict[str, str]:
    since: datetime | None = row["since"]
    return {
        "job": (row["job_id"] or "-")[:12],
        "candidate": str(row["candidate_id"] or "-"),
        "formula": row["formula"],
        "material": row["material_id"],
        "campaign": row["campaign"] or "-",
        "validator": row["validator"],
        "property": ", ".join(row["properties"]),
        "status": row["status"].replace("_", " "),
        "since": since.astimezone().strftime("%m-%d %H:%M") if since else "-",
    }


def _name(row: dict[str, Any]) -> str:
    return row["job_id"][:12] if row["job_id"] else f"Candidate {row['candidate_id']}"


def _as_object(row: dict[str, Any]) -> dict[str, Any]:
    since: datetime | None = row["since"]
    return {
        "job": row["job_id"],
        "candidate": row["candidate_id"],
        "campaign": row["campaign"],
        "material_id": row["material_id"],
        "formula": row["formula"],
        "validator": row["validator"],
        "method": row["method"],
        "properties": row["properties"],
        "status": row["status"],
        "since": since.isoformat() if since else None,
        "reason": row["reason"],
        "folder": row["folder"] or None,
    }
