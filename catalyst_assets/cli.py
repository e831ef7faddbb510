"""The `catalyst` command: assembles the sub-commands and turns our errors into one clear message."""

import signal
import sys
from typing import Annotated

import typer
from rich.console import Console

from catalyst_assets.commands import deployment, ingest, services, tokens, users
from catalyst_assets.commands.bench.app import app as bench
from catalyst_assets.commands.campaign.app import app as campaign
from catalyst_assets.commands.demo.app import demo
from catalyst_assets.commands.env import env
from catalyst_assets.commands.models.app import app as models
from catalyst_assets.commands.potentials.adsorption import adsorption
from catalyst_assets.commands.potentials.app import app as potentials
from catalyst_assets.commands.validation.app import app as validation
from resources.code_version import code_version, release

app = typer.Typer(
    name="catalyst",
    help="Find catalysts by active learning: ingest, learn, predict, rank, validate, repeat.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
_debug = False


def _tell_version(wanted: bool) -> None:
    if wanted:
        code = code_version()
        typer.echo(f"catalyst {release()}" + (f" ({code})" if code.startswith("git:") else ""))
        raise typer.Exit


@app.callback()
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_tell_version, help="Show the version and the code."
        ),
    ] = False,
) -> None:
    global _debug
    _debug = debug


app.command("demo")(demo)
app.command("env")(env)
services.register(app)
deployment.register(app)
app.add_typer(ingest.app, name="ingest")
app.add_typer(campaign, name="campaign")
app.add_typer(validation, name="validation")
app.add_typer(models, name="models")
app.add_typer(potentials, name="potentials")
app.command("adsorption")(adsorption)
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(bench, name="bench", help="Measure the platform on published and shipped data.")


def main() -> None:
    """Run the command line; exit 2 for wrong usage, 1 for a failure, 130 when interrupted."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A script starts so what runs beside it, and Dagster then has SIGTERM ignored too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(prog_name="catalyst")
    except Exception as error:
        from catalyst_assets.commands.failures import explain

        own = explain(error)
        if _debug or own is None:
            raise
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        console.print(f"[bold red]Error:[/] {_escaped(own.message)}")
        if own.remedy:
            console.print(_escaped(own.remedy))
        sys.exit(own.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


if __name__ == "__main__":
    main()
