"""From a pickled MACE to a network of ours: weights and a configuration, checked against what the pickle computes.

Nothing is unpickled here: `worker` does it in a process that knows no secret of this one. A conversion counts only
if the rebuilt network gives the same features and energies for crystals of every element.
"""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.representation.foundation import worker
from catalyst_assets.representation.foundation.download import ModelFile
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.networks.configs import MACE_ARGUMENTS, MaceConfig, as_tuples
from resources.paths import scratch_folder

if TYPE_CHECKING:
    import torch

    from catalyst_assets.representation.networks.interface import GraphNetwork

_WORKER: Final = "catalyst_assets.representation.foundation.worker"
# What a program needs to find its libraries and a place for its files; nothing that opens anything.
_INHERITED: Final = (
    "PATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LC_ALL",
    "TMPDIR",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
)
_TIMEOUT_SECONDS: Final = 1800
_TOLERANCE: Final = 1e-6


class UnsupportedModelError(UsageError):
    """A file holds a network that cannot be made one of ours."""


@dataclass(frozen=True)
class Conversion:
    """A network rebuilt from a file, in evaluation mode.

    Attributes
    ----------
    head
        The readout whose energy it gives.
    dtype
        Of the weights in the file.
    """

    config: MaceConfig
    network: "GraphNetwork"
    head: str
    dtype: str


def convert(file: ModelFile, head: str = "") -> Conversion:
    """Rebuild the network of a file.

    Parameters
    ----------
    head
        Which readout is taken; empty if the file holds one.

    Raises
    ------
    UnsupportedModelError
        The file holds no MACE that can be rebuilt, or has no such readout.
    CatalystError
        The process that reads it died.
    """
    from safetensors.torch import load_file

    with scratch_folder() as name:
        folder = Path(name)
        _run_worker(file, head, folder)
        architecture = json.loads((folder / worker.ARCHITECTURE_FILE).read_text(encoding="utf-8"))
        weights = load_file(folder / worker.WEIGHTS_FILE)
        probe = load_file(folder / worker.PROBE_FILE)
    config = read_architecture(file.path.name, architecture)
    network = _rebuild(file.path.name, config, weights)
    _require_same(file.path.name, network, probe)
    return Conversion(config, network, architecture["head"], architecture["dtype"])


