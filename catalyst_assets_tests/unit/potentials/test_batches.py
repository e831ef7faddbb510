"""Batches of structures: what a potential fails on costs itself, and memory decides how large they are."""

from collections.abc import Sequence

import numpy as np
import pytest

from catalyst_assets.potentials.worker.potential import Careful, Evaluation, in_batches
from catalyst_assets.potentials.worker.structures import Neighbours, Structure, find_neighbours


class OutOfMemoryError(RuntimeError):
    """As torch names it."""


class Limited:
    """A potential that has room for so many edges, and fails on what is called bad."""

    cutoff = 3.0
    elements = frozenset({29})
    edges = 1000

    def __init__(self, room: float = float("inf")) -> None:
        self.room = room
        self.asked: list[int] = []

    def evaluate(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[Evaluation]:
        count = sum(each.count for each in neighbours)
        self.asked.append(count)
        if count > self.room:
            raise OutOfMemoryError("no room")
        if any(each.name == "bad" for each in structures):
            raise ArithmeticError("bad")
        return [Evaluation(1.0, np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(0)) for _ in structures]

    def describe(self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]) -> list[np.ndarray]:
        return [each.features for each in self.evaluate(structures, neighbours)]


def copper(name: str, edge: float = 2.0) -> Structure:
    """One atom, with six edges within the cutoff at 2.2 Å and 18 at 2 Å."""
    return Structure(
        name, np.array([29]), np.zeros((1, 3)), np.eye(3) * edge, (True, True, True), np.zeros(1, dtype=bool)
    )


def batch(*names: str) -> tuple[list[Structure], list[Neighbours]]:
    structures = [copper(name) for name in names]
    return structures, [find_neighbours(each, Limited.cutoff) for each in structures]


def test_a_bad_structure_leaves_batches_as_large_as_they_were() -> None:
    potential = Careful(Limited())
    said = potential.evaluate(*batch("a", "b", "bad", "c"))

    assert [each is None for each in said] == [False, False, True, False]
    assert potential.failures == {"bad": "the potential failed: ArithmeticError: bad"}
    assert potential.edges == Limited.edges


def test_a_batch_without_room_makes_the_next_ones_smaller_but_none_smaller_than_one_that_had() -> None:
    own = Limited(room=60)
    potential = Careful(own)
    a_structure = batch("a")[1][0].count
    assert a_structure == 18
    potential.evaluate(*batch("a", "b", "c"))
    assert own.asked == [54]

    assert None not in potential.evaluate(*batch("a", "b", "c", "d"))

    assert own.asked == [54, 72, 36, 36]
    assert potential.edges == 54
    # what is known to have no room is not tried again
    potential.evaluate(*batch("a", "b", "c", "d"))
    assert own.asked[4:] == [36, 36]


def test_each_batch_is_a_sign_of_life() -> None:
    signs: list[int] = []
    potential = Careful(Limited(), lambda: signs.append(1))
    for _ in range(3):
        potential.describe(*batch("a"))
    assert len(signs) == 3


def test_edges_are_found_batch_by_batch() -> None:
    potential = Careful(Limited())
    potential.edges = 20
    # Its edges cannot be found; it is likely the one that has most.
    broken = copper("broken", 1.0)
    broken.positions = np.full((1, 3), np.nan)
    batches = in_batches([broken, copper("a"), copper("b")], potential)

    assert [each.name for each in next(batches)[0]] == ["a"]


def test_those_alike_go_together_as_many_as_there_is_room_for() -> None:
    potential = Careful(Limited())
    potential.edges = 36
    found = [
        ([each.name for each in structures], sum(each.count for each in edges))
        for structures, edges in in_batches(
            [copper("near"), copper("far", 2.2), copper("near too"), copper("far too", 2.2)], potential
        )
    ]
    assert found == [(["far", "far too", "near"], 30), (["near too"], 18)]


@pytest.mark.parametrize("name", ["AcceleratorError", "RuntimeError"])
def test_a_lost_gpu_ends_the_process(name: str) -> None:
    error = type(name, (RuntimeError,), {})("CUDA error: device-side assert triggered")

    class Lost(Limited):
        def evaluate(
            self, structures: Sequence[Structure], neighbours: Sequence[Neighbours]
        ) -> list[Evaluation]:
            raise error

    with pytest.raises(SystemExit, match="device-side assert"):
        Careful(Lost()).evaluate(*batch("a", "b"))
