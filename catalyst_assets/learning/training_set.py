"""The frozen, content-hashed table a model is fitted to: features, labels, groups.

Which labels belong to an iteration was decided when it opened; here they meet the features. Judging the
result is ``audit``'s.
"""

import hashlib
import io
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.campaigns.pool import load_pool, read_members
from catalyst_assets.errors import CorruptArtifactError, LoopError
from catalyst_assets.learning.cheap_answers import freeze_answers, read_known, with_frozen_answers
from catalyst_assets.learning.columns import FEATURES, IDENTITY, noise_column
from catalyst_assets.learning.heads.relations.fidelities import own_columns
from catalyst_assets.representation.library import current_fingerprint
from catalyst_assets.representation.stage import quarantined
from catalyst_assets.representation.store import load_features
from resources.postgres.database import Row, execute, fetch_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from catalyst_assets.campaigns.iterations import Iteration
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.representation.features import Features
    from resources.object_store import ObjectStore
    from resources.postgres.database import Database

_IDENTITY: Final = tuple(IDENTITY)
(_FEATURES,) = FEATURES
_METADATA: Final = b"catalyst"


@dataclass(frozen=True)
class TrainingSet:
    """What a model learns from.

    Attributes
    ----------
    material_ids, chemical_systems, structure_hashes
        One entry a row; rows are sorted by material.
    properties, feature_names
        Names of the columns of ``labels`` and ``features``.
    features
        Shape (n, f), float32.
    labels
        Shape (n, p), float64 in each property's unit; NaN where nothing is known.
    label_noise
        Shape (n, p): standard deviation of each label in its property's unit, NaN where it is not known; None where it
        is of none.
    provenance
        ``label_sha256``, ``campaign_sha256``, ``method`` and ``backbone`` it was made from; ``cheap_answers`` is the hash
        of those of a campaign with a prior, and ``left_out`` names the labelled materials that the backbone cannot
        describe, if there are any.
    """

    material_ids: tuple[str, ...]
    chemical_systems: tuple[str, ...]
    structure_hashes: tuple[str, ...]
    properties: tuple[str, ...]
    feature_names: tuple[str, ...]
    features: NDArray[np.float32]
    labels: NDArray[np.float64]
    provenance: "Mapping[str, str]"
    label_noise: NDArray[np.float64] | None = None

    def to_parquet(self) -> bytes:
        """Return the set as Parquet; equal sets give equal bytes."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        identity = (self.material_ids, self.chemical_systems, self.structure_hashes)
        columns = [pa.array(values, pa.string()) for values in identity]
        # Only a missing label is null: a NaN would not survive a reader that takes it for a number.
        columns += [pa.array(column, pa.float64(), mask=np.isnan(column)) for column in self.labels.T]
        width = len(self.feature_names)
        flat = pa.array(np.ascontiguousarray(self.features, np.float32).ravel(), pa.float32())
        if width:
            columns.append(pa.FixedSizeListArray.from_arrays(flat, width))
        else:
            columns.append(pa.array([[]] * len(self.material_ids), pa.list_(pa.float32())))
        names = [*_IDENTITY, *self.properties, _FEATURES]
        about: dict[str, object] = {
            "properties": list(self.properties),
            "feature_names": list(self.feature_names),
            "provenance": dict(self.provenance),
        }
        if self.noisy:
            about["noise"] = list(self.noisy)
            names += [noise_column(name) for name in self.noisy]
            columns += [pa.array(noise, pa.float64(), mask=np.isnan(noise)) for noise in self.noisy.values()]
        table = pa.table(dict(zip(names, columns, strict=True)))
        table = table.replace_schema_metadata({_METADATA: json.dumps(about, sort_keys=True)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return sink.getvalue()

    @property
    def own_features(self) -> NDArray[np.float32]:
        """The features without cheap answers, shape (n, f): what distances are measured in."""
        return np.ascontiguousarray(self.features[:, own_columns(self.feature_names)])

    @property
    def noisy(self) -> dict[str, NDArray[np.float64]]:
        """Standard deviations of the labels of each property that they are known of, shape (n,)."""
        if self.label_noise is None:
            return {}
        columns = dict(zip(self.properties, self.label_noise.T, strict=True))
        return {name: column for name, column in columns.items() if np.isfinite(column).any()}

    @classmethod
    def from_parquet(cls, data: bytes) -> "TrainingSet":
        """Read what ``to_parquet`` wrote."""
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        about = json.loads(table.schema.metadata[_METADATA])
        material_ids, systems, hashes = (tuple(table[name].to_pylist()) for name in _IDENTITY)
        columns = [table[name].to_numpy() for name in about["properties"]]
        flat = table[_FEATURES].combine_chunks().flatten().to_numpy()
        shape = (table.num_rows, len(about["feature_names"]))
        labels = np.array(columns, dtype=np.float64).T.reshape(table.num_rows, len(columns))
        noise = None
        if about.get("noise"):
            noise = np.full(labels.shape, np.nan)
            for name in about["noise"]:
                noise[:, about["properties"].index(name)] = table[noise_column(name)].to_numpy()
        return cls(
            material_ids=material_ids,
            chemical_systems=systems,
            structure_hashes=hashes,
            properties=tuple(about["properties"]),
            feature_names=tuple(about["feature_names"]),
            features=flat.astype(np.float32).reshape(shape),
            labels=labels,
            provenance=about["provenance"],
            label_noise=noise,
        )


def pivot_labels(
    rows: "Sequence[Mapping[str, Any]]", properties: "Sequence[str]", column: str = "value"
) -> tuple[list[str], NDArray[np.float64]]:
    """Turn label rows into a matrix.

    Parameters
    ----------
    rows
        Each with ``material_id``, ``property`` and ``column``, which may be None.
    properties
        The p that are wanted.
    column
        What of each row goes into the matrix: its ``value``, or its ``standard_deviation``.

    Returns
    -------
    material_ids
        Those with a label of at least one of ``properties``, sorted.
    labels
        Shape (n, p), float64, NaN where there is no label.
    """
    place = {name: index for index, name in enumerate(properties)}
    wanted = [row for row in rows if row["property"] in place]
    material_ids = sorted({row["material_id"] for row in wanted})
    position = {material_id: index for index, material_id in enumerate(material_ids)}
    labels = np.full((len(material_ids), len(properties)), np.nan)
    for row in wanted:
        value = row[column]
        labels[position[row["material_id"]], place[row["property"]]] = np.nan if value is None else value
    return material_ids, labels


def build_training_set(database: "Database", objects: "ObjectStore", partition_key: str) -> TrainingSet:
    """Join an iteration's labels with the features of their structures.

    Labels of structures that the backbone cannot describe (they are in quarantine) are left out.

    Raises
    ------
    LoopError
        The iteration was never opened, or a labelled structure has no features yet.
    """
    with database.transaction() as connection:
        iteration = read_iteration(connection, partition_key)
        rows = fetch_all(connection, "loop/iteration_labels", partition_key=partition_key)
        materials = load_label_materials(connection, iteration)
        left_out = find_undescribed(connection, materials, current_fingerprint(objects))
        known = read_known(connection, iteration.campaign)
        members = _pool_structures(connection, objects, iteration) if known else []
    answers = _freeze(objects, iteration.campaign, {*members, *_structures(materials, left_out)}, known)
    return assemble(iteration, rows, materials, objects, left_out, answers)


def _structures(materials: "Sequence[Row]", left_out: set[str]) -> list[str]:
    return [row["structure_hash"] for row in materials if row["material_id"] not in left_out]


def _pool_structures(
    connection: "sa.Connection", objects: "ObjectStore", iteration: "Iteration"
) -> list[str]:
    if iteration.pool_sha256 is None:
        return [row["structure_hash"] for row in load_pool(connection, iteration.campaign.pool)]
    return [structure_hash for _, structure_hash, _ in read_members(objects, iteration.pool_sha256)]


def _freeze(
    objects: "ObjectStore",
    campaign: "Campaign",
    structure_hashes: set[str],
    known: "Mapping[str, Mapping[str, float]]",
) -> str | None:
    """Complete and store the cheap answers of those structures that have features; None without a prior."""
    if not known:
        return None
    hashes = sorted(structure_hashes)
    features = load_features(objects, current_fingerprint(objects), hashes).informed()
    kept = [row for row in range(len(hashes)) if row not in features.failures]
    described = replace(features, values=features.values[kept], failures={})
    return freeze_answers(objects, campaign, [hashes[row] for row in kept], described, known)


def load_label_materials(connection: "sa.Connection", iteration: "Iteration") -> list[Row]:
    """Return the materials that an iteration has labels of, with the structures that its campaign works with."""
    return fetch_all(
        connection,
        "learning/label_materials",
        partition_key=iteration.partition_key,
        relaxed_by=iteration.campaign.pool.relaxed_by,
    )


def find_undescribed(connection: "sa.Connection", materials: "Sequence[Row]", fingerprint: str) -> set[str]:
    """Return the labelled materials that have no structure in their campaign, or one that a backbone cannot describe."""
    refused = {None, *quarantined(connection, fingerprint)}
    return {row["material_id"] for row in materials if row["structure_hash"] in refused}


def assemble(
    iteration: "Iteration",
    rows: list[Row],
    materials: list[Row],
    objects: "ObjectStore",
    left_out: set[str],
    cheap_answers: str | None = None,
) -> TrainingSet:
    """Make the table from label rows, the rows of their materials, stored features and frozen cheap answers."""
    campaign = iteration.campaign
    described = [row for row in rows if row["material_id"] not in left_out]
    material_ids, labels = pivot_labels(described, campaign.learned_properties)
    _, noise = pivot_labels(described, campaign.learned_properties, "standard_deviation")
    about = {row["material_id"]: row for row in materials}
    hashes = tuple(about[material_id]["structure_hash"] for material_id in material_ids)
    fingerprint = current_fingerprint(objects)
    features = load_features(objects, fingerprint, hashes).informed()
    if features.failures:
        absent = [material_ids[index] for index in sorted(features.failures)]
        raise LoopError(
            f"{len(absent)} labelled materials have no features, among them {', '.join(absent[:3])}.",
            "Materialize `structure_embeddings`, then this partition again.",
        )
    features = with_frozen_answers(objects, cheap_answers, hashes, features)
    return TrainingSet(
        material_ids=tuple(material_ids),
        chemical_systems=tuple(about[material_id]["chemical_system"] for material_id in material_ids),
        structure_hashes=hashes,
        properties=campaign.learned_properties,
        feature_names=tuple(features.names),
        features=features.values,
        labels=labels,
        provenance={
            "label_sha256": iteration.label_sha256,
            "campaign_sha256": campaign.sha256,
            "method": campaign.method,
            "backbone": fingerprint,
            **({"cheap_answers": cheap_answers} if cheap_answers else {}),
            **({"left_out": ", ".join(sorted(left_out))} if left_out else {}),
        },
        label_noise=noise if np.isfinite(noise).any() else None,
    )


def store_training_set(
    database: "Database", objects: "ObjectStore", partition_key: str, training_set: TrainingSet
) -> str:
    """Write the snapshot under its own hash, point the iteration to it and return the hash."""
    data = training_set.to_parquet()
    sha256 = hashlib.sha256(data).hexdigest()
    objects.put_bytes(_key(sha256), data)
    with database.transaction() as connection:
        execute(connection, "learning/record_training_set", partition_key=partition_key, sha256=sha256)
    return sha256


def load_training_set(objects: "ObjectStore", iteration: "Iteration") -> TrainingSet:
    """Return the snapshot an iteration points to.

    Raises
    ------
    LoopError
        There is none yet.
    CorruptArtifactError
        The stored bytes are gone or not those that were recorded.
    """
    return read_training_set(objects, _require(iteration.training_set_sha256, iteration))


def load_fitted_to(objects: "ObjectStore", iteration: "Iteration") -> TrainingSet:
    """Return what the iteration's model was fitted to, or the iteration's training set before there is a model.

    Raises
    ------
    LoopError
        There is neither.
    CorruptArtifactError
        The stored bytes are gone or not those that were recorded.
    """
    return read_training_set(objects, _require(iteration.fitted_to, iteration))


def backbone_of(objects: "ObjectStore", iteration: "Iteration") -> str:
    """Return the backbone that the iteration's model was fitted with: another one may be the current one by now."""
    if iteration.fitted_to is None:
        return current_fingerprint(objects)
    return load_fitted_to(objects, iteration).provenance["backbone"]


