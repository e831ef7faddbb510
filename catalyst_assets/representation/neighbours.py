"""Components of features by which the database finds neighbours: written once embeddings settle, read by the API.

The first principal components of standardized features (I. T. Jolliffe, Principal Component Analysis, 2002). They are chosen
anew when there are four times as many structures as they were chosen for; those that come in between are projected.
"""

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.errors import LoopError
from catalyst_assets.representation.features import FEATURE_VERSION
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.store import load_features
from resources.postgres.database import Row, copy_rows, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.object_store import ObjectStore
    from resources.platform import Platform
    from resources.postgres.database import Database

N_COMPONENTS: Final = 64
_MOST_FITTED: Final = 20_000
_GROWTH: Final = 4
# Of features that hardly vary only rounding is left.
_LEAST_SPREAD: Final = 1e-6


@dataclass(frozen=True)
class Projection:
    """How features become components.

    Attributes
    ----------
    center
        Shape (n_features,).
    directions
        Scaled, so that features that vary more do not count for more. Shape (n_features, N_COMPONENTS); zeros where there are
        fewer directions.
    explained, explained_by_two
        Share of the variance that they keep, and that the first two keep.
    """

    center: np.ndarray
    directions: np.ndarray
    explained: float
    explained_by_two: float

    @classmethod
    def fit(cls, values: np.ndarray) -> "Projection":
        """Choose the components of features, shape (n_structures, n_features)."""
        if not len(values):
            return cls(np.zeros(values.shape[1]), np.zeros((values.shape[1], N_COMPONENTS)), 1.0, 1.0)
        values = values.astype(np.float64)
        center, spread = values.mean(axis=0), values.std(axis=0)
        varies = spread > _LEAST_SPREAD * np.maximum(1.0, np.abs(center))
        inverse = np.where(varies, 1.0 / np.where(varies, spread, 1.0), 0.0)
        standardized = (values - center) * inverse
        variances, axes = np.linalg.eigh(standardized.T @ standardized / len(values))
        kept = axes[:, ::-1][:, :N_COMPONENTS]
        # Either sign is an axis: the largest entry is positive, so that the same features have the same components.
        largest = np.abs(kept).argmax(axis=0)
        kept = kept * np.where(kept[largest, np.arange(kept.shape[1])] < 0, -1.0, 1.0)
        directions = np.zeros((values.shape[1], N_COMPONENTS))
        directions[:, : kept.shape[1]] = kept * inverse[:, None]
        return cls(center, directions, _share(variances, N_COMPONENTS), _share(variances, 2))

    @classmethod
    def of_bytes(cls, data: bytes) -> "Projection":
        """Read what :meth:`to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            shares = [
                float(stored[name]) if name in stored else float("nan")
                for name in ("explained", "explained_by_two")
            ]
            return cls(stored["center"], stored["directions"], *shares)

    def to_bytes(self) -> bytes:
        """Return it as an ``.npz`` file."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            center=self.center,
            directions=self.directions,
            explained=self.explained,
            explained_by_two=self.explained_by_two,
        )
        return buffer.getvalue()

    def project(self, values: np.ndarray) -> np.ndarray:
        """Return the components of features, shape (n_structures, N_COMPONENTS)."""
        components: np.ndarray = (values - self.center) @ self.directions
        return components.astype(np.float32)


def _share(variances: np.ndarray, n: int) -> float:
    """Return which share of the variance the largest ``n`` of ascending ones are."""
    total = float(variances.sum())
    share = float(variances[::-1][:n].sum() / total) if total > 0 else 1.0
    return min(max(share, 0.0), 1.0)


def lacks_vectors(platform: "Platform") -> bool:
    """Tell whether structures came or went since components were written."""
    with platform.database.transaction() as connection:
        standing = _standing(connection, platform.objects)
    return standing is not None and not standing["is_settled"]


def settle_vectors(database: "Database", objects: "ObjectStore") -> int:
    """Write the components of every structure that has features and none yet; return how many were written."""
    with database.transaction() as connection:
        fetch_all(connection, "representation/neighbours/lock")
        standing = _standing(connection, objects)
        if standing is None or standing["is_settled"]:
            return 0
        number = standing["feature_set"]
        rows = fetch_all(connection, "representation/neighbours/described", feature_set=number)
        settled = {"feature_set": number, "noted_at": standing["noted_at"]}
        if standing["n_fitted"] is None or len(rows) >= _GROWTH * standing["n_fitted"]:
            names, values = _read(objects, [row["structure_hash"] for row in rows])
            projection = Projection.fit(_some(values))
            execute(connection, "representation/neighbours/forget")
            execute(
                connection,
                "representation/neighbours/keep_basis",
                **settled,
                n_fitted=len(names),
                explained=projection.explained,
                explained_by_two=projection.explained_by_two,
                projection=projection.to_bytes(),
            )
        else:
            projection = Projection.of_bytes(bytes(standing["projection"]))
            names, values = _read(
                objects, [row["structure_hash"] for row in rows if not row["has_components"]]
            )
            execute(connection, "representation/neighbours/settle", **settled)
        if names:
            execute(connection, "representation/neighbours/drop_some", structure_hashes=names)
            components = projection.project(values).tolist()
            copy_rows(
                connection,
                "structure_vectors",
                ["structure_hash", "feature_set", "components"],
                ((name, number, row) for name, row in zip(names, components, strict=True)),
            )
        return len(names)


def _some(values: np.ndarray) -> np.ndarray:
    if len(values) <= _MOST_FITTED:
        return values
    return values[np.random.default_rng(0).choice(len(values), _MOST_FITTED, replace=False)]


def _standing(connection: "sa.Connection", objects: "ObjectStore") -> Row | None:
    try:
        fingerprint = current_fingerprint(objects)
    except LoopError:  # there is no backbone yet
        return None
    return fetch_one(
        connection, "representation/neighbours/standing", fingerprint=fingerprint, version=FEATURE_VERSION
    )


def _read(objects: "ObjectStore", structure_hashes: list[str]) -> tuple[list[str], np.ndarray]:
    """Return those structures that have features, and the features, shape (n, n_features)."""
    features = load_features(objects, current_fingerprint(objects), structure_hashes).informed()
    kept = [index for index in range(len(structure_hashes)) if index not in features.failures]
    return [structure_hashes[index] for index in kept], features.values[kept]
