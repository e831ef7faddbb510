"""Crystals and the network that several tests share."""

from functools import cache

import numpy as np
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.representation.backbones import Backbone, build_backbone
from catalyst_assets.representation.library import PublishedBackbone, publish_backbone
from catalyst_assets.representation.networks.configs import MaceConfig, NetworkConfig, config_to_json
from resources.object_store import ObjectStore


@cache
def small_backbone() -> Backbone:
    return build_backbone()


def publish_seeded(objects: ObjectStore, seed: int, config: NetworkConfig | None = None) -> PublishedBackbone:
    """Make a network with random weights the current backbone; without a configuration the small MACE."""
    config = config or MaceConfig()
    recipe = {"kind": "seeded", "seed": seed, "config": config_to_json(config)}
    return publish_backbone(objects, recipe, lambda: build_backbone(config, seed))


def rock_salt(cation: str = "Mg", anion: str = "O", a: float = 4.21) -> Structure:
    return Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


def assorted() -> list[Structure]:
    """Perovskites, a salt, a metal, an element of one atom, a low-symmetry cell."""
    skewed = Structure(
        Lattice.from_parameters(5.1, 6.3, 7.7, 81, 97, 104),
        ["Ca", "C", "O", "O", "O"],
        [[0.1, 0.2, 0.15], [0.55, 0.5, 0.62], [0.7, 0.55, 0.7], [0.42, 0.6, 0.72], [0.5, 0.33, 0.55]],
    )
    return [
        build_cubic_perovskite("Sr", "Ti", "O3"),
        rock_salt(),
        build_cubic_perovskite("Ba", "Ta", "O2N"),
        Structure(Lattice.cubic(2.9), ["Ni", "Al"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        Structure(Lattice.from_parameters(2.55, 2.55, 2.55, 60, 60, 60), ["Cu"], [[0, 0, 0]]),
        skewed,
        build_cubic_perovskite("La", "Al", "OFN"),
    ]


def turned(structure: Structure, seed: int = 0) -> Structure:
    """Return the same crystal rotated, shifted and with its sites in another order."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    rotation *= np.sign(np.linalg.det(rotation))
    order = rng.permutation(len(structure))
    return Structure(
        Lattice(structure.lattice.matrix @ rotation.T),
        [structure[int(i)].specie for i in order],
        structure.frac_coords[order] + rng.random(3),
    )


def overlapping() -> Structure:
    return Structure(Lattice.cubic(4), ["Ti", "O"], [[0, 0, 0], [0.02, 0, 0]])


def disordered() -> Structure:
    return Structure(Lattice.cubic(4), [{"Fe": 0.5, "Ni": 0.5}], [[0, 0, 0]])
