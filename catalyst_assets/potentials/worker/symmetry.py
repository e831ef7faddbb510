"""The space group of a crystal as it acts on forces: what a relaxation that keeps it is averaged over."""

from typing import Any, Self

import numpy as np

from .structures import Structure

# Within which atoms have to agree, in Å: what is held here, and what is said of structures, is found alike.
SYMPREC = 0.01


class Symmetry:
    """Operations of a crystal.

    Parameters
    ----------
    rotations
        On Cartesian vectors, shape ``(operations, 3, 3)``.
    images
        Onto which atom an operation puts each, shape ``(operations, atoms)``.
    number
        Of the space group; None where spglib finds none.
    """

    def __init__(self, rotations: np.ndarray, images: np.ndarray, number: int | None) -> None:
        self.number = number
        self._rotations = rotations
        self._images = images

    @classmethod
    def of(cls, structure: Structure) -> Self:
        """Return those of a structure; of one that spglib finds none in, only the identity."""
        scaled = np.linalg.solve(structure.cell.T, structure.positions.T).T
        found = _find(structure.cell, scaled, structure.numbers)
        if found is None:
            return cls(np.eye(3)[None], np.arange(len(structure.numbers))[None], None)
        lattice = structure.cell.T
        inverse = np.linalg.inv(lattice)
        rotations = np.array([lattice @ rotation @ inverse for rotation in found.rotations])
        images = []
        for rotation, translation in zip(found.rotations, found.translations, strict=True):
            apart = (scaled @ rotation.T + translation)[:, None, :] - scaled[None, :, :]
            apart -= np.rint(apart)
            images.append(np.linalg.norm(apart @ structure.cell, axis=2).argmin(axis=1))
        return cls(rotations, np.array(images), int(found.number))

    def average(self, forces: np.ndarray) -> np.ndarray:
        """Return forces that all operations leave as they are, shape ``(atoms, 3)``."""
        turned = np.zeros_like(forces)
        for rotation, image in zip(self._rotations, self._images, strict=True):
            turned[image] += forces @ rotation.T
        return turned / len(self._rotations)

    def average_tensor(self, tensor: np.ndarray) -> np.ndarray:
        """Return a tensor that all operations leave as it is, shape ``(3, 3)``."""
        mean: np.ndarray = np.mean([rotation @ tensor @ rotation.T for rotation in self._rotations], axis=0)
        return mean


def space_group(cell: np.ndarray, scaled: np.ndarray, numbers: np.ndarray) -> int | None:
    """Return the number of a crystal's space group; None where spglib finds none."""
    found = _find(cell, scaled, numbers)
    return None if found is None else int(found.number)


def _find(cell: np.ndarray, scaled: np.ndarray, numbers: np.ndarray) -> Any:
    import spglib

    try:
        return spglib.get_symmetry_dataset(
            (cell.tolist(), scaled.tolist(), numbers.tolist()), symprec=SYMPREC
        )
    except spglib.SpglibError:
        return None
