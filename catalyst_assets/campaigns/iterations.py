"""What the database records of one iteration of a campaign's loop; every stage starts by reading it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.campaigns.library import read_stored
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import LoopError
from resources.postgres.database import execute, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

# Among the metrics: what a model was made from when it was fitted.
MODEL_PROVENANCE: Final = "model_provenance"


@dataclass(frozen=True)
class Iteration:
    """One iteration.

    Attributes
    ----------
    number
        0 for the first.
    parent
        Partition key of the one before; None for the first.
    campaign
        The goal as it stood when the iteration opened.
    label_count, label_sha256
        The labels that were frozen then.
    training_set_sha256, model_sha256, prediction_version, mlflow_run_id
        What its stages wrote so far; None before they did.
    pool_sha256
        List of the pool that was frozen when it opened; None where an earlier version opened it.
    metrics
        What its stages measured so far.
    """

    partition_key: str
    number: int
    parent: str | None
    campaign: Campaign
    status: str
    label_count: int
    label_sha256: str
    training_set_sha256: str | None
    model_sha256: str | None
    mlflow_run_id: str | None
    prediction_version: int | None
    pool_sha256: str | None
    metrics: Mapping[str, Any]

    @property
    def fitted_to(self) -> str | None:
        """Hash of the training set that its model was fitted to: it may have got another one since.

        Before it has a model, that of its training set.
        """
        made_from: Mapping[str, str] = self.metrics.get(MODEL_PROVENANCE, {})
        return made_from.get("training_set_sha256", self.training_set_sha256)


def read_iteration(connection: "sa.Connection", partition_key: str) -> Iteration:
    """Return the record of an iteration.

    Raises
    ------
    LoopError
        Nobody opened it.
    InvalidCampaignError
        This version cannot read the campaign it is of.
    """
    row = fetch_one(connection, "loop/iteration", partition_key=partition_key)
    if row is None:
        raise LoopError(
            f"Iteration {partition_key} was never opened: its labels are not known.",
            "Let the loop open it (`catalyst demo`, or the sensor of `catalyst up`) instead of adding its key by hand.",
        )
    as_stored = {one.name: row[one.name] for one in fields(Iteration) if one.name in row}
    return Iteration(
        **as_stored | {"number": row["iteration"], "campaign": read_stored(row["document"])},
    )


def record_metrics(connection: "sa.Connection", partition_key: str, metrics: Mapping[str, Any]) -> None:
    """Add what one stage measured to what the others did."""
    execute(
        connection,
        "loop/record_metrics",
        partition_key=partition_key,
        metrics=json.dumps(metrics, allow_nan=False),
    )
