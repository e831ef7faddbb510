"""Multilayer perceptrons of one shape, trained side by side as one batched network.

Each predicts mean and log variance of every property. A member sees its own batches of rows and has its own
weights, and nothing joins members but the arithmetic: training them together equals training each alone.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

# Highest, of one hidden layer; each further one bears less.
_LEARNING_RATE: Final = 1e-2
_WEIGHT_DECAY: Final = 0.1
_WARM_UP: Final = 0.1
# Seitzer et al., ICLR 2022, arXiv:2203.09168: a likelihood alone gives up on rows that it finds noisy early on.
_BETA: Final = 0.5
_LARGEST_LOG_VARIANCE: Final = 10.0


@dataclass(frozen=True)
class Layer:
    """A linear layer of every member.

    Attributes
    ----------
    weight
        Shape (n_members, n_in, n_out).
    bias
        Shape (n_members, 1, n_out).
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


@dataclass(frozen=True)
class TrainingData:
    """What networks are trained on.

    Attributes
    ----------
    inputs
        Shape (n, f), standardised.
    targets
        Shape (n, p), standardised; anything where not known.
    known
        Shape (n, p).
    weights
        Shape (p,): how much a label of each property counts.
    batches
        Shape (n_steps, n_members, n_batch): rows that each member sees at each step.
    variance
        Shape (n, p): of the noise that is known of the targets; None where none is.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]
    known: NDArray[np.bool_]
    weights: NDArray[np.float32]
    batches: NDArray[np.int64]
    variance: NDArray[np.float32] | None = None


def initial_layers(sizes: "Sequence[int]", seeds: "Sequence[Sequence[int]]") -> tuple[Layer, ...]:
    """Return random layers (He et al., ICCV 2015), those of a member a function of its seed alone."""
    layers = []
    generators = [np.random.default_rng(seed) for seed in seeds]
    for number, (n_in, n_out) in enumerate(pairwise(sizes)):
        # The last layer starts small, so that members begin at the mean.
        gain = 0.1 if number == len(sizes) - 2 else 2.0
        drawn = [generator.standard_normal((n_in, n_out)) for generator in generators]
        weight = (np.stack(drawn) * np.sqrt(gain / n_in)).astype(np.float32)
        layers.append(Layer(weight, np.zeros((len(seeds), 1, n_out), dtype=np.float32)))
    return tuple(layers)


def train_networks(
    layers: tuple[Layer, ...], data: TrainingData
) -> tuple[tuple[Layer, ...], tuple[float, ...]]:
    """Train every member on the CPU: with layers this small a GPU is no faster, and gives another ensemble.

    AdamW (Loshchilov and Hutter, arXiv:1711.05101) over a fixed schedule: stopping by the rows a member leaves
    out would fit it to them, and they are what calibrates it.

    Returns
    -------
    The trained layers, and the mean loss of the members over each fiftieth of the steps.
    """
    import torch

    parameters = [
        (
            torch.tensor(layer.weight, requires_grad=True),
            torch.tensor(layer.bias, requires_grad=True),
        )
        for layer in layers
    ]
    inputs, targets, known, weights, batches = (
        torch.from_numpy(np.ascontiguousarray(part))
        for part in (data.inputs, data.targets, data.known, data.weights, data.batches)
    )
    variance = None if data.variance is None else torch.from_numpy(data.variance)
    learning_rate = _LEARNING_RATE / max(1, len(layers) - 1)
    optimizer = torch.optim.AdamW(
        [
            {"params": [weight for weight, _ in parameters], "weight_decay": _WEIGHT_DECAY},
            {"params": [bias for _, bias in parameters], "weight_decay": 0.0},
        ],
        lr=learning_rate,
        fused=True,
    )
    n_steps = len(batches)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, total_steps=n_steps, pct_start=_WARM_UP
    )
    losses: torch.Tensor = torch.zeros(n_steps)
    for step in range(n_steps):
        rows = batches[step]
        mean, log_variance = forward(inputs[rows], parameters)
        noise = None if variance is None else variance[rows]
        by_member = _loss(mean, log_variance, targets[rows], known[rows], weights, noise)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(by_member.sum())
        optimizer.step()
        schedule.step()
        losses[step] = by_member.detach().mean()
    trained = tuple(Layer(weight.detach().numpy(), bias.detach().numpy()) for weight, bias in parameters)
    parts = np.array_split(losses.numpy().astype(np.float64), min(50, n_steps))
    return trained, tuple(float(part.mean()) for part in parts)


def forward(
    rows: "torch.Tensor", parameters: "Sequence[tuple[torch.Tensor, torch.Tensor]]"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Return mean and log variance, shape (n_members, n, p) each, of rows of shape (n_members, n, f)."""
    import torch

    hidden = rows
    for number, (weight, bias) in enumerate(parameters):
        if number:
            hidden = torch.nn.functional.silu(hidden)
        hidden = torch.baddbmm(bias, hidden, weight)
    mean, raw = hidden.chunk(2, dim=-1)
    return mean, _LARGEST_LOG_VARIANCE * torch.tanh(raw / _LARGEST_LOG_VARIANCE)


def _loss(
    mean: "torch.Tensor",
    log_variance: "torch.Tensor",
    targets: "torch.Tensor",
    known: "torch.Tensor",
    weights: Any,
    variance: "torch.Tensor | None",
) -> "torch.Tensor":
    """Return each member's mean negative log likelihood, shape (n_members,), labels that are not known left out."""
    import torch

    error = torch.where(known, targets - mean, 0.0)
    # Of the truth's variance alone: a label weighs less by all of its own noise.
    weight = torch.where(known, torch.exp(_BETA * log_variance).detach() * weights, 0.0)
    if variance is not None:
        log_variance = torch.logaddexp(log_variance, variance.log())
    return (0.5 * weight * (log_variance + error**2 * torch.exp(-log_variance))).sum(-1).mean(-1)