def load_model_features(
    objects: "ObjectStore", iteration: "Iteration", structure_hashes: "Sequence[str]"
) -> "Features":
    """Return the features of structures that the iteration's model reads: its backbone's, and frozen cheap answers."""
    features = load_features(objects, backbone_of(objects, iteration), structure_hashes).informed()
    if not iteration.campaign.prior or iteration.fitted_to is None:
        return features
    frozen = load_fitted_to(objects, iteration).provenance.get("cheap_answers")
    return with_frozen_answers(objects, frozen, structure_hashes, features)


def locate_training_set(objects: "ObjectStore", sha256: str) -> str:
    """Return the URL of a training set's file."""
    return str(objects.path(_key(sha256)).absolute().as_uri())


def read_training_set(objects: "ObjectStore", sha256: str) -> TrainingSet:
    """Return a snapshot by its hash.

    Raises
    ------
    CorruptArtifactError
        The stored bytes are gone or not those that the hash names.
    """
    remedy = "Materialize `training_set` of this partition again."
    try:
        data = objects.get_bytes(_key(sha256))
    except KeyError:
        raise CorruptArtifactError(f"Training set {_key(sha256)} is gone from the store.", remedy) from None
    if hashlib.sha256(data).hexdigest() != sha256:
        raise CorruptArtifactError(f"Training set {_key(sha256)} has changed since it was written.", remedy)
    return TrainingSet.from_parquet(data)


def _require(sha256: str | None, iteration: "Iteration") -> str:
    if sha256 is None:
        raise LoopError(
            f"Iteration {iteration.partition_key} has no training set.", "Materialize `training_set` first."
        )
    return sha256


def _key(sha256: str) -> str:
    return f"training_sets/{sha256}.parquet"
