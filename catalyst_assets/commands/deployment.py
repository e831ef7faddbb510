"""`catalyst serve` and `catalyst deployment`: services that run apart, such as each in a container."""

import os
from pathlib import Path
from typing import Annotated

import typer

from resources.apart.names import ServiceName

deployment = typer.Typer(no_args_is_help=True, help="Prepare an installation whose services run apart.")


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("serve")(serve)
    app.add_typer(deployment, name="deployment")
    deployment.command("secrets")(secrets)
    deployment.command("prepare")(prepare)


def serve(service: Annotated[ServiceName, typer.Argument(help="Which.")]) -> None:
    """Run one service in the foreground, where the others run elsewhere; `catalyst up` runs all of them here.

    It finds its settings in the environment and in the files of the folder that CATALYST_SECRETS names.
    """
    from resources.apart.program import describe_service
    from resources.settings import load_settings

    command, environment = describe_service(service, load_settings())
    os.execve(command[0], command, environment)  # noqa: S606


def secrets(
    folder: Annotated[Path, typer.Argument(help="Where they are written; it must not hold any file yet.")],
    database_host: Annotated[str, typer.Option(help="Where the services find PostgreSQL.")] = "postgres",
    redis_host: Annotated[str, typer.Option(help="Where the services find Redis.")] = "redis",
) -> None:
    """Make up every password of an installation, in a folder a service that holds only what this one may know."""
    from resources.apart.secrets import write_secrets

    for path in write_secrets(folder, database_host, redis_host):
        typer.echo(path)


def prepare(
    logins: Annotated[Path, typer.Option(help="The logins of all services, which are made.")],
) -> None:
    """Bring an external database up to date and make the services' logins in it, by the owner's CATALYST_DATABASE_URL.

    The bucket of CATALYST_OBJECT_STORE is made as well, if it is not there.
    """
    from catalyst_assets.commands.runs import open_instance
    from catalyst_assets.ingestion.sources.assets import note_unconfigured
    from resources.bucket.clients import make_bucket
    from resources.dagster_instance import limit_pools
    from resources.postgres.connection import connect, make_logins, require_owner
    from resources.postgres.logins import read_logins
    from resources.settings import load_settings

    settings = load_settings()
    require_owner(settings)
    read_logins(logins)
    make_bucket(settings)
    with connect(settings, upgrade=True) as database:
        with open_instance(settings, database) as instance:
            limit_pools(instance, settings)
            note_unconfigured(instance, settings)
        make_logins(settings, logins)  # after Dagster's tables, which they are given
    typer.echo("Database and bucket are ready.")
