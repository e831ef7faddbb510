"""A first look at a backbone: what it says of a plain crystal of elements that it knows."""

from typing import TYPE_CHECKING

import numpy as np

from catalyst_assets.representation.graphs import LARGEST_ATOMIC_NUMBER, CrystalGraph, build_graph

if TYPE_CHECKING:
    from catalyst_assets.representation.backbones import Backbone


def describe_probe(backbone: "Backbone") -> np.ndarray:
    """Return the features of a rock salt of the first and last element that a backbone knows.

    Returns
    -------
    numpy.ndarray
        Shape (2, n_features).
    """
    import torch

    from catalyst_assets.representation.networks.interface import collate

    with torch.no_grad():
        features = backbone.network.describe(collate([_probe(backbone)], backbone.network.dtype))
    found: np.ndarray = features.numpy()
    return found


def _probe(backbone: "Backbone") -> CrystalGraph:
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.periodic_table import Element
    from pymatgen.core.structure import Structure

    known = [number for number in backbone.config.atomic_numbers if number <= LARGEST_ATOMIC_NUMBER]
    # The primitive cell of rock salt with a lattice constant of 4.8 Å: no two sites are closer than 2.4 Å.
    lattice = Lattice([[0, 2.4, 2.4], [2.4, 0, 2.4], [2.4, 2.4, 0]])
    species = [Element.from_Z(known[0]), Element.from_Z(known[-1])]
    pair = Structure(lattice, species, [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]])
    return build_graph(pair, backbone.config.cutoff)
