"""What everything that predicts a campaign's properties can do, and what it says of a material.

Heads on cached features (``heads``) and fine-tuned networks (``models``) are predictors alike: who stores, loads,
registers or asks one does not know which. How a kind is fitted is its own room's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from catalyst_assets.constants import Accelerator
    from catalyst_assets.learning.uncertainty.report import ValidationReport
    from catalyst_assets.representation.graphs import CrystalGraph

N_DRAWS: Final = 64


@dataclass(frozen=True)
class Prediction:
    """What is predicted of m materials.

    Attributes
    ----------
    properties
        The p names.
    mean, std
        Shape (m, p), in each property's unit.
    draws
        Shape (m, k, p): joint samples.
    """

    properties: tuple[str, ...]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    draws: NDArray[np.float32]


@dataclass(frozen=True)
class Crystals:
    """The structures of m materials, for a predictor that reads more than their features.

    Attributes
    ----------
    read
        Returns the graphs of a part of the rows, with neighbours within a radius in Å.
    accelerator
        Where they are computed with.
    """

    read: "Callable[[slice, float], Sequence[CrystalGraph]]"
    accelerator: "Accelerator" = "auto"


class Predictor(Protocol):
    """A fitted model of several properties.

    Attributes
    ----------
    FORMAT
        Which its file names, and the one that is read.
    """

    FORMAT: ClassVar[str]

    @property
    def properties(self) -> tuple[str, ...]:
        """The p names, in the order of every array."""

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the f features that it was fitted to, and expects."""

    @property
    def report(self) -> "ValidationReport | None":
        """Held-out errors; None where it has not learned."""

    @property
    def kinds(self) -> Mapping[str, str]:
        """What predicts each learned property."""

    @property
    def choices(self) -> Mapping[str, Mapping[Any, float]]:
        """Held-out score of every kind that was tried for a property; lower is better."""

    @property
    def parameters(self) -> dict[str, object]:
        """What shaped it, by name."""

    @property
    def cutoff(self) -> float | None:
        """Radius within which it wants neighbours, Å; None of one that reads features alone."""

    def predict(
        self,
        features: NDArray[np.float32],
        n_draws: int = N_DRAWS,
        seed: int = 0,
        crystals: Crystals | None = None,
    ) -> Prediction:
        """Predict materials.

        Parameters
        ----------
        features
            Shape (m, f).
        n_draws
            Joint samples a material.
        seed
            Of the samples.
        crystals
            The m structures; not needed without a ``cutoff``.
        """

    def held_out(
        self, labels: NDArray[np.float64], groups: Sequence[str]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Return the labels that the report is about, NaN for others, and the fold of each row.

        Parameters
        ----------
        labels, groups
            What it was fitted to: shape (n, p), and n chemical systems.
        """

    def to_bytes(self) -> bytes:
        """Return it as a safetensors file; equal ones give equal bytes."""

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Rebuild what ``to_bytes`` wrote; it predicts the same to the last bit.

        Raises
        ------
        CorruptArtifactError
            The bytes are not of this kind, or not in the format that this version writes.
        """
