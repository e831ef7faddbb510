"""Sums and means over the sites of each crystal, and over the edges of each site."""

import torch

from catalyst_assets.representation.networks.interface import GraphBatch


def sum_by(values: torch.Tensor, index: torch.Tensor, size: int) -> torch.Tensor:
    """Sum the rows of ``values`` that share an index; shape (size, …)."""
    return values.new_zeros((size, *values.shape[1:])).index_add_(0, index, values)


def mean_over_sites(nodes: torch.Tensor, batch: GraphBatch) -> torch.Tensor:
    """Average node features over each crystal, shape (n_graphs, n_features)."""
    sizes = batch.sizes.to(nodes.dtype)[:, None]
    return sum_by(nodes, batch.graph_of_site, batch.n_graphs) / sizes


def spread_over_sites(nodes: torch.Tensor, mean: torch.Tensor, batch: GraphBatch) -> torch.Tensor:
    """Return the standard deviation of node features over each crystal, shape (n_graphs, n_features)."""
    deviation = nodes - mean[batch.graph_of_site]
    return mean_over_sites(deviation**2, batch).sqrt()
