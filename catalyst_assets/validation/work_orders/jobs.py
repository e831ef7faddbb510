"""The Dagster jobs that do what `catalyst validation export` and `retract` do, for those who work in its UI. Wiring only."""

import dagster as dg
from pydantic import Field

from catalyst_assets.constants import Work, op_tags, pool_of
from resources.platform import Platform


class ExportConfig(dg.Config):
    """Whose work order is written."""

    campaign: str = Field(description="A campaign that was started.")
    iteration: int | None = Field(None, ge=0, description="Only what this iteration asked for.")


class RetractConfig(dg.Config):
    """Which results are taken back."""

    results: list[int] = Field(default_factory=list, description="Numbers of results.")
    candidate: int | None = Field(None, description="A candidate all of whose results are taken back.")
    reason: str = Field(description="Why; kept for ever and shown with all that was made from them.")


@dg.op(tags=op_tags(Work.VALIDATE), pool=pool_of(Work.VALIDATE))
def export_order(
    context: dg.OpExecutionContext, config: ExportConfig, platform: dg.ResourceParam[Platform]
) -> None:
    """Write a work order into the object store, or a folder of the home where there is no other."""
    from catalyst_assets.validation.work_orders.files import write_order
    from catalyst_assets.validation.work_orders.orders import read_order

    with platform.database.transaction() as connection:
        order = read_order(connection, config.campaign, config.iteration)
    if not order.candidates:
        context.log.info("No candidate of %s waits for an answer: nothing was written.", config.campaign)
        return
    # A folder a run: tables of earlier ones may have been filled in.
    root = platform.settings.object_store or str(platform.settings.home)
    folder = f"{root.rstrip('/')}/work-orders/{config.campaign}/{context.run_id[:8]}"
    paths = write_order(order, folder, overwrite=True)
    context.add_output_metadata(
        {"candidates": len(order.candidates)}
        | {kind: dg.MetadataValue.path(str(path)) for kind, path in paths.items()}
    )


@dg.op(tags=op_tags(Work.VALIDATE), pool=pool_of(Work.VALIDATE))
def retract(
    context: dg.OpExecutionContext, config: RetractConfig, platform: dg.ResourceParam[Platform]
) -> None:
    """Take results back."""
    from catalyst_assets.validation.submissions.retracting import retract_results

    done = retract_results(
        platform.database, config.results, config.candidate, by="Dagster", reason=config.reason
    )
    for line in done.lines():
        context.log.info("%s", line)
    context.add_output_metadata({"retracted": len(done.retracted)})


@dg.job(
    name="export_work_order",
    description="Write what a campaign asks a laboratory for, as `catalyst validation export` does.",
)
def export_job() -> None:
    """Write a work order."""
    export_order()


@dg.job(
    name="retract_results",
    description="Take results back, as `catalyst validation retract` does: they count for nothing from now on.",
)
def retract_job() -> None:
    """Take results back."""
    retract()
