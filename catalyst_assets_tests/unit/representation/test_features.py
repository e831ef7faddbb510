"""Features belong to the crystal, not to how it was written down or whom it was computed with."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from catalyst_assets.errors import UsageError
from catalyst_assets.representation.backbones import Origin, OriginKind, build_backbone
from catalyst_assets.representation.batching import EDGES_PER_BATCH, map_chunks
from catalyst_assets.representation.descriptors.structural import describe_graphs, descriptor_names
from catalyst_assets.representation.devices import choose_device, on_device
from catalyst_assets.representation.features import embed_graphs, feature_names, featurize
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.networks.configs import SchNetConfig
from catalyst_assets_tests.crystals import assorted, disordered, overlapping, small_backbone, turned

FORMULAS = [structure.reduced_formula for structure in assorted()]


def test_a_structure_gets_the_same_features_in_any_batch(monkeypatch):
    structures = assorted() * 3
    together = featurize(structures, small_backbone()).values

    alone = np.concatenate([featurize([each], small_backbone()).values for each in structures])
    order = np.random.default_rng(0).permutation(len(structures))
    monkeypatch.setitem(EDGES_PER_BATCH, "cpu", 700)
    shuffled = featurize([structures[i] for i in order], small_backbone()).values
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
    described = describe_graphs([build_graph(structure) for structure in assorted()])

    informed = features.informed()

    assert informed.names == tuple(f"desc:{name}" for name in descriptor_names())
    np.testing.assert_array_equal(informed.values[:-1], described.astype(np.float32))
    assert informed.failures == features.failures


def test_a_pretrained_network_is_learned_from():
    learned = replace(small_backbone(), origin=Origin(OriginKind.PRETRAINED, {"n_labels": 5}))

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
    assert describe_graphs([]).shape == (0, len(descriptor_names()))


def test_descriptors_do_not_depend_on_how_far_the_network_looks():
    short = build_backbone(SchNetConfig(channels=4, filters=4, layers=1, cutoff=3.5))
    far = build_backbone(SchNetConfig(channels=4, filters=4, layers=1, cutoff=6.0))

    expected = describe_graphs([build_graph(structure) for structure in assorted()]).astype(np.float32)
    for backbone in (short, far):
        np.testing.assert_array_equal(featurize(assorted(), backbone).informed().values, expected)
        assert len(feature_names(backbone)) == 2 * 4 + expected.shape[1]


def test_threads_compute_what_one_thread_computes_and_leave_torch_as_it_was():
    backbone = build_backbone(SchNetConfig(channels=4, filters=4, layers=1))
    structures = [*assorted(), overlapping()] * 60
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = featurize(structures, backbone)
        torch.set_num_threads(2)
        together = featurize(structures, backbone)
        assert torch.get_num_threads() == 2
        with pytest.raises(ZeroDivisionError):
            list(map_chunks(10, 2, lambda chunk: 1 // (chunk.start - 4)))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)

    assert list(together.failures) == list(range(7, len(structures), 8)) == sorted(alone.failures)
    np.testing.assert_array_max_ulp(together.values, alone.values, maxulp=1)


def test_a_gpu_that_is_not_there_is_not_silently_replaced():
    if torch.cuda.is_available():
        assert choose_device("gpu") == choose_device("auto") == "cuda:0"
    else:
        assert choose_device("auto") == "cpu"
        with pytest.raises(UsageError, match="no GPU"):
            featurize(assorted()[:1], small_backbone(), accelerator="gpu")
    assert choose_device("cpu") == "cpu"


def test_a_network_copied_to_a_device_is_the_same_network():
    copied = on_device(small_backbone().network, "cpu:0")

    assert copied is not small_backbone().network
    graphs = [build_graph(structure) for structure in assorted()]
    np.testing.assert_array_equal(
        embed_graphs(graphs, copied).values, embed_graphs(graphs, small_backbone().network).values
    )
