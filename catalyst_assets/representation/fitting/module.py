"""What Lightning trains: a network and a head, how their weights are grouped, and how fast they learn."""

import math
from typing import Any, Final

import pytorch_lightning as pl
import torch
from torch import nn

from catalyst_assets.representation.fitting.data import (
    EpochLoader,
    EpochPlan,
    FitBatch,
    PreparedGraphs,
    Share,
    TargetScaling,
    in_order,
)
from catalyst_assets.representation.fitting.head import HeadOutput, PropertyHead
from catalyst_assets.representation.fitting.loss import LossWeights, fit_loss, in_units, validation_metrics
from catalyst_assets.representation.fitting.settings import Depth, FitSettings
from catalyst_assets.representation.networks.interface import GraphNetwork
from catalyst_assets.seeds import derive_seed

MONITORED: Final = "validation_error"
_LAST_RATE: Final = 0.01

Curves = dict[str, list[tuple[int, float]]]


class FitModule(pl.LightningModule):
    """A network and a head, learning.

    Parameters
    ----------
    network
        None where the node features were computed before, since nothing of it is trained.
    training, validation
        The rows; validation may be empty.
    autocasts
        Whether the network can be computed in mixed precision; else it stays in single precision and the head alone
        is.
    share
        What of each training batch this process computes. Validation rows are judged by each process, all of them.

    Attributes
    ----------
    curves
        One list of (epoch, value) a metric.
    """

    def __init__(
        self,
        network: GraphNetwork | None,
        head: PropertyHead,
        training: PreparedGraphs,
        validation: PreparedGraphs,
        scaling: TargetScaling,
        settings: FitSettings,
        *,
        autocasts: bool = True,
        share: Share = Share(),  # noqa: B008 - it cannot be changed
    ) -> None:
        super().__init__()
        self.network = network
        self._autocasts = autocasts
        self.head = head
        self.curves: Curves = {}
        self.latest: dict[str, float] = {}
        self._settings = settings
        self._scaling = scaling
        self._rows = _Rows(training, validation, settings, share)
        self._weights = LossWeights.of(training.labels, scaling)
        self._losses: list[torch.Tensor] = []
        self._outputs: list[HeadOutput] = []

    @property
    def epochs_per_pass(self) -> int:
        """Into how many epochs a pass over the rows is cut."""
        return self._rows.plan.epochs_per_pass

    def forward(self, batch: FitBatch) -> HeadOutput:
        """Predict the crystals of a batch."""
        sites = batch.sites if self.network is None else self._describe(self.network, batch)
        output: HeadOutput = self.head(sites, batch.graph.graph_of_site, batch.graph.sizes, batch.extra)
        return output

    def _describe(self, network: GraphNetwork, batch: FitBatch) -> torch.Tensor:
        if self._autocasts:
            return network.describe(batch.graph)
        with torch.autocast(batch.extra.device.type, enabled=False):
            return network.describe(batch.graph)

    def train_dataloader(self) -> EpochLoader:
        """Return the batches of the current epoch."""
        return self._rows.of_epoch(self.current_epoch)

    def val_dataloader(self) -> EpochLoader:
        """Return the batches of the validation rows."""
        return self._rows.of_validation()

    def on_fit_start(self) -> None:
        """Move what is no part of the weights."""
        weights = self._weights
        self._weights = LossWeights(weights.value.to(self.device), weights.gate.to(self.device))

    def on_train_epoch_start(self) -> None:
        """Draw this epoch's random numbers from a seed of its own: a resumed run draws the same ones."""
        torch.manual_seed(derive_seed(self._settings.seed, "epoch", self.current_epoch))
        self._losses = []

    def training_step(self, batch: FitBatch) -> torch.Tensor:
        """Return the loss of a batch."""
        loss = fit_loss(self(batch), batch, self._weights, self._settings)
        self._losses.append(loss.detach())
        return loss

    def validation_step(self, batch: FitBatch) -> None:
        """Predict a batch by the averaged weights."""
        self._outputs.append(self(batch))

    def on_validation_epoch_end(self) -> None:
        """Judge the predictions."""
        output = HeadOutput.join(self._outputs)
        self._outputs = []
        predicted = in_units(output, self._scaling)
        rows = self._rows.validation
        self.latest = validation_metrics(predicted, rows.labels, self._scaling, rows.variance)
        self.log(MONITORED, self.latest[MONITORED], prog_bar=True, batch_size=1)

    def on_train_epoch_end(self) -> None:
        """Put the epoch on the curves."""
        loss = self.trainer.strategy.reduce(torch.stack(self._losses).mean(), reduce_op="mean")
        self.latest["training_loss"] = float(loss)
        self.latest["learning_rate"] = float(self.optimizers().param_groups[-1]["lr"])  # type: ignore[union-attr]
        for name, value in self.latest.items():
            self.curves.setdefault(name, []).append((self.current_epoch, value))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the curves."""
        checkpoint["curves"] = {
            name: [list(point) for point in points] for name, points in self.curves.items()
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the curves up again."""
        self.curves = {
            name: [(int(epoch), float(value)) for epoch, value in points]
            for name, points in checkpoint["curves"].items()
        }

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule."""
        settings = self._settings
        optimizer = torch.optim.AdamW(_parameter_groups(self, settings), lr=settings.learning_rate)
        steps = self._rows.plan.batches_per_epoch * self.epochs_per_pass * settings.max_epochs
        warmup = max(1, round(settings.warmup_fraction * steps))
        scheduler = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: learning_rate(step, warmup, steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class _Rows:
    """Training and validation rows; a copy of the module shares them."""

    def __init__(
        self, training: PreparedGraphs, validation: PreparedGraphs, settings: FitSettings, share: Share
    ) -> None:
        self._share = share
        self.training = training
        self.validation = validation
        self.plan = EpochPlan(
            training.edge_counts,
            settings.max_edges_per_batch,
            settings.max_batches_per_epoch,
            derive_seed(settings.seed, "batches"),
        )
        self._validation_batches = in_order(validation.edge_counts, settings.max_edges_per_batch)

    def of_validation(self) -> EpochLoader:
        return EpochLoader(self.validation, [(rows, 1.0) for rows in self._validation_batches])

    def of_epoch(self, epoch: int) -> EpochLoader:
        counts = self.training.edge_counts
        return EpochLoader(
            self.training,
            [self._share.take(rows, share, counts) for rows, share in self.plan.batches(epoch)],
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> "_Rows":
        return self  # the averaged weights are kept in a copy of the whole module


def set_trainable(network: GraphNetwork, depth: Depth) -> None:
    """Say which weights of a network are trained."""
    network.requires_grad_(depth == "full")
    if depth == "last_layers":
        network.blocks()[-1].requires_grad_(True)


def learning_rate(step: int, warmup: int, steps: int) -> float:
    """Return the share of the highest learning rate: a straight rise, then a cosine to a hundredth."""
    if step < warmup:
        return (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, steps - warmup))
    return _LAST_RATE + (1 - _LAST_RATE) * 0.5 * (1 + math.cos(math.pi * progress))


def _parameter_groups(module: FitModule, settings: FitSettings) -> list[dict[str, Any]]:
    """Group weights by learning rate and by whether they decay; biases and the weights of norms do not."""
    groups = []
    for part, rate in ((module.network, settings.network_rate), (module.head, 1.0)):
        if part is None:
            continue
        decaying, steady = _split(part)
        for parameters, decay in ((decaying, settings.weight_decay), (steady, 0.0)):
            if parameters:
                lr = settings.learning_rate * rate
                groups.append({"params": parameters, "weight_decay": decay, "lr": lr})
    return groups


def _split(part: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    decaying: list[nn.Parameter] = []
    steady: list[nn.Parameter] = []
    for module in part.modules():
        is_norm = "norm" in type(module).__name__.lower()
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.requires_grad:
                (steady if is_norm or name.endswith("bias") else decaying).append(parameter)
    return decaying, steady
