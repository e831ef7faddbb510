"""Weights that belong to an element, drawn so that similar elements act alike before anything was learned."""

from collections.abc import Sequence

import numpy as np
import torch

from catalyst_assets.representation.descriptors.elements import element_table


def element_coordinates(atomic_numbers: Sequence[int]) -> torch.Tensor:
    """Return standardized element properties and a constant, rows of length one, float64, shape (n_elements, n)."""
    everything = element_table().values[1:]
    table = element_table().values[list(atomic_numbers)]
    scaled = (table - everything.mean(axis=0)) / everything.std(axis=0)
    known = np.concatenate([scaled / np.sqrt(scaled.shape[1]), np.ones((len(scaled), 1))], axis=1)
    known /= np.linalg.norm(known, axis=1, keepdims=True)
    return torch.from_numpy(known)


def draw_by_element(
    coordinates: torch.Tensor, shape: Sequence[int], generator: torch.Generator
) -> torch.Tensor:
    """Draw weights of shape (…, n_elements, width) as one random projection of the elements' coordinates."""
    projection_shape = (*shape[:-2], coordinates.shape[1], shape[-1])
    projection = torch.randn(projection_shape, generator=generator, dtype=torch.float64)
    return coordinates @ projection


def draw_embedding(weight: torch.Tensor, atomic_numbers: Sequence[int], seed: int) -> None:
    """Overwrite the rows of the elements in an embedding, shape (n, width), by random linear functions of them."""
    generator = torch.Generator().manual_seed(seed)
    coordinates = element_coordinates(atomic_numbers)
    with torch.no_grad():
        drawn = draw_by_element(coordinates, (len(coordinates), weight.shape[1]), generator)
        weight[list(atomic_numbers)] = drawn.to(weight.dtype)
