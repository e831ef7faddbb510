"""Running `catalyst ingest`: one Dagster run with bars for how far it is, and what came of it in a few lines.

What may be asked of each source, its declaration says.
"""

import json
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from catalyst_assets.commands.runs import open_driver, run_progress
from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from catalyst_assets.ingestion.progress import Advance
    from catalyst_assets.ingestion.raw_cache import RawFile
    from catalyst_assets.ingestion.sources.spec import SourceSpec
    from resources.postgres.database import Database
    from resources.settings import Settings

_COUNTS: Final = ("new", "changed", "unchanged", "deprecated", "quarantined")
_SHOWN_REFUSALS: Final = 5
_FETCHED: Final = ("fetched", "failed_before", "failures")
_ADSORPTION: Final = {
    "adsorption_new": "new energies and systems",
    "adsorption_changed": "changed",
    "adsorption_unchanged": "unchanged",
    "labelled": "materials with other labels",
}
# What each asset says of itself; a source's own says how many files it fetched.
_SUMMARIZED: Final = {
    "materials": (*_COUNTS, *_ADSORPTION),
    "material_identity": ("unified", "materials"),
    "adsorption_labels": ("labelled",),
    "energies_above_hull": ("hulls",),
}


def run_ingest(
    spec: "SourceSpec",
    config: Mapping[str, Any],
    reparse: bool,
    home: Path | None,
    as_json: bool,
    names: Collection[str] = (),
) -> None:
    """Refresh and load a source, or load it again, with bars on the way and a summary at the end.

    Parameters
    ----------
    names
        What the records asked for go by, where the source has several such names; all of them if empty.

    Raises
    ------
    CatalystError
        A run failed, not all that was asked for came, a file cannot be read that was asked for or was loaded here for
        the first time, or every row of a source was set aside.
    """
    from rich.console import Console
    from rich.progress import TextColumn

    from catalyst_assets.ingestion.progress import listening
    from catalyst_assets.ingestion.sources.confining import hash_config
    from resources.settings import load_settings

    # Whoever waits for a command decides whether it is worth asking once more.
    os.environ.setdefault("CATALYST_SOURCE_RETRIES", "0")
    # The user of this command may read what it names; a run that somebody starts from elsewhere may not.
    os.environ["CATALYST_VOUCHED_CONFIG"] = hash_config(spec, config)
    settings = load_settings(home=home)
    with (
        run_progress(Console(stderr=True), TextColumn("{task.fields[done]}")) as progress,
        listening(_Stages(progress).show),
    ):
        try:
            summary = _run(settings, spec, config, reparse, progress, names)
        except KeyboardInterrupt:
            progress.console.print("Interrupted: the same command goes on from here.")
            raise
    if as_json:
        typer.echo(json.dumps({"source": spec.name, **summary}, allow_nan=False))
    else:
        _say(spec, summary)
    if summary.get("failures"):
        failures = "; ".join(f"{name}: {reason}" for name, reason in summary["failures"].items())
        raise CatalystError(f"Not complete, though what came is loaded: {failures}")
    if summary["wholly_set_aside"]:
        counted = "; ".join(
            f"every row of {source} was set aside ({rows:,})"
            for source, rows in summary["wholly_set_aside"].items()
        )
        raise CatalystError(
            f"Nothing was loaded: {counted}.",
            "Mend the file or what describes it, then run this again; the table `quarantine` has the reason of each.",
        )
    if summary["unreadable"]:
        raise CatalystError(
            f"Not loaded: {'; '.join(summary['unreadable'])}",
            "Mend the file or what describes it, then run this again; `catalyst ingest drop` takes a file away.",
        )


def _say(spec: "SourceSpec", summary: Mapping[str, Any]) -> None:
    from catalyst_assets.ingestion.adsorption.records import AdsorptionParser
    from catalyst_assets.ingestion.sources.parsers import PARSERS_OF

    typer.echo(", ".join(f"{summary[name]} {name}" for name in _COUNTS) + ".")
    if summary["unified"]:
        typer.echo(
            f"{summary['unified']} of them are crystals that another source gave, too: "
            f"{summary['materials']} materials in all."
        )
    if any(isinstance(parser, AdsorptionParser) for parser in PARSERS_OF[spec.name]):
        typer.echo("; ".join(f"{summary[name]} {said}" for name, said in _ADSORPTION.items()) + ".")
    for refused in summary["refused"]:
        typer.echo(f"Set aside: {refused}")
    for failed in summary["stand_failed"]:
        typer.echo(f"Not loaded since an earlier command: {failed}", err=True)
    more = summary["quarantined"] - len(summary["refused"])
    if more > 0:
        typer.echo(
            f"Set aside: {more} more; `catalyst db query` shows all of them, in the view `quarantine`."
        )


