"""Whether one mean error is larger than another by more than chance gives: Student's and Welch's tests, one-sided.

Small sets scatter. What is asked of every iteration and property must not warn of that, so the chance of a false warning
is one in a hundred each time.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CONFIDENCE: Final = 0.99
# Of the area between the diagonal and the calibration curve of n observations, if they are calibrated: so much over the
# root of n has one in a hundred above it (Johnson and Killeen, J. Am. Stat. Assoc. 78, 889 (1983)).
_AREA_BY_CHANCE: Final = 0.752


@dataclass(frozen=True)
class Difference:
    """How much larger one mean is than another.

    Attributes
    ----------
    standard_error
        None where there are too few values to tell.
    freedom
        Degrees of freedom of that error.
    """

    mean: float
    standard_error: float | None
    freedom: float

    @property
    def is_larger(self) -> bool:
        """Whether it is above zero by more than chance gives."""
        from scipy.stats import t

        if self.standard_error is None:
            return False
        return bool(self.mean > float(t.ppf(CONFIDENCE, self.freedom)) * self.standard_error)

    def __str__(self) -> str:
        if self.standard_error is None:
            return f"{self.mean:+.2g}, too few values to tell"
        return f"{self.mean:+.2g} ± {self.standard_error:.2g}"


def paired(first: "ArrayLike", second: "ArrayLike") -> Difference:
    """Compare two errors of each of the same materials."""
    differences = np.asarray(first, float) - np.asarray(second, float)
    count = len(differences)
    error = float(differences.std(ddof=1)) / math.sqrt(count) if count > 1 else None
    return Difference(float(differences.mean()) if count else 0.0, error, max(count - 1, 1))


def unpaired(first: "ArrayLike", second: "ArrayLike") -> Difference:
    """Compare errors of some materials with those of others."""
    sets = [np.asarray(values, float) for values in (first, second)]
    mean = float(sets[0].mean() - sets[1].mean())
    if min(map(len, sets)) < 2:
        return Difference(mean, None, 1.0)
    shares = [float(values.var(ddof=1)) / len(values) for values in sets]
    spread = sum(shares)
    squares = sum(share**2 / (len(values) - 1) for share, values in zip(shares, sets, strict=True))
    return Difference(mean, math.sqrt(spread), spread**2 / squares if squares else 1.0)


def miscalibration_by_chance(n: int) -> float:
    """Return the miscalibration area that one in a hundred calibrated models exceeds on n observations."""
    return _AREA_BY_CHANCE / math.sqrt(n) if n else 1.0
