"""A fine-tuned model as one safetensors file: its networks' own files as byte arrays, the rest as JSON. No pickle."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.learning.uncertainty.recalibration import Recalibration
from catalyst_assets.learning.uncertainty.report import from_record, to_record
from catalyst_assets.learning.uncertainty.spread import SpreadCorrection

if TYPE_CHECKING:
    from catalyst_assets.learning.models.fine_tuned import FineTunedModel

FORMAT: Final = "catalyst-fine-tuned-1"
_DOCUMENT: Final = "fine_tuned"


def dump(model: "FineTunedModel") -> bytes:
    """Return the model as bytes; equal models give equal bytes."""
    from safetensors.numpy import save

    arrays: dict[str, Any] = {"correlation": np.ascontiguousarray(model.correlation)}
    for number, member in enumerate(model.members):
        arrays[f"member{number}"] = np.frombuffer(member.to_bytes(), dtype=np.uint8)
    document = {
        "format": FORMAT,
        "properties": list(model.properties),
        "learned": list(model.learned),
        "feature_names": list(model.feature_names),
        "judged_rows": list(model.judged_rows),
        "corrections": [correction.to_record() for correction in model.corrections],
        "recalibrations": [recalibration.to_record() for recalibration in model.recalibrations],
        "n_members": len(model.members),
        "settings": asdict(model.settings),
        "report": to_record(model.report),
    }
    return bytes(save(arrays, metadata={_DOCUMENT: json.dumps(document, sort_keys=True)}))


def is_fine_tuned(data: bytes) -> bool:
    """Tell whether bytes are those of a fine-tuned model, by their header."""
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except ValueError:
        return False
    return _DOCUMENT in header.get("__metadata__", {})


def load(data: bytes) -> "FineTunedModel":
    """Rebuild a model; it predicts the same to the last bit.

    Raises
    ------
    CorruptArtifactError
        The bytes are not those of a fine-tuned model of this version.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays

    from catalyst_assets.errors import CorruptArtifactError
    from catalyst_assets.learning.models.fine_tuned import FineTunedModel, FineTuneSettings
    from catalyst_assets.representation.fitting.fitted import FittedNetwork
    from catalyst_assets.representation.fitting.settings import FitSettings

    try:
        arrays = load_arrays(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        document = json.loads(header["__metadata__"][_DOCUMENT])
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']!r} is not {FORMAT!r}")
        settings = document["settings"]
        return FineTunedModel(
            properties=tuple(document["properties"]),
            learned=tuple(document["learned"]),
            members=tuple(
                FittedNetwork.from_bytes(arrays[f"member{number}"].tobytes())
                for number in range(document["n_members"])
            ),
            corrections=tuple(SpreadCorrection.from_record(record) for record in document["corrections"]),
            recalibrations=tuple(Recalibration.from_record(record) for record in document["recalibrations"]),
            correlation=arrays["correlation"],
            feature_names=tuple(document["feature_names"]),
            judged_rows=tuple(document["judged_rows"]),
            report=from_record(document["report"]),
            settings=FineTuneSettings(
                settings["members"], settings["n_folds"], FitSettings(**settings["fit"])
            ),
        )
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise CorruptArtifactError(
            f"A stored model cannot be read: {str(error).splitlines()[0]}.",
            "Materialize trained_model of its iteration again.",
        ) from None
