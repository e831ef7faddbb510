"""What was chosen to predict for an iteration, as the database keeps it; how it is chosen is ``champion``'s."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from resources.postgres.database import fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration


@dataclass(frozen=True)
class PredictorChoice:
    """What predicts for an iteration.

    Attributes
    ----------
    model_sha256
        Of the model that does.
    champion_version
        The registered version that it is, or was conditioned from; None where it is not registered.
    reason
        Why this one, as a sentence.
    """

    model_sha256: str
    champion_version: int | None
    reason: str


def read_choice(connection: "sa.Connection", iteration: "Iteration") -> PredictorChoice | None:
    """Return what was chosen for an iteration and the model that it has; None before that."""
    row = fetch_one(
        connection,
        "prediction/predictor",
        partition_key=iteration.partition_key,
        own_sha256=iteration.model_sha256,
    )
    return None if row is None else PredictorChoice(**row)
