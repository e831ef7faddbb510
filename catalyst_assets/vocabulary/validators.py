"""Which validators there are: what campaigns may name, how each answers, and what people read of it.

Declarations only: ``validation.registry`` holds what implements them, and the loop decides by how they answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator

from catalyst_assets.vocabulary.words import unknown


class Answers(StrEnum):
    """How answers come."""

    AT_ONCE = "at_once"
    BY_JOBS = "by_jobs"
    FROM_OUTSIDE = "from_outside"


@dataclass(frozen=True)
class ValidatorSpec:
    """One validator.

    Attributes
    ----------
    answers
        At once when it is asked; by calculations that take their time; or from outside, when people submit them.
    is_deterministic
        Whether asking again after a failure gives the same failure.
    description
        One line for people.
    """

    name: str
    label: str
    answers: Answers
    description: str
    is_deterministic: bool = False

    @property
    def in_sentence(self) -> str:
        """As a sentence names it: a name of its own without an article."""
        return self.label if self.label[0].isupper() else f"the {self.label}"


VALIDATORS: Final[Mapping[str, ValidatorSpec]] = {
    spec.name: spec
    for spec in (
        ValidatorSpec(
            "reference_table",
            "reference table",
            Answers.AT_ONCE,
            "Answers from a table that was ingested with `answers: true`, hidden from everything else.",
            is_deterministic=True,
        ),
        ValidatorSpec(
            "laboratory",
            "laboratory",
            Answers.FROM_OUTSIDE,
            "Results come by the API, as files or through the review app, in their own time.",
        ),
        ValidatorSpec(
            "gpaw",
            "GPAW",
            Answers.BY_JOBS,
            "Plane-wave density functional theory with GPAW (extra `dft`), in a process of its own.",
            is_deterministic=True,
        ),
        ValidatorSpec(
            "adsorption",
            "adsorption path",
            Answers.BY_JOBS,
            "Lowest adsorption energies on a material's surfaces by the potential that the campaign's method names.",
            is_deterministic=True,
        ),
        ValidatorSpec(
            "command",
            "command",
            Answers.BY_JOBS,
            "Any program of yours: structure in, JSON out (CATALYST_VALIDATOR_COMMAND).",
        ),
    )
}


def _known(name: str) -> str:
    if name not in VALIDATORS:
        raise ValueError(unknown("validator", name, VALIDATORS))
    return name


ValidatorName = Annotated[str, AfterValidator(_known)]
