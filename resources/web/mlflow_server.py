"""MLflow's server behind guard and sign-in: ``python -m resources.web.mlflow_server --port 5000``.

Its own protection lets pages of any port of this machine write, and hosts such as ``10.evil.example`` in.
"""

import contextlib
import os
from collections.abc import Iterator
from typing import Final

from starlette.types import ASGIApp, Scope

from catalyst_assets.errors import UsageError
from resources.mlflow.tracking import remove_empty_default
from resources.settings import Settings
from resources.web.mlflow_pages import open_on_runs
from resources.web.serving import serve_guarded
from resources.web.sign_in import SAFE_METHODS, Need

# Questions that are too long for an address; MLflow's GraphQL knows no others.
_READ_BY_POST: Final = ("/search", "/search-datasets", "/graphql", "/get-history-bulk")


@contextlib.contextmanager
def open_mlflow(_: Settings) -> Iterator[ASGIApp]:
    """Open MLflow's application on the store that ``MLFLOW_BACKEND_STORE_URI`` names.

    Raises
    ------
    UsageError
        The variables that ``catalyst up`` sets are missing.
    """
    try:
        store, artifacts = os.environ["MLFLOW_BACKEND_STORE_URI"], os.environ["MLFLOW_DEFAULT_ARTIFACT_ROOT"]
    except KeyError as error:
        raise UsageError(f"{error.args[0]} is not set.", "Start MLflow with `catalyst up`.") from None
    # As `mlflow server` hands them to the processes that it starts.
    os.environ |= {
        "_MLFLOW_SERVER_FILE_STORE": store,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": artifacts,
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "false",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE": "true",
    }
    from mlflow import MlflowClient
    from mlflow.server import app as pages
    from mlflow.server.fastapi_app import app
    from mlflow.server.handlers import initialize_backend_stores

    initialize_backend_stores(store, None, artifacts)
    client = MlflowClient(tracking_uri=store)
    remove_empty_default(client)

    def find_latest() -> str | None:
        found = client.search_experiments(max_results=1, order_by=["last_update_time DESC"])
        return str(found[0].experiment_id) if found else None

    open_on_runs(pages, find_latest)
    yield app


def needs(scope: Scope) -> Need:
    """Say that everybody who is signed in may read, and admins write."""
    path = scope["path"].rstrip("/")
    if path in ("/health", "/version"):
        return "open"
    if scope["type"] == "http" and (scope["method"] in SAFE_METHODS or path.endswith(_READ_BY_POST)):
        return "read"
    return "admin"


if __name__ == "__main__":
    serve_guarded(open_mlflow, needs=needs)
