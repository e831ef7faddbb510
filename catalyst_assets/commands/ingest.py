"""`catalyst ingest`: refresh a source and load what is new, as runs that the Dagster UI shows."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from catalyst_assets.errors import CatalystError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from catalyst_assets.ingestion.progress import Advance
    from resources.postgres import Database
    from resources.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Fetch materials from outside, check them and load them.")

_HOME = typer.Option(
    file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
)
_REPARSE = typer.Option("--reparse", help="Load again from what is cached of this source; nobody is asked.")
_JSON = typer.Option("--json", help="Print one JSON object instead of a sentence.")
_COUNTS: Final = ("new", "changed", "unchanged", "deprecated", "quarantined")
_SHOWN_REFUSALS: Final = 5
_OUTCOME: Final = ("unified", "materials", "hulls")
_ADSORPTION: Final = {
    "adsorption_new": "new energies and systems",
    "adsorption_changed": "changed",
    "adsorption_unchanged": "unchanged",
    "labelled": "materials with other labels",
}


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
    from catalyst_assets.ingestion.optimade.providers import list_providers, load_provider

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
    from catalyst_assets.ingestion.aflow.source import check_matchbook

    if not reparse:
        check_matchbook(matchbook)
    config = {"matchbook": matchbook, "most_entries": limit, "endpoint": endpoint}
    _ingest("aflow", config, reparse, home, as_json)


@app.command("materials_project")
def materials_project(
    chemsys: Annotated[
        list[str] | None, typer.Option(help="Only this chemical system, such as Fe-O; may be repeated.")
    ] = None,
    element: Annotated[
        list[str] | None,
        typer.Option(help="Only what holds this element; may be repeated, all must be there."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Nothing that holds this element; may be repeated.")
    ] = None,
    material: Annotated[
        list[str] | None, typer.Option(help="Only this material, such as mp-149; may be repeated.")
    ] = None,
    include_non_commercial: Annotated[
        bool,
        typer.Option(
            "--include-non-commercial", help="Take materials whose licence forbids commercial use, too."
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many documents; the same command goes on there.")
    ] = None,
    endpoint: Annotated[str, typer.Option(help="Where the interface is, if not at its own address.")] = "",
    full_table: Annotated[
        bool,
        typer.Option("--full-table", help="Read all of the open table instead; very large, needs no key."),
    ] = False,
    table: Annotated[str, typer.Option(help="Where the open table is, if not at its own address.")] = "",
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Load crystals, energies and gaps from the Materials Project; your key is read from MP_API_KEY.

    Asks for the database's version first, and for nothing else when it is known. Of a new one, what changed is
    fetched; a refresh that was interrupted goes on where it was.
    """
    from catalyst_assets.ingestion.materials_project.selection import select

    config = {
        "chemsys": chemsys or [],
        "elements": element or [],
        "exclude_elements": exclude or [],
        "material_ids": material or [],
        "include_non_commercial": include_non_commercial,
        "most_entries": limit,
        "endpoint": endpoint,
        "full_table": full_table,
        "table_uri": table,
    }
    selection = select(chemsys or [], element or [], exclude or [], material or [], include_non_commercial)
    if not reparse and full_table:
        from catalyst_assets.ingestion.materials_project.refresh import require_everything

        require_everything(selection)
    elif not reparse:
        from catalyst_assets.ingestion.materials_project.client import require_key
        from resources.settings import load_settings

        require_key(load_settings(home=home).mp_api_key)
    _ingest("materials_project", config, reparse, home, as_json)


