"""What a network says belongs to the crystal, and all three say it through the same interface."""

from functools import cache

import numpy as np
import pytest
import torch
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure
from typer.testing import CliRunner

from catalyst_assets.bench.embed import enumerate_perovskites, measure_embedding
from catalyst_assets.commands.bench.app import app
from catalyst_assets.errors import CorruptArtifactError
from catalyst_assets.representation.backbones import Backbone, Origin, OriginKind, build_backbone
from catalyst_assets.representation.batching import EDGES_PER_BATCH, map_batches
from catalyst_assets.representation.features import embed_graphs, featurize
from catalyst_assets.representation.graphs import build_graph, build_graphs
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import (
    DimeNetConfig,
    MaceConfig,
    SchNetConfig,
    config_from_json,
    config_to_json,
)
from catalyst_assets.representation.networks.interface import GraphNetwork, collate
from catalyst_assets.representation.networks.sums import mean_over_sites
from catalyst_assets.representation.networks.triplets import list_triplets, turning_angles
from catalyst_assets_tests.crystals import assorted, rock_salt, turned

CONFIGS = {
    "mace": MaceConfig(hidden_irreps="4x0e+4x1o", mlp_irreps="4x0e", max_ell=1, radial_mlp=(8,)),
    "schnet": SchNetConfig(channels=8, filters=8, gaussians=10, layers=2),
    "dimenet": DimeNetConfig(channels=8, triplet_channels=4, basis_channels=4, n_spherical=3, n_radial=3),
}
SCALARS = MaceConfig(hidden_irreps="4x0e", mlp_irreps="4x0e", pair_repulsion=True, radial_mlp=(8,))
architectures = pytest.mark.parametrize("name", CONFIGS)


@cache
def backbone(name: str) -> Backbone:
    return build_backbone(CONFIGS[name], seed=1)


def describe(name: str, structures: list[Structure]) -> np.ndarray:
    """Energies per atom beside mean node features, shape (n_structures, 1 + n_features)."""
    network = backbone(name).network
    graphs = [build_graph(structure, network.cutoff) for structure in structures]
    batch = collate(graphs, network.dtype)
    output = network(batch)
    assert torch.equal(output.node_features, network.describe(batch))
    assert output.node_features.shape == (len(batch.atomic_numbers), len(network.feature_names))
    energies = output.energies / batch.sizes
    return torch.cat([energies[:, None], mean_over_sites(output.node_features, batch)], dim=1).numpy()


@architectures
def test_turning_shifting_and_reordering_a_crystal_changes_nothing(name):
    plain = describe(name, assorted())

    again = describe(name, [turned(structure, seed) for seed, structure in enumerate(assorted())])
    np.testing.assert_allclose(again, plain, rtol=1e-7, atol=1e-9)


