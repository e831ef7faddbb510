"""What a campaign is: one discovery goal, validated where it enters.

The fields and their rules, nothing else: reading files is ``library``, judging values ``criteria``, computing
known physics ``derived``. The same model drives the assets, the app and the benchmark.
"""

import hashlib
import json
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from catalyst_assets.campaigns.derived import DERIVATIONS
from catalyst_assets.constants import METHODS

ElementSymbol = Annotated[str, Field(pattern=r"^[A-Z][a-z]?$")]
PropertyName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Strategy(StrEnum):
    """How candidates are scored; each is explained in ``acquisition.strategies``."""

    PROBABILITY_OF_FEASIBILITY = "probability_of_feasibility"
    EXPECTED_IMPROVEMENT = "expected_improvement"
    LOG_EXPECTED_IMPROVEMENT = "log_expected_improvement"
    UPPER_CONFIDENCE_BOUND = "upper_confidence_bound"
    THOMPSON = "thompson"
    GREEDY = "greedy"
    RANDOM = "random"


class HeadKind(StrEnum):
    """What predicts from cached features; each is explained in ``learning``."""

    STACKED = "stacked"
    DEEP_ENSEMBLE = "deep_ensemble"
    GAUSSIAN_PROCESS = "gaussian_process"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Pool(_Model):
    """Which materials may be suggested: those of a source, those that pass the filters, or both."""

    source: str | None = Field(default=None, min_length=1, description="Materials loaded from this source.")
    elements: tuple[ElementSymbol, ...] = Field(
        default=(), description="Contains every one of these elements."
    )
    only_elements: tuple[ElementSymbol, ...] = Field(default=(), description="Contains no others than these.")
    exclude_elements: tuple[ElementSymbol, ...] = Field(
        default=(), description="Contains none of these elements."
    )
    chemical_system: str | None = Field(
        default=None,
        pattern=r"^[A-Z][a-z]?(-[A-Z][a-z]?)*$",
        description="Exactly these elements, such as Al-La-O.",
    )
    n_sites_min: int | None = Field(default=None, ge=1, description="Fewest sites in the cell.")
    n_sites_max: int | None = Field(default=None, ge=1, description="Most sites in the cell.")

    @field_validator("chemical_system")
    @classmethod
    def _sorted_system(cls, system: str | None) -> str | None:
        return None if system is None else "-".join(sorted(set(system.split("-"))))

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not self.model_dump(exclude_defaults=True):
            raise ValueError("name a source or at least one filter")
        return self


class Bound(_Model):
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


class AnyOf(_Model):
    """Alternatives: at least one branch holds; a branch holds when all of its bounds do."""

    any_of: Annotated[tuple[Annotated[tuple[Bound, ...], Field(min_length=1)], ...], Field(min_length=1)]


def _kind(value: Any) -> str:
    alternatives = "any_of" in value if isinstance(value, dict) else isinstance(value, AnyOf)
    return "any_of" if alternatives else "bound"


Criterion = Annotated[Annotated[Bound, Tag("bound")] | Annotated[AnyOf, Tag("any_of")], Discriminator(_kind)]


class Objective(_Model):
    """One property to drive as far as it goes."""

    property: PropertyName
    direction: Literal["maximize", "minimize"]


class Acquisition(_Model):
    """How the next batch is chosen."""

    strategy: Strategy = Strategy.PROBABILITY_OF_FEASIBILITY
    exploration_weight: float = Field(
        default=0.3, ge=0, le=1, description="0 trusts the predicted means, 1 seeks uncertainty."
    )
    batch_size: int = Field(default=25, ge=1, description="Candidates an iteration suggests.")


class FineTuning(_Model):
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


class Learning(_Model):
    """What is fitted to the labels. Of several heads the best on unseen chemical systems is kept."""

    heads: Annotated[tuple[HeadKind, ...], Field(min_length=1)] = (HeadKind.STACKED,)
    fine_tune: FineTuning | None = Field(
        default=None, description="Adapt the backbone to the labels instead of fitting heads to its features."
    )


class Stop(_Model):
    """When the campaign ends; whichever comes first. An exhausted pool always ends it."""

    max_evaluations: int | None = Field(default=None, ge=1)
    target_hits: int | None = Field(default=None, ge=1)
    max_iterations: int | None = Field(default=None, ge=1, description="Counts the initial batch as one.")


class Derivation(_Model):
    """A property computed from another by known physics, written ``function(property)``."""

    function: str
    argument: PropertyName

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        match = re.fullmatch(r"\s*(\w+)\s*\(\s*(\w+)\s*\)\s*", value)
        if match is None:
            raise ValueError(f"'{value}' is not of the form function(property)")
        return {"function": match[1], "argument": match[2]}

    @field_validator("function")
    @classmethod
    def _known(cls, function: str) -> str:
        if function not in DERIVATIONS:
            raise ValueError(unknown("function", function, DERIVATIONS))
        return function


class Campaign(_Model):
    """One discovery goal: pool, criteria or objective, acquisition, validator and budget."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    description: str = ""
    pool: Pool
    criteria: tuple[Criterion, ...] = Field(default=(), description="A material is a hit when all hold.")
    objective: Objective | None = None
    method: str = Field(description="Labels of another method are never mixed in.")
    derive: dict[PropertyName, Derivation] = Field(default_factory=dict)
    learning: Learning = Learning()
    acquisition: Acquisition = Acquisition()
    initial_batch: int = Field(default=20, ge=1, description="Evaluations before the first model.")
    validator: Literal["reference_table", "gpaw", "laboratory"]
    review: Literal["manual", "automatic"] = Field(
        default="manual", description="Automatic sends every suggestion to validation without a person."
    )
    seed: int = Field(default=0, ge=0, lt=2**63)
    stop: Stop = Stop()
    test_fraction: float = Field(
        default=0.1,
        ge=0,
        le=0.5,
        description="Share of the pool whose labels measure the error and never train.",
    )

    @field_validator("method")
    @classmethod
    def _known_method(cls, method: str) -> str:
        if method not in METHODS:
            raise ValueError(unknown("method", method, METHODS))
        return method

    @model_validator(mode="after")
    def _one_goal(self) -> Self:
        if bool(self.criteria) == (self.objective is not None):
            raise ValueError("give either criteria (at least one) or an objective")
        feasibility = self.acquisition.strategy is Strategy.PROBABILITY_OF_FEASIBILITY
        if self.objective is not None and feasibility:
            raise ValueError(
                "acquisition.strategy probability_of_feasibility needs criteria; "
                "for an objective choose expected_improvement, upper_confidence_bound or thompson"
            )
        if self.objective is not None and self.stop.target_hits is not None:
            raise ValueError("stop.target_hits needs criteria: an objective has no hits")
        for name, derivation in self.derive.items():
            if derivation.argument in self.derive:
                raise ValueError(
                    f"derive.{name}: {derivation.argument} is itself derived; derive from a learned one"
                )
        return self

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
        return tuple(
            sorted({self.derive[name].argument if name in self.derive else name for name in self.properties})
        )

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
        canonical = json.dumps(self.document, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def unknown(kind: str, name: str, known: Any) -> str:
    """Say that ``name`` is not one of ``known``, and which come close."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? " if close else ""
    return f"unknown {kind} '{name}': {hint}known are {', '.join(known)}"
