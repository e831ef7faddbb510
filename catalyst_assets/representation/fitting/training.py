"""One process's part of a fit: Lightning's trainer around a module, and a caller that is left alone.

It is the whole fit where there is one process; of several, each computes its share of every batch.
"""

import logging
import random
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.strategies import DDPStrategy

from catalyst_assets.representation.devices import gpu_errors, repeatable
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
    Share,
    TargetScaling,
    describe_sites,
)
from catalyst_assets.representation.fitting.head import HeadConfig, build_head
from catalyst_assets.representation.fitting.module import Curves, FitModule, set_trainable
from catalyst_assets.representation.fitting.precision import (
    Chosen,
    autocasts,
    capability_of,
    choose_precision,
    matrix_products,
)
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import NetworkConfig
from catalyst_assets.representation.networks.interface import GraphNetwork
from catalyst_assets.seeds import derive_seed

_MEASURED_GRAPHS: Final = 512

OnEpoch = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True)
class FitJob:
    """What is fitted; it can be sent to another process.

    Attributes
    ----------
    weights
        Of the network that is started from, by name.
    folder
        Of the checkpoint.
    """

    weights: Mapping[str, torch.Tensor]
    config: NetworkConfig
    training: LabelledGraphs
    validation: LabelledGraphs
    scaling: TargetScaling
    settings: FitSettings
    folder: Path

    @property
    def validates(self) -> bool:
        """Whether anything judges the epochs."""
        return bool(np.isfinite(self.validation.labels).any())


@dataclass(frozen=True)
class Outcome:
    """What a fit came to.

    Attributes
    ----------
    head
        How its head is built.
    weights
        The averaged ones that are kept, of network and head, by name.
    best_epoch
        −1 where nothing was validated.
    """

    head: HeadConfig
    weights: Mapping[str, torch.Tensor]
    curves: Curves
    best_epoch: int


def train(job: FitJob, device: str, share: Share, on_epoch: OnEpoch | None) -> Outcome:
    """Fit on one device, together with the processes of the other shares; goes on from the checkpoint.

    Raises
    ------
    GpuError
        The GPU failed, or has too little memory left.
    """
    place = torch.device(device)
    precision = choose_precision(job.settings.gpu_precision, job.config.architecture, capability_of(place))
    with (
        _left_alone(place),
        _quiet(),
        matrix_products(precision),
        repeatable(device),
        gpu_errors(device),
    ):
        module = _prepare(job, place, share)
        average = BestAverage(job.settings.ema_decay, place)
        _train(module, average, job, place, share, precision, on_epoch)
        return Outcome(module.head.config, average.weights(), module.curves, average.best_epoch)


def _prepare(job: FitJob, device: torch.device, share: Share) -> FitModule:
    """Copy the network, draw a head and put rows into tensors."""
    settings, training, validation = job.settings, job.training, job.validation
    trained = in_single_precision(job.weights, job.config).eval().to(device)
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
        PreparedGraphs(training, job.scaling, sites),
        PreparedGraphs(validation, job.scaling, validation_sites),
        job.scaling,
        settings,
        autocasts=autocasts(job.config.architecture),
        share=share,
    )


def in_single_precision(weights: Mapping[str, torch.Tensor], config: NetworkConfig) -> GraphNetwork:
    """Return a network that is, to the last bit, what is read back from a file: constants are not rounded but made."""
    copied = build_network(replace(config, dtype="float32"), seed=0)
    copied.load_state_dict(weights, strict=True)
    return copied


def _train(
    module: FitModule,
    average: BestAverage,
    job: FitJob,
    device: torch.device,
    share: Share,
    precision: Chosen,
    on_epoch: OnEpoch | None,
) -> None:
    settings, path = job.settings, job.folder / CHECKPOINT
    callbacks: list[Callback] = [average, EveryEpoch(path)]
    if job.validates:
        callbacks.append(StayStopped(settings.patience * module.epochs_per_pass))
    if on_epoch is not None:
        callbacks.append(_Tell(module, on_epoch))
    trainer = pl.Trainer(
        accelerator="gpu" if device.type == "cuda" else "cpu",
        **_placed(device, share),
        precision=precision,
        max_epochs=settings.max_epochs * module.epochs_per_pass,
        gradient_clip_val=settings.gradient_clip,
        callbacks=callbacks,
        plugins=[WholeFiles(), LightningEnvironment()],
        reload_dataloaders_every_n_epochs=1,
        limit_val_batches=1.0 if job.validates else 0,
        num_sanity_val_steps=0,
        inference_mode=False,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        default_root_dir=job.folder,
    )
    trainer.fit(module, ckpt_path=find_checkpoint(path), weights_only=True)


def _placed(device: torch.device, share: Share) -> dict[str, Any]:
    """Return where a trainer runs: alone, or as one of the processes that whoever started this one has started."""
    if share.of == 1:
        return {"devices": [device.index] if device.type == "cuda" else 1}
    # A network has parts that no feature comes from, such as the readout of its energy. Buffers never change.
    strategy = DDPStrategy(find_unused_parameters=True, broadcast_buffers=False)
    devices = list(range(share.of)) if device.type == "cuda" else share.of
    return {"devices": devices, "strategy": strategy, "use_distributed_sampler": False}


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
