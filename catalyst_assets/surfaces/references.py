"""Gas-phase references of adsorption energies: which molecules stand for an element, and their energies."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from ase import Atoms

    from catalyst_assets.surfaces.adsorbates import Adsorbate

# Around a molecule, in Å.
_VACUUM: Final = 7.5
_HALF: Final = Fraction(1, 2)


@dataclass(frozen=True)
class ReferenceSet:
    """Molecules that stand for the elements of adsorbates.

    Attributes
    ----------
    name
        By which rows are stored.
    elements
        How many of which molecules an atom is worth: hydrogen ``{"H2": 1/2}``, oxygen ``{"H2O": 1, "H2": -1}``.
    """

    name: str
    elements: Mapping[str, Mapping[str, Fraction]]

    def molecules(self, adsorbate: "Adsorbate") -> dict[str, Fraction]:
        """Return how many of which molecules an adsorbate is worth, those that cancel left out.

        Raises
        ------
        UsageError
            The set has no molecule for an element.
        """
        amounts: dict[str, Fraction] = {}
        for symbol in adsorbate.symbols:
            if symbol not in self.elements:
                raise UsageError(
                    f"The gas references {self.name} have no molecule for {symbol} of {adsorbate.name}.",
                    f"They have some for {', '.join(self.elements)}.",
                )
            for molecule, amount in self.elements[symbol].items():
                amounts[molecule] = amounts.get(molecule, Fraction(0)) + amount
        return {molecule: amount for molecule, amount in amounts.items() if amount}

    def equation(self, adsorbate: "Adsorbate") -> str:
        """Return them as an equation is written, such as ``H2O - 1/2 H2``."""
        terms = sorted(self.molecules(adsorbate).items(), key=lambda term: term[1] < 0)
        text = " ".join(
            f"{'-' if amount < 0 else '+'} {f'{abs(amount)} ' if abs(amount) != 1 else ''}{molecule}"
            for molecule, amount in terms
        )
        return text.removeprefix("+ ")

    def energy(self, adsorbate: "Adsorbate", energies: Mapping[str, float]) -> float:
        """Return what an adsorbate's molecules amount to in eV, by theirs."""
        return sum(float(amount) * energies[name] for name, amount in self.molecules(adsorbate).items())


_WITHOUT_CARBON: Final = {
    "H": {"H2": _HALF},
    "O": {"H2O": Fraction(1), "H2": Fraction(-1)},
    "N": {"N2": _HALF},
}
# x CO + (x + y/2 − z) H2 + (z − x) H2O + w/2 N2 for CxHyOzNw: Chanussot et al., ACS Catal. 11, 6059 (2021).
OC20: Final = ReferenceSet(
    "OC20", {**_WITHOUT_CARBON, "C": {"CO": Fraction(1), "H2": Fraction(1), "H2O": Fraction(-1)}}
)
# As OC20, but carbon against CH4 − 2 H2: Mamun et al., Scientific Data 6, 76 (2019).
METHANE: Final = ReferenceSet("CH4", {**_WITHOUT_CARBON, "C": {"CH4": Fraction(1), "H2": Fraction(-2)}})
REFERENCE_SETS: Final[Mapping[str, ReferenceSet]] = {each.name: each for each in (OC20, METHANE)}


def build_molecule(name: str) -> "Atoms":
    """Return a molecule in a box of its own, by its formula."""
    from ase.build import molecule

    atoms: Atoms = molecule(name, vacuum=_VACUUM)
    atoms.pbc = True
    return atoms
