"""Dagster's clock for messages about work orders. Wiring only."""

from typing import TYPE_CHECKING

import dagster as dg

if TYPE_CHECKING:
    from resources.platform import Platform


@dg.sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    required_resource_keys={"platform"},
    description=(
        "Tells the address of CATALYST_WORK_ORDER_WEBHOOK of each batch that waits for a laboratory, once; what was not "
        "taken is sent again after a pause."
    ),
)
def work_orders_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Have what waits be told, without waiting for it."""
    from catalyst_assets.validation.work_orders.messages import announce

    platform: Platform = context.resources.platform
    started = announce(platform)
    return dg.SkipReason(
        "Messages are sent in the background." if started else "An earlier look is still sending."
    )
