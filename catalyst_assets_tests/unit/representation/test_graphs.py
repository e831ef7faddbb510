"""Neighbour lists and batches."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.representation.graphs import (
    UnsuitableStructureError,
    bucket_batches,
    build_graph,
    build_graphs,
    plan_batches,
)
from catalyst_assets_tests.crystals import assorted, disordered, overlapping, rock_salt


@pytest.mark.parametrize("structure", assorted(), ids=lambda structure: structure.reduced_formula)
def test_neighbours_are_those_that_pymatgen_finds(structure):
    graph = build_graph(structure, cutoff=5.0)

    centres, neighbours, _, distances = structure.get_neighbor_list(5.0)
    expected = sorted(zip(centres, neighbours, np.round(distances, 6), strict=True))
    found = sorted(zip(*graph.edges, np.round(graph.distances, 6), strict=True))
    assert found == expected


def test_shifts_lead_from_a_site_to_its_neighbour():
    graph = build_graph(rock_salt(), cutoff=5.0)

    vectors = graph.positions[graph.edges[1]] - graph.positions[graph.edges[0]] + graph.shifts
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), graph.distances)


@pytest.mark.parametrize(
    ("structure", "reason"),
    [
        (disordered(), "several species"),
        (overlapping(), r"only 0\.08 Å apart"),
        (Structure(Lattice.cubic(4), ["Am"], [[0, 0, 0]]), "not all elements from H to Pu: Am1"),
    ],
)
def test_a_structure_that_cannot_be_used_says_why(structure, reason):
    with pytest.raises(UnsuitableStructureError, match=reason):
        build_graph(structure)


def test_a_bad_structure_costs_itself_only():
    graphs, failures = build_graphs([rock_salt(), overlapping(), rock_salt("Ca")])

    assert list(graphs) == [0, 2]
    assert list(failures) == [1]


@given(st.lists(st.integers(0, 500), max_size=60), st.integers(1, 900))
def test_batches_cover_every_graph_once_and_respect_the_limit(edge_counts, max_edges):
    batches = plan_batches(edge_counts, max_edges)

    assert [index for batch in batches for index in batch] == list(range(len(edge_counts)))
    for batch in batches:
        assert len(batch) == 1 or sum(edge_counts[index] for index in batch) <= max_edges


@given(st.lists(st.integers(0, 500), max_size=60), st.integers(1, 900))
def test_buckets_hold_graphs_of_like_size(edge_counts, max_edges):
    batches = [[int(index) for index in batch] for batch in bucket_batches(edge_counts, max_edges)]

    assert sorted(index for batch in batches for index in batch) == list(range(len(edge_counts)))
    for batch in batches:
        assert len(batch) == 1 or sum(edge_counts[index] for index in batch) <= max_edges
    for smaller, larger in pairwise(batches):
        assert max(edge_counts[index] for index in smaller) <= min(edge_counts[index] for index in larger)


@pytest.mark.parametrize("structure", assorted(), ids=lambda structure: structure.reduced_formula)
def test_a_graph_within_a_shorter_cutoff_is_the_one_built_with_it(structure):
    shortened, built = build_graph(structure, 5.0).within(3.3), build_graph(structure, 3.3)

    for field in ("atomic_numbers", "edges", "shifts", "distances"):
        np.testing.assert_array_equal(getattr(shortened, field), getattr(built, field))
