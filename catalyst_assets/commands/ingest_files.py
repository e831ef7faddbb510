"""`catalyst ingest files` and `catalyst ingest drop`: which raw files there are, and taking away those that are a mistake."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform, require_database
from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from catalyst_assets.ingestion.dropping import Dropped, ListedFile

_Source = Annotated[str, typer.Option("--source", help="Only of this source, such as my_oxides or aflow.")]
_Since = Annotated[
    datetime | None,
    typer.Option("--since", help="Only what was fetched then (UTC) or later, such as 2026-11-26T10:00:00."),
]
_NAMED = "Numbers of raw files (`catalyst ingest files`), or their names or addresses: the newest of each."
_SHOWN = 5
_END = 48


def files(
    source: _Source = "",
    since: _Since = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show those, too, that a later file has replaced.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List raw files: number, source, file, rows, what became of it, and when it was fetched."""
    from rich.console import Console

    from catalyst_assets.commands.tables import narrow_table
    from catalyst_assets.ingestion.dropping import list_files
    from resources.settings import load_settings

    require_database(load_settings(home=home))
    with open_platform(home) as platform:
        listed = list_files(platform.database, source, _in_utc(since))
    listed = [file for file in listed if every or file.is_current]
    if as_json:
        shown = [asdict(file) | {"fetched_at": file.fetched_at.isoformat()} for file in listed]
        typer.echo(json.dumps(shown, allow_nan=False))
        return
    table = narrow_table("", ["file", "source", "address", "status", "fetched (UTC)"], ["rows"])
    for file in listed:
        status = file.parse_status if file.is_current else "replaced"
        fetched = file.fetched_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        rows = "-" if file.row_count is None else f"{file.row_count:,}"
        table.add_row(str(file.raw_file_id), file.source, _shown(file.url), status, fetched, rows)
    Console(markup=False, highlight=False).print(table)
    for file in listed:
        if file.parse_status == "failed":
            typer.echo(f"File {file.raw_file_id} is not loaded: {file.parse_note}")


def drop(
    named: Annotated[list[str] | None, typer.Argument(help=_NAMED, show_default=False)] = None,
    source: _Source = "",
    since: _Since = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Drop raw files, or a source's (with `--since` those of a refresh), with what came from them alone.

    Their records, answers, energies and refusals go, and what their sources remember: the next refresh asks again. What
    an earlier file said of the same records is loaded again. Crystals that a campaign has used are deprecated instead.
    What will go is shown first.
    """
    from catalyst_assets.ingestion.dropping import drop_files, find_files, list_files
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    if not named and not source:
        raise UsageError("Nothing is named.", "Name files by number, or a source with --source.")
    if as_json and not yes:
        raise UsageError("With --json nobody is asked.", "Add --yes.")
    with open_platform(home, upgrade=True) as platform:
        listed = list_files(platform.database, source, _in_utc(since))
        chosen = listed if not named else []
        for name in named or []:
            found = find_files(listed, name)
            if not found:
                typer.echo(f"There is no raw file {name}: it is dropped already, or never was.", err=True)
            chosen += found
        # A refresh leaves more than its files: all of a source takes its memory, too.
        sources = [source] if source and not named else []
        ids = {file.raw_file_id for file in chosen}
        planned = drop_files(platform.database, platform.objects, ids, sources, is_rehearsal=True)
        if not as_json:
            _announce(planned, chosen)
        if not chosen and not sources:
            return
        if not yes:
            _ask()
        dropped = drop_files(platform.database, platform.objects, ids, sources)
    loaded = _load(home)
    if as_json:
        typer.echo(json.dumps(asdict(dropped) | {"run_id": loaded}, allow_nan=False))
    else:
        typer.echo(
            f"Dropped. {dropped.waiting} earlier files were loaded again." if dropped.waiting else "Dropped."
        )


def _announce(planned: "Dropped", chosen: "list[ListedFile]") -> None:
    for file in chosen[:_SHOWN]:
        typer.echo(f"File {file.raw_file_id} of {file.source}: {_shown(file.url)}")
    if len(chosen) > _SHOWN:
        typer.echo(f"and {len(chosen) - _SHOWN} more.")
    counts = {
        "records of crystals": planned.records,
        "answers of a validator": planned.answers,
        "adsorption energies": planned.energies,
        "adsorption systems": planned.systems,
        "rows that were set aside": planned.refusals,
    }
    others = ", ".join(f"{what} {count:,}" for what, count in counts.items() if count) or "nothing else"
    typer.echo(f"Raw files that go: {planned.files:,}; with them: {others}.")
    if planned.retired:
        names = ", ".join(planned.retired[:_SHOWN]) + (", …" if len(planned.retired) > _SHOWN else "")
        typer.echo(f"Deprecated, because a campaign has used them: {len(planned.retired):,} ({names}).")
    if planned.waiting:
        typer.echo(f"Loaded again, because they said something of the same before: {planned.waiting:,}.")
    if planned.sources:
        typer.echo(f"The next refresh of {', '.join(planned.sources)} asks for everything again.")


def _shown(address: str) -> str:
    """Return an address with its two ends: what is asked in between is long, and the same everywhere."""
    return address if len(address) <= 2 * _END else f"{address[:_END]}…{address[-_END:]}"


def _ask() -> None:
    if not sys.stdin.isatty():
        raise UsageError("Nothing was dropped: nobody is there to be asked.", "Add --yes.")
    typer.confirm("Drop them?", abort=True)


def _load(home: Path | None) -> str:
    """Load what waits, and derive what depends on it, in a run that the Dagster UI shows."""
    from rich.console import Console
    from rich.progress import TextColumn

    from catalyst_assets.commands.runs import open_driver, run_progress
    from catalyst_assets.ingestion.sources.jobs import REPARSE_JOB
    from resources.settings import load_settings

    with run_progress(Console(stderr=True), TextColumn("{task.fields[done]}")) as progress:
        bar = progress.add_task("starting PostgreSQL", total=None, done="")
        with open_driver(load_settings(home=home), progress, bar) as driver:
            return driver.execute(REPARSE_JOB)


def _in_utc(moment: datetime | None) -> Any:
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)