@architectures
def test_the_choice_of_cell_and_the_size_of_a_supercell_change_nothing(name):
    plain = describe(name, assorted())

    sheared = [structure.copy() for structure in assorted()]
    doubled = [structure.copy() for structure in assorted()]
    for structure in sheared:
        structure.make_supercell([[1, 1, 0], [0, 1, 0], [1, 0, 1]])
    for structure in doubled:
        structure.make_supercell([[2, 0, 0], [0, 1, 0], [0, 1, 1]])
    assert [len(structure) for structure in doubled] == [2 * len(structure) for structure in assorted()]
    np.testing.assert_allclose(describe(name, sheared), plain, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(describe(name, doubled), plain, rtol=1e-7, atol=1e-9)


@architectures
def test_other_crystals_and_other_strains_are_told_apart(name):
    structures = [*assorted(), rock_salt("Mg", "O", 4.25), rock_salt("Ca", "O", 4.25)]

    values = describe(name, structures)

    assert np.isfinite(values).all()
    for columns in (values[:, :1], values[:, 1:]):
        assert len(np.unique(columns.round(7), axis=0)) == len(structures)


@architectures
def test_every_weight_learns_from_the_energy(name):
    network = backbone(name).trainable_network()
    batch = collate([build_graph(structure, network.cutoff) for structure in assorted()[:3]])

    (network(batch).energies ** 2).sum().backward()

    idle = [
        parameter_name
        for parameter_name, parameter in network.named_parameters()
        if parameter.numel() and (parameter.grad is None or not parameter.grad.abs().sum() > 0)
    ]
    assert idle == []
    assert not any(parameter.requires_grad for parameter in backbone(name).network.parameters())


@architectures
def test_the_blocks_are_those_between_element_and_features(name):
    network = backbone(name).network
    parts = network.blocks()

    in_parts = [id(parameter) for part in parts for parameter in part.parameters()]
    assert len(parts) == CONFIGS[name].layers + 1
    assert len(in_parts) == len(set(in_parts))
    assert set(in_parts) < {id(parameter) for parameter in network.parameters()}


@architectures
def test_a_batch_says_what_its_crystals_say_alone(name, monkeypatch):
    structures = assorted() * 2
    together = featurize(structures, backbone(name)).values

    alone = np.concatenate([featurize([each], backbone(name)).values for each in structures])
    monkeypatch.setitem(EDGES_PER_BATCH, "cpu", 300)
    in_small_batches = featurize(structures, backbone(name)).values
    np.testing.assert_allclose(alone, together, rtol=3e-7, atol=1e-12)
    np.testing.assert_allclose(in_small_batches, together, rtol=3e-7, atol=1e-12)


@architectures
def test_bytes_hold_architecture_origin_and_weights(name):
    origin = Origin(OriginKind.PRETRAINED, {"data_sha256": "ab", "n_labels": 7, "parent": "cd"})
    network = backbone(name).trainable_network()
    with torch.no_grad():
        next(network.parameters()).mul_(1.5)
    trained = backbone(name).with_weights(network, origin)

    again = Backbone.from_bytes(trained.to_bytes())

    assert again == trained
    assert again.to_bytes() == trained.to_bytes()
    assert again.is_trained
    assert not backbone(name).is_trained
    assert len({trained.fingerprint, backbone(name).fingerprint}) == 2
    np.testing.assert_array_equal(featurize(assorted(), again).values, featurize(assorted(), trained).values)


@architectures
def test_a_configuration_survives_json_and_a_wrong_one_does_not(name):
    values = config_to_json(CONFIGS[name])

    assert config_from_json(values) == CONFIGS[name]
    with pytest.raises(TypeError):
        config_from_json(values | {"depth": 3})
    with pytest.raises(KeyError):
        config_from_json(values | {"architecture": "transformer"})


def test_the_same_weights_of_another_origin_have_another_name():
    seeded = backbone("schnet")
    renamed = seeded.with_weights(seeded.trainable_network(), Origin(OriginKind.FILE, {"file_sha256": "00"}))

    assert renamed.fingerprint != seeded.fingerprint


def test_a_header_that_names_no_known_network_is_refused():
    data = backbone("schnet").to_bytes()

    with pytest.raises(CorruptArtifactError, match="'schnot'"):
        Backbone.from_bytes(data.replace(b"schnet", b"schnot"))


def test_single_precision_agrees_with_double_to_six_digits():
    graphs = [build_graph(structure) for structure in assorted()]
    double = embed_graphs(graphs, build_backbone(SchNetConfig(), 3).network).values
    single = build_backbone(SchNetConfig(dtype="float32"), 3)

    assert single.network.dtype == torch.float32
    assert embed_graphs(graphs, single.network).values.shape == double.shape
    copied = build_network(SchNetConfig(dtype="float32"), 3)
    copied.load_state_dict(build_network(SchNetConfig(), 3).state_dict())
    np.testing.assert_allclose(embed_graphs(graphs, copied.eval()).values, double, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [CONFIGS["mace"], SCALARS], ids=["vectors", "scalars"])
def test_a_mace_is_what_mace_torch_computes_with_the_same_weights(config):
    from catalyst_assets.representation.networks.mace import build_model

    network = backbone("mace").network if config is CONFIGS["mace"] else build_network(config, 1)
    torch.set_default_dtype(torch.float64)
    try:
        original = build_model(config)
    finally:
        torch.set_default_dtype(torch.float32)
    original.load_state_dict(network.model.state_dict())
    batch = collate([build_graph(structure, network.cutoff) for structure in assorted()])
    one_hot = torch.nn.functional.one_hot(batch.atomic_numbers - 1, 94).double()
    expected = original(
        {
            "node_attrs": one_hot,
            "positions": batch.positions,
            "cell": batch.cells,
            "edge_index": batch.edges,
            "shifts": batch.shifts,
            "batch": batch.graph_of_site,
            "ptr": torch.cat([torch.zeros(1, dtype=torch.int64), batch.sizes.cumsum(0)]),
        },
        compute_force=False,
    )

    with torch.no_grad():
        output = network(batch)
        described = network.describe(batch)

    torch.testing.assert_close(described, output.node_features, rtol=1e-7, atol=1e-9)
    torch.testing.assert_close(output.energies, expected["energy"].detach(), rtol=1e-10, atol=1e-10)
    width = expected["node_feats"].shape[1]
    scalars = [*range(4), *range(width - 4, width)]
    torch.testing.assert_close(
        output.node_features, expected["node_feats"][:, scalars].detach(), rtol=1e-10, atol=1e-12
    )


def test_each_pair_of_images_has_its_angle_in_a_cell_of_one_atom():
    """Simple cubic with six neighbours: from each edge four turn by a right angle and one goes straight on."""
    graph = build_graph(Structure(Lattice.cubic(3.0), ["Po"], [[0, 0, 0]]), cutoff=3.1)
    batch = collate([graph])
    vectors = batch.edge_vectors()

    towards_j, towards_i = list_triplets(batch.edges, vectors)

    assert batch.edges.shape == (2, 6)
    assert torch.bincount(towards_i).tolist() == [5] * 6
    angles = torch.rad2deg(turning_angles(vectors, towards_j, towards_i)).numpy().round(6)
    for edge in range(6):
        assert sorted(angles[towards_i.numpy() == edge]) == [0, 90, 90, 90, 90]


def test_triplets_are_those_of_a_plain_loop_over_a_large_cell():
    structure = assorted()[5]
    graph = build_graph(structure, cutoff=2.6)
    batch = collate([graph, build_graph(assorted()[0], cutoff=2.9)])
    vectors = batch.edge_vectors().numpy()
    centre, neighbour = batch.edges.numpy()

    expected = {
        (into, out)
        for out in range(len(centre))
        for into in range(len(centre))
        if centre[into] == neighbour[out] and np.linalg.norm(vectors[into] + vectors[out]) > 1e-6
    }

    found = list_triplets(batch.edges, batch.edge_vectors())
    assert len(found[0]) == len(expected)
    assert set(zip(*(part.tolist() for part in found), strict=True)) == expected


def test_crystals_without_any_neighbour_are_described_too():
    lonely = Structure(Lattice.cubic(30.0), ["Ar"], [[0, 0, 0]])

    for name in CONFIGS:
        embedding = featurize([lonely, assorted()[0]], backbone(name))
        assert embedding.failures == {}
        assert np.isfinite(embedding.values).all()


class Fragile(GraphNetwork):
    """Counts sites; raises where there is gold, knows no lead, says nan of silver, holds at most two crystals."""

    feature_names = ("layer0_000",)
    cutoff = 4.0
    atomic_numbers = tuple(range(1, 82))

    def __init__(self, limit: int = 1000, error: type[Exception] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.limit = limit
        self.error = error
        self.sizes: list[int] = []

    def describe(self, batch):
        self.sizes.append(batch.n_graphs)
        if batch.n_graphs > self.limit:
            raise self.error("too much")
        if (batch.atomic_numbers == 79).any():
            raise ValueError("gold")
        values = batch.atomic_numbers.double()[:, None] * self.weight
        return torch.where(values == 47, torch.nan, values)

    def forward(self, batch):
        raise NotImplementedError

    def blocks(self):
        return []

    def relate_elements(self, seed):
        pass


def metals(*symbols: str) -> list[Structure]:
    return [Structure(Lattice.cubic(3.0), [symbol], [[0, 0, 0]]) for symbol in symbols]


def test_what_a_network_cannot_describe_fails_alone():
    graphs = list(build_graphs(metals("Cu", "Au", "Ni", "Pb", "Ag", "Fe", "Co", "Ti"), 4.0)[0].values())

    embedding = embed_graphs(graphs, Fragile())

    assert sorted(embedding.failures) == [1, 3, 4]
    assert "gold" in embedding.failures[1]
    assert "does not know" in embedding.failures[3]
    assert "not finite" in embedding.failures[4]
    assert embedding.values[:, 0].tolist() == [29, 0, 28, 0, 0, 26, 27, 22]


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError], ids=["gpu", "cpu"])
def test_too_little_memory_makes_batches_smaller_from_then_on(error, monkeypatch):
    graphs = list(build_graphs(metals(*["Cu"] * 40), 4.0)[0].values())
    network = Fragile(limit=3, error=error)
    monkeypatch.setitem(EDGES_PER_BATCH, "cpu", 20 * graphs[0].edges.shape[1])

    result = map_batches(graphs, network, Fragile.describe, 1)

    assert result.failures == {}
    assert (result.values == 29).all()
    assert network.sizes[:3] == [20, 10, 5]
    learned_after = 3 if error is torch.OutOfMemoryError else 5  # the halves that fit tell it
    assert max(network.sizes[learned_after:]) == 2
    assert sum(size for size in network.sizes if size <= 3) == 40


def test_the_benchmark_counts_what_it_embeds():
    report = measure_embedding(enumerate_perovskites(20), SchNetConfig(channels=4, filters=4, layers=1), 2)

    assert (report.architecture, report.n_structures, report.calculator_per_s) == ("schnet", 20, None)
    assert report.rounds == 2
    slowest, fastest = report.fraction_of_limit_range
    assert report.fraction_of_limit == pytest.approx((slowest + fastest) / 2, abs=1e-3)
    assert report.ratio_vs_calculator_range is None
    assert report.peak_rss_mb > 50
    assert len({structure.formula for structure in enumerate_perovskites(20)}) == 20
    told = CliRunner().invoke(app, ["embed", "--architecture", "painn"], env={"COLUMNS": "200"})
    assert told.exit_code == 2
    assert all(name in told.output for name in ("'mace'", "'schnet'", "'dimenet'"))
