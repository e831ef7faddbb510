"""`catalyst ingest`: refresh a source and load what is new, as runs that the Dagster UI shows."""

from pathlib import Path
from typing import Annotated

import typer

from catalyst_assets.commands.ingest_run import run_ingest

app = typer.Typer(no_args_is_help=True, help="Fetch materials from outside, check them and load them.")

_HOME = typer.Option(
    file_okay=False, help="Folder of the embedded database and object store (default .catalyst)."
)
_REPARSE = typer.Option("--reparse", help="Load again from what is cached of this source; nobody is asked.")
_JSON = typer.Option("--json", help="Print one JSON object instead of a sentence.")


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
    sources = [load_provider(name).source for name in names]
    # Dagster's steps may run in another folder.
    located = [
        str(Path(name).absolute()) if Path(name).suffix in {".yaml", ".yml"} else name for name in names
    ]
    config = {"providers": located, "filter": entries, "most_entries": limit}
    run_ingest("optimade", config, reparse, home, as_json, sources)


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
    run_ingest("aflow", config, reparse, home, as_json)


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
    run_ingest("materials_project", config, reparse, home, as_json)


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
    run_ingest("oc20", config, reparse, home, as_json)


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
    names = [f"prototypes_{load_enumeration(path).name}" for path in paths]
    run_ingest("prototypes", {"files": [str(path) for path in paths]}, reparse, home, as_json, names)


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
    from catalyst_assets.ingestion.reference_tables.source import ReferenceTables

    paths = [path.expanduser().absolute() for path in mapping or []]
    names = [] if reparse else [request.source for request in ReferenceTables(paths).list_new()]
    config = {"mapping_files": [str(path) for path in paths]}
    run_ingest("reference_tables", config, reparse, home, as_json, names)
