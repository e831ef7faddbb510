"""Names of the services that can run apart; workers have a command of their own."""

from enum import StrEnum
from typing import Final

# Of the setting `code_location`, before a path.
SOCKET: Final = "unix:"


class ServiceName(StrEnum):
    """What `catalyst serve` runs."""

    API = "api"
    REVIEW_APP = "review-app"
    DAGSTER_WEBSERVER = "dagster-webserver"
    DAGSTER_DAEMON = "dagster-daemon"
    CODE_LOCATION = "code-location"
    MLFLOW = "mlflow"
