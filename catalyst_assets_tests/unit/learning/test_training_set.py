"""The training snapshot: its bytes and its matrix of labels."""

import numpy as np
import pytest

from catalyst_assets.learning.training_set import TrainingSet, pivot_labels


def _training_set(n: int = 3) -> TrainingSet:
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


def test_labels_become_a_matrix_of_the_learned_properties_only() -> None:
    rows = [
        {"material_id": "b", "property": "band_gap_direct", "value": 1.0},
        {"material_id": "a", "property": "formation_energy_per_atom", "value": -2.0},
        {"material_id": "c", "property": "lattice_a", "value": 4.0},
    ]
    material_ids, labels = pivot_labels(rows, ["band_gap_direct", "formation_energy_per_atom"])
    assert material_ids == ["a", "b"]
    np.testing.assert_array_equal(labels, [[np.nan, -2.0], [1.0, np.nan]])
