"""What each site of a crystal is: anion or cation, its bonds, its formal charge.

A site is an anion when it is more electronegative than its nearest neighbours, otherwise a cation.
Geometry and chemistry of single sites only; `descriptors` pools them per structure.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from catalyst_assets.representation.descriptors.charges import assign_charges, closed_shell_mismatch
from catalyst_assets.representation.descriptors.elements import Shells, element_table, ion_radius
from catalyst_assets.representation.graphs import CUTOFF_ANGSTROM, CrystalGraph

_SHELL_WIDTH = 0.1
_SHELL_END = 1.6


@dataclass(frozen=True)
class Sites:
    """Sites of many crystals, one crystal after the other; arrays of shape (n_sites,) unless said.

    Attributes
    ----------
    starts
        First site of each crystal, shape (n_crystals,).
    owner
        The crystal a site belongs to.
    z
        Atomic number.
    anion
        Whether the site is an anion.
    bond
        Distance to the nearest ion of the other kind (any atom, where there is none), Å.
    coordination
        Effective number of those.
    neighbours
        Mean element properties of those, shape (n_sites, n_properties).
    charge
        Formal charge.
    radius
        Ionic radius at that charge, Å.
    neighbour_radius
        Mean radius of the neighbours, Å.
    imbalance
        Sum of the formal charges per site, shape (n_crystals,).
    uncommonness
        How unusual the oxidation states are, shape (n_crystals,).
    mismatch
        Charge per site that closed shells leave over, for each of `Shells`, shape (n_crystals, 3).
    formula_units
        How often the reduced formula fits the cell, shape (n_crystals,).
    """

    starts: np.ndarray
    owner: np.ndarray
    z: np.ndarray
    anion: np.ndarray
    bond: np.ndarray
    coordination: np.ndarray
    neighbours: np.ndarray
    charge: np.ndarray
    radius: np.ndarray
    neighbour_radius: np.ndarray
    imbalance: np.ndarray
    uncommonness: np.ndarray
    mismatch: np.ndarray
    formula_units: np.ndarray


@dataclass(frozen=True)
class _Shell:
    """Weights of the edges to each site's nearest neighbours, and what follows from them."""

    weights: np.ndarray  # (n_edges,)
    bond: np.ndarray  # (n_sites,)
    coordination: np.ndarray  # (n_sites,)
    centre: np.ndarray  # (n_edges,)
    neighbour: np.ndarray  # (n_edges,)

    def mean(self, values: np.ndarray, fallback: np.ndarray) -> np.ndarray:
        """Average ``values`` of the neighbours; a site without any keeps its ``fallback``."""
        sums = np.zeros_like(fallback)
        weights = self.weights.reshape(-1, *[1] * (values.ndim - 1))
        np.add.at(sums, self.centre, weights * values[self.neighbour])
        counts = self.coordination.reshape(-1, *[1] * (values.ndim - 1))
        return np.where(counts > 0, sums / np.maximum(counts, 1e-12), fallback)


def describe_sites(graphs: Sequence[CrystalGraph]) -> Sites:
    """Find role, bonds and charge of every site of every crystal."""
    sizes = np.array([len(graph.atomic_numbers) for graph in graphs])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    z = np.concatenate([graph.atomic_numbers for graph in graphs])
    owner = np.repeat(np.arange(len(graphs)), sizes)
    edges = np.concatenate(
        [graph.edges + start for graph, start in zip(graphs, starts, strict=False)], axis=1
    )
    distances = np.concatenate([graph.distances for graph in graphs])

    properties = element_table().values[z]
    electronegativity = element_table().column("electronegativity")[z]
    nearest = _nearest_shell(edges, distances, len(z))
    anion = electronegativity > nearest.mean(electronegativity, electronegativity) + 1e-9
    bonded = anion[edges[0]] != anion[edges[1]]
    shell = _nearest_shell(edges[:, bonded], distances[bonded], len(z))
    lonely = shell.coordination == 0
    if lonely.any():
        kept = bonded | lonely[edges[0]]
        shell = _nearest_shell(edges[:, kept], distances[kept], len(z))

    assigned = [_charges(z[start:stop], anion[start:stop]) for start, stop in pairwise(starts)]
    charges, uncommonness, mismatch, formula_units = zip(*assigned, strict=True)
    charge = np.concatenate(charges)
    radius = np.array([ion_radius(*ion) for ion in zip(z.tolist(), charge.tolist(), strict=True)])
    return Sites(
        starts=starts[:-1],
        owner=owner,
        z=z,
        anion=anion,
        bond=shell.bond,
        coordination=shell.coordination,
        neighbours=shell.mean(properties, properties),
        charge=charge.astype(np.float64),
        radius=radius,
        neighbour_radius=shell.mean(radius, radius),
        imbalance=np.add.reduceat(charge, starts[:-1]) / sizes,
        uncommonness=np.array(uncommonness),
        mismatch=np.array(mismatch),
        formula_units=np.array(formula_units),
    )


def _nearest_shell(edges: np.ndarray, distances: np.ndarray, n_sites: int) -> _Shell:
    """Weigh neighbours by how little farther they are than the nearest; alone, a site's bond is the cutoff."""
    bond = np.full(n_sites, CUTOFF_ANGSTROM)
    np.minimum.at(bond, edges[0], distances)
    near = distances < _SHELL_END * bond[edges[0]]
    centre, neighbour = edges[:, near]
    weights = np.exp(-(((distances[near] / bond[centre] - 1) / _SHELL_WIDTH) ** 2))
    coordination = np.bincount(centre, weights, minlength=n_sites)
    return _Shell(weights, bond, coordination, centre, neighbour)


def _charges(z: np.ndarray, anion: np.ndarray) -> tuple[np.ndarray, float, list[float], int]:
    """Return charges, uncommonness, mismatch and formula units of one crystal, as `Sites` holds them."""
    sites = list(zip(z.tolist(), anion.tolist(), strict=True))
    counts = Counter(sites)
    kinds = sorted(counts)
    ions = tuple((*kind, counts[kind]) for kind in kinds)
    assignment = assign_charges(ions)
    charges = dict(zip(kinds, assignment.charges, strict=True))
    return (
        np.array([charges[site] for site in sites], dtype=np.int64),
        assignment.uncommonness,
        [closed_shell_mismatch(ions, shells) for shells in Shells],
        math.gcd(*Counter(z.tolist()).values()),
    )
