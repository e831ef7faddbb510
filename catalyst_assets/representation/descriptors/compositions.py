"""Descriptors that a composition alone has: properties and shares of its elements, wherever its atoms sit."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

import numpy as np

from catalyst_assets.ingestion.reading.compositions import Stoichiometry
from catalyst_assets.representation.descriptors.elements import (
    element_symbols,
    element_table,
    outer_electrons,
)
from catalyst_assets.representation.graphs import LARGEST_ATOMIC_NUMBER, UnsuitableStructureError

if TYPE_CHECKING:
    from pymatgen.core.composition import Composition

_FINEST: Final = 1_000_000  # the largest denominator of an amount


@dataclass(frozen=True)
class Portions:
    """Portions of elements that make up materials, one material after the other.

    Attributes
    ----------
    starts
        First portion of each material, shape (n_materials,).
    z
        Atomic number of each portion, shape (n_portions,).
    shares
        Of its material, summing to one for each, shape (n_portions,).
    """

    starts: np.ndarray
    z: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, compositions: Sequence[Mapping[int, float]]) -> "Portions":
        """Return those of compositions, each with its positive amount by atomic number."""
        sizes = np.array([len(each) for each in compositions], dtype=np.int64)
        amounts = np.array([amount for each in compositions for amount in each.values()], dtype=np.float64)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        totals = np.repeat(np.add.reduceat(amounts, starts), sizes)
        return cls(starts, np.array([z for each in compositions for z in each]), amounts / totals)

    @property
    def owner(self) -> np.ndarray:
        """The material that a portion belongs to, shape (n_portions,)."""
        return np.repeat(np.arange(len(self.starts)), np.diff(np.append(self.starts, len(self.z))))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Add up ``values`` of each material's portions, by their shares."""
        sums: np.ndarray = np.add.reduceat(
            values * self.shares.reshape(-1, *[1] * (values.ndim - 1)), self.starts
        )
        return sums


def count_elements(composition: "Composition | Mapping[str, float]") -> dict[int, int]:
    """Return the smallest whole numbers in the ratio of a composition's elements, by atomic number.

    Raises
    ------
    UnsuitableStructureError
        There is none, an amount is not positive, or a species is no element up to plutonium.
    """
    from pymatgen.core.composition import Composition
    from pymatgen.core.periodic_table import Element

    amounts = composition.get_el_amt_dict() if isinstance(composition, Composition) else dict(composition)
    written = " ".join(f"{symbol}{amount:g}" for symbol, amount in amounts.items())
    if not amounts or not all(math.isfinite(amount) and amount > 0 for amount in amounts.values()):
        raise UnsuitableStructureError(f"The amounts are not all positive: {written or 'there is none'}.")
    if not all(
        Element.is_valid_symbol(symbol) and Element(symbol).Z <= LARGEST_ATOMIC_NUMBER for symbol in amounts
    ):
        raise UnsuitableStructureError(f"The species are not all elements from H to Pu: {written}.")
    exact = {symbol: Fraction(amount).limit_denominator(_FINEST) for symbol, amount in amounts.items()}
    if not all(exact.values()):
        raise UnsuitableStructureError(f"An amount is below a millionth: {written}.")
    return {Element(symbol).Z: count for symbol, count in Stoichiometry.of(exact).counts}


def count_electrons(compositions: Sequence[Mapping[int, float]]) -> np.ndarray:
    """Count the outer electrons of each formula unit, shape (n_compositions,)."""
    return np.array([sum(outer_electrons(z) * amount for z, amount in each.items()) for each in compositions])


def element_properties(portions: Portions) -> dict[str, np.ndarray]:
    """Return mean, spread and limits of each property of the elements, each column of shape (n_materials,)."""
    table = element_table()
    values = table.values[portions.z]
    mean = portions.sums(values)
    std = np.sqrt(portions.sums((values - mean[portions.owner]) ** 2))
    low = np.minimum.reduceat(values, portions.starts)
    high = np.maximum.reduceat(values, portions.starts)
    columns = {}
    for index, name in enumerate(table.names):
        columns[f"composition:{name}_mean"] = mean[:, index]
        columns[f"composition:{name}_std"] = std[:, index]
        columns[f"composition:{name}_min"] = low[:, index]
        columns[f"composition:{name}_max"] = high[:, index]
    # Butler and Ginley, J. Electrochem. Soc. 125, 228 (1978): band edges follow the geometric mean.
    mulliken = np.log(np.maximum(table.column("mulliken_electronegativity")[portions.z], 0.1))
    columns["composition:mulliken_electronegativity_geometric_mean"] = np.exp(portions.sums(mulliken))
    return columns


def element_fractions(portions: Portions) -> dict[str, np.ndarray]:
    """Return the share of each element, each column of shape (n_materials,).

    They set elements apart whose properties are alike.
    """
    shares = np.zeros((len(portions.starts), LARGEST_ATOMIC_NUMBER + 1))
    np.add.at(shares, (portions.owner, portions.z), portions.shares)
    return {f"fraction:{symbol}": shares[:, z] for z, symbol in element_symbols().items()}
