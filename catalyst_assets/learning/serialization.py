"""A head as one safetensors file: arrays by name, everything else as JSON in its header. No pickle."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.learning import gaussian_process
from catalyst_assets.learning.forests import Forest
from catalyst_assets.learning.property_model import Gate, HeadSettings, PropertyModel
from catalyst_assets.learning.report import from_record, to_record

if TYPE_CHECKING:
    from catalyst_assets.learning.heads import FittedHead

_FORMAT = "catalyst-head-1"
_FOREST_FIELDS = ("feature", "threshold", "left", "right", "value", "sizes", "depths")


def dump(head: "FittedHead") -> bytes:
    """Return the head as bytes; equal heads give equal bytes."""
    from safetensors.numpy import save

    arrays: dict[str, NDArray[Any]] = {"correlation": head.correlation}
    records = []
    gates: list[Gate] = []
    for number, model in enumerate(head.models):
        prefix = f"{number}."
        record: dict[str, Any] = {
            "floor": model.floor if np.isfinite(model.floor) else None,
            "process_weight": model.process_weight,
            "spread_scale": model.spread_scale,
            "prior": [model.prior_center, model.prior_spread],
            "forests": _put_forests(arrays, prefix + "forest", model.forests),
            "process": None,
            "gate": None,
        }
        if model.process is not None:
            parts, record["process"] = gaussian_process.to_arrays(model.process)
            arrays |= {f"{prefix}process.{name}": part for name, part in parts.items()}
        if model.gate is not None:
            # Properties on the same floor share one gate: keep it once.
            if not any(model.gate is gate for gate in gates):
                gates.append(model.gate)
            record["gate"] = next(i for i, gate in enumerate(gates) if gate is model.gate)
        records.append(record)
    document = {
        "format": _FORMAT,
        "properties": list(head.properties),
        "feature_names": list(head.feature_names),
        "settings": asdict(head.settings),
        "models": records,
        "gates": [_put_gate(arrays, f"gate{number}.", gate) for number, gate in enumerate(gates)],
        "report": to_record(head.report),
    }
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return bytes(save(contiguous, metadata={"head": json.dumps(document, sort_keys=True)}))


def load(data: bytes) -> dict[str, Any]:
    """Return the fields of the head that :func:`dump` wrote.

    Raises
    ------
    ValueError
        The bytes are no safetensors file, or not one of this format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as load_arrays

    try:
        arrays = load_arrays(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    except SafetensorError as error:
        raise ValueError(str(error)) from None
    document = json.loads(header["__metadata__"]["head"])
    if document["format"] != _FORMAT:
        raise ValueError(f"format {document['format']!r} is not {_FORMAT!r}")
    gates = [_get_gate(arrays, f"gate{number}.", record) for number, record in enumerate(document["gates"])]
    return {
        "properties": tuple(document["properties"]),
        "models": tuple(
            _model(arrays, f"{number}.", record, gates) for number, record in enumerate(document["models"])
        ),
        "correlation": arrays["correlation"],
        "feature_names": tuple(document["feature_names"]),
        "report": from_record(document["report"]),
        "settings": HeadSettings(**document["settings"]),
    }


def _model(
    arrays: dict[str, NDArray[Any]], prefix: str, record: dict[str, Any], gates: list[Gate]
) -> PropertyModel:
    process = None
    if record["process"] is not None:
        start = prefix + "process."
        parts = {name.removeprefix(start): part for name, part in arrays.items() if name.startswith(start)}
        process = gaussian_process.from_arrays(parts, record["process"])
    return PropertyModel(
        -np.inf if record["floor"] is None else record["floor"],
        None if record["gate"] is None else gates[record["gate"]],
        process,
        _get_forests(arrays, prefix + "forest", record["forests"]),
        record["process_weight"],
        record["spread_scale"],
        *record["prior"],
    )


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
