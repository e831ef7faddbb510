"""`catalyst potentials`: universal potentials and the environments that they need."""

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.opening import AsJson, Home

if TYPE_CHECKING:
    from catalyst_assets.potentials.environments import State
    from catalyst_assets.potentials.table import PotentialSpec
    from resources.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Install, check and remove the environments of universal potentials."
)
_Name = Annotated[
    str, typer.Argument(help="An environment or a potential, as `catalyst potentials list` has it.")
]


@app.command("list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the potentials: what they need, whether it is installed, and under which licence they may be used."""
    from rich.console import Console

    from catalyst_assets.commands.tables import narrow_table
    from catalyst_assets.potentials.table import known_potentials
    from resources.settings import load_settings

    settings = load_settings(home=home)
    rows: list[dict[str, Any]] = []
    for name, spec in known_potentials(settings).items():
        rows.append(
            {
                "name": name,
                "environment": spec.environment or str(spec.python),
                "state": _state_of(spec, settings),
                "functional": spec.functional,
                "licence": spec.terms(),
                "sha256": spec.sha256,
                "corrections": spec.corrections,
                "note": spec.note,
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = narrow_table("", ["name", "environment", "state", "energies", "licence", "what it is"], [])
    table.columns[0].no_wrap = True
    for column in table.columns:
        column.min_width = len(str(column.header))
    for row in rows:
        table.add_row(
            *(row[name] for name in ("name", "environment", "state", "functional", "licence", "note"))
        )
    console = Console(markup=False, highlight=False)
    console.print(table)
    console.print(
        f"Environments are kept in {settings.potentials_folder}; `catalyst potentials install sevennet` makes one.",
        soft_wrap=True,
    )


@app.command("install")
def install(name: _Name, home: Home = None) -> None:
    """Make the environment of a potential from pinned packages, and check that its potentials say what they are known to say.

    It takes a minute or two and one or two gigabytes of disk. What is installed already is left as it is.
    """
    from catalyst_assets.potentials.environments import install, size_of
    from catalyst_assets.potentials.known_answers import checker
    from catalyst_assets.potentials.table import ENVIRONMENTS
    from resources.settings import load_settings

    settings = load_settings(home=home)
    environment = _environment_of(name, settings)
    terms = ENVIRONMENTS[environment]
    typer.echo(f"{terms.package}: {terms.licence}, {terms.licence_url}")
    started = time.monotonic()
    installed = install(
        environment, settings, lambda said: typer.echo(f"{said}…"), checker(environment, settings)
    )
    typer.echo(
        f"{environment} is installed in {installed.folder}: {size_of(installed.folder) / 1e6:,.0f} MB, "
        f"{time.monotonic() - started:.0f} s."
    )


@app.command("remove")
def remove(name: _Name, home: Home = None) -> None:
    """Remove the environment of a potential; what was computed with it stays."""
    from catalyst_assets.potentials.environments import remove
    from resources.settings import load_settings

    settings = load_settings(home=home)
    environment = _environment_of(name, settings)
    was_there = remove(environment, settings, lambda said: typer.echo(f"{said}…"))
    typer.echo(f"{environment} is removed." if was_there else f"{environment} was not installed.")


@app.command("check")
def check(
    name: Annotated[
        str | None, typer.Argument(help="A potential; all that are installed by default.")
    ] = None,
    home: Home = None,
) -> None:
    """Ask potentials for the energy of a crystal, cubic SrTiO3 where they know it, and compare it with what is known.

    Exit code 1: one of them cannot be asked, or says something else; the others are asked all the same.
    """
    from catalyst_assets.errors import CatalystError
    from catalyst_assets.potentials.known_answers import USUAL, check_potential
    from catalyst_assets.potentials.table import known_potentials
    from resources.settings import load_settings

    settings = load_settings(home=home)
    known = known_potentials(settings)
    names = [name] if name is not None else [
        each for each, spec in known.items() if _state_of(spec, settings) == "installed"
    ]  # fmt: skip
    if not names:
        typer.echo("No environment is installed: `catalyst potentials install sevennet` makes one.")
    failed = []
    for each in names:
        try:
            checked = check_potential(each, settings)
        except CatalystError as error:
            if name is not None:
                raise
            failed.append(each)
            typer.echo(f"{each}: {error}", err=True)
            continue
        answer = "nothing known" if checked.expected_ev is None else f"known {checked.expected_ev:.4f}"
        of = "" if checked.crystal == USUAL else f" for {checked.crystal}"
        typer.echo(f"{each}: {checked.energy_ev:.4f} eV{of}, {answer}.")
    if failed:
        typer.echo(f"Failed: {', '.join(failed)}.", err=True)
        raise typer.Exit(1)


def _state_of(spec: "PotentialSpec", settings: "Settings") -> "State":
    """Return whether what a potential needs is there."""
    from catalyst_assets.potentials.environments import find_environment

    if spec.environment:
        return find_environment(spec.environment, settings).state
    return "installed" if spec.python and spec.python.is_file() else "missing"


def _environment_of(name: str, settings: Any) -> str:
    """Return the environment that a name means: its own, or a potential's."""
    from catalyst_assets.errors import UsageError
    from catalyst_assets.potentials.table import ENVIRONMENTS, find_potential

    if name in ENVIRONMENTS:
        return name
    spec = find_potential(name, settings)
    if spec.environment is None:
        raise UsageError(
            f"{name} is in an environment of your own ({spec.python}).",
            "It is yours to install and to remove.",
        )
    return spec.environment
