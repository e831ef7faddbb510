"""What a campaign is: one discovery goal, validated where it enters.

The fields and their rules, nothing else: reading files is ``library``, judging values ``criteria``, computing
known physics ``derived``. The same model drives the assets, the app and the benchmark.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_serializer,
    model_validator,
)

from catalyst_assets.campaigns.derivations import DERIVATIONS
from catalyst_assets.campaigns.pool_filter import Finite, FrozenModel, Pool, PropertyName
from catalyst_assets.documents import hash_document
from catalyst_assets.durations import Duration
from catalyst_assets.vocabulary.people import check_text
from catalyst_assets.vocabulary.validators import ValidatorName
from catalyst_assets.vocabulary.words import unknown


class Strategy(StrEnum):
    """How candidates are scored; each is explained in ``acquisition.strategies``."""

    PROBABILITY_OF_FEASIBILITY = "probability_of_feasibility"
    PROBABILITY_OF_IMPROVEMENT = "probability_of_improvement"
    EXPECTED_IMPROVEMENT = "expected_improvement"
    LOG_EXPECTED_IMPROVEMENT = "log_expected_improvement"
    CONSTRAINED_EXPECTED_IMPROVEMENT = "constrained_expected_improvement"
    UPPER_CONFIDENCE_BOUND = "upper_confidence_bound"
    THOMPSON = "thompson"
    GREEDY = "greedy"
    UNCERTAINTY = "uncertainty"
    RANDOM = "random"

    @property
    def is_logarithmic(self) -> bool:
        """Whether a score is the logarithm of a probability or an expected gain."""
        return "improvement" in self.value or self is Strategy.PROBABILITY_OF_FEASIBILITY

    @property
    def explores(self) -> bool:
        """Whether the exploration weight changes anything."""
        return self not in {Strategy.GREEDY, Strategy.UNCERTAINTY, Strategy.RANDOM}


class HeadKind(StrEnum):
    """What predicts from cached features; each is explained in ``learning``."""

    STACKED = "stacked"
    DEEP_ENSEMBLE = "deep_ensemble"
    GAUSSIAN_PROCESS = "gaussian_process"


class Bound(FrozenModel):
    """A property within limits, both inclusive, in the property's unit."""

    property: PropertyName
    min: Finite | None = None
    max: Finite | None = None

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}: no value can satisfy it")
        return self


class AnyOf(FrozenModel):
    """Alternatives: at least one branch holds; a branch holds when all of its bounds do."""

    any_of: Annotated[tuple[Annotated[tuple[Bound, ...], Field(min_length=1)], ...], Field(min_length=1)]


def _kind(value: Any) -> str:
    alternatives = "any_of" in value if isinstance(value, dict) else isinstance(value, AnyOf)
    return "any_of" if alternatives else "bound"


Criterion = Annotated[Annotated[Bound, Tag("bound")] | Annotated[AnyOf, Tag("any_of")], Discriminator(_kind)]


class Objective(FrozenModel):
    """One property to drive as far as it goes."""

    property: PropertyName
    direction: Literal["maximize", "minimize"]


class Acquisition(FrozenModel):
    """How the next batch is chosen."""

    strategy: Strategy = Strategy.PROBABILITY_OF_FEASIBILITY
    exploration_weight: float = Field(
        default=0.3, ge=0, le=1, description="0 trusts the predicted means, 1 seeks uncertainty."
    )
    batch_size: int = Field(default=25, ge=1, description="Candidates an iteration suggests.")
    diversity: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="0 suggests the best scores; towards 1 a batch avoids candidates alike or like pending ones.",
    )
    cost: Literal["n_sites"] | None = Field(
        default=None, description="Rank by score per cost: n_sites is the number of atoms in the cell."
    )

    @model_validator(mode="after")
    def _cost_divides(self) -> Self:
        if self.cost is not None and not self.strategy.is_logarithmic:
            usable = ", ".join(strategy for strategy in Strategy if strategy.is_logarithmic)
            raise ValueError(
                f"cost divides a probability or an expected gain, and {self.strategy} has none; choose among {usable}"
            )
        return self


