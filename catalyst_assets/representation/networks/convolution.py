"""MACE's convolution over neighbours as matrix products, where the sending features are scalars.

What an edge sends is then a product of three factors, x_j w_l(r_ij) Y_lm(r_ij), and the sum over a site's
neighbours is a small matrix product; the general tensor product writes every term down before it adds them.
"""

from typing import Any

import torch


class ScalarConvolution(torch.nn.Module):
    """Stands in for the tensor product ``conv_tp`` of an interaction, with the interface of mace's fused ones.

    It has no parameters; its buffers are those of the product that it replaces, so weights keep their names.
    """

    def __init__(self, product: Any) -> None:
        super().__init__()
        self.register_buffer("weight", product.weight)
        self.register_buffer("output_mask", product.output_mask)
        self._channels = product.irreps_in1.dim
        # A scalar coupled with a harmonic of 2l + 1 components is their product over √(2l + 1).
        self._paths = [
            (
                harmonic := product.irreps_in2.slices()[path.i_in2],
                path.path_weight / (harmonic.stop - harmonic.start) ** 0.5,
            )
            for path in product.instructions
        ]

    @classmethod
    def fits(cls, product: Any) -> bool:
        """Whether scalars alone are sent, each path is a harmonic times a channel, and the sums agree."""
        scalars = all(str(irrep) == "0e" for _, irrep in product.irreps_in1)
        if not scalars or any(path.connection_mode != "uvu" for path in product.instructions):
            return False
        nodes = torch.linspace(-1, 1, 2 * product.irreps_in1.dim).reshape(2, -1)
        harmonics = torch.linspace(-1, 2, 3 * product.irreps_in2.dim).reshape(3, -1)
        weights = torch.linspace(-2, 1, 3 * product.weight_numel).reshape(3, -1)
        edges = torch.tensor([[1, 0, 1], [0, 1, 1]])
        expected = nodes.new_zeros((2, product.irreps_out.dim))
        expected.index_add_(0, edges[1], product(nodes[edges[0]], harmonics, weights))
        return len(product.irreps_in1) == 1 and torch.allclose(
            cls(product)(nodes, harmonics, weights, edges), expected, atol=1e-5
        )

    def forward(
        self, nodes: torch.Tensor, harmonics: torch.Tensor, weights: torch.Tensor, edges: torch.Tensor
    ) -> torch.Tensor:
        """Sum what the neighbours send.

        Parameters
        ----------
        nodes
            Scalars, shape (n_sites, n_channels).
        harmonics
            Of each edge, shape (n_edges, n_harmonics).
        weights
            One a path and channel, shape (n_edges, n_paths · n_channels).
        edges
            Sender and receiver, shape (2, n_edges); with a third row that says which row of ``weights`` is
            an edge's, these may be fewer.
        """
        sender, receiver = edges[:2]
        if len(edges) > 2:
            weights = weights[edges[2]]
        n_sites, channels = len(nodes), self._channels
        if not bool((receiver[1:] >= receiver[:-1]).all()):
            order = torch.argsort(receiver, stable=True)
            sender, receiver, harmonics, weights = (
                sender[order],
                receiver[order],
                harmonics[order],
                weights[order],
            )
        sent = (weights.view(len(sender), -1, channels) * nodes[sender][:, None, :]).flatten(1)
        degree = torch.bincount(receiver, minlength=n_sites)
        most = int(degree.max()) if len(degree) else 0
        place = torch.arange(len(receiver), device=nodes.device) - (degree.cumsum(0) - degree)[receiver]
        row = receiver * most + place
        sent = _padded(sent, row, n_sites, most)
        harmonics = _padded(harmonics, row, n_sites, most)
        parts = []
        for index, (harmonic, coefficient) in enumerate(self._paths):
            block = sent[:, :, index * channels : (index + 1) * channels]
            summed = torch.bmm(harmonics[:, :, harmonic].transpose(1, 2), block)
            parts.append((coefficient * summed).transpose(1, 2).flatten(1))
        return torch.cat(parts, dim=1)


def _padded(values: torch.Tensor, row: torch.Tensor, n_sites: int, most: int) -> torch.Tensor:
    """Lay the edges of each site side by side, zeros after the last; shape (n_sites, most, width)."""
    if len(values) == n_sites * most:
        return values.view(n_sites, most, -1)
    table = values.new_zeros((n_sites * most, values.shape[1]))
    return table.index_copy(0, row, values).view(n_sites, most, -1)
