"""What predicts an iteration's pool: its own model, or the campaign's champion conditioned on every label.

Chosen once for each model that the iteration has, and kept, so that whoever predicts again uses the same. Where the
champion cannot be had, the iteration's own model predicts, and the reason says why.
"""

from typing import TYPE_CHECKING, Any

from catalyst_assets.campaigns.iterations import Iteration, read_iteration
from catalyst_assets.errors import CatalystError
from catalyst_assets.learning.heads.fitting import condition_head
from catalyst_assets.learning.heads.head import FittedHead
from catalyst_assets.learning.models.registry import Origin, find_champion, version_number
from catalyst_assets.learning.models.stored_models import load_model, model_key, store_model
from catalyst_assets.learning.training_set import load_fitted_to
from catalyst_assets.prediction.choice import PredictorChoice, read_choice
from catalyst_assets.prediction.versions import require_model
from resources.mlflow.tracked_run import first_line
from resources.postgres.database import execute

if TYPE_CHECKING:
    from catalyst_assets.learning.predictor import Predictor
    from resources.mlflow.model_registry import RegisteredVersion
    from resources.object_store import ObjectStore
    from resources.platform import Platform


def choose_predictor(platform: "Platform", partition_key: str) -> PredictorChoice:
    """Choose what predicts for an iteration, or return what was chosen before.

    Raises
    ------
    LoopError
        The iteration has no model yet.
    """
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        own = require_model(iteration)
        chosen = read_choice(connection, iteration)
        if chosen is not None and platform.objects.exists(model_key(chosen.model_sha256)):
            return chosen
        own_version = version_number(connection, partition_key, own)
    try:
        choice = _choose(platform, iteration, own, own_version)
    except CatalystError as error:
        choice = PredictorChoice(
            own, own_version, f"The iteration's own, since the champion cannot be had: {error}"
        )
    except Exception as error:  # MLflow has many ways to be unreachable
        reason = f"The iteration's own, since the champion cannot be had: {first_line(error)}"
        choice = PredictorChoice(own, own_version, reason)
    with platform.database.transaction() as connection:
        named: dict[str, Any] = {"partition_key": partition_key, "own_sha256": own}
        execute(connection, "prediction/record_predictor", **named, **vars(choice))
    return choice


def _choose(platform: "Platform", iteration: Iteration, own: str, own_version: int | None) -> PredictorChoice:
    if iteration.campaign.learning.predict_with == "own":
        return PredictorChoice(own, own_version, "The campaign predicts with each iteration's own model.")
    champion = find_champion(platform.registry, iteration.campaign.name)
    if champion is None:
        return PredictorChoice(own, own_version, "The iteration's own: the campaign has no champion yet.")
    origin, number = Origin.of(champion), champion.version
    if (origin.partition, origin.model_sha256) == (iteration.partition_key, own):
        return PredictorChoice(own, number, f"Version {number}, the iteration's own, is the champion.")
    if int(origin.iteration) > iteration.number:
        return PredictorChoice(
            own, own_version, f"The iteration's own: the champion, version {number}, is of a later iteration."
        )
    conditioned = _condition(platform.objects, iteration, champion, origin)
    if isinstance(conditioned, str):
        return PredictorChoice(own, own_version, f"The iteration's own: {conditioned}")
    return PredictorChoice(
        store_model(platform.objects, conditioned),
        number,
        f"Version {number} is the champion: what it learned in iteration {origin.iteration}, conditioned on all "
        f"{iteration.label_count} labels.",
    )


def _condition(
    objects: "ObjectStore", iteration: Iteration, champion: "RegisteredVersion", origin: Origin
) -> "Predictor | str":
    """Return the champion conditioned on the iteration's labels, or why it cannot be."""
    named = f"the champion, version {champion.version},"
    model = load_model(objects, origin.model_sha256)
    if not isinstance(model, FittedHead):
        return f"{named} is a fine-tuned network, which only another training would teach the new labels."
    if model.report is None:
        return f"{named} has not learned."
    known = load_fitted_to(objects, iteration)
    if (known.feature_names, known.properties) != (model.feature_names, model.properties):
        return f"{named} was fitted to other features or properties."
    return condition_head(
        model,
        iteration.campaign.learning.heads,
        known.features,
        known.feature_names,
        known.labels,
        known.chemical_systems,
        known.label_noise,
    )
