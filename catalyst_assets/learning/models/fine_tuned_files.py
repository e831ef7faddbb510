"""A fine-tuned model as one file: its networks' own files as byte arrays beside everything else."""

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.learning import serialization
from catalyst_assets.learning.uncertainty.calibration import Calibration
from catalyst_assets.learning.uncertainty.quantiles import QuantileMap
from catalyst_assets.learning.uncertainty.report import PropertyReport, ValidationReport

if TYPE_CHECKING:
    from catalyst_assets.learning.models.fine_tuned import FineTunedModel

FORMAT: Final = "catalyst-fine-tuned-2"


def dump(model: "FineTunedModel") -> bytes:
    """Return the model as bytes; equal models give equal bytes."""
    members = [np.frombuffer(member.to_bytes(), dtype=np.uint8) for member in model.members]
    return serialization.dump((replace(model, members=()), members), FORMAT)


def is_fine_tuned(data: bytes) -> bool:
    """Tell whether bytes are those of a fine-tuned model, of any version, by their header."""
    return (serialization.format_of(data) or "").startswith("catalyst-fine-tuned-")


def load(data: bytes) -> "FineTunedModel":
    """Rebuild a model; it predicts the same to the last bit.

    Raises
    ------
    CorruptArtifactError
        The bytes are not those of a fine-tuned model of this version.
    """
    from catalyst_assets.learning.models.fine_tuned import FineTunedModel, FineTuneSettings
    from catalyst_assets.representation.fitting.fitted import FittedNetwork
    from catalyst_assets.representation.fitting.settings import FitSettings

    own = (FineTunedModel, FineTuneSettings, FitSettings, Calibration, QuantileMap)
    model, members = serialization.load(data, FORMAT, (*own, ValidationReport, PropertyReport))
    made: FineTunedModel = replace(
        model, members=tuple(FittedNetwork.from_bytes(member.tobytes()) for member in members)
    )
    return made
