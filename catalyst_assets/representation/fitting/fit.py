"""Fitting a network to properties: one call that resumes where a killed one stopped.

``checkpoint_dir`` is the caller's: it holds a folder for each fit, named by the hash of data, settings and first
weights, and is to be removed once the result is stored.
"""

import hashlib
import logging
import random
import shutil
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback

from catalyst_assets.representation.devices import choose_device, gpu_errors, repeatable
from catalyst_assets.representation.fitting.checkpoints import (
    CHECKPOINT,
    BestAverage,
    EveryEpoch,
    StayStopped,
    WholeFiles,
    find_checkpoint,
)
from catalyst_assets.representation.fitting.data import (
    LabelledGraphs,
    PreparedGraphs,
    TargetScaling,
    describe_sites,
)
from catalyst_assets.representation.fitting.fitted import FittedNetwork
from catalyst_assets.representation.fitting.head import HeadConfig, build_head
from catalyst_assets.representation.fitting.module import FitModule, set_trainable
from catalyst_assets.representation.fitting.precision import (
    Chosen,
    autocasts,
    capability_of,
    choose_precision,
    matrix_products,
)
from catalyst_assets.representation.fitting.settings import FitError, FitSettings
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import NetworkConfig
from catalyst_assets.representation.networks.interface import GraphNetwork
from catalyst_assets.seeds import derive_seed

# Of what a checkpoint holds; another one is not gone on from.
_FORMAT: Final = "catalyst-fit-1"
_MEASURED_GRAPHS: Final = 512

OnEpoch = Callable[[int, Mapping[str, float]], None]


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
    device = torch.device(name)
    precision = choose_precision(settings.gpu_precision, config.architecture, capability_of(device))
    # Sorted, rows give the same network to the last bit whatever order they came in.
    training, validation = training.sorted_by_content(), validation.sorted_by_content()
    scaling = TargetScaling.of(training)
    validates = bool(np.isfinite(validation.labels).any())
    folder = checkpoint_dir / fit_key(network, config, training, validation, settings)[:32]
    with (
        _left_alone(device),
        _quiet(),
        matrix_products(precision),
        repeatable(name),
        gpu_errors(name),
    ):
        module = _prepare(network, config, training, validation, scaling, settings, device)
        average = BestAverage(settings.ema_decay, device)
        _train(module, average, settings, folder, device, precision, on_epoch, validates=validates)
    losses = [value for _, value in module.curves["training_loss"]]
    if not np.isfinite(losses).all() or (validates and average.best_epoch < 0):
        shutil.rmtree(folder, ignore_errors=True)
        raise FitError(
            "The training diverged: its loss is no number any more.",
            "Lower the learning rate; see that the labels are in their unit.",
        )
    weights = average.weights()
    head = build_head(module.head.config, seed=0)
    head.load_state_dict(_under("head.", weights))
    fitted = _in_single_precision(network, config)
    if settings.depth != "head_only":
        fitted.load_state_dict(_under("network.", weights))
    return FittedNetwork(
        network=fitted.eval().requires_grad_(False),
        config=replace(config, dtype="float32"),
        head=head.eval().requires_grad_(False),
        scaling=scaling,
        settings=settings,
        curves={name: tuple(points) for name, points in sorted(module.curves.items())},
        best_epoch=average.best_epoch if average.best_epoch >= 0 else len(losses) - 1,
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


def _prepare(
    network: GraphNetwork,
    config: NetworkConfig,
    training: LabelledGraphs,
    validation: LabelledGraphs,
    scaling: TargetScaling,
    settings: FitSettings,
    device: torch.device,
) -> FitModule:
    """Copy the network, draw a head and put rows into tensors."""
    trained = _in_single_precision(network, config).eval().to(device)
    max_edges = settings.max_edges_per_batch
    is_fixed = settings.depth == "head_only"
    every = 1 if is_fixed else -(-len(training) // _MEASURED_GRAPHS)
    measured = describe_sites(trained, training.graphs[::every], max_edges, device)
    sizes = (measured[0].shape[1], training.extra.shape[1], len(training.properties))
    head = build_head(
        HeadConfig(*sizes, settings.hidden, settings.dropout), derive_seed(settings.seed, "head")
    )
    head.standardize_by(torch.cat(measured), torch.from_numpy(training.extra))
    sites = measured if is_fixed else None
    validation_sites = describe_sites(trained, validation.graphs, max_edges, device) if is_fixed else None
    set_trainable(trained, settings.depth)
    return FitModule(
        None if is_fixed else trained.cpu().train(),
        head,
        PreparedGraphs(training, scaling, sites),
        PreparedGraphs(validation, scaling, validation_sites),
        scaling,
        settings,
        autocasts=autocasts(config.architecture),
    )


def _in_single_precision(network: GraphNetwork, config: NetworkConfig) -> GraphNetwork:
    """Return a copy that is, to the last bit, what is read back from a file: constants are not rounded but made."""
    copied = build_network(replace(config, dtype="float32"), seed=0)
    copied.load_state_dict(network.state_dict(), strict=True)
    return copied


def _train(
    module: FitModule,
    average: BestAverage,
    settings: FitSettings,
    folder: Path,
    device: torch.device,
    precision: Chosen,
    on_epoch: OnEpoch | None,
    *,
    validates: bool,
) -> None:
    path = folder / CHECKPOINT
    callbacks: list[Callback] = [average, EveryEpoch(path)]
    if validates:
        callbacks.append(StayStopped(settings.patience * module.epochs_per_pass))
    if on_epoch is not None:
        callbacks.append(_Tell(module, on_epoch))
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        devices=[device.index] if device.type == "cuda" else 1,
        precision=precision,
        max_epochs=settings.max_epochs * module.epochs_per_pass,
        gradient_clip_val=settings.gradient_clip,
        callbacks=callbacks,
        plugins=[WholeFiles()],
        reload_dataloaders_every_n_epochs=1,
        limit_val_batches=1.0 if validates else 0,
        num_sanity_val_steps=0,
        inference_mode=False,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        default_root_dir=folder,
    )
    trainer.fit(module, ckpt_path=find_checkpoint(path), weights_only=True)


def _under(prefix: str, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


class _Tell(Callback):
    """Hands each epoch's metrics on, those of a restarted run's earlier epochs first."""

    def __init__(self, module: FitModule, on_epoch: OnEpoch) -> None:
        self._module = module
        self._on_epoch = on_epoch
        self._told = 0

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell()

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._tell()

    def _tell(self) -> None:
        by_epoch: dict[int, dict[str, float]] = {}
        for name, points in self._module.curves.items():
            for epoch, value in points:
                by_epoch.setdefault(epoch, {})[name] = value
        for epoch in sorted(by_epoch):
            if epoch >= self._told:
                self._on_epoch(epoch, by_epoch[epoch])
                self._told = epoch + 1


@contextmanager
def _left_alone(device: torch.device) -> Iterator[None]:
    """Keep the random states and gradients' mode of whoever calls."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  (theirs, whatever they use)
    devices = [device] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices=devices), torch.enable_grad():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Lightning from telling what hardware it found and what it would advise."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="pytorch_lightning")
            warnings.filterwarnings("ignore", module="lightning_fabric")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
