"""`catalyst models foundation` and `catalyst models fetch`: networks that others trained."""

from pathlib import Path
from typing import Annotated

import typer

from catalyst_assets.commands.tables import narrow_table


def list_foundation(
    home: Annotated[Path | None, typer.Option(help="Folder of the installation.")] = None,
) -> None:
    """List the foundation models that can be asked for by name."""
    from rich.console import Console

    from catalyst_assets.representation.foundation.download import ModelCache
    from catalyst_assets.representation.foundation.table import ASL, FOUNDATION_MODELS
    from resources.settings import load_settings

    settings = load_settings(home=home)
    cache = ModelCache.of(settings)
    table = narrow_table("", ["name", "licence", "sha256", "here", "what it is"], [])
    table.columns[0].no_wrap = True
    for model in FOUNDATION_MODELS.values():
        table.add_row(
            model.name,
            model.licence.label,
            model.sha256[:8] if model.sha256 else "unknown",
            "yes" if cache.path(model).exists() else "no",
            model.note,
        )
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(f"{ASL.label}: {ASL.name}, {ASL.url}; refused unless you say that your use is allowed.")
    console.print(f"Files are kept in {cache.folder}. Use one with CATALYST_BACKBONE=<name>.", soft_wrap=True)


def fetch(
    name: Annotated[str, typer.Argument(help="As `catalyst models foundation` lists it.")],
    sha256: Annotated[
        str | None, typer.Option(help="Hash that the file must have, in place of the one in our table.")
    ] = None,
    accept_noncommercial: Annotated[
        bool, typer.Option("--accept-noncommercial", help="Your use is allowed by a non-commercial licence.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="Folder of the installation.")] = None,
) -> None:
    """Download a foundation model into the model cache, once, and check it; nothing is opened."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from catalyst_assets.ingestion.progress import listening
    from catalyst_assets.representation.foundation.download import ModelCache
    from catalyst_assets.representation.foundation.table import find_model
    from resources.settings import load_settings

    settings = load_settings(home=home)
    model = find_model(name)
    console = Console(markup=False, highlight=False, soft_wrap=True)
    columns = TextColumn("{task.description}"), DownloadColumn(), TimeRemainingColumn()
    with (
        Progress(*columns, console=Console(stderr=True), transient=True) as bar,
        listening(lambda told: console.print(told) if isinstance(told, str) else None),
    ):
        task = bar.add_task(model.file_name, total=None)
        file = ModelCache.of(settings, accept_noncommercial).fetch(
            model, sha256, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    console.print(f"{model.name} is at {file.path}: {file.size_bytes / 1e6:.1f} MB, sha256 {file.sha256}.")
    console.print(f"Licence: {model.licence.name}, {model.licence.url}")
