"""Numbers a chemist would look at: element properties by composition and by crystallographic role.

Cations differ by the distance to their anions: the tightly coordinated ones (B of a perovskite) and
the loosely coordinated ones (A) are averaged apart, by smooth weights that need no prototype.
Nothing here reads a calculated property.
"""

from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from catalyst_assets.representation.descriptors.compositions import (
    Portions,
    count_electrons,
    element_fractions,
    element_properties,
)
from catalyst_assets.representation.descriptors.elements import Shells, element_table
from catalyst_assets.representation.descriptors.sites import Sites, describe_sites
from catalyst_assets.representation.graphs import CrystalGraph

_ROLE_WIDTH = 0.03
_ROLES = ("tight", "loose", "anion")


def describe_graphs(graphs: Sequence[CrystalGraph]) -> np.ndarray:
    """Return the descriptors of each crystal, finite float64, shape (n_graphs, n_descriptors)."""
    if not graphs:
        return np.zeros((0, len(descriptor_names())))
    columns = _columns(graphs)
    return np.stack([columns[name] for name in descriptor_names()], axis=1)


def describe_compositions(compositions: Sequence[Mapping[int, float]]) -> np.ndarray:
    """Return the descriptors of compositions without a structure.

    Parameters
    ----------
    compositions
        The positive amount of each element by atomic number, in formula units that the count of electrons is of.

    Returns
    -------
    numpy.ndarray
        Finite float64, shape (n_compositions, n_descriptors): as of any structure of the composition, 0 where a
        descriptor depends on the structure.
    """
    names = descriptor_names()
    values = np.zeros((len(compositions), len(names)))
    if not compositions:
        return values
    portions = Portions.of(compositions)
    known = {
        **element_properties(portions),
        **element_fractions(portions),
        "electrons:odd_electrons": count_electrons(compositions) % 2,
        "geometry:n_elements": np.array([len(each) for each in compositions], dtype=float),
    }
    for column, name in enumerate(names):
        if name in known:
            values[:, column] = known[name]
    return values


@cache
def descriptor_names() -> tuple[str, ...]:
    """Name the descriptors, in the order of their columns.

    Returns
    -------
    tuple
        ``block:name``; blocks are the roles, composition, electrons, fraction and geometry.
    """
    probe = CrystalGraph(
        np.array([1]),
        np.zeros((1, 3)),
        np.eye(3),
        np.zeros((2, 0), dtype=np.int64),
        np.zeros((0, 3)),
        np.zeros(0),
    )
    return tuple(_columns([probe]))


def _columns(graphs: Sequence[CrystalGraph]) -> dict[str, np.ndarray]:
    sites = describe_sites(graphs)
    weights = _role_weights(sites)
    portions = Portions(sites.starts, sites.z, _normalized(sites, np.ones(len(sites.z))))
    return {
        **element_properties(portions),
        **_element_properties_by_role(sites, weights),
        **_ions_by_role(sites, weights),
        **_electron_count(sites),
        **element_fractions(portions),
        **_geometry(sites, graphs),
    }


def _role_weights(sites: Sites) -> dict[str, np.ndarray]:
    """Return how much each site counts to each role; every crystal's weights sum to one, shape (n_sites,)."""
    cations, anions = (~sites.anion).astype(float), sites.anion.astype(float)
    mean_bond = _mean(sites, sites.bond, _normalized(sites, cations))[sites.owner]
    excess = np.clip((sites.bond / mean_bond - 1) / _ROLE_WIDTH, -50, 50)
    return {
        "tight": _normalized(sites, cations * np.exp(-excess)),
        "loose": _normalized(sites, cations * np.exp(excess)),
        "anion": _normalized(sites, anions),
    }


def _normalized(sites: Sites, weights: np.ndarray) -> np.ndarray:
    """Scale weights to sum to one per crystal; a role nobody plays is played by all sites alike."""
    totals = np.add.reduceat(weights, sites.starts)[sites.owner]
    sizes = np.bincount(sites.owner)[sites.owner]
    normalized: np.ndarray = np.where(totals > 0, weights / np.where(totals > 0, totals, 1.0), 1.0 / sizes)
    return normalized


