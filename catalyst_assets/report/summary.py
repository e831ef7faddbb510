"""What a report says about a campaign, as plain values.

The numbers only: how they are drawn is ``charts``, how they are laid out ``pages``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalyst_assets.constants import PROPERTIES


@dataclass(frozen=True)
class IterationSummary:
    """One turn of the loop.

    Attributes
    ----------
    evaluated, hits
        Counted from the campaign's start to the end of this turn.
    seconds
        Time from opening to closing.
    valid_mae
        Mean over the learned properties of ``valid_mae_by_property``; None before the first labels.
    valid_mae_by_property
        Mean absolute error on chemical systems left out of the fit, in each property's unit.
    test_mae_by_property
        The same on the test set frozen when the campaign started.
    validation_mae_by_property
        The same of this turn's predictions against what validation answered.
    miscalibration_area
        Area between the calibration curve and the diagonal: 0 is perfect, 0.5 the worst.
    """

    partition: str
    evaluated: int
    hits: int
    seconds: float
    valid_mae: float | None = None
    valid_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    test_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    validation_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    miscalibration_area: float | None = None

    @property
    def label(self) -> str:
        """Number of the turn without the campaign's name, such as ``0003``."""
        return self.partition.rsplit("__", 1)[-1]


@dataclass(frozen=True)
class HitSummary:
    """One material that met the criteria.

    Attributes
    ----------
    evaluation
        Which evaluation of the campaign found it, from 1.
    iteration
        The turn that suggested it, from 0.
    values
        Validated value by property, in the property's unit.
    """

    material_id: str
    formula: str
    evaluation: int
    iteration: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Parity:
    """Predictions of one property beside what validation later answered, in the property's unit."""

    property: str
    observed: tuple[float, ...]
    predicted: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign as its report shows it.

    Attributes
    ----------
    hits_in_pool
        None where nobody knows, as in every campaign that is not a benchmark.
    criteria
        What makes a hit, one line a criterion.
    discovery
        Hits found after each evaluation: ``(n_evaluated, n_hits)``, from ``(1, …)`` on.
    found
        The hits, in the order they were found.
    """

    campaign: str
    pool_size: int
    hits_in_pool: int | None
    criteria: tuple[str, ...]
    iterations: tuple[IterationSummary, ...] = ()
    discovery: tuple[tuple[int, int], ...] = ()
    found: tuple[HitSummary, ...] = ()
    parity: tuple[Parity, ...] = ()
    description: str = ""
    stop_reason: str = ""

    @property
    def evaluated(self) -> int:
        """Materials that validation answered for."""
        return self.discovery[-1][0] if self.discovery else 0

    @property
    def hits(self) -> int:
        """Hits found so far."""
        return self.discovery[-1][1] if self.discovery else 0

    @property
    def random_expected_hits(self) -> float | None:
        """What random choice expects after as many evaluations; None where the hits are not known."""
        if self.hits_in_pool is None or self.pool_size == 0:
            return None
        return random_expected_hits(self.pool_size, self.hits_in_pool, self.evaluated)

    @property
    def enrichment(self) -> float | None:
        """Hits found for each that random choice expects; None where that is unknown or 0."""
        expected = self.random_expected_hits
        return self.hits / expected if expected else None


def random_expected_hits(pool_size: int, hits: int, evaluations: int) -> float:
    """Return the mean number of hits in a random draw without replacement (hypergeometric).

    Raises
    ------
    ValueError
        The pool is empty, or holds fewer materials than ``hits`` or ``evaluations``.
    """
    if pool_size < 1 or not 0 <= hits <= pool_size or not 0 <= evaluations <= pool_size:
        raise ValueError(f"A pool of {pool_size} cannot hold {hits} hits and give {evaluations} evaluations.")
    return evaluations * hits / pool_size


def unit_of(name: str) -> str:
    """Return the unit of a property, empty for one the platform does not know."""
    known = PROPERTIES.get(name)
    return known.unit if known is not None else ""


def title_of(name: str) -> str:
    """Return a property's name as people write it: ``band_gap_direct`` becomes ``Band gap direct``."""
    return name.replace("_", " ").capitalize()
