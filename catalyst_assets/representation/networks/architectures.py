"""Networks from configurations, with nothing left behind in the process that built them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from catalyst_assets.representation.networks.configs import (
    DimeNetConfig,
    Dtype,
    MaceConfig,
    NetworkConfig,
    PotentialConfig,
    SchNetConfig,
)
from catalyst_assets.representation.networks.interface import GraphNetwork


def build_network(config: NetworkConfig, seed: int) -> GraphNetwork:
    """Build a network with random weights drawn from ``seed``, on the CPU, ready to be trained.

    Weights that belong to an element are random linear functions of its properties, so that similar
    elements act alike although nothing was learned yet.
    """
    with _numbers(config.dtype, seed):
        network = _construct(config)
        network.relate_elements(seed)
        return network.to(torch.get_default_dtype())


def _construct(config: NetworkConfig) -> GraphNetwork:
    match config:
        case MaceConfig():
            from catalyst_assets.representation.networks.mace import MaceNetwork

            return MaceNetwork(config)
        case SchNetConfig():
            from catalyst_assets.representation.networks.schnet import SchNetNetwork

            return SchNetNetwork(config)
        case DimeNetConfig():
            from catalyst_assets.representation.networks.dimenet import DimeNetNetwork

            return DimeNetNetwork(config)
        case PotentialConfig():
            from catalyst_assets.representation.networks.elsewhere import NetworkElsewhere

            return NetworkElsewhere(config)


@contextmanager
def _numbers(dtype: Dtype, seed: int) -> Iterator[None]:
    """Draw from a seed and in one dtype; the caller's random state and default dtype are as before afterwards."""
    default = torch.get_default_dtype()
    # Of the CPU alone: to ask a GPU for its random state takes half a gigabyte of it.
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        torch.set_default_dtype(getattr(torch, dtype))
        try:
            yield
        finally:
            torch.set_default_dtype(default)
