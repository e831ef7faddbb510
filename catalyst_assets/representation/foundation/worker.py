"""The one program that unpickles a MACE file, in a process of its own; started by `convert`.

It reads the file once, refuses bytes that are not the ones it was told to expect, and leaves plain data behind:
weights as safetensors, the architecture as JSON, and what the network says of a few crystals, for comparison.
"""

import hashlib
import io
import json
import resource
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.representation.graphs import LARGEST_ATOMIC_NUMBER

if TYPE_CHECKING:
    import torch

ARCHITECTURE_FILE: Final = "architecture.json"
WEIGHTS_FILE: Final = "weights.safetensors"
PROBE_FILE: Final = "probe.safetensors"
# Exit status after a file that says why the weights are refused.
REFUSED: Final = 3
PROBLEM_FILE: Final = "problem.txt"
_KNOWN: Final = ("ScaleShiftMACE", "MACE")
_SITES_PER_PROBE: Final = 5
_MOST_SECONDS: Final = 3600


class _RefusedError(Exception):
    """The file is not what can be converted; says why."""


def read_pickled(path: Path, sha256: str) -> "torch.nn.Module":
    """Unpickle a network from bytes whose hash was just seen, in float64, on the CPU."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _RefusedError("the file was changed after it was checked")
    import torch

    torch.serialization.add_safe_globals([slice])
    import e3nn.o3  # noqa: F401
    import mace.modules  # noqa: F401

    # The pin is what makes this acceptable, the process is what bounds it.
    loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=False)
    kind = type(loaded).__name__
    if not isinstance(loaded, torch.nn.Module) or kind not in _KNOWN:
        raise _RefusedError(f"it holds a {kind}, not a {' or '.join(_KNOWN)}")
    return loaded


def describe(model: "torch.nn.Module") -> dict[str, Any]:
    """Return the architecture in mace-torch's own terms, as JSON values."""
    from mace.modules import ScaleShiftMACE
    from mace.modules.blocks import ScaleShiftBlock
    from mace.tools.scripts_utils import extract_config_mace_model

    kind = type(model).__name__
    if kind == "MACE":  # mace-torch describes only its subclass, which adds nothing but these two numbers
        model.scale_shift = ScaleShiftBlock(scale=1.0, shift=0.0)
        model.__class__ = ScaleShiftMACE
    found: dict[str, Any] = extract_config_mace_model(model)
    if "error" in found:
        raise _RefusedError(str(found["error"]))
    last = str(model.products[-1].linear.irreps_out)  # type: ignore[index,union-attr]
    layers = int(found["num_interactions"])
    return {name: _plain(value) for name, value in found.items()} | {
        "kind": kind,
        "keep_last_layer_irreps": layers > 1 and last == str(found["hidden_irreps"]),
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
    }


def measure(model: "torch.nn.Module", head: str) -> dict[str, "torch.Tensor"]:
    """Return crystals that hold every element, and what mace-torch's calculator says of them.

    Returns
    -------
    dict
        ``atomic_numbers`` (n_probes, n_sites), ``positions`` (n_probes, n_sites, 3), ``cells`` (n_probes, 3, 3),
        ``features`` (n_probes, n_sites, n_features) and ``energies`` (n_probes,), in Å and eV.
    """
    import numpy as np
    import torch
    from ase import Atoms
    from mace.calculators import MACECalculator

    calculator: Any = MACECalculator(models=model, device="cpu", default_dtype="float64", head=head)
    known = [int(number) for number in model.atomic_numbers if number <= LARGEST_ATOMIC_NUMBER]  # type: ignore[union-attr]
    if not known:
        raise _RefusedError(f"it knows no element up to number {LARGEST_ATOMIC_NUMBER}")
    count = -(-len(known) // _SITES_PER_PROBE)
    numbers = np.resize(known, (count, _SITES_PER_PROBE))
    draw = np.random.default_rng(0)
    ideal = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    cells = np.diag([4.1, 4.3, 4.6]) + draw.uniform(-0.2, 0.2, (count, 3, 3))
    positions = (ideal + draw.uniform(-0.04, 0.04, (count, *ideal.shape))) @ cells
    features, energies = [], []
    for number, position, cell in zip(numbers, positions, cells, strict=True):
        crystal = Atoms(numbers=number, positions=position, cell=cell, pbc=True)
        features.append(calculator.get_descriptors(crystal))
        energies.append(calculator.get_potential_energy(crystal))
    found = {
        "atomic_numbers": numbers,
        "positions": positions,
        "cells": cells,
        "features": np.stack(features),
        "energies": np.array(energies),
    }
    return {name: torch.from_numpy(np.ascontiguousarray(values)) for name, values in found.items()}


def choose_head(heads: list[str], wanted: str) -> str:
    """Return the readout that is wanted, or the only one."""
    if wanted and wanted in heads:
        return wanted
    if len(heads) == 1 and not wanted:
        return heads[0]
    problem = f"it has no readout {wanted!r}" if wanted else "it has several readouts, and none was chosen"
    raise _RefusedError(f"{problem}: choose among {', '.join(heads)}")


def main(path: Path, sha256: str, head: str, folder: Path) -> int:
    """Convert a file into plain data in ``folder``."""
    resource.setrlimit(resource.RLIMIT_CPU, (_MOST_SECONDS, _MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.filterwarnings("ignore")
    try:
        model = read_pickled(path, sha256).eval()
        heads = [str(name) for name in getattr(model, "heads", None) or ["Default"]]
        chosen = choose_head(heads, head)
        dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
        model = model.double()
        setattr(model, "heads", heads)  # noqa: B010 - mace-torch keeps it beside what torch knows
        probe = measure(model, chosen)
        architecture = describe(model) | {"head": chosen, "dtype": dtype}
    except _RefusedError as error:
        (folder / PROBLEM_FILE).write_text(str(error), encoding="utf-8")
        return REFUSED
    from safetensors.torch import save_file

    save_file(probe, folder / PROBE_FILE)
    weights = {name: tensor.detach().clone().contiguous() for name, tensor in model.state_dict().items()}
    save_file(weights, folder / WEIGHTS_FILE)
    (folder / ARCHITECTURE_FILE).write_text(json.dumps(architecture), encoding="utf-8")
    return 0


def _plain(value: Any) -> Any:
    """Return a value as JSON takes it: classes and functions by name, arrays as lists, irreps as written."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, type):
        return value.__name__
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if type(value).__name__ != "Irreps" and isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.__name__ if callable(value) and hasattr(value, "__name__") else str(value)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])))
