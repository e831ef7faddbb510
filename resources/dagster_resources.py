"""The resources of the code location: ``platform``, ``mlflow``, ``s3`` where there is a bucket, and how steps hand values on."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from resources.bucket.dagster_resource import build_s3_resource
from resources.distributed.leases import held_lease
from resources.json_io import JsonStepValues
from resources.mlflow.dagster_resource import build_mlflow_resource, shown_value
from resources.platform import Platform
from resources.postgres.connection import process_database
from resources.runs.ended import standing_of
from resources.runs.heartbeat import heartbeat
from resources.settings import Settings, get_settings


def build_resources(settings: Settings | None = None, platform: Platform | None = None) -> dict[str, Any]:
    """Return the resources; nothing is opened before a run or sensor asks.

    Parameters
    ----------
    settings
        Those of the process when None.
    platform
        Connections that are open already, kept open by the caller.
    """
    chosen = settings or (get_settings() if platform is None else platform.settings)

    @dg.resource(
        config_schema={
            "database": shown_value(_describe_server(chosen), "The PostgreSQL server."),
            "object_store": shown_value(chosen.object_store_url, "Where raw files, features and models lie."),
        },
        description="Database and object store of the installation; a run beats while it has them.",
    )
    def open_platform(context: dg.InitResourceContext) -> Iterator[Platform]:
        opened = platform
        if opened is None:
            opened = Platform(chosen, process_database(chosen))
        if context.run is None:
            yield opened
            return
        run_id = context.run.run_id
        lease = held_lease()
        if lease is None:
            watched = () if context.instance is None else (standing_of(context.instance, run_id),)
            beating = heartbeat(opened.database, opened.settings, run_id, *watched)
        else:  # the run's own process beats for it
            beating = lease.carried_by(opened.database)
        with beating:
            yield opened

    @dg.io_manager(
        required_resource_keys={"platform"}, description="Small JSON values through the object store."
    )
    def json_step_values(context: dg.InitResourceContext) -> JsonStepValues:
        resources: Any = context.resources
        return JsonStepValues(resources.platform)

    resources: dict[str, Any] = {
        "platform": open_platform,
        "mlflow": build_mlflow_resource(chosen),
        "io_manager": json_step_values,
    }
    if chosen.bucket is not None:
        resources["s3"] = build_s3_resource()
    return resources


def _describe_server(settings: Settings) -> str:
    """Return where the database is, without the password."""
    import sqlalchemy as sa

    if settings.database_url is None:
        return f"embedded, in {settings.home / 'postgres'}"
    try:
        return sa.make_url(settings.database_url.get_secret_value()).render_as_string(hide_password=True)
    except sa.exc.ArgumentError:
        return "not a URL: see CATALYST_DATABASE_URL"
