"""The Dagster resource ``mlflow``: what an asset tracks its work with, as the code location shows it.

Its runs are opened by dagster-mlflow's own resource, which ``tracking`` attaches to a run of ours.
"""

from typing import Any

import dagster as dg

from resources.mlflow.tracking import Tracking
from resources.settings import Settings


def shown_value(value: str, description: str) -> dg.Field:
    """Return the configuration of a resource that its page shows and that no run can change."""
    return dg.Field(
        dg.Enum(f"only {value}", [dg.EnumValue(value)]), default_value=value, description=description
    )


def build_mlflow_resource(settings: Settings) -> dg.ResourceDefinition:
    """Return the resource; it is the tracking of the installation that ``platform`` opened."""
    own = Tracking(settings, "")

    @dg.resource(
        required_resource_keys={"platform"},
        config_schema={
            "pages": shown_value(own.pages, "Where `catalyst up` serves MLflow's pages; runs link there."),
            "artifacts": shown_value(own.artifact_root, "Where pictures and reports of runs lie."),
        },
        description="MLflow through dagster-mlflow: one run for each training, named after asset and partition, with "
        "the Dagster run, the data and the code it came from; registered models and their champions.",
    )
    def mlflow(context: dg.InitResourceContext) -> Tracking:
        resources: Any = context.resources
        tracking: Tracking = resources.platform.tracking
        return tracking

    return mlflow
