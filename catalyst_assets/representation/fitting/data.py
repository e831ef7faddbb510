"""Labelled crystals, and the batches that one epoch goes through.

A batch holds as many crystals as fit by edges. The order of an epoch follows from the seed and the number of the
epoch alone, so a run that was killed sees the batches that an undisturbed one does.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray

from catalyst_assets.representation.fitting.floors import find_floor
from catalyst_assets.representation.fitting.settings import FitError
from catalyst_assets.representation.graphs import CrystalGraph, plan_batches
from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork, collate
from catalyst_assets.vocabulary.known import zero_inflated

FEWEST_WITH_A_SPREAD: Final = 2


@dataclass(frozen=True)
class LabelledGraphs:
    """Crystals and what is known of them.

    Attributes
    ----------
    graphs
        The n crystals, with the network's cutoff.
    extra
        Further features a crystal, float32, shape (n, f); f may be 0.
    labels
        In each property's unit, float64, shape (n, p); NaN where a property is not known.
    properties
        The p names.
    noise
        Standard deviations of the labels, shape (n, p), 0 where they are not known; None where none is.
    """

    graphs: Sequence[CrystalGraph]
    extra: NDArray[np.float32]
    labels: NDArray[np.float64]
    properties: tuple[str, ...]
    noise: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        n = len(self.graphs)
        if self.labels.shape != (n, len(self.properties)) or self.extra.shape[:1] != (n,):
            raise FitError(
                f"{n} crystals do not go with labels of shape {self.labels.shape} and further features of "
                f"shape {self.extra.shape}, for {len(self.properties)} properties."
            )
        if not np.isfinite(self.extra).all():
            raise FitError("Some of the further features are not finite.")

    def __len__(self) -> int:
        return len(self.graphs)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> "LabelledGraphs":
        """Return some of the rows, in the given order."""
        chosen = np.asarray(rows, dtype=np.int64)
        graphs = [self.graphs[row] for row in chosen]
        noise = None if self.noise is None else self.noise[chosen]
        return LabelledGraphs(graphs, self.extra[chosen], self.labels[chosen], self.properties, noise)

    @cached_property
    def row_digests(self) -> tuple[bytes, ...]:
        """Hash of each row: its crystal, further features, labels and what is known of their noise."""
        digests = []
        noise = () if self.noise is None else (self.noise,)
        for graph, extra, *taught in zip(self.graphs, self.extra, self.labels, *noise, strict=True):
            digest = hashlib.sha256()
            parts = (graph.atomic_numbers, graph.positions, graph.cell, graph.edges, graph.shifts)
            for part in (*parts, extra, *taught):
                digest.update(f"{part.dtype.str}{part.shape}".encode())
                digest.update(np.ascontiguousarray(part).data)
            digests.append(digest.digest())
        return tuple(digests)

    @property
    def sha256(self) -> str:
        """Hash of everything, the order of the rows included."""
        return hashlib.sha256("\n".join(self.properties).encode() + b"".join(self.row_digests)).hexdigest()

    def sorted_by_content(self) -> "LabelledGraphs":
        """Return the rows in an order that is the same in whatever order they came."""
        return self.take(sorted(range(len(self)), key=self.row_digests.__getitem__))


@dataclass(frozen=True)
class TargetScaling:
    """Labels in their units, and as the network is taught them.

    Attributes
    ----------
    properties
        The p names.
    center, scale
        Mean and standard deviation of the training labels above the floor, shape (p,).
    floor
        The lowest value where enough labels share it, else minus infinity, shape (p,).
    """

    properties: tuple[str, ...]
    center: NDArray[np.float64]
    scale: NDArray[np.float64]
    floor: NDArray[np.float64]

    @classmethod
    def of(cls, data: LabelledGraphs) -> Self:
        """Measure the training labels.

        Raises
        ------
        FitError
            A property has fewer than two labels.
        """
        columns = []
        for name, column in zip(data.properties, data.labels.T, strict=True):
            known = column[np.isfinite(column)]
            if len(known) < FEWEST_WITH_A_SPREAD:
                raise FitError(
                    f"{name} has {len(known)} labels to train on.",
                    f"Fine-tuning takes at least {FEWEST_WITH_A_SPREAD}; leave the property out.",
                )
            floor = find_floor(known, zero_inflated(name))
            above = known[known > floor]
            if not len(above):
                above = known
            spread = float(above.std())
            columns.append(
                (above.mean(), spread if spread > 1e-9 * max(1.0, abs(above.mean())) else 1.0, floor)
            )
        center, scale, floors = np.array(columns, dtype=np.float64).reshape(-1, 3).T.copy()
        return cls(data.properties, center, scale, floors)

    def standardize(self, labels: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return labels in standard deviations from the mean; NaN stays NaN."""
        return np.asarray((labels - self.center) / self.scale)

    def noise_variance(self, noise: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return the variance of the noise of standardised labels."""
        return None if noise is None else np.asarray((noise / self.scale) ** 2)


@dataclass(frozen=True)
class FitBatch:
    """Some crystals and what is taught of them.

    Attributes
    ----------
    graph
        The b crystals; without edges where ``sites`` is given.
    sites
        Node features computed before, shape (n_sites, k), or None.
    extra
        Shape (b, f).
    targets
        Standardised, 0 where unknown, shape (b, p).
    known, above
        Whether there is a label, and whether it is above the floor, shape (b, p).
    share
        What part of an average batch of its epoch this one is.
    variance
        Of the noise that is known of the targets, shape (b, p); None where none is.
    """

    graph: GraphBatch
    sites: torch.Tensor | None
    extra: torch.Tensor
    targets: torch.Tensor
    known: torch.Tensor
    above: torch.Tensor
    share: float
    variance: torch.Tensor | None = None

    def to(self, device: torch.device | str) -> "FitBatch":
        """Return the batch on a device."""
        moved = {name: part.to(device) for name, part in vars(self).items() if hasattr(part, "to")}
        return replace(self, **moved)


class PreparedGraphs:
    """Labelled crystals as tensors, ready to be put together.

    Parameters
    ----------
    data
        The crystals.
    scaling
        Of the labels.
    sites
        Node features of each crystal where the network is not trained; neighbours are then left out.
    """

    def __init__(
        self, data: LabelledGraphs, scaling: TargetScaling, sites: Sequence[torch.Tensor] | None = None
    ) -> None:
        self.labels = data.labels
        self.variance = scaling.noise_variance(data.noise)
        self.edge_counts = np.array([graph.edges.shape[1] for graph in data.graphs], dtype=np.int64)
        self._graphs = data.graphs if sites is None else [graph.within(0.0) for graph in data.graphs]
        self._sites = sites
        self._extra = torch.from_numpy(np.ascontiguousarray(data.extra, dtype=np.float32))
        known = np.isfinite(data.labels)
        targets = np.where(known, scaling.standardize(data.labels), 0.0)
        self._targets = torch.from_numpy(targets.astype(np.float32))
        self._known = torch.from_numpy(known)
        self._above = torch.from_numpy(known & (data.labels > scaling.floor))

    def __len__(self) -> int:
        return len(self._graphs)

    def collate(self, rows: Sequence[int] | NDArray[np.int64], share: float = 1.0) -> FitBatch:
        """Put some rows together."""
        index = torch.as_tensor(np.asarray(rows, dtype=np.int64))
        return FitBatch(
            collate([self._graphs[row] for row in rows], torch.float32),
            None if self._sites is None else torch.cat([self._sites[row] for row in rows]),
            self._extra[index],
            self._targets[index],
            self._known[index],
            self._above[index],
            share,
            None if self.variance is None else torch.from_numpy(self.variance).float()[index],
        )


class EpochPlan:
    """Which batches each epoch goes through.

    Attributes
    ----------
    epochs_per_pass
        Into how many epochs one pass over the rows is cut.
    """

    def __init__(self, edge_counts: NDArray[np.int64], max_edges: int, max_batches: int, seed: int) -> None:
        self._edge_counts = edge_counts
        self._max_edges = max_edges
        self._seed = seed
        batches = len(plan_batches(edge_counts.tolist(), max_edges))
        self.epochs_per_pass = math.ceil(batches / max_batches)
        self.batches_per_epoch = math.ceil(batches / self.epochs_per_pass)

    def batches(self, epoch: int) -> list[tuple[NDArray[np.int64], float]]:
        """Return the rows of each batch of an epoch, and how large each is beside the average of its pass."""
        passed, part = divmod(epoch, self.epochs_per_pass)
        order = np.random.default_rng([self._seed, passed]).permutation(len(self._edge_counts))
        plan = plan_batches(self._edge_counts[order].tolist(), self._max_edges)
        average = len(order) / len(plan)
        bounds = np.linspace(0, len(plan), self.epochs_per_pass + 1).round().astype(int)
        chosen = [order[piece.start : piece.stop] for piece in plan[bounds[part] : bounds[part + 1]]]
        return [(rows, len(rows) / average) for rows in chosen]


@dataclass(frozen=True)
class Share:
    """What of each batch one of several processes computes.

    Attributes
    ----------
    rank
        Which of them it is, from 0.
    of
        How many there are.
    """

    rank: int = 0
    of: int = 1

    def take(
        self, rows: NDArray[np.int64], share: float, edge_counts: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], float]:
        """Return this process's rows of a batch, and how large they are beside an average batch.

        The mean of what the processes learn from theirs is then what one learns from all. Who is left without a row
        goes along with one that counts nothing.
        """
        if self.of == 1:
            return rows, share
        by_size = rows[np.argsort(-edge_counts[rows], kind="stable")]
        taken = by_size[self.rank :: self.of]
        if not len(taken):
            return rows[:1], 0.0
        return taken, share * self.of * len(taken) / len(rows)


class EpochLoader:
    """The batches of one epoch, put together one after the other."""

    def __init__(self, prepared: PreparedGraphs, batches: Sequence[tuple[NDArray[np.int64], float]]) -> None:
        self._prepared = prepared
        self._batches = batches

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[FitBatch]:
        for rows, share in self._batches:
            yield self._prepared.collate(rows, share)


def in_order(edge_counts: NDArray[np.int64], max_edges: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch when all are gone through once, in their order."""
    return [np.arange(piece.start, piece.stop) for piece in plan_batches(edge_counts.tolist(), max_edges)]


@torch.no_grad()
def describe_sites(
    network: GraphNetwork, graphs: Sequence[CrystalGraph], max_edges: int, device: torch.device
) -> list[torch.Tensor]:
    """Return the node features of each crystal on the CPU, in single precision, each of shape (n_sites, k)."""
    counts = np.array([graph.edges.shape[1] for graph in graphs], dtype=np.int64)
    sites: list[torch.Tensor] = []
    for rows in in_order(counts, max_edges):
        batch = collate([graphs[row] for row in rows], torch.float32)
        features = network.describe(batch.to(device)).float().cpu()
        sites.extend(torch.split(features, batch.sizes.tolist()))
    return sites
