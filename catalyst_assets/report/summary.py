"""What a report says about a campaign, as plain values.

The numbers only: how they are drawn is ``charts``, how they are laid out ``pages``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalyst_assets.report.statistics import (
    Ratio,
    acceleration,
    chance_of_luck,
    enrichment,
    random_expected_hits,
)


@dataclass(frozen=True)
class IterationSummary:
    """One iteration of the loop.

    Attributes
    ----------
    evaluated, hits
        Counted from the campaign's start to the end of this iteration.
    seconds
        Time from opening to closing; 0 while it goes on.
    labels
        How many it started from.
    status
        open, ranked, closed or abandoned.
    valid_mae
        Mean over the learned properties of ``valid_mae_by_property``; None before the first labels.
    valid_mae_by_property
        Mean absolute error on chemical systems left out of the fit, in each property's unit.
    test_mae_by_property
        The same on the test set frozen when the campaign started.
    validation_mae_by_property
        The same of this iteration's predictions against what validation answered.
    miscalibration_area
        Area between the calibration curve and the diagonal: 0 is perfect, 0.5 the worst.
    superseded
        Labels that its ranking was made from and that were corrected or retracted since, as sentences.
    """

    partition: str
    evaluated: int
    hits: int
    seconds: float
    labels: int = 0
    status: str = ""
    valid_mae: float | None = None
    valid_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    test_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    validation_mae_by_property: Mapping[str, float] = field(default_factory=dict)
    miscalibration_area: float | None = None
    superseded: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Number of the iteration without the campaign's name, such as ``0003``."""
        return self.partition.rsplit("__", 1)[-1]


@dataclass(frozen=True)
class HitSummary:
    """One material that met the criteria.

    Attributes
    ----------
    evaluation
        Which evaluation of the campaign found it, from 1.
    iteration
        The iteration that suggested it, from 0.
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
class Suggestion:
    """One candidate of the next batch.

    Attributes
    ----------
    status
        ranked, flagged or in_validation.
    feasibility
        Chance that every criterion holds; None for an objective.
    predicted
        Mean and standard deviation by property, in the property's unit.
    """

    material_id: str
    formula: str
    rank: int
    status: str
    feasibility: float | None
    predicted: Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class SpaceMap:
    """Materials of the pool in the plane in which their features vary most.

    Attributes
    ----------
    points
        First and second principal component of each drawn material.
    kinds
        What each is: pool, evaluated, hit or next.
    explained
        Shares of the variance that the two components hold.
    n_members
        Members of the pool with features, of which ``points`` may be a sample.
    """

    points: tuple[tuple[float, float], ...]
    kinds: tuple[str, ...]
    explained: tuple[float, float]
    n_members: int


@dataclass(frozen=True)
class ModelSummary:
    """The model of the latest iteration that has one, and the champion.

    Attributes
    ----------
    version, champion
        Registered versions; None while there is none, or the registry could not be asked.
    predictor
        What predicts with it, and why, as a sentence; empty before anything was predicted.
    """

    name: str
    partition: str
    sha256: str
    version: int | None = None
    champion: int | None = None
    predictor: str = ""


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign as its report shows it.

    Attributes
    ----------
    pool_size
        Members of the pool now.
    hits_in_pool
        None where nobody knows, as in every campaign that is not a benchmark.
    criteria
        What makes a hit, one line a criterion.
    objective
        What is driven as far as it goes; empty for a campaign of criteria.
    best
        For an objective its best value after each evaluation, under criteria among the hits, NaN before the first one;
        empty otherwise.
    discovery
        Hits found after each evaluation: ``(n_evaluated, n_hits)``, from ``(1, …)`` on.
    found
        The hits, in the order they were found; for an objective the best materials, under criteria the best
        hits, best first.
    next_batch
        What the latest iteration suggests and nobody has answered, best first.
    provenance
        What the latest iteration was made from: name to hash or name.
    written_at
        When the database was asked.
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
    status: str = ""
    stop_reason: str = ""
    objective: str = ""
    best: tuple[float, ...] = ()
    next_batch: tuple[Suggestion, ...] = ()
    space: SpaceMap | None = None
    model: ModelSummary | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)
    written_at: str = ""

    @property
    def evaluated(self) -> int:
        """Materials that validation answered for."""
        return self.discovery[-1][0] if self.discovery else 0

    @property
    def hits(self) -> int:
        """Hits found so far."""
        return self.discovery[-1][1] if self.discovery else 0

    @property
    def superseded(self) -> dict[str, list[str]]:
        """Labels that were corrected or retracted since, each with the iterations that were ranked by it."""
        affected: dict[str, list[str]] = {}
        for iteration in self.iterations:
            for said in iteration.superseded:
                affected.setdefault(said, []).append(iteration.label)
        return affected

    @property
    def _drawn_from(self) -> tuple[int, int] | None:
        """Size and hits of the pool that random choice draws from; None where the hits are not known."""
        known = self.hits_in_pool
        # A pool that shrank after it was evaluated says nothing of random choice.
        if known is None or not self.hits <= known <= self.pool_size >= max(self.evaluated, 1):
            return None
        return self.pool_size, known

    @property
    def random_expected_hits(self) -> float | None:
        """What random choice expects after as many evaluations; None where the hits are not known."""
        pool = self._drawn_from
        return random_expected_hits(*pool, self.evaluated) if pool else None

    @property
    def enrichment(self) -> Ratio | None:
        """Hits found for each that random choice finds; None where that is unknown or nothing can be found."""
        pool = self._drawn_from
        return enrichment(*pool, self.hits, self.evaluated) if pool else None

    @property
    def acceleration(self) -> Ratio | None:
        """How many times as long random choice takes for as many hits; None where unknown, or without a hit."""
        pool = self._drawn_from
        last = next((evaluation for evaluation, hits in self.discovery if hits == self.hits), 0)
        return acceleration(*pool, self.hits, last) if pool else None

    @property
    def luck(self) -> float | None:
        """Share of random campaigns that find at least as many hits; None where that is unknown."""
        pool = self._drawn_from
        return chance_of_luck(*pool, self.hits, self.evaluated) if pool else None
