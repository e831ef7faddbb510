"""SevenNet's weights, in batches: https://github.com/MDIL-SNU/SevenNet."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import torch
from sevenn import _keys as key
from sevenn.calculator import SevenNetCalculator
from sevenn.util import load_checkpoint

from .potential import Evaluation, pool
from .structures import Graph, Neighbours, Structure, join

# More edges bring no more atoms a second on a CPU, and fall out of its caches.
_EDGES = {"cpu": 1_600, "cuda": 200_000}
# Each interaction block ends in its gate: what is invariant of all of them describes an atom, as MACE's features do.
_END_OF_BLOCK = "_equivariant_gate"


class _DescribedError(Exception):
    """What is wanted of the network is there."""


class SevenNet:
    """A SevenNet checkpoint.

    Parameters
    ----------
    checkpoint
        Whose hash was looked at.
    device
        ``cpu`` or ``cuda``.
    modal
        Which of its data sets a model of several is asked for.
    """

    def __init__(self, checkpoint: str, device: str, modal: str | None = None) -> None:
        model = load_checkpoint(checkpoint).build_model()
        model.set_is_batch_data(True)
        self._model = model.to(device).eval()
        self._device = device
        self._checkpoint = checkpoint
        self._modality = modal
        self._modal = None if modal is None else int(model.modal_map[modal])
        # It would look a modality's name up by an attribute that plain dictionaries of tensors have not.
        model.eval_modal_map = False
        self._seen: list[torch.Tensor] = []
        self._only_described = False
        self._blocks = [block for name, block in self._model.named_children() if name.endswith(_END_OF_BLOCK)]
        for block in self._blocks:
            block.register_forward_hook(self._see)
        self.cutoff = float(model.cutoff)
        self.elements = frozenset(int(number) for number in model.type_map)
        self.edges = _EDGES[device]

    def evaluate(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[Evaluation]:
        """Return energies, forces, stresses and features."""
        graph = join(structures, neighbours)
        self._seen.clear()
        said = self._model(self._data(graph))
        stresses = -said[key.PRED_STRESS].detach().cpu().double().numpy()
        return [
            Evaluation(*values)
            for values in zip(
                said[key.PRED_TOTAL_ENERGY].detach().cpu().double().numpy().ravel().tolist(),
                graph.split(said[key.PRED_FORCE].detach().cpu().double().numpy()),
                # Its order is xx, yy, zz, xy, yz, zx.
                stresses[:, [0, 3, 5, 3, 1, 4, 5, 4, 2]].reshape(-1, 3, 3),
                self._pooled(graph),
                strict=True,
            )
        ]

    def describe(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[np.ndarray]:
        """Return features alone: no readout is computed, and nothing derived."""
        graph = join(structures, neighbours)
        self._seen.clear()
        self._only_described = True
        try:
            with torch.no_grad(), suppress(_DescribedError):
                self._model(self._data(graph))
        finally:
            self._only_described = False
        return self._pooled(graph)

    def bare_pass(
        self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]
    ) -> Callable[[], object]:
        """Return what computes energies and forces of a batch whose edges and tensors are made already."""
        data = self._data(join(structures, neighbours))

        def run() -> object:
            self._seen.clear()
            # The network writes into what it is given.
            return self._model({name: tensor.detach() for name, tensor in data.items()})

        return run

    def calculator(self) -> SevenNetCalculator:
        """Return the package's own calculator with the same weights."""
        return SevenNetCalculator(self._checkpoint, device=self._device, modal=self._modality)

    def _see(self, block: Any, _: object, given: dict[str, torch.Tensor]) -> None:
        features = given[key.NODE_FEATURE].detach()
        irreps = block.gate.irreps_out
        self._seen += [
            features[:, part]
            for part, (_, irrep) in zip(irreps.slices(), irreps, strict=True)
            if irrep.is_scalar()
        ]
        if self._only_described and block is self._blocks[-1]:
            raise _DescribedError

    def _pooled(self, graph: Graph) -> list[np.ndarray]:
        invariant = torch.cat(self._seen, dim=1).double().cpu().numpy()
        self._seen.clear()
        return [pool(nodes) for nodes in graph.split(invariant)]

    def _data(self, graph: Graph) -> dict[str, torch.Tensor]:
        numbers = self._tensor(graph.numbers, torch.int64)
        data = {
            key.ATOMIC_NUMBERS: numbers,
            key.NODE_FEATURE: numbers,
            key.POS: self._tensor(graph.positions, torch.float32),
            key.EDGE_IDX: self._tensor(graph.pairs, torch.int64),
            key.EDGE_VEC: self._tensor(graph.vectors, torch.float32),
            key.BATCH: self._tensor(graph.owner, torch.int64),
            key.NUM_ATOMS: self._tensor(graph.counts, torch.int64),
            key.CELL_VOLUME: self._tensor(graph.volumes, torch.float32),
        }
        if self._modal is not None:
            modals = np.full(len(graph.counts), self._modal)
            data[key.MODAL_TYPE] = self._tensor(modals, torch.int64)
        return data

    def _tensor(self, array: np.ndarray, dtype: torch.dtype) -> torch.Tensor:
        return torch.as_tensor(array, dtype=dtype, device=self._device)
