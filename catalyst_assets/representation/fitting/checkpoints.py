"""What a killed run goes on from, and the averaged weights that are kept.

One file a run holds all of it, weights, their average, the best ones, optimiser, schedule, early stopping and curves,
and is replaced at the end of each epoch in one step.
"""

import os
import pickle
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from lightning_fabric.plugins.io.torch_io import TorchCheckpointIO
from pytorch_lightning.callbacks import Checkpoint, EarlyStopping, WeightAveraging

from catalyst_assets.representation.fitting.module import MONITORED

CHECKPOINT = "last.ckpt"


class WholeFiles(TorchCheckpointIO):
    """Writes a checkpoint beside its place and moves it there; Lightning's own may copy it from another disk."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any = None
    ) -> None:
        """Write a checkpoint; one that is there stays whole until the new one is."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        with partial.open("wb") as stream:
            torch.save(checkpoint, stream)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)


def find_checkpoint(path: Path) -> Path | None:
    """Return the file to go on from, or None where there is none, or one that a failing disk has spoiled."""
    return path if steps_done(path) >= 0 else None


def steps_done(path: Path) -> int:
    """Return how many steps a checkpoint's training had made; −1 where there is none that can be read."""
    try:
        return int(torch.load(path, map_location="cpu", weights_only=True, mmap=True)["global_step"])
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, TypeError, pickle.UnpicklingError):
        return -1


class EveryEpoch(Checkpoint):
    """Saves the run at the end of each epoch.

    Parameters
    ----------
    path
        The one file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save."""
        trainer.save_checkpoint(self._path)


class StayStopped(EarlyStopping):
    """Ends the training when validation has not improved for a while, and keeps it ended after a restart."""

    def __init__(self, patience: int) -> None:
        super().__init__(MONITORED, patience=patience, mode="min", check_on_train_epoch_end=True)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Stop at once if the checkpoint was of the last epoch."""
        if self.stopping_reason_message is not None:
            trainer.should_stop = True


class BestAverage(WeightAveraging):
    """Keeps the moving average of the weights, and of those the ones with the least validation error.

    The average is that of all steps at first and forgets at ``decay`` later, so that a short training is not judged
    by where it began.

    Attributes
    ----------
    best_error, best_epoch
        Infinity and −1 until the first validation.
    """

    def __init__(self, decay: float, device: torch.device) -> None:
        # Told nothing, Lightning averages where the module was at first, on the CPU.
        super().__init__(device, use_buffers=False, multi_avg_fn=_WarmedUp(decay))
        self.best_error = float("inf")
        self.best_epoch = -1
        self._best: dict[str, torch.Tensor] | None = None

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Keep the averaged weights if they are the best so far."""
        error = float(trainer.callback_metrics[MONITORED])
        if error < self.best_error:
            self.best_error, self.best_epoch = error, trainer.current_epoch
            self._best = self._averaged()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Leave the weights alone: :meth:`weights` says which are kept."""

    def weights(self) -> dict[str, torch.Tensor]:
        """Return the best averaged weights, the last ones where nothing was validated."""
        return self._averaged() if self._best is None else self._best

    def _averaged(self) -> dict[str, torch.Tensor]:
        if self._average_model is None:
            raise RuntimeError("There are no averaged weights before the fit begins.")
        state = self._average_model.module.state_dict()
        return {name: tensor.detach().cpu().clone() for name, tensor in state.items()}

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        best = {"best_error": self.best_error, "best_epoch": self.best_epoch, "best": self._best}
        return super().state_dict() | best

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        super().load_state_dict(state_dict)
        self.best_error, self.best_epoch = state_dict["best_error"], state_dict["best_epoch"]
        self._best = state_dict["best"]


class _WarmedUp:
    """Moves averages towards the weights of a step; the decay rises to its value with the number of steps."""

    def __init__(self, decay: float) -> None:
        self._decay = decay

    @torch.no_grad()
    def __call__(
        self, averaged: list[torch.Tensor], current: list[torch.Tensor], n_averaged: torch.Tensor | int
    ) -> None:
        step = int(n_averaged)
        decay = min(self._decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(averaged, current, 1 - decay)
