"""Numbers that look as if they were in another unit than the one they are said to be in.

A value outside its property's range is refused alone; here a whole column is looked at, because most of what is 1,000 times
too large lies within a range that only keeps out the impossible.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from catalyst_assets.vocabulary.words import Property

# Half of the numbers beyond so many times what is usual of the property: less is found in honest tables. Castelli's 18,928
# perovskites, of which few could exist, have a median of 2.7 times what is usual of an energy above hull.
_FEW: Final = 4
_MANY: Final = 20
_TIMES_OF_FEW: Final = 10.0
_TIMES_OF_MANY: Final = 8.0
# Less is enough where a tenth of the numbers is impossible besides.
_TIMES_WITH_IMPOSSIBLE: Final = 2.0
_IMPOSSIBLE: Final = 0.1
# Formation energies of elements are zero but for noise.
_NOISE: Final = 1e-4
_FACTOR: Final = 1000.0
_LENGTHS: Final = {"Å": (100.0, "pm")}
_WITHOUT_PREFIX: Final = ("eV", "V", "A/", "A ", "C/", "W/", "S/")


def find_unit_doubt(values: Sequence[float], known: Property) -> str:
    """Say why a column's numbers do not look like those of its property; nothing where they do.

    Parameters
    ----------
    values
        All numbers of the column, in the property's unit.

    Returns
    -------
    A question that begins with what is odd; empty for a property of which every magnitude is usual, such as a total
    energy.
    """
    if known.typical_mean is None or known.typical_std is None:
        return ""
    usual = abs(known.typical_mean) + known.typical_std
    numbers = np.asarray(values, dtype=np.float64)
    sizes = np.abs(numbers[numbers != 0])
    if len(sizes) < _FEW or known.high - known.low > _FACTOR * usual:
        return ""
    middle = float(np.median(sizes))
    outside = sum(
        not known.admits(value) for value in numbers[(numbers < known.low) | (numbers > known.high)]
    )
    times = _TIMES_OF_MANY if len(sizes) >= _MANY else _TIMES_OF_FEW
    if outside >= _IMPOSSIBLE * len(values):
        times = _TIMES_WITH_IMPOSSIBLE
    about = f"{known.typical_mean:g} ± {known.typical_std:g} {known.unit} is usual"
    if middle > times * usual:
        impossible = f" and {outside} of {len(values)} impossible" if outside else ""
        unit = _smaller_unit(known.unit)[1]
        return f"the median of what is not zero is {middle:.3g}{impossible}, {about}: is it in {unit}"
    never_small = abs(known.typical_mean) > known.typical_std and len(sizes) >= 2 * _FEW
    if never_small and _NOISE < middle < usual / _FACTOR and sizes.max() < usual / 10:
        return (
            f"the median of what is not zero is {middle:.3g}, {about}: was it divided by {_FACTOR:,.0f} twice"
        )
    return ""


def ask_unit(value: float, known: Property) -> str:
    """Ask whether a value outside its property's range is in a smaller unit; nothing if that would not explain it."""
    factor, unit = _smaller_unit(known.unit)
    return f": is it in {unit}?" if value and known.admits(value / factor) else ""


def _smaller_unit(unit: str) -> tuple[float, str]:
    if unit in _LENGTHS:
        return _LENGTHS[unit]
    return _FACTOR, f"m{unit}" if unit.startswith(_WITHOUT_PREFIX) else f"a thousandth of {unit}"