def worker_environment(home: Path) -> dict[str, str]:
    """Return the environment of the process that unpickles: no setting, key or address of ours is in it."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return kept | {"HOME": str(home), "CUDA_VISIBLE_DEVICES": ""}


def read_architecture(name: str, found: dict[str, Any]) -> MaceConfig:
    """Return the configuration of a network that mace-torch describes.

    Parameters
    ----------
    name
        Of the file, for messages.

    Raises
    ------
    UnsupportedModelError
        It has parts that we have not.
    """
    for part, what in {
        "embedding_specs": "an embedding of charge or spin",
        "use_embedding_readout": "a readout of its embedding",
        "cueq_config": "weights laid out for cuEquivariance",
    }.items():
        if found.get(part) and "enabled=False" not in str(found[part]):
            raise UnsupportedModelError(
                f"{name} has {what}, which is not supported.", "Choose another model."
            )
    plain = {ours: as_tuples(found[theirs]) for ours, theirs in MACE_ARGUMENTS.items()}
    plain |= {
        "n_polynomial_cutoff": int(found["num_polynomial_cutoff"]),
        "distance_transform": found["distance_transform"] or "None",
    }
    return MaceConfig(
        **plain,
        atomic_numbers=tuple(found["atomic_numbers"]),
        atomic_energies=as_tuples(found["atomic_energies"]),
        scale=as_tuples(found["atomic_inter_scale"]),
        shift=as_tuples(found["atomic_inter_shift"]),
        heads=tuple(found["heads"]),
        energy_head=found["heads"].index(found["head"]),
    )


def _run_worker(file: ModelFile, head: str, folder: Path) -> None:
    home = folder / "home"
    home.mkdir()
    command = [sys.executable, "-I", "-m", _WORKER, str(file.path), file.sha256, head, str(folder)]
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=worker_environment(home),
            cwd=home,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CatalystError(
            f"{file.path} was not read within {_TIMEOUT_SECONDS} s.",
            "Try again on a machine that is less busy.",
        ) from None
    if ended.returncode == worker.REFUSED:
        problem = (folder / worker.PROBLEM_FILE).read_text(encoding="utf-8")[:500]
        raise UnsupportedModelError(
            f"{file.path} cannot be used: {problem}.", "Give another file, or another `head`."
        )
    if ended.returncode != 0:
        last = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnsupportedModelError(
            f"{file.path} cannot be read; its reader ended with status {ended.returncode}: {last[:300]!a}.",
            "It may be no MACE, of a version of mace-torch that this one does not know, or too large for this "
            "machine's memory.",
        )


def _rebuild(name: str, config: MaceConfig, weights: dict[str, "torch.Tensor"]) -> "GraphNetwork":
    """Build the network and give it the file's weights: every parameter, and each constant of the same size."""
    from catalyst_assets.representation.networks.architectures import build_network

    try:
        network = build_network(config, seed=0)
    except (KeyError, RuntimeError, ValueError, NotImplementedError) as error:
        raise UnsupportedModelError(
            f"{name} holds a MACE that this version cannot build: {error}.", "Choose another model."
        ) from error
    expected = network.model.state_dict()  # type: ignore[union-attr]
    parameters = dict(network.model.named_parameters())  # type: ignore[union-attr]
    filled = {}
    for key, own in expected.items():
        theirs = weights.get(key)
        if theirs is not None and theirs.numel() == own.numel():
            # Some constants of old files have no axis for the readout.
            filled[key] = theirs.reshape(own.shape).to(own.dtype)
        elif key in parameters:
            shape = "is missing" if theirs is None else f"has shape {tuple(theirs.shape)}"
            hint = " The file needs the package cuequivariance." if config.use_reduced_cg else ""
            raise UnsupportedModelError(
                f"{name} does not fit its own architecture: {key} {shape}, expected is {tuple(own.shape)}.{hint}",
                "Choose another model.",
            )
        else:
            filled[key] = own
    network.model.load_state_dict(filled, strict=True)  # type: ignore[union-attr]
    return network.eval().requires_grad_(False)


def _require_same(name: str, network: "GraphNetwork", probe: dict[str, "torch.Tensor"]) -> None:
    """Raise where the largest relative difference between what both networks say is more than rounding."""
    import torch
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    from catalyst_assets.representation.networks.interface import collate

    crystals = zip(probe["cells"], probe["atomic_numbers"], probe["positions"], strict=True)
    graphs = [
        build_graph(
            Structure(Lattice(cell.numpy()), numbers.tolist(), places.numpy(), coords_are_cartesian=True),
            network.cutoff,
        )
        for cell, numbers, places in crystals
    ]
    with torch.no_grad():
        output = network(collate(graphs, network.dtype))
    features = probe["features"].reshape(output.node_features.shape[0], -1)
    if features.shape != output.node_features.shape:
        raise UnsupportedModelError(
            f"{name} gives {features.shape[1]} features a site, rebuilt it gives "
            f"{output.node_features.shape[1]}.",
            "Choose another model.",
        )
    n_sites = probe["atomic_numbers"].shape[1]
    difference = max(
        _difference(output.node_features, features),
        _difference(output.energies[:, None] / n_sites, probe["energies"][:, None] / n_sites),
    )
    if not difference <= _TOLERANCE:
        raise UnsupportedModelError(
            f"{name} was rebuilt, but gives other values than before (by {difference:.2g}).",
            "Choose another model, and tell the makers of this platform.",
        )


def _difference(found: "torch.Tensor", expected: "torch.Tensor") -> float:
    """Return the largest difference in any column, relative to the largest value of that column."""
    sizes = expected.abs().amax(dim=0).clamp(min=1e-9)
    return float(((found - expected).abs() / sizes).max())
