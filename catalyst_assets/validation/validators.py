"""What a validator is: asked for properties of materials, it answers at once, by calculations, or from outside.

Which there are is declared in ``vocabulary.validators``; ``registry`` holds what implements them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class WorkRequest:
    """What is asked of a validator; the same request is the same work, whoever asks and how often."""

    material_id: str
    properties: tuple[str, ...]
    method: str


@dataclass(frozen=True)
class Answer:
    """One measured property of one material, in ``unit``.

    Attributes
    ----------
    standard_deviation
        Of the value, in its unit; None where it is not known.
    """

    material_id: str
    property: str
    method: str
    value: float
    unit: str
    note: str = ""
    standard_deviation: float | None = None


class Progress(StrEnum):
    """How work stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self in {Progress.DONE, Progress.FAILED, Progress.CANCELLED}


@dataclass(frozen=True)
class Collected:
    """What came of a request.

    Attributes
    ----------
    answers
        The properties that were measured.
    reason
        Why the others were not; empty where none lacks.
    attempt
        Which try it is, 1 for the first: a second failure is another one.
    """

    answers: tuple[Answer, ...] = ()
    reason: str = ""
    attempt: int = 1


class Validator(Protocol):
    """Measures materials. Every method works in the caller's transaction, as the role of the validator."""

    @property
    def name(self) -> str:
        """What the results record as their validator."""

    def submit(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> None:
        """Have work done; what is under way or done goes on or stands, what failed is tried once more."""

    def poll(self, connection: "sa.Connection", requests: Sequence[WorkRequest]) -> Mapping[str, Progress]:
        """Tell how the work on each material stands; one that was never submitted is left out."""

    def collect(self, connection: "sa.Connection", request: WorkRequest) -> Collected:
        """Return what came of work that is over; again, the same."""

    def cancel(self, connection: "sa.Connection", request: WorkRequest, reason: str) -> None:
        """Have work ended that nobody wants any more; what is over stays as it is."""
