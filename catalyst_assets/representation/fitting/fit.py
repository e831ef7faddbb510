"""Fitting a network to properties: one call that resumes where a killed one stopped.

``checkpoint_dir`` is the caller's: it holds a folder for each fit, named by the hash of data, settings and first
weights, and is to be removed once the result is stored.
"""

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import torch

from catalyst_assets.representation.devices import choose_device
from catalyst_assets.representation.fitting.data import LabelledGraphs, Share, TargetScaling
from catalyst_assets.representation.fitting.fitted import FittedNetwork
from catalyst_assets.representation.fitting.head import build_head
from catalyst_assets.representation.fitting.ranks import train_on_several
from catalyst_assets.representation.fitting.settings import FitError, FitSettings
from catalyst_assets.representation.fitting.training import FitJob, OnEpoch, in_single_precision, train
from catalyst_assets.representation.networks.configs import NetworkConfig
from catalyst_assets.representation.networks.interface import GraphNetwork

# Of what a checkpoint holds; another one is not gone on from.
_FORMAT: Final = "catalyst-fit-1"


def fit_network(
    network: GraphNetwork,
    config: NetworkConfig,
    training: LabelledGraphs,
    validation: LabelledGraphs,
    settings: FitSettings,
    checkpoint_dir: Path,
    *,
    on_epoch: OnEpoch | None = None,
) -> FittedNetwork:
    """Fit a network and a new head to labels.

    Parameters
    ----------
    network
        Where to start from; it is copied, not changed.
    config
        Its configuration.
    training
        At least two labels of each property.
    validation
        Judges each epoch, chooses the best and ends the training; empty, the last epoch counts.
    settings
        How.
    checkpoint_dir
        Where a killed run leaves what the next call with the same arguments goes on from.
    on_epoch
        Called with the number of each epoch and its metrics; after a restart first for the epochs done before.

    Raises
    ------
    FitError
        There is nothing to learn from, or the training diverged.
    UsageError
        There is no such accelerator.
    GpuError
        The GPU failed, or has too little memory left; the next call goes on after its last epoch.
    """
    name = choose_device(settings.accelerator)
    # Sorted, rows give the same network to the last bit whatever order they came in.
    training, validation = training.sorted_by_content(), validation.sorted_by_content()
    folder = checkpoint_dir / fit_key(network, config, training, validation, settings)[:32]
    scaling = TargetScaling.of(training)
    job = FitJob(network.state_dict(), config, training, validation, scaling, settings, folder)
    if settings.devices == 1:
        outcome = train(job, name, Share(), on_epoch)
    else:
        outcome = train_on_several(job, name, on_epoch)
    losses = [value for _, value in outcome.curves["training_loss"]]
    if not np.isfinite(losses).all() or (job.validates and outcome.best_epoch < 0):
        shutil.rmtree(folder, ignore_errors=True)
        raise FitError(
            "The training diverged: its loss is no number any more.",
            "Lower the learning rate; see that the labels are in their unit.",
        )
    head = build_head(outcome.head, seed=0)
    head.load_state_dict(_under("head.", outcome.weights))
    fitted = in_single_precision(job.weights, config)
    if settings.depth != "head_only":
        fitted.load_state_dict(_under("network.", outcome.weights))
    return FittedNetwork(
        network=fitted.eval().requires_grad_(False),
        config=replace(config, dtype="float32"),
        head=head.eval().requires_grad_(False),
        scaling=scaling,
        settings=settings,
        curves={name: tuple(points) for name, points in sorted(outcome.curves.items())},
        best_epoch=outcome.best_epoch if outcome.best_epoch >= 0 else len(losses) - 1,
    )


def fit_key(
    network: GraphNetwork,
    config: NetworkConfig,
    training: LabelledGraphs,
    validation: LabelledGraphs,
    settings: FitSettings,
) -> str:
    """Return the hash of everything that a fit follows from; its checkpoint lies under the first 32 characters."""
    digest = hashlib.sha256(f"{_FORMAT} {torch.__version__} {version('pytorch-lightning')} {config}".encode())
    for part in (training.sha256, validation.sha256, settings.sha256):
        digest.update(part.encode())
    for name, tensor in network.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy())
    return digest.hexdigest()


def _under(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
