"""The training snapshot: its bytes and its matrix of labels."""

import io
import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from catalyst_assets.learning.training_set import TrainingSet, pivot_labels


def _training_set(n: int = 3, noise: np.ndarray | None = None) -> TrainingSet:
    labels = np.array([[0.2, np.nan], [np.nan, -1.5], [np.nextafter(0.2, 1), 0.0]])[:n]
    return TrainingSet(
        material_ids=("a", "b", "c")[:n],
        chemical_systems=("Al-O", "Al-O", "O-Ti")[:n],
        structure_hashes=("1", "2", "3")[:n],
        properties=("band_gap_direct", "formation_energy_per_atom"),
        feature_names=("mace:0", "desc:0"),
        features=np.arange(2 * n, dtype=np.float32).reshape(n, 2),
        labels=labels,
        provenance={"method": "PBE", "label_sha256": "x"},
        label_noise=noise,
    )


@pytest.mark.parametrize("n", [0, 1, 3])
def test_a_snapshot_keeps_every_bit_and_every_gap(n: int) -> None:
    original = _training_set(n)
    data = original.to_parquet()
    again = TrainingSet.from_parquet(data)
    assert again.labels.dtype == np.float64
    assert again.features.dtype == np.float32
    np.testing.assert_array_equal(again.labels, original.labels)
    np.testing.assert_array_equal(again.features, original.features)
    assert again.material_ids == original.material_ids
    assert again.feature_names == original.feature_names
    assert again.provenance == original.provenance
    assert again.to_parquet() == data


def test_a_snapshot_keeps_the_noise_of_labels() -> None:
    noise = np.array([[0.1, np.nan], [np.nan, np.nan], [0.0, np.nan]])
    original = _training_set(noise=noise)
    data = original.to_parquet()
    again = TrainingSet.from_parquet(data)
    assert again.label_noise is not None
    np.testing.assert_array_equal(again.label_noise, noise)
    assert again.to_parquet() == data
    assert _training_set(noise=noise.copy()).to_parquet() == data
    assert _training_set(noise=np.where(noise > 0, 0.2, noise)).to_parquet() != data
    assert pq.read_table(io.BytesIO(data)).column_names[-1] == "band_gap_direct_standard_deviation"


def test_a_snapshot_of_which_no_noise_is_known_is_as_it_was_before_noise_was_kept() -> None:
    plain = _training_set().to_parquet()
    assert _training_set(noise=np.full((3, 2), np.nan)).to_parquet() == plain
    assert TrainingSet.from_parquet(plain).label_noise is None
    about = json.loads(pq.read_schema(io.BytesIO(plain)).metadata[b"catalyst"])
    assert about.keys() == {"properties", "feature_names", "provenance"}


def test_labels_become_a_matrix_of_the_learned_properties_only() -> None:
    rows = [
        {"material_id": "b", "property": "band_gap_direct", "value": 1.0},
        {"material_id": "a", "property": "formation_energy_per_atom", "value": -2.0},
        {"material_id": "c", "property": "lattice_a", "value": 4.0},
    ]
    material_ids, labels = pivot_labels(rows, ["band_gap_direct", "formation_energy_per_atom"])
    assert material_ids == ["a", "b"]
    np.testing.assert_array_equal(labels, [[np.nan, -2.0], [1.0, np.nan]])
    assert pivot_labels(rows[:2], ["band_gap_direct"])[0] == ["b"]
    noisy = [row | {"standard_deviation": None if row["material_id"] == "a" else 0.3} for row in rows]
    _, noise = pivot_labels(noisy, ["band_gap_direct", "formation_energy_per_atom"], "standard_deviation")
    np.testing.assert_array_equal(noise, [[np.nan, np.nan], [0.3, np.nan]])
