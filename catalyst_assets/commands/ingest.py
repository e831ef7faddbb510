"""`catalyst ingest`: refresh a source and load what is new, as runs that the Dagster UI shows.

One command a source, made of what its declaration lets be asked; running it is `ingest_run`'s business.
"""

import inspect
from pathlib import Path
from typing import Annotated, Any, Final, get_origin

import typer
from pydantic.fields import FieldInfo

from catalyst_assets.commands import ingest_files
from catalyst_assets.commands.ingest_run import run_ingest
from catalyst_assets.commands.opening import AsJson, Home
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.spec import Option, SourceSpec

app = typer.Typer(no_args_is_help=True, help="Fetch materials from outside, check them and load them.")

_REPARSE = typer.Option("--reparse", help="Load again from what is cached of this source; nobody is asked.")
_SHARED: Final = (
    ("reparse", False, Annotated[bool, _REPARSE]),
    ("home", None, Home),
    ("as_json", False, AsJson),
)


def add_command(to: typer.Typer, spec: SourceSpec) -> None:
    """Add the command of a source, with an option for each field of its configuration that has one."""

    def command(*, reparse: bool, home: Path | None, as_json: bool, **given: Any) -> None:
        from resources.settings import load_settings

        asked = {name: _listed(value) if name in lists else value for name, value in given.items()}
        # Dagster's steps may run in another folder.
        config = spec.config(**asked).located(Path.cwd())
        names = spec.find(spec.require)(config, load_settings(home=home), reparse=reparse)
        run_ingest(spec, config.model_dump(), reparse, home, as_json, names)

    fields = spec.config.model_fields
    lists = {name for name, field in fields.items() if _is_list(field)}
    options = [_describe(name, fields[name], option) for name, option in spec.config.options().items()]
    parameters = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, default, annotation in (*options, *_SHARED)
    ]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    to.command(spec.name, help=spec.help)(command)


def _describe(name: str, field: FieldInfo, option: Option) -> tuple[str, Any, Any]:
    """Return an option's name, its default and its annotation as typer reads them."""
    least = next((bound.ge for bound in field.metadata if hasattr(bound, "ge")), None)
    shown = (
        typer.Option(option.flag, help=option.help, min=least)
        if option.flag
        else typer.Argument(help=option.help)
    )
    if _is_list(field):
        return name, None, Annotated[list[Path if option.files == "all" else str] | None, shown]  # type: ignore[misc]
    return name, "" if field.is_required() else field.default, Annotated[field.annotation, shown]


def _is_list(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is list


def _listed(values: list[Any] | None) -> list[str]:
    return [str(value) for value in values or []]


for _spec in SOURCES:
    add_command(app, _spec)
app.command("files")(ingest_files.files)
app.command("drop")(ingest_files.drop)
