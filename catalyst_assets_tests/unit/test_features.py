"""Features belong to the crystal, not to how it was written down or whom it was computed with."""

from dataclasses import replace

import numpy as np
import pytest

from catalyst_assets.representation.descriptors import describe_structures
from catalyst_assets.representation.embeddings import embed_structures
from catalyst_assets.representation.features import feature_names, featurize
from catalyst_assets_tests.crystals import assorted, disordered, overlapping, small_backbone, turned

FORMULAS = [structure.reduced_formula for structure in assorted()]


def test_a_structure_gets_the_same_embedding_in_any_batch():
    structures = assorted() * 3
    together = embed_structures(structures, small_backbone()).values

    alone = np.concatenate([embed_structures([each], small_backbone()).values for each in structures])
    order = np.random.default_rng(0).permutation(len(structures))
    shuffled = embed_structures(
        [structures[i] for i in order], small_backbone(), max_edges_per_batch=700
    ).values
    np.testing.assert_array_max_ulp(alone, together, maxulp=1)
    np.testing.assert_array_max_ulp(shuffled, together[order], maxulp=1)


@pytest.mark.parametrize("index", range(len(FORMULAS)), ids=FORMULAS)
def test_turning_shifting_and_reordering_a_crystal_changes_no_feature(index):
    structure = assorted()[index]
    plain = featurize([structure], small_backbone()).values[0]

    for seed in range(3):
        again = featurize([turned(structure, seed)], small_backbone()).values[0]
        np.testing.assert_allclose(again, plain, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("index", range(len(FORMULAS)), ids=FORMULAS)
def test_a_supercell_has_the_features_of_its_cell(index):
    structure = assorted()[index]
    larger = structure.copy()
    larger.make_supercell([2, 1, 1])

    np.testing.assert_allclose(
        featurize([larger], small_backbone()).values,
        featurize([structure], small_backbone()).values,
        rtol=1e-5,
        atol=1e-7,
    )


def test_features_are_named_by_where_they_come_from_and_differ_between_crystals():
    features = featurize(assorted(), small_backbone())

    assert features.values.dtype == np.float32
    assert features.values.shape == (len(FORMULAS), len(features.names))
    assert features.names == feature_names(small_backbone())
    assert len(set(features.names)) == len(features.names)
    assert {name.split(":")[0] for name in features.names} == {"untrained", "desc"}
    network = np.array([name.startswith("untrained:") for name in features.names])
    for columns in (network, ~network):
        assert len(np.unique(features.values[:, columns].round(9), axis=0)) == len(FORMULAS)
    assert np.isfinite(features.values).all()


def test_nothing_is_learned_from_a_network_that_learned_nothing():
    features = featurize([*assorted(), overlapping()], small_backbone())
    descriptors = describe_structures(assorted())

    informed = features.informed()

    assert informed.names == tuple(f"desc:{name}" for name in descriptors.names)
    np.testing.assert_array_equal(informed.values[:-1], descriptors.values.astype(np.float32))
    assert informed.failures == features.failures


def test_a_pretrained_network_is_learned_from():
    untrained = small_backbone()
    learned = replace(untrained, config=replace(untrained.config, pretrained=True))

    features = featurize(assorted()[:2], learned)

    assert {name.split(":")[0] for name in features.names} == {"mace", "desc"}
    assert features.informed().names == features.names


def test_what_cannot_be_described_is_reported_and_the_rest_is_unharmed():
    good = assorted()
    features = featurize([good[0], overlapping(), good[1], disordered()], small_backbone())

    assert sorted(features.failures) == [1, 3]
    assert "0.08 Å apart" in features.failures[1]
    np.testing.assert_array_max_ulp(
        features.values[[0, 2]], featurize(good[:2], small_backbone()).values, maxulp=1
    )
    assert not features.values[[1, 3]].any()


def test_no_structures_have_no_rows_but_every_column():
    features = featurize([], small_backbone())

    assert features.values.shape == (0, len(feature_names(small_backbone())))
    assert embed_structures([], small_backbone()).values.shape[0] == 0
    assert describe_structures([]).values.shape == (0, len(describe_structures([]).names))