def _mean(sites: Sites, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    weighted = values * weights.reshape(-1, *[1] * (values.ndim - 1))
    mean: np.ndarray = np.add.reduceat(weighted, sites.starts)
    return mean


def _element_properties_by_role(sites: Sites, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    table = element_table()
    values = table.values[sites.z]
    columns = {}
    for role in _ROLES:
        mean = _mean(sites, values, weights[role])
        contrast = _mean(sites, values - sites.neighbours, weights[role])
        for index, name in enumerate(table.names):
            columns[f"{role}:{name}"] = mean[:, index]
        electronegativity = table.names.index("electronegativity")
        columns[f"{role}:electronegativity_contrast"] = contrast[:, electronegativity]
    anion_mean = _mean(sites, values, weights["anion"])
    anion_std = np.sqrt(_mean(sites, (values - anion_mean[sites.owner]) ** 2, weights["anion"]))
    for name in ("electronegativity", "ionization_energy", "ionic_radius", "outer_electrons"):
        columns[f"anion:{name}_std"] = anion_std[:, table.names.index(name)]
    return columns


def _ions_by_role(sites: Sites, weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    outer = element_table().column("outer_electrons")[sites.z]
    per_site = {
        "charge": sites.charge,
        "radius": sites.radius,
        "electrons_left": outer - sites.charge,
        "bond": sites.bond,
        "coordination": sites.coordination,
        "strain": (sites.radius + sites.neighbour_radius) / sites.bond,
        "radius_ratio": sites.radius / sites.neighbour_radius,
        "bond_strength": sites.charge / np.maximum(sites.coordination, 1.0),
    }
    columns = {
        f"{role}:ion_{name}": _mean(sites, values, weights[role])
        for name, values in per_site.items()
        for role in _ROLES
    }
    # Goldschmidt's tolerance factor, for any crystal with two kinds of cation sites.
    columns["geometry:tolerance_factor"] = columns["loose:ion_strain"] / columns["tight:ion_strain"]
    return columns


def _electron_count(sites: Sites) -> dict[str, np.ndarray]:
    """Tell valence compounds (gap) from those with electrons too many or too few (metal)."""
    outer = element_table().column("outer_electrons")[sites.z]
    highest = element_table().column("highest_common_charge")[sites.z]
    group = element_table().column("group")[sites.z]
    sizes = np.bincount(sites.owner)
    missing = np.where(sites.anion, 8.0 - outer, 0.0)
    filled_d = np.where(~sites.anion & ((group == 11) | (group == 12)), 10.0, 0.0)
    given = np.where(sites.anion, 0.0, outer)

    def per_site(values: np.ndarray) -> np.ndarray:
        sums: np.ndarray = np.add.reduceat(values, sites.starts) / sizes
        return sums

    closed = {}
    for index, shells in enumerate(Shells):
        name = f"electrons:closed_shell_{shells.name.lower()}"
        closed[name] = (sites.mismatch[:, index] == 0).astype(float)
        closed[f"{name}_mismatch"] = sites.mismatch[:, index]
    return {
        **closed,
        "electrons:excess_electrons": per_site(given - missing),
        "electrons:excess_electrons_without_filled_d": per_site(given - filled_d - missing),
        "electrons:excess_electrons_at_highest_charge": per_site(
            np.where(sites.anion, 0.0, highest) - missing
        ),
        "electrons:charge_imbalance": sites.imbalance,
        "electrons:charge_imbalance_size": np.abs(sites.imbalance),
        "electrons:charge_uncommonness": sites.uncommonness,
        "electrons:odd_electrons": (np.add.reduceat(outer, sites.starts) / sites.formula_units) % 2,
    }


def _geometry(sites: Sites, graphs: Sequence[CrystalGraph]) -> dict[str, np.ndarray]:
    volumes = np.array([abs(np.linalg.det(graph.cell)) for graph in graphs])
    sizes = np.bincount(sites.owner)
    everywhere = _normalized(sites, np.ones(len(sites.z)))
    mean_bond = _mean(sites, sites.bond, everywhere)
    return {
        "geometry:volume_per_atom": volumes / sizes,
        "geometry:packing_fraction": 4.18879 * np.add.reduceat(sites.radius**3, sites.starts) / volumes,
        "geometry:bond_std": np.sqrt(_mean(sites, (sites.bond - mean_bond[sites.owner]) ** 2, everywhere)),
        "geometry:n_elements": _mean(sites, 1.0 / _abundance(sites), everywhere),
    }


def _abundance(sites: Sites) -> np.ndarray:
    """Return the share of each site's element in its crystal, shape (n_sites,)."""
    keys = sites.owner * 1000 + sites.z
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    abundance: np.ndarray = counts[inverse] / np.bincount(sites.owner)[sites.owner]
    return abundance
