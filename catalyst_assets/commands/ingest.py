"""`catalyst ingest`: refresh a source and load what is new, as runs that the Dagster UI shows."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

    from resources.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Fetch materials from outside, check them and load them.")

_HOME = typer.Option(
    file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
)
_REPARSE = typer.Option("--reparse", help="Load again from the cached raw files; no source is asked.")
_JSON = typer.Option("--json", help="Print one JSON object instead of a sentence.")
_COUNTS: Final = ("new", "changed", "unchanged", "retired", "quarantined")


@app.command("optimade")
def optimade(
    provider: Annotated[
        list[str] | None,
        typer.Option(help="Name of a known provider, such as oqmd, or a YAML file; may be repeated."),
    ] = None,
    entries: Annotated[
        str, typer.Option("--filter", help="""OPTIMADE filter, such as 'elements HAS "O" AND nelements=3'.""")
    ] = "",
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Leave a provider after so many entries; the same command goes on there."),
    ] = None,
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Load crystals and their properties from databases that speak OPTIMADE.

    Asks for what changed since the last time; a refresh that was interrupted goes on where it was.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.ingestion.optimade_providers import list_providers, load_provider

    names = provider or []
    if not names and not reparse:
        raise UsageError("No provider is named.", f"Add --provider: {', '.join(list_providers())} or a file.")
    for name in names:
        load_provider(name)
    # Dagster's steps may run in another folder.
    located = [
        str(Path(name).absolute()) if Path(name).suffix in {".yaml", ".yml"} else name for name in names
    ]
    config = {"providers": located, "filter": entries, "most_entries": limit}
    _ingest("optimade", config, reparse, home, as_json)


@app.command("aflow")
def aflow(
    matchbook: Annotated[
        str, typer.Option("--match", help="AFLUX conditions, such as 'species(Ti,O),nspecies(2)'.")
    ] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many entries; the same command goes on there.")
    ] = None,
    endpoint: Annotated[str, typer.Option(help="Where AFLUX is, if not at AFLOW's own address.")] = "",
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Load crystals, gaps and formation energies from AFLOW, the newest first.

    Asks for what is newer than the last time; a refresh that was interrupted goes on where it was.
    """
    from catalyst_assets.ingestion.aflow import check_matchbook

    if not reparse:
        check_matchbook(matchbook)
    config = {"matchbook": matchbook, "most_entries": limit, "endpoint": endpoint}
    _ingest("aflow", config, reparse, home, as_json)


@app.command("prototypes")
def prototypes(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="YAML files: a prototype, and the species that its sites may hold."),
    ] = None,
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Enumerate hypothetical crystals: candidates that nobody has computed.

    Prototypes are cubic_perovskite (ABX3), mixed_anion_perovskite (ABX2Y), double_perovskite (A2BCX6), spinel (AB2X4)
    and rutile (MX2). Kept is what is neutral in common oxidation states, its cations less electronegative than its
    anions.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.ingestion.enumeration import load_enumeration

    paths = [path.expanduser().absolute() for path in files or []]
    if not paths and not reparse:
        raise UsageError("No enumeration is named.", "Name a YAML file; docs/sources.md shows one.")
    for path in paths:
        load_enumeration(path)
    _ingest("prototypes", {"files": [str(path) for path in paths]}, reparse, home, as_json)


@app.command("reference_tables")
def reference_tables(
    mapping: Annotated[
        list[Path] | None,
        typer.Option(help="Mapping file of a table beyond those shipped; may be repeated."),
    ] = None,
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Load tables: CSV or Parquet files, each with a mapping file that says what its columns are."""
    from catalyst_assets.ingestion.table_mapping import load_mapping

    paths = [path.expanduser().absolute() for path in mapping or []]
    for path in paths:
        load_mapping(path)
    _ingest("reference_tables", {"mapping_files": [str(path) for path in paths]}, reparse, home, as_json)


def _ingest(source: str, config: Mapping[str, Any], reparse: bool, home: Path | None, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from catalyst_assets.commands.runs import quieten
    from resources.settings import load_settings

    quieten()
    settings = load_settings(home=home)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        summary = _run(settings, source, config, reparse, progress)
    if as_json:
        typer.echo(json.dumps({"source": source, **summary}, allow_nan=False))
        return
    typer.echo(", ".join(f"{summary[name]} {name}" for name in _COUNTS) + ".")
    if summary["quarantined"]:
        typer.echo("Why rows were refused stands in the table `quarantine`, and in the run's checks.")


def _run(
    settings: "Settings", source: str, config: Mapping[str, Any], reparse: bool, progress: "Progress"
) -> dict[str, Any]:
    import dagster as dg

    from catalyst_assets.loop.driver import LoopDriver
    from catalyst_assets.loop.jobs import REPARSE_JOB
    from catalyst_assets.loop.runs import reap_dead_runs
    from resources.connection import connect
    from resources.dagster_instance import prepare_dagster_home
    from resources.platform import Platform
    from resources.settings import get_settings

    bar = progress.add_task("starting PostgreSQL", total=None)
    with connect(settings, upgrade=True) as database:
        os.environ.update(prepare_dagster_home(settings, database))
        get_settings.cache_clear()
        progress.update(bar, description="starting Dagster")
        with dg.DagsterInstance.get() as instance:
            reap_dead_runs(instance, database)
            driver = LoopDriver(
                Platform(settings, database),
                instance,
                on_step=lambda step: progress.update(bar, description=step.replace("_", " ")),
            )
            if reparse:
                parse = {"materials": {"ops": {"pending_shards": {"config": {"reparse": True}}}}}
                run_id = driver.execute(REPARSE_JOB, ops=parse)
            else:
                run_id = driver.execute(f"ingest_{source}", ops={f"raw_{source}": {"config": dict(config)}})
            return _summarize(instance, run_id)


def _summarize(instance: Any, run_id: str) -> dict[str, Any]:
    """Return what the run's materializations say of themselves."""
    import dagster as dg

    summary: dict[str, Any] = {"run_id": run_id}
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    for record in records:
        materialization = record.event_log_entry.asset_materialization
        wanted = _COUNTS if materialization.asset_key == dg.AssetKey("materials") else ("fetched",)
        summary |= {
            name: materialization.metadata[name].value for name in wanted if name in materialization.metadata
        }
    return summary
