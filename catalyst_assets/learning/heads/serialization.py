"""A head as one safetensors file: arrays by name, everything else as JSON in its header. No pickle."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.model import HeadKind
from catalyst_assets.learning.heads import gaussian_process, sparse_process
from catalyst_assets.learning.heads.batched_networks import Layer
from catalyst_assets.learning.heads.coupling import Coupling
from catalyst_assets.learning.heads.deep_ensemble import DeepEnsemble, EnsembleModel
from catalyst_assets.learning.heads.forests import Forest
from catalyst_assets.learning.heads.gates import Gate
from catalyst_assets.learning.heads.property_model import HeadSettings, PropertyModel
from catalyst_assets.learning.heads.sparse_process import Process, SparseProcess
from catalyst_assets.learning.heads.stacked import StackedModel
from catalyst_assets.learning.uncertainty.recalibration import Recalibration
from catalyst_assets.learning.uncertainty.report import from_record, to_record

if TYPE_CHECKING:
    from catalyst_assets.learning.heads.head import FittedHead

_FORMAT = "catalyst-head-3"
# Models are kept by their hash for ever, so earlier formats are read for ever.
_FIRST_FORMAT, _UNCOUPLED_FORMAT = "catalyst-head-1", "catalyst-head-2"
_FOREST_FIELDS = ("feature", "threshold", "left", "right", "value", "sizes", "depths")
_ENSEMBLE_FIELDS = ("left_out", "center", "scale", "target_center", "target_scale")


def dump(head: "FittedHead") -> bytes:
    """Return the head as bytes; equal heads give equal bytes."""
    from safetensors.numpy import save

    arrays: dict[str, NDArray[Any]] = {"correlation": head.correlation}
    # Properties share gates and ensembles: keep each once.
    gates: list[Gate] = []
    ensembles: list[DeepEnsemble] = []
    records = []
    for number, model in enumerate(head.models):
        if isinstance(model, EnsembleModel):
            record: dict[str, Any] = {
                "ensemble": _place(ensembles, model.ensemble),
                "column": model.column,
                "spread_scale": model.spread_scale,
            }
        elif isinstance(model, StackedModel):
            record = _put_stacked(arrays, f"{number}.", model)
        else:
            raise TypeError(f"a {type(model).__name__} cannot be stored")
        records.append(
            {
                **record,
                "floor": model.floor if np.isfinite(model.floor) else None,
                "gate": None if model.gate is None else _place(gates, model.gate),
            }
        )
    document = {
        "format": _FORMAT,
        "properties": list(head.properties),
        "feature_names": list(head.feature_names),
        "settings": asdict(head.settings),
        "models": records,
        "gates": [_put_gate(arrays, f"gate{number}.", gate) for number, gate in enumerate(gates)],
        "ensembles": [
            _put_ensemble(arrays, f"ensemble{number}.", ensemble) for number, ensemble in enumerate(ensembles)
        ],
        "recalibrations": [recalibration.to_record() for recalibration in head.recalibrations],
        "kinds": head.kinds,
        # Scores of kinds that had too few labels are infinite, which JSON does not know.
        "choices": {
            name: {kind: score if np.isfinite(score) else None for kind, score in scores.items()}
            for name, scores in head.choices.items()
        },
        "couplings": [asdict(coupling) for coupling in head.couplings],
        "report": to_record(head.report),
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(contiguous, metadata={"head": json.dumps(document, sort_keys=True)}))


def load(data: bytes) -> dict[str, Any]:
    """Return the fields of the head that :func:`dump` wrote, in this format or an earlier one.

    Raises
    ------
    ValueError
        The bytes are no safetensors file, or not one of these formats.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays

    try:
        arrays = load_arrays(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    document = json.loads(header["__metadata__"]["head"])
    if document["format"] == _FIRST_FORMAT:
        document |= _complete(document)
    elif document["format"] not in (_UNCOUPLED_FORMAT, _FORMAT):
        raise ValueError(f"format {document['format']!r} is not {_FORMAT!r}")
    gates = [_get_gate(arrays, f"gate{number}.", record) for number, record in enumerate(document["gates"])]
    ensembles = [
        _get_ensemble(arrays, f"ensemble{number}.", n_layers)
        for number, n_layers in enumerate(document["ensembles"])
    ]
    return {
        "properties": tuple(document["properties"]),
        "models": tuple(
            _get_model(arrays, f"{number}.", record, gates, ensembles)
            for number, record in enumerate(document["models"])
        ),
        "correlation": arrays["correlation"],
        "feature_names": tuple(document["feature_names"]),
        "report": from_record(document["report"]),
        "settings": HeadSettings(**document["settings"]),
        "recalibrations": tuple(Recalibration.from_record(record) for record in document["recalibrations"]),
        "kinds": {name: HeadKind(kind) for name, kind in document["kinds"].items()},
        "choices": {
            name: {HeadKind(kind): np.inf if score is None else score for kind, score in scores.items()}
            for name, scores in document["choices"].items()
        },
        "couplings": tuple(Coupling(**record) for record in document.get("couplings", ())),
    }


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    """Return what a head of the first format had no words for."""
    learned = (document["report"] or {"properties": ()})["properties"]
    return {
        "ensembles": [],
        "recalibrations": [None] * len(document["properties"]),
        "kinds": dict.fromkeys(learned, HeadKind.STACKED),
        "choices": {},
    }


def _place(parts: list[Any], part: object) -> int:
    """Return where a part stands in a list, after adding it if it is not there."""
    if not any(part is known for known in parts):
        parts.append(part)
    return next(number for number, known in enumerate(parts) if known is part)


def _put_stacked(arrays: dict[str, NDArray[Any]], prefix: str, model: StackedModel) -> dict[str, Any]:
    process = None
    if model.process is not None:
        parts, process = (
            sparse_process.to_arrays(model.process)
            if isinstance(model.process, SparseProcess)
            else gaussian_process.to_arrays(model.process)
        )
        process["sparse"] = isinstance(model.process, SparseProcess)
        arrays |= {f"{prefix}process.{name}": part for name, part in parts.items()}
    return {
        "process_weight": model.process_weight,
        "spread_scale": model.spread_scale,
        "prior": [model.prior_center, model.prior_spread],
        "forests": _put_forests(arrays, prefix + "forest", model.forests),
        "process": process,
    }


def _get_model(
    arrays: dict[str, NDArray[Any]],
    prefix: str,
    record: dict[str, Any],
    gates: list[Gate],
    ensembles: list[DeepEnsemble],
) -> PropertyModel:
    floor = -np.inf if record["floor"] is None else record["floor"]
    gate = None if record["gate"] is None else gates[record["gate"]]
    if "ensemble" in record:
        ensemble = ensembles[record["ensemble"]]
        return EnsembleModel(floor, gate, ensemble, record["column"], record["spread_scale"])
    return StackedModel(
        floor,
        gate,
        _get_process(_under(arrays, prefix + "process."), record["process"]),
        _get_forests(arrays, prefix + "forest", record["forests"]),
        record["process_weight"],
        record["spread_scale"],
        *record["prior"],
    )


def _get_process(arrays: dict[str, NDArray[Any]], record: dict[str, Any] | None) -> Process | None:
    if record is None:
        return None
    if record.get("sparse"):
        return sparse_process.from_arrays(arrays, record)
    return gaussian_process.from_arrays(arrays, record)


def _put_ensemble(arrays: dict[str, NDArray[Any]], prefix: str, ensemble: DeepEnsemble) -> int:
    arrays |= {prefix + name: getattr(ensemble, name) for name in _ENSEMBLE_FIELDS}
    for number, layer in enumerate(ensemble.layers):
        arrays |= {f"{prefix}weight{number}": layer.weight, f"{prefix}bias{number}": layer.bias}
    return len(ensemble.layers)


def _get_ensemble(arrays: dict[str, NDArray[Any]], prefix: str, n_layers: int) -> DeepEnsemble:
    own = _under(arrays, prefix)
    layers = tuple(Layer(own[f"weight{number}"], own[f"bias{number}"]) for number in range(n_layers))
    left_out, center, scale, target_center, target_scale = (own[name] for name in _ENSEMBLE_FIELDS)
    return DeepEnsemble(layers, left_out, center, scale, target_center, target_scale)


def _under(arrays: dict[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """Return the arrays whose names start with ``prefix``, by the rest of their names."""
    return {name.removeprefix(prefix): part for name, part in arrays.items() if name.startswith(prefix)}


def _put_gate(arrays: dict[str, NDArray[Any]], prefix: str, gate: Gate) -> dict[str, Any]:
    return {
        "boosted": _put_forests(arrays, prefix + "boosted", gate.boosted),
        "randomized": _put_forests(arrays, prefix + "randomized", gate.randomized),
        "intercepts": list(gate.intercepts),
        "constant": gate.constant,
    }


def _get_gate(arrays: dict[str, NDArray[Any]], prefix: str, record: dict[str, Any]) -> Gate:
    return Gate(
        _get_forests(arrays, prefix + "boosted", record["boosted"]),
        tuple(record["intercepts"]),
        _get_forests(arrays, prefix + "randomized", record["randomized"]),
        record["constant"],
    )


def _put_forests(arrays: dict[str, NDArray[Any]], prefix: str, forests: tuple[Forest, ...]) -> list[int]:
    for number, forest in enumerate(forests):
        arrays |= {f"{prefix}{number}.{name}": getattr(forest, name) for name in _FOREST_FIELDS}
    return [forest.n_features for forest in forests]


def _get_forests(arrays: dict[str, NDArray[Any]], prefix: str, n_features: list[int]) -> tuple[Forest, ...]:
    forests = []
    for number, columns in enumerate(n_features):
        fields: dict[str, Any] = {name: arrays[f"{prefix}{number}.{name}"] for name in _FOREST_FIELDS}
        forests.append(Forest(columns, **fields))
    return tuple(forests)