@app.command("oc20")
def oc20(
    adsorbate: Annotated[
        list[str] | None, typer.Option(help="H, O or OH: its archive of relaxations; may be repeated.")
    ] = None,
    file: Annotated[
        list[str] | None,
        typer.Option(help="Another published file, such as s2ef_train_200K; may be repeated."),
    ] = None,
    path: Annotated[
        list[Path] | None,
        typer.Option(
            help="A file on this machine: .tar, .extxyz.xz, .aselmdb, .csv, mapping .json; may be repeated."
        ),
    ] = None,
    base_url: Annotated[str, typer.Option(help="Where the files are, if not at their own address.")] = "",
    allow_pickles: Annotated[
        bool,
        typer.Option(
            "--allow-pickles", help="Read .pkl and .lmdb, too: apart, and nothing but plain data in them."
        ),
    ] = False,
    reparse: Annotated[bool, _REPARSE] = False,
    home: Annotated[Path | None, _HOME] = None,
    as_json: Annotated[bool, _JSON] = False,
) -> None:
    """Load adsorption energies from the Open Catalyst 2020 dataset: labels of the bulks in the Materials Project.

    The archives have 0.9 (H), 1.0 (O) and 1.6 GB (OH). Each is downloaded once; a download that was interrupted goes
    on where it was. Which bulk a slab was cut from says oc20_data_mapping, a pickle.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.ingestion.oc20.source import check_choice

    paths = [given.expanduser().absolute() for given in path or []]
    if not (adsorbate or file or paths or reparse):
        raise UsageError("No file of OC20 is named.", "Add --adsorbate H, --file NAME or --path FILE.")
    check_choice(adsorbate or [], file or [], paths, allow_pickles=allow_pickles)
    config = {
        "adsorbates": adsorbate or [],
        "files": file or [],
        "paths": [str(given) for given in paths],
        "base_url": base_url,
        "allow_pickles": allow_pickles,
    }
    _ingest("oc20", config, reparse, home, as_json)


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
    from catalyst_assets.ingestion.prototypes.source import load_enumeration

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
    """Load tables: CSV or Parquet files or ASE databases, each with a mapping file that says what its columns are.

    The table that is shipped is loaded, too.
    """
    from catalyst_assets.ingestion.reference_tables.mapping import load_mapping

    paths = [path.expanduser().absolute() for path in mapping or []]
    for path in paths:
        load_mapping(path)
    _ingest("reference_tables", {"mapping_files": [str(path) for path in paths]}, reparse, home, as_json)


def _ingest(source: str, config: Mapping[str, Any], reparse: bool, home: Path | None, as_json: bool) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    from catalyst_assets.commands.runs import quieten
    from catalyst_assets.ingestion.progress import listening
    from resources.settings import load_settings

    quieten()
    settings = load_settings(home=home)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[done]}"),
        TimeElapsedColumn(),
    )
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as progress,
        listening(_Stages(progress).show),
    ):
        summary = _run(settings, source, config, reparse, progress)
    if as_json:
        typer.echo(json.dumps({"source": source, **summary}, allow_nan=False))
    else:
        _say(source, summary)
    if summary["unreadable"]:
        raise CatalystError(
            f"Not loaded: {'; '.join(summary['unreadable'])}",
            "Mend or replace the file, then run this again.",
        )


def _say(source: str, summary: Mapping[str, Any]) -> None:
    typer.echo(", ".join(f"{summary[name]} {name}" for name in _COUNTS) + ".")
    if summary["unified"]:
        typer.echo(
            f"{summary['unified']} of them are crystals that another source gave, too: "
            f"{summary['materials']} materials in all."
        )
    if source == "oc20":
        typer.echo("; ".join(f"{summary[name]} {said}" for name, said in _ADSORPTION.items()) + ".")
    for refused in summary["refused"]:
        typer.echo(f"Set aside: {refused}")
    more = summary["quarantined"] - len(summary["refused"])
    if more > 0:
        typer.echo(f"Set aside: {more} more; the table `quarantine` has all of them with their reasons.")


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

    bar = progress.add_task("starting PostgreSQL", total=None, done="")
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
                parse = {
                    "materials": {"ops": {"pending_shards": {"config": {"reparse": True, "source": source}}}}
                }
                run_id = driver.execute(REPARSE_JOB, ops=parse)
            else:
                run_id = driver.execute(f"ingest_{source}", ops={f"raw_{source}": {"config": dict(config)}})
            summary = _summarize(instance, run_id)
            return {**summary, **_troubles(database, source, min(summary["quarantined"], _SHOWN_REFUSALS))}


def _troubles(database: "Database", source: str, most: int) -> dict[str, Any]:
    """Return which files of a source cannot be read, and some rows of it that were refused last."""
    from catalyst_assets.ingestion.raw_cache import current_files
    from catalyst_assets.ingestion.sources import PARSERS_OF
    from resources.postgres import fetch_all

    kinds = {parser.kind for parser in PARSERS_OF[source]}
    files = [raw for raw in current_files(database) if raw.kind in kinds]
    with database.transaction() as connection:
        rows = fetch_all(
            connection,
            "ingestion/refusals_of_files",
            raw_sha256s=[raw.sha256 for raw in files],
            limit=most,
        )
    return {
        "unreadable": [f"{raw.url}: {raw.parse_note}" for raw in files if raw.parse_status == "failed"],
        "refused": [f"{row['record']} ({row['source']}): {row['reason']}" for row in rows],
    }


class _Stages:
    """One bar for each stage that reports how far it is."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def show(self, advance: "Advance") -> None:
        """Move a stage's bar, a new one if it is the first time."""
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
        is_last = materialization.asset_key == dg.AssetKey("materials")
        wanted = (*_COUNTS, *_OUTCOME, *_ADSORPTION) if is_last else ("fetched",)
        summary |= {
            name: materialization.metadata[name].value for name in wanted if name in materialization.metadata
        }
    return summary
