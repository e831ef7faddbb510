"""Stands where a network would, for one that lies in another environment: it says what there is, and computes nothing."""

from collections.abc import Sequence

import torch

from catalyst_assets.errors import UsageError
from catalyst_assets.representation.networks.configs import PotentialConfig, refuse_training
from catalyst_assets.representation.networks.interface import GraphBatch, GraphNetwork, NetworkOutput


class NetworkElsewhere(GraphNetwork):
    """A potential's network.

    Parameters
    ----------
    config
        Which.
    """

    def __init__(self, config: PotentialConfig) -> None:
        super().__init__()
        self.cutoff = config.cutoff
        self.atomic_numbers = config.atomic_numbers
        self.feature_names = ()
        self._name = config.name
        # What is stored of a network are its weights; of this one they are in its own environment.
        self.none = torch.nn.Parameter(torch.zeros(1))

    def forward(self, batch: GraphBatch) -> NetworkOutput:
        """Raise: it is asked through its worker."""
        raise self._refusal()

    def describe(self, batch: GraphBatch) -> torch.Tensor:
        """Raise: it is asked through its worker."""
        raise self._refusal()

    def blocks(self) -> Sequence[torch.nn.Module]:
        """Raise: nothing of it is trained here."""
        raise self._refusal()

    def relate_elements(self, seed: int) -> None:
        """Do nothing: it has learned already."""

    def _refusal(self) -> UsageError:
        return refuse_training(self._name)
