"""A small network and what the tests of fitting teach it."""

from functools import cache

import numpy as np
from pymatgen.core import Element

from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.representation.backbones import Backbone, build_backbone
from catalyst_assets.representation.fitting.data import LabelledGraphs
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.networks.configs import SchNetConfig

A_SITES = ["Na", "K", "Rb", "Ca", "Sr", "Ba", "La", "Y"]
B_SITES = ["Ti", "Zr", "V", "Nb", "Mn", "Ni", "Ga", "Sn"]


@cache
def tiny_backbone() -> Backbone:
    return build_backbone(SchNetConfig(channels=8, layers=2, filters=8, gaussians=12, cutoff=4.0), 0)


@cache
def perovskite_labels() -> LabelledGraphs:
    """64 oxides: a smooth property, and one that sits on 0 for half of them; some labels are missing."""
    graphs, labels = [], []
    for a_site in A_SITES:
        for b_site in B_SITES:
            graphs.append(build_graph(build_cubic_perovskite(a_site, b_site, "O3"), cutoff=4.0))
            smooth = Element(a_site).X - Element(b_site).X
            labels.append((smooth, max(0.0, 3 * (Element(b_site).X - 1.6) + 0.1 * Element(a_site).X)))
    values = np.array(labels)
    values[:, 1][values[:, 1] < 0.2] = 0.0
    values[::7, 0] = np.nan
    values[3::9, 1] = np.nan
    rng = np.random.default_rng(0)
    extra = np.concatenate([rng.normal(5.0, 3.0, (64, 2)), np.ones((64, 1))], axis=1).astype(np.float32)
    return LabelledGraphs(graphs, extra, values, ("smooth", "gap"))


def split() -> tuple[LabelledGraphs, LabelledGraphs]:
    data = perovskite_labels()
    order = np.random.default_rng(1).permutation(len(data))
    return data.take(order[:52]), data.take(order[52:])