class FineTuning(FrozenModel):
    """How the backbone itself is adapted; it then predicts from structures."""

    depth: Literal["head_only", "last_layers", "full"] = Field(
        default="full", description="What is trained: readouts, the last message-passing layer too, or all."
    )
    members: int = Field(
        default=3, ge=1, le=20, description="Networks; each leaves other chemical systems out."
    )
    folds: int = Field(
        default=5, ge=2, le=100, description="Parts the labels are dealt into; each network leaves one out."
    )
    max_epochs: int = Field(default=100, ge=1, description="Most passes over the labels a network makes.")
    learning_rate: float = Field(default=3e-3, gt=0, le=1, description="Highest learning rate.")
    patience: int = Field(
        default=20,
        ge=1,
        description="Epochs without improvement on the labels left out that end the training.",
    )


class Learning(FrozenModel):
    """What is fitted to the labels. Of several heads the best on unseen chemical systems is kept."""

    heads: Annotated[tuple[HeadKind, ...], Field(min_length=1)] = (HeadKind.STACKED,)
    fine_tune: FineTuning | None = Field(
        default=None, description="Adapt the backbone to the labels instead of fitting heads to its features."
    )
    predict_with: Literal["champion", "own"] = Field(
        default="own",
        description="What predicts the pool: each iteration's own model, or the best version of the campaign so far, "
        "conditioned on every label.",
    )


class Failures(FrozenModel):
    """What follows when a calculation or measurement fails; see ``campaigns.rejections``."""

    suggest_again_after: int = Field(
        default=3, ge=0, description="Iterations in between before a failed material may be suggested again."
    )
    attempts: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Failed attempts in one iteration after which a candidate is rejected as infeasible.",
    )
    learn: bool = Field(
        default=False, description="Learn from failures how likely a candidate is to fail, and avoid it."
    )


class Stop(FrozenModel):
    """When the campaign ends; whichever comes first. An exhausted pool always ends it."""

    max_evaluations: int | None = Field(default=None, ge=1)
    target_hits: int | None = Field(default=None, ge=1)
    max_iterations: int | None = Field(default=None, ge=1, description="Counts the initial batch as one.")


class Validation(FrozenModel):
    """How candidates are sent to a validator of the platform's own."""

    concurrency: int | None = Field(
        default=None,
        ge=1,
        description="Most candidates that it works on at once; by default as many as the installation has room for.",
    )


class Refresh(FrozenModel):
    """When the next iteration opens although the batch is not answered; what is still validated comes in late."""

    min_new_labels: int | None = Field(
        default=None,
        ge=1,
        description="Once so many values are known that the newest iteration did not learn from.",
    )
    max_age: Duration | None = Field(
        default=None,
        gt=timedelta(0),
        description="Once its ranking is so old, such as 7d or 12h, and anything new is known.",
    )


class Derivation(FrozenModel):
    """A property computed from others by known physics, written ``function(property, …)``."""

    function: str
    arguments: tuple[PropertyName, ...]

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"\s*(\w+)\s*\(\s*(\w+(?:\s*,\s*\w+)*)\s*\)\s*", value)
        if match is None:
            raise ValueError(
                f"'{value}' is not of the form function(property) or function(property, property)"
            )
        return {"function": match[1], "arguments": re.findall(r"\w+", match[2])}

    @field_validator("function")
    @classmethod
    def _known(cls, function: str) -> str:
        if function not in DERIVATIONS:
            raise ValueError(unknown("function", function, DERIVATIONS))
        return function

    @model_validator(mode="after")
    def _as_many_as_it_takes(self) -> Self:
        taken = DERIVATIONS[self.function].arguments
        if len(taken) != len(self.arguments):
            kinds = ", ".join(argument.kind for argument in taken)
            raise ValueError(f"{self.function} takes {len(taken)} ({kinds}), not {len(self.arguments)}")
        return self

    @model_serializer
    def _as_written(self) -> str:
        return f"{self.function}({', '.join(self.arguments)})"


class Prior(FrozenModel):
    """What is known cheaply of the pool: a property by another method, functional or potential."""

    property: PropertyName
    method: str

    def __str__(self) -> str:
        return f"{self.property}@{self.method}"


