"""One service of an installation whose services run apart, such as each in a container of its own.

What `services` gives each program of one machine, a container is given by whoever deploys it: its settings in the
environment, its secrets in the folder that `CATALYST_SECRETS` names, and no others.
"""

import os
import sys

from catalyst_assets.constants import CODE_LOCATION
from catalyst_assets.errors import UsageError
from resources.apart.names import SOCKET, ServiceName
from resources.dagster_instance import LOCATION, prepare_dagster_home
from resources.postgres.logins import read_logins
from resources.services import OF_ALL, describe_services, mlflow_environment
from resources.settings import Settings
from resources.supervisor import Service


def describe_service(name: ServiceName, settings: Settings) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the program of a service, and its whole environment.

    Raises
    ------
    CatalystError
        The home cannot be written.
    UsageError
        A login that it needs is not among those it was given.
    """
    environment = os.environ | OF_ALL
    if name in (ServiceName.DAGSTER_WEBSERVER, ServiceName.DAGSTER_DAEMON, ServiceName.CODE_LOCATION):
        environment["DAGSTER_HOME"] = prepare_dagster_home(settings)["DAGSTER_HOME"]
    if name is ServiceName.CODE_LOCATION:
        return _code_location(settings), environment
    if name is ServiceName.MLFLOW:
        if settings.database_logins is None:
            raise UsageError("MLflow has no login.", "Name the file with it in CATALYST_DATABASE_LOGINS.")
        environment |= mlflow_environment(settings, read_logins(settings.database_logins).open())
    return find_service(name, settings).command, environment


def find_service(name: ServiceName, settings: Settings) -> Service:
    """Return how a service is started and asked; the code location, which only runs apart, is none of them."""
    return next(service for service in describe_services(settings, apart=True) if service.name == name)


def _code_location(settings: Settings) -> tuple[str, ...]:
    where = settings.code_location or ""
    socket = where.removeprefix(SOCKET) if where.startswith(SOCKET) else None
    bound = ("--socket", socket) if socket else ("--host", settings.host, "--port", str(settings.code_port))
    server = (sys.executable, "-m", "dagster", "api", "grpc", "--module-name", CODE_LOCATION)
    return (*server, "--location-name", LOCATION, *bound)
