"""The map of a campaign's chemical space: which materials are drawn, and where.

Features are standardised and projected on their two leading principal components; the components are those of the
pool, so that a point stays where it is while the campaign goes on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from catalyst_assets.report.summary import SpaceMap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from resources.object_store import ObjectStore

# More points than these only darken the picture.
MOST_OF_POOL: Final = 3000
MOST_EVALUATED: Final = 1500


def map_space(
    objects: "ObjectStore",
    fingerprint: str,
    structures: Mapping[str, str],
    evaluated: Mapping[str, bool],
    suggested: Sequence[str],
) -> SpaceMap | None:
    """Place a campaign's materials by their stored features.

    Parameters
    ----------
    fingerprint
        The backbone whose features are meant.
    structures
        Hash of the structure of each member of the pool.
    evaluated
        Whether each evaluated material is a hit.
    suggested
        The next batch.

    Returns
    -------
    None where fewer than three materials have features.
    """
    from catalyst_assets.representation.store import load_features, missing

    absent = set(missing(objects, fingerprint, sorted(set(structures.values()))))
    members = [name for name, structure in structures.items() if structure not in absent]
    kinds = choose_points(members, evaluated, suggested)
    if len(kinds) < 3:
        return None
    reference = _sample(members, MOST_OF_POOL)
    drawn = [*kinds, *(name for name in reference if name not in kinds)]
    features = load_features(objects, fingerprint, [structures[name] for name in drawn]).informed().values
    row = {name: position for position, name in enumerate(drawn)}
    points, explained = project(features[: len(kinds)], features[[row[name] for name in reference]])
    return SpaceMap(
        points=tuple((float(x), float(y)) for x, y in points),
        kinds=tuple(kinds.values()),
        explained=explained,
        n_members=len(members),
    )


def choose_points(
    members: Sequence[str], evaluated: Mapping[str, bool], suggested: Sequence[str]
) -> dict[str, str]:
    """Return which members are drawn and as what, the least of interest first.

    Every hit and suggestion is, and a sample of the others that does not depend on their order.
    """
    known, wanted = set(members), set(suggested)
    hits = [name for name, is_hit in evaluated.items() if is_hit and name in known]
    misses = [name for name, is_hit in evaluated.items() if not is_hit and name in known]
    others = [name for name in members if name not in evaluated and name not in wanted]
    return {
        **dict.fromkeys(_sample(others, MOST_OF_POOL), "pool"),
        **dict.fromkeys(_sample(misses, MOST_EVALUATED), "evaluated"),
        **dict.fromkeys((name for name in suggested if name in known and name not in evaluated), "next"),
        **dict.fromkeys(hits, "hit"),
    }


def project(
    features: "NDArray[np.floating]", reference: "NDArray[np.floating]"
) -> "tuple[NDArray[np.float64], tuple[float, float]]":
    """Project features on the two leading principal components of a reference, standardised by it.

    Parameters
    ----------
    features
        Shape (m, f).
    reference
        Shape (r, f).

    Returns
    -------
    points
        Shape (m, 2); the sign of a component is such that its largest loading is positive.
    explained
        Share of the reference's variance that each holds.
    """
    import numpy as np

    known = reference.astype(np.float64)
    middle, spread = known.mean(axis=0), known.std(axis=0)
    scale = np.where(spread > 1e-9, spread, np.inf)
    known = (known - middle) / scale
    variances, vectors = np.linalg.eigh(known.T @ known / len(known))
    leading = vectors[:, ::-1][:, :2]
    leading = leading * np.sign(leading[np.abs(leading).argmax(axis=0), range(leading.shape[1])])
    points = np.zeros((len(features), 2))
    points[:, : leading.shape[1]] = (features.astype(np.float64) - middle) / scale @ leading
    total = max(float(variances.clip(min=0).sum()), 1e-300)
    shares = [*(float(max(share, 0.0)) / total for share in variances[::-1][:2]), 0.0, 0.0]
    return points, (shares[0], shares[1])


def _sample(names: Sequence[str], most: int) -> list[str]:
    if len(names) <= most:
        return sorted(names)
    return sorted(sorted(names, key=lambda name: hashlib.sha256(name.encode()).digest())[:most])
