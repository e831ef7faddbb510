"""Crystals built from chemistry alone, for pools that name elements instead of structures.

Nothing here knows a calculated or measured structure: lattice constants follow from ionic radii
(R. D. Shannon, Acta Cryst. A 32, 751 (1976)).
"""

import re
from functools import cache
from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

# Shannon lists few ions in every coordination: take the tabulated one nearest to the octahedron.
# fmt: off
_COORDINATION_PREFERENCE = (
    "VI", "VII", "V", "VIII", "IVSQ", "IV", "IVPY", "IX", "III", "IIIPY", "X", "XI", "XII", "XIV", "II", "I",
)
# fmt: on
_UNCOMMON_CHARGE_PENALTY = 0.5


def build_cubic_perovskite(a_site: str, b_site: str, anions: str) -> "Structure":
    """Build the ideal cubic perovskite of five atoms.

    Parameters
    ----------
    a_site
        Element at the cell's centre (½ ½ ½), twelve-coordinated.
    b_site
        Element at the corner (0 0 0), six-coordinated.
    anions
        Formula of three anions such as ``O3``, ``ON2`` or ``OFN``: in this order they take the face
        positions (½ 0 0), (0 ½ 0) and (0 0 ½).

    Returns
    -------
    Structure
        Sites in the order A, B, anions; the lattice constant is :func:`perovskite_lattice_constant`.

    Raises
    ------
    UsageError
        A symbol is no element, has no known ionic radius, or ``anions`` does not count to three.
    """
    from pymatgen.core.lattice import Lattice
    from pymatgen.core.structure import Structure

    species = parse_anions(anions)
    lattice = Lattice.cubic(perovskite_lattice_constant(a_site, b_site, species))
    positions = [[0.5, 0.5, 0.5], [0.0, 0.0, 0.0], [0.5, 0.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 0.5]]
    return Structure(lattice, [a_site, b_site, *species], positions)


def parse_anions(anions: str) -> tuple[str, str, str]:
    """Split a formula of three anions into its species, in the order they are written.

    Raises
    ------
    UsageError
        The text is no formula, or counts to another number than three.
    """
    parts = re.findall(r"([A-Z][a-z]?)(\d?)", anions)
    species = [symbol for symbol, count in parts for _ in range(int(count or 1))]
    if "".join(symbol + count for symbol, count in parts) != anions or len(species) != 3:
        raise UsageError(
            f"{anions!r} is not a formula of three anions.", "Write for instance O3, O2N, ON2 or OFN."
        )
    return species[0], species[1], species[2]


def perovskite_lattice_constant(a_site: str, b_site: str, anions: tuple[str, str, str]) -> float:
    """Estimate the lattice constant of a cubic perovskite from ionic radii, in Å.

    The empirical relation of R. Ubic, J. Am. Ceram. Soc. 90, 3326 (2007), with radii for octahedral
    coordination and the mean radius of the anions. The charges of A and B are the pair that comes
    closest to neutrality, common oxidation states preferred.

    Raises
    ------
    UsageError
        An element has no tabulated ionic radius of the sign its site needs.
    """
    radii_x = [shannon_radii(symbol, anion=True) for symbol in anions]
    charge = -sum(max(radii) for radii in radii_x)
    radius_x = sum(radii[max(radii)] for radii in radii_x) / 3
    radius_a, radius_b = _cation_radii(a_site, b_site, charge)
    return perovskite_edge(radius_a, radius_b, radius_x)


def perovskite_edge(radius_a: float, radius_b: float, radius_x: float) -> float:
    """Return the edge of a cubic perovskite in Å for the radii of its ions in Å: Ubic (2007), eq. as above."""
    return 0.06741 + 0.49052 * (radius_a + radius_x) + 1.29212 * (radius_b + radius_x)


@cache
def _cation_radii(a_site: str, b_site: str, charge: int) -> tuple[float, float]:
    from pymatgen.core.periodic_table import Element

    radii_a, radii_b = shannon_radii(a_site, anion=False), shannon_radii(b_site, anion=False)
    common_a, common_b = (Element(symbol).common_oxidation_states for symbol in (a_site, b_site))

    def implausibility(pair: tuple[int, int]) -> tuple[float, int]:
        uncommon = (pair[0] not in common_a) + (pair[1] not in common_b)
        return abs(sum(pair) - charge) + _UNCOMMON_CHARGE_PENALTY * uncommon, pair[0]

    charge_a, charge_b = min(((a, b) for a in radii_a for b in radii_b), key=implausibility)
    return radii_a[charge_a], radii_b[charge_b]


@cache
def shannon_radii(symbol: str, *, anion: bool, coordination: str = "VI") -> dict[int, float]:
    """Return the Shannon radius in Å for each positive (or each negative) charge of an element.

    The coordination asked for (a Roman numeral) and high spin where tabulated, otherwise what comes nearest to the
    octahedron.

    Raises
    ------
    UsageError
        The symbol is no element, or no radius of this sign is tabulated.
    """
    from pymatgen.core.periodic_table import Element

    if not Element.is_valid_symbol(symbol):
        raise UsageError(f"{symbol!r} is not an element.", "Correct the symbol.")
    table = Element(symbol).data.get("Shannon radii") or {}
    radii = {}
    for charge, by_coordination in table.items():
        # pymatgen's table has one radius of europium under no charge at all.
        if not charge or (int(charge) < 0) != anion:
            continue
        label = min(by_coordination, key=(coordination, *_COORDINATION_PREFERENCE).index)
        by_spin = by_coordination[label]
        spin = next(name for name in ("High Spin", "", "Low Spin") if name in by_spin)
        radii[int(charge)] = float(by_spin[spin]["ionic_radius"])
    if not radii:
        kind = "anion" if anion else "cation"
        raise UsageError(f"No ionic radius is tabulated for {symbol} as {kind}.", "Leave this compound out.")
    return radii