class Campaign(FrozenModel):
    """One discovery goal: pool, criteria or objective, acquisition, validator and budget."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    description: Annotated[str, Field(max_length=10_000), AfterValidator(check_text)] = ""
    pool: Pool
    criteria: tuple[Criterion, ...] = Field(default=(), description="A material is a hit when all hold.")
    objective: Objective | None = Field(
        default=None,
        description="What to drive as far as it goes; where the criteria hold, if there are any.",
    )
    method: str = Field(description="Labels of another method are never mixed in.")
    prior: Annotated[tuple[Prior, ...], Field(min_length=1)] | None = Field(
        default=None,
        description="Cheap answers, from the cheapest to the dearest: what is asked for is learned as a multiple of them "
        "and a remainder.",
    )
    derive: dict[PropertyName, Derivation] = Field(default_factory=dict)
    learning: Learning = Learning()
    acquisition: Acquisition = Acquisition()
    initial_batch: int = Field(default=20, ge=1, description="Evaluations before the first model.")
    validator: ValidatorName = Field(description="Who answers; `vocabulary.validators` says how each does.")
    review: Literal["manual", "automatic"] = Field(
        default="manual", description="Automatic sends every suggestion to validation without a person."
    )
    seed: int = Field(default=0, ge=0, lt=2**63)
    failures: Failures = Failures()
    validation: Validation = Validation()
    refresh: Refresh = Refresh()
    stop: Stop = Stop()
    test_fraction: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of the pool whose labels measure the error and never train.",
    )

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if not self.criteria and self.objective is None:
            raise ValueError("give criteria (at least one), an objective, or both")
        self._require_suitable_strategy()
        self._require_other_answers()
        if not self.criteria and self.stop.target_hits is not None:
            raise ValueError("stop.target_hits needs criteria: an objective has no hits")
        for name, derivation in self.derive.items():
            for argument in derivation.arguments:
                if argument in self.derive:
                    raise ValueError(
                        f"derive.{name}: {argument} is itself derived; derive from a learned one"
                    )
        return self

    def _require_suitable_strategy(self) -> None:
        strategy = self.acquisition.strategy
        if strategy is Strategy.PROBABILITY_OF_FEASIBILITY and self.objective is not None:
            better = "constrained_" if self.criteria else ""
            raise ValueError(
                f"acquisition.strategy {strategy} does not see an objective; "
                f"choose {better}expected_improvement, upper_confidence_bound or thompson"
            )
        if strategy is Strategy.CONSTRAINED_EXPECTED_IMPROVEMENT and not (self.criteria and self.objective):
            raise ValueError(
                f"acquisition.strategy {strategy} needs an objective and criteria; "
                "with one of them choose expected_improvement"
            )

    def _require_other_answers(self) -> None:
        seen = set[Prior]()
        for place, prior in enumerate(self.prior or ()):
            if prior.method == self.method and prior.property in {*self.predicted_properties, *self.derive}:
                raise ValueError(
                    f"prior.{place}: {prior.property} by {prior.method} is what the campaign asks for; name a cheaper method"
                )
            if prior in seen:
                raise ValueError(f"prior.{place}: {prior.property} by {prior.method} is named twice")
            seen.add(prior)
        if self.prior and self.learning.fine_tune is not None:
            raise ValueError(
                "learning.fine_tune: a network does not learn on top of a prior; leave one of them out"
            )

    def bounds(self) -> Iterator[Bound]:
        """Yield every bound of the criteria, those of all branches included."""
        for criterion in self.criteria:
            if isinstance(criterion, AnyOf):
                for branch in criterion.any_of:
                    yield from branch
            else:
                yield criterion

    @cached_property
    def properties(self) -> tuple[str, ...]:
        """Every property that the criteria or the objective name, sorted."""
        named = {bound.property for bound in self.bounds()}
        if self.objective is not None:
            named.add(self.objective.property)
        return tuple(sorted(named))

    @cached_property
    def learned_properties(self) -> tuple[str, ...]:
        """What a model must predict: the named properties, each derived one replaced by what it comes from."""
        learned: set[str] = set()
        for name in self.properties:
            learned.update(self.derive[name].arguments if name in self.derive else (name,))
        return tuple(sorted(learned))

    @cached_property
    def predicted_properties(self) -> tuple[str, ...]:
        """What a prediction for this campaign holds: the learned properties, then the derived ones."""
        derived = (name for name in self.properties if name in self.derive)
        return (*self.learned_properties, *derived)

    @property
    def document(self) -> dict[str, Any]:
        """The campaign as a JSON object that ``Campaign.model_validate`` reads back."""
        return self.model_dump(mode="json", exclude_none=True)

    @cached_property
    def sha256(self) -> str:
        """Hash of the canonical document."""
        return hash_document(self.document)
