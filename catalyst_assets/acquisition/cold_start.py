"""The first batch, before anything was measured: materials that stand for the whole pool.

Clusters of the pool in its principal components, one member of each: a space-filling design over a finite
pool (k-medoids in the sense of Hennig & Liao, J. R. Stat. Soc. C 62, 309 (2013)).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

_COMPONENTS: Final = 12
_FITTED_ON: Final = 20_000


def coverage_order(features: NDArray[np.floating], batch_size: int, seed: int) -> NDArray[np.intp]:
    """Order a pool so that its first ``batch_size`` members represent it.

    Parameters
    ----------
    features
        Shape (m, f).
    batch_size
        How many representatives are wanted.
    seed
        Other seeds give other, equally good designs.

    Returns
    -------
    Shape (m,): indices; after the representatives come those they represent least.
    """
    from scipy.spatial.distance import cdist
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    n = len(features)
    rng = np.random.default_rng(seed)
    values = np.asarray(features, dtype=np.float64)
    deviation = values.std(axis=0)
    varying = deviation > 0
    if not varying.any() or n <= batch_size:
        return rng.permutation(n)
    values = (values[:, varying] - values[:, varying].mean(axis=0)) / deviation[varying]
    sample = values if n <= _FITTED_ON else values[rng.choice(n, _FITTED_ON, replace=False)]
    n_components = min(_COMPONENTS, *sample.shape)
    reduction = PCA(n_components, whiten=True, svd_solver="full", random_state=seed).fit(sample)
    points = reduction.transform(values)
    clusters = KMeans(batch_size, n_init=1, random_state=seed).fit(reduction.transform(sample))
    distances = clusters.transform(points)
    representatives: list[int] = []
    for column in distances.T:
        nearest = next(index for index in np.argsort(column, kind="stable") if index not in representatives)
        representatives.append(int(nearest))
    chosen = rng.permutation(np.array(representatives, dtype=np.intp))
    rest = np.setdiff1d(np.arange(n), chosen)
    gaps = cdist(points[rest], points[chosen]).min(axis=1)
    return np.concatenate([chosen, rest[np.argsort(-gaps, kind="stable")]])
