"""Pairs of edges that meet in a site, and their angles, where a neighbour may be any periodic image."""

import torch

from catalyst_assets.representation.graphs import COINCIDENT_BELOW_ANGSTROM


def list_triplets(edges: torch.Tensor, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """List for each edge j→i the edges k→j, but not the one that comes from that very i.

    Another image of i is a site of its own: only the way straight back is left out.

    Parameters
    ----------
    edges
        Centre and neighbour, shape (2, n_edges).
    vectors
        From centre to neighbour, Å, shape (n_edges, 3).

    Returns
    -------
    tuple
        Index of the edge k→j and of the edge j→i, each of shape (n_triplets,).
    """
    centre, neighbour = edges
    order = torch.argsort(centre, stable=True)
    n_sites = int(edges.max()) + 1 if edges.numel() else 0
    degree = torch.bincount(centre, minlength=n_sites)
    start = torch.cumsum(degree, 0) - degree
    count = degree[neighbour]
    towards_i = torch.repeat_interleave(torch.arange(len(centre), device=edges.device), count)
    rank = torch.arange(len(towards_i), device=edges.device)
    rank = rank - torch.repeat_interleave(torch.cumsum(count, 0) - count, count)
    towards_j = order[start[neighbour[towards_i]] + rank]
    there_and_back = torch.linalg.vector_norm(vectors[towards_i] + vectors[towards_j], dim=1)
    same_site = neighbour[towards_j] == centre[towards_i]
    kept = ~(same_site & (there_and_back < COINCIDENT_BELOW_ANGSTROM / 2))
    return towards_j[kept], towards_i[kept]


def turning_angles(vectors: torch.Tensor, towards_j: torch.Tensor, towards_i: torch.Tensor) -> torch.Tensor:
    """Return the angle between the directions k→j and j→i, 0 where k, j and i follow on a line; radians."""
    first, second = vectors[towards_j], vectors[towards_i]
    cross = torch.linalg.vector_norm(torch.linalg.cross(first, second), dim=1)
    return torch.atan2(cross, (first * second).sum(dim=1))
