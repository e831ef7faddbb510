"""A structure as the job file holds it, and what its symmetry leaves to be relaxed."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LENGTH_TOLERANCE = 1e-3  # Å
# Angles of the primitive cells of simple, face-centred and body-centred cubic lattices, and how many fill the cube.
_CUBIC_CELLS = ((90.0, 1), (60.0, 4), (109.4712206, 2))


@dataclass(frozen=True)
class Crystal:
    """A periodic structure: rows of ``lattice`` are vectors in Å, ``positions`` are fractions of them."""

    lattice: NDArray[np.float64]  # (3, 3)
    species: tuple[str, ...]
    positions: NDArray[np.float64]  # (n, 3)

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Crystal:
        """Read ``{"lattice", "species", "fractional_coordinates"}``.

        Raises
        ------
        ValueError
            A part is missing or has another shape.
        """
        try:
            lattice = np.array(document["lattice"], float)
            species = tuple(str(each) for each in document["species"])
            positions = np.array(document["fractional_coordinates"], float)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The structure has no lattice, species and fractional_coordinates: {error!r}."
            ) from None
        if lattice.shape != (3, 3) or positions.shape != (len(species), 3) or not species:
            raise ValueError(
                "The structure's lattice is not 3 × 3, or its coordinates are not 3 for each species."
            )
        if (
            not (np.isfinite(lattice).all() and np.isfinite(positions).all())
            or abs(np.linalg.det(lattice)) < 1
        ):
            raise ValueError("The structure's cell has no volume, or a number of it is not finite.")
        return cls(lattice, species, positions)

    def to_document(self) -> dict[str, Any]:
        """Return what `from_document` reads."""
        return {
            "lattice": self.lattice.tolist(),
            "species": list(self.species),
            "fractional_coordinates": self.positions.tolist(),
        }

    @property
    def volume(self) -> float:
        """Volume of the cell in Å³."""
        return float(abs(np.linalg.det(self.lattice)))

    def scaled(self, factor: float) -> Crystal:
        """Return the crystal with every length of the cell times ``factor``."""
        return replace(self, lattice=self.lattice * factor)

    def primitive(self) -> tuple[Crystal, list[int]]:
        """Return a primitive cell with short edges, and which atoms of this one it holds."""
        whole = np.array(list(itertools.product((-1, 0, 1), repeat=3)), float)
        translations = [
            shift
            for shift in self.positions - self.positions[0]
            if self._images(self.positions + shift, np.array(self.species)) is not None
        ]
        if len(translations) == 1:
            return self, list(range(len(self.species)))
        vectors = (np.array(translations)[:, None] + whole[None]).reshape(-1, 3) @ self.lattice
        lengths = np.linalg.norm(vectors, axis=1)
        vectors = vectors[np.argsort(lengths.round(6), kind="stable")][(lengths < LENGTH_TOLERANCE).sum() :][
            :40
        ]
        target = self.volume / len(translations)
        cells = (np.array(three) for three in itertools.combinations(vectors, 3))
        lattice = min(
            (cell for cell in cells if abs(abs(np.linalg.det(cell)) - target) < 1e-3 * target),
            # Of cells with edges as short, the one of the most even shape.
            key=lambda cell: (
                float(np.linalg.norm(cell, axis=1).sum().round(6)),
                float(np.ptp(np.linalg.norm(np.linalg.inv(cell), axis=0)).round(6)),
            ),
        )
        if np.linalg.det(lattice) < 0:
            lattice = -lattice
        positions = self.positions @ self.lattice @ np.linalg.inv(lattice)
        kept: list[int] = []
        for i, position in enumerate(positions):
            apart = positions[kept] - position
            apart -= np.rint(apart)
            if not (np.linalg.norm(apart @ lattice, axis=1) < LENGTH_TOLERANCE * 10).any():
                kept.append(i)
        return Crystal(lattice, tuple(self.species[i] for i in kept), positions[kept]), kept

    def cubic_edge(self) -> float | None:
        """Return the edge of the cube in Å; None for a cell that is no primitive or simple cell of a cubic lattice."""
        lengths = np.linalg.norm(self.lattice, axis=1)
        if np.ptp(lengths) > LENGTH_TOLERANCE:
            return None
        cosines = (
            np.array([self.lattice[i] @ self.lattice[j] for i, j in ((1, 2), (0, 2), (0, 1))])
            / lengths[0] ** 2
        )
        for angle, cells in _CUBIC_CELLS:
            if np.abs(cosines - math.cos(math.radians(angle))).max() < LENGTH_TOLERANCE:
                return float((cells * self.volume) ** (1 / 3))
        return None

    def is_set_by_volume(self) -> bool:
        """Tell whether symmetry fixes everything but the volume: no free coordinate, no strain but the isotropic one.

        Then an energy-volume curve finds the minimum. Found by averaging a displacement and a strain of no symmetry over
        the group: what is left of them is what the symmetry allows.
        """
        generator = np.random.default_rng(0)
        moves = generator.normal(size=self.positions.shape)
        strain = generator.normal(size=(3, 3))
        strain += strain.T
        mean_moves, mean_strain, n_operations = np.zeros_like(moves), np.zeros((3, 3)), 0
        inverse = np.linalg.inv(self.lattice)
        for rotation, images in self._operations():
            cartesian = (inverse @ rotation @ self.lattice).T  # r' = cartesian @ r
            mean_moves[images] += moves @ cartesian.T
            mean_strain += cartesian @ strain @ cartesian.T
            n_operations += 1
        mean_moves /= n_operations
        mean_strain /= n_operations
        isotropic = np.eye(3) * np.trace(mean_strain) / 3
        # A shift of the whole crystal is no free coordinate.
        free_moves = mean_moves - mean_moves.mean(axis=0)
        return bool(np.abs(free_moves).max() < 1e-6 and np.abs(mean_strain - isotropic).max() < 1e-6)

    def _operations(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield rotations of fractional row vectors, and where each atom goes; elements of -1, 0, 1 in a reduced cell."""
        metric = self.lattice @ self.lattice.T
        tolerance = LENGTH_TOLERANCE * math.sqrt(float(metric.diagonal().max()))
        rows = np.array(list(itertools.product((-1, 0, 1), repeat=3)))
        norms = np.einsum("ni,ij,nj->n", rows, metric, rows)
        choices = [rows[np.abs(norms - metric[i, i]) < tolerance] for i in range(3)]
        rarest = min(self.species, key=self.species.count)
        anchors = [i for i, name in enumerate(self.species) if name == rarest]
        kinds = np.array(self.species)
        for rotation in (np.array(each) for each in itertools.product(*choices)):
            if np.abs(rotation @ metric @ rotation.T - metric).max() > tolerance:
                continue
            turned = self.positions @ rotation
            for anchor in anchors:
                images = self._images(turned + self.positions[anchor] - turned[anchors[0]], kinds)
                if images is not None:
                    yield rotation, images

    def _images(self, moved: NDArray[np.float64], kinds: NDArray[Any]) -> NDArray[np.int64] | None:
        apart = moved[:, None] - self.positions[None]
        apart -= np.rint(apart)
        near = np.linalg.norm(apart @ self.lattice, axis=2) < LENGTH_TOLERANCE * 10
        near &= kinds[:, None] == kinds[None]
        if not (near.sum(axis=0) == 1).all() or not (near.sum(axis=1) == 1).all():
            return None
        return np.asarray(near.argmax(axis=1))
