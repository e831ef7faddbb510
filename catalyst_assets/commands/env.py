"""`catalyst env`: what a shell needs for `dagster`, `dg` and notebooks to reach an installation."""

import json
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from catalyst_assets.commands.opening import AsJson, Home

if TYPE_CHECKING:
    from resources.settings import Settings


# `dg` knows a project by this file, and by the package beside it.
_PROJECT: Final = """directory_type = "project"

[project]
root_module = "catalyst_assets"
code_location_name = "catalyst_assets"
code_location_target_module = "catalyst_assets.definitions"
"""


class Shell(StrEnum):
    """Whose language is printed."""

    SH = "sh"
    FISH = "fish"


def env(
    home: Home = None,
    shell: Annotated[Shell, typer.Option(help="sh stands for bash, zsh and the like.")] = Shell.SH,
    as_json: AsJson = False,
) -> None:
    """Print the variables by which `dagster`, `dg` and notebooks reach the installation: `eval "$(catalyst env)"`.

    Makes the home if there is none. No password is among them, and `catalyst up` need not run.
    """
    from resources.postgres.connection import connect, service_database
    from resources.settings import load_settings

    settings = load_settings(home=home)
    with connect(settings, upgrade=True) as database:
        service_database(settings, database)
    variables = shell_environment(settings)
    if as_json:
        typer.echo(json.dumps(variables))
        return
    for name, value in variables.items():
        quoted = shlex.quote(value)
        typer.echo(f"set -gx {name} {quoted}" if shell is Shell.FISH else f"export {name}={quoted}")


def shell_environment(settings: "Settings") -> dict[str, str]:
    """Return the variables; the folder in the home that `dg` takes for the project is made.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    from catalyst_assets.constants import CODE_LOCATION
    from resources.dagster_instance import prepare_dagster_home, settings_environment
    from resources.postgres.cluster import using_home

    home = prepare_dagster_home(settings)["DAGSTER_HOME"]
    project = Path(home) / "project"
    with using_home(settings.home):
        _make_project(project)
    variables = settings_environment(settings, secrets=False)
    if not settings.embedded:
        variables["CATALYST_DATABASE_LOGINS"] = str(settings.logins_file)
    return variables | {
        "DAGSTER_HOME": home,
        "DAGSTER_MODULE_NAME": CODE_LOCATION,
        # A folder `resources` where the shell stands must not shadow ours.
        "DAGSTER_WORKING_DIRECTORY": str(project),
        "DAGSTER_DG_CHECK_DEFS_TARGET_PATH": str(project),
        "DAGSTER_DG_LIST_DEFS_TARGET_PATH": str(project),
    }


def _make_project(folder: Path) -> None:
    import catalyst_assets

    folder.mkdir(exist_ok=True)
    (folder / "dg.toml").write_text(_PROJECT, encoding="utf-8")
    link = folder / "catalyst_assets"
    package = Path(catalyst_assets.__file__ or "").resolve().parent
    if not link.is_symlink() or link.readlink() != package:
        partial = folder / f"{link.name}.{os.getpid()}"
        partial.unlink(missing_ok=True)
        partial.symlink_to(package)
        partial.replace(link)
