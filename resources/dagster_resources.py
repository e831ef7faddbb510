"""The resources of the code location: ``platform``, and how steps hand values to each other."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from resources.heartbeat import heartbeat
from resources.json_io import JsonStepValues
from resources.platform import Platform
from resources.postgres.connection import process_database
from resources.settings import Settings, get_settings


def build_resources(
    settings: Settings | None = None, platform: Platform | None = None
) -> dict[str, dg.ResourceDefinition]:
    """Return the resources; nothing is opened before a run or sensor asks.

    Parameters
    ----------
    settings
        Those of the process when None.
    platform
        Connections that are open already, kept open by the caller.
    """

    @dg.resource(description="Database, object store and experiment tracking; a run beats while it has it.")
    def open_platform(context: dg.InitResourceContext) -> Iterator[Platform]:
        opened = platform
        if opened is None:
            chosen = settings or get_settings()
            opened = Platform(chosen, process_database(chosen))
        if context.run is None:
            yield opened
            return
        with heartbeat(opened.database, opened.settings, context.run.run_id):
            yield opened

    @dg.io_manager(
        required_resource_keys={"platform"}, description="Small JSON values through the object store."
    )
    def json_step_values(context: dg.InitResourceContext) -> JsonStepValues:
        resources: Any = context.resources
        return JsonStepValues(resources.platform)

    return {"platform": open_platform, "io_manager": json_step_values}