def _run(
    settings: "Settings",
    spec: "SourceSpec",
    config: Mapping[str, Any],
    reparse: bool,
    progress: "Progress",
    names: Collection[str],
) -> dict[str, Any]:
    from catalyst_assets.ingestion.sources.jobs import REPARSE_JOB

    bar = progress.add_task("starting PostgreSQL", total=None, done="")
    with open_driver(settings, progress, bar) as driver:
        database = driver.platform.database
        before = set() if reparse else {raw.raw_file_id for raw in _failed(database, spec, names)}
        if reparse:
            parse = {"pending_shards": {"config": {"reparse": True, "source": spec.name}}}
            run_id = driver.execute(REPARSE_JOB, ops={"materials": {"ops": parse}})
        else:
            run_id = driver.execute(spec.job, ops={spec.asset: {"config": dict(config)}})
        summary = _summarize(driver.instance, run_id)
        others = before.difference(summary.pop("failed_before"))
        most = min(summary["quarantined"], _SHOWN_REFUSALS)
        return summary | _troubles(database, spec, names, most, others)


def _failed(database: "Database", spec: "SourceSpec", names: Collection[str] = ()) -> "list[RawFile]":
    """Return the files of a source that stand as failed."""
    from catalyst_assets.ingestion.raw_cache import current_files

    return [
        raw for raw in current_files(database) if raw.parse_status == "failed" and _is_of(raw, spec, names)
    ]


def _is_of(raw: "RawFile", spec: "SourceSpec", names: Collection[str]) -> bool:
    from catalyst_assets.ingestion.sources.parsers import PARSERS_OF

    return raw.kind in {parser.kind for parser in PARSERS_OF[spec.name]} and (
        not names or raw.source in names
    )


def _troubles(
    database: "Database", spec: "SourceSpec", names: Collection[str], most: int, others: Collection[int]
) -> dict[str, Any]:
    """Return which files cannot be read, ``others`` apart, and some rows of a source that were refused last."""
    from catalyst_assets.ingestion.raw_cache import current_files
    from resources.postgres.database import fetch_all

    every = current_files(database)
    files = [raw for raw in every if _is_of(raw, spec, names)]
    own = [raw for raw in files if raw.parse_status == "failed" and raw.raw_file_id not in others]
    with database.transaction() as connection:
        rows = fetch_all(
            connection,
            "ingestion/refusals_of_files",
            raw_sha256s=[raw.sha256 for raw in files],
            limit=most,
        )
        nothing = fetch_all(
            connection, "ingestion/wholly_set_aside", raw_sha256s=[raw.sha256 for raw in files]
        )
    return {
        "wholly_set_aside": {row["source"]: row["n_rows"] for row in nothing},
        "unreadable": [f"{raw.source}: {raw.parse_note}" for raw in own],
        "stand_failed": [
            f"{raw.source} ({raw.url}, file {raw.raw_file_id}): {raw.parse_note}"
            for raw in every
            if raw.parse_status == "failed" and raw not in own
        ],
        "refused": [f"{row['record']} ({row['source']}): {row['reason']}" for row in rows],
    }


class _Stages:
    """One bar for each stage that reports how far it is."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def show(self, advance: "Advance | str") -> None:
        """Move a stage's bar, a new one if it is the first time; print what is only said."""
        if isinstance(advance, str):
            self._progress.console.print(advance, markup=False, highlight=False)
            return
        if advance.stage not in self._bars:
            self._bars[advance.stage] = self._progress.add_task(advance.stage, total=None, done="")
        bar = self._bars[advance.stage]
        if advance.total is not None:
            self._progress.update(bar, total=advance.total)
        if advance.done is None:
            self._progress.advance(bar, advance.amount)
        else:
            self._progress.update(bar, completed=advance.done)
        task = self._progress.tasks[self._progress.task_ids.index(bar)]
        of_all = "" if task.total is None else f" of {task.total:,.0f}"
        self._progress.update(bar, done=f"{task.completed:,.0f}{of_all}")


def _summarize(instance: Any, run_id: str) -> dict[str, Any]:
    """Return what the run's materializations say of themselves."""
    import dagster as dg

    summary: dict[str, Any] = {"run_id": run_id}
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        materialization = record.event_log_entry.asset_materialization
        wanted = _SUMMARIZED.get(materialization.asset_key.to_user_string(), _FETCHED)
        summary |= {
            name: materialization.metadata[name].value for name in wanted if name in materialization.metadata
        }
    # Shown to people by the asset: as a table, and as text.
    table, numbers = summary.pop("failures", None), summary.pop("failed_before", "")
    rows = [record.data for record in table.records] if table is not None else []
    return summary | {
        "failures": {row["part"]: row["reason"] for row in rows},
        "failed_before": {int(number) for number in numbers.split(", ") if number},
    }
