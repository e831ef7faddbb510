"""What a result is, before it is in the ledger: the same for laboratories, programs and tables.

The fields are the columns of ``validation_results``; docs/validation.md says what they mean to who fills them in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import attrgetter
from typing import Any, Final, Literal

Channel = Literal["api", "file", "folder", "form", "validator"]
Outcome = Literal["measured", "failed"]
Synthesis = Literal["succeeded", "failed"]

# What makes two rows the same result, so that the later one is a duplicate or a correction.
IDENTITY: Final = (
    "partition_key",
    "material_id",
    "property",
    "method",
    "validator",
    "sample",
    "batch",
    "replicate",
)
# What a correction may change.
CONTENT: Final = (
    "outcome",
    "value",
    "unit",
    "standard_deviation",
    "conditions",
    "synthesis",
    "operator",
    "measured_on",
    "attachment",
    "note",
)


# On files of a million rows it is asked for often.
_identity: Final = attrgetter(*IDENTITY)


@dataclass(frozen=True)
class Result:
    """One property of one material, measured or failed.

    Attributes
    ----------
    property
        None where the whole attempt failed.
    value, standard_deviation
        In ``unit``, which is the property's; None unless it was measured, or where no deviation was stated.
    partition_key
        The iteration whose candidate it answers; None where nobody's did.
    replicate
        1 for the first measurement of a sample.
    synthesis
        Whether the material could be made; None where nothing was said of it.
    corrects
        Why it replaces what was submitted of the same sample and replicate; empty for a result of its own.
    """

    material_id: str
    method: str
    validator: str
    property: str | None = None
    outcome: Outcome = "measured"
    value: float | None = None
    unit: str | None = None
    standard_deviation: float | None = None
    partition_key: str | None = None
    sample: str = ""
    batch: str = ""
    replicate: int = 1
    conditions: Mapping[str, Any] = field(default_factory=dict)
    synthesis: Synthesis | None = None
    operator: str = ""
    measured_on: date | None = None
    attachment: str = ""
    note: str = ""
    corrects: str = ""

    def identity(self) -> tuple[Any, ...]:
        """Return what makes it the same result as another."""
        return _identity(self)

    def content(self) -> dict[str, Any]:
        """Return what a correction may change."""
        return {name: getattr(self, name) for name in CONTENT}

    def __str__(self) -> str:
        of = f"{self.property or 'The attempt'} of {self.material_id}"
        named = [f"{name} {value}" for name in ("sample", "batch") if (value := getattr(self, name))]
        named += [f"replicate {self.replicate}"] if self.replicate > 1 else []
        return f"{of} ({', '.join(named)})" if named else of


@dataclass(frozen=True)
class Submission:
    """What rows come by.

    Attributes
    ----------
    sha256
        Hash of the bytes as received.
    name
        Of the file, or what it is.
    submitted_by
        Who, as the log of decisions shows it.
    """

    sha256: str
    name: str
    channel: Channel
    submitted_by: str


@dataclass(frozen=True)
class Recorded:
    """What became of a submission's rows.

    Attributes
    ----------
    added, corrected
        Numbers of the results that are new, and of those that correct another.
    unchanged
        How many were there already.
    partition_keys
        The iterations whose ledger changed.
    """

    added: tuple[int, ...] = ()
    corrected: tuple[int, ...] = ()
    unchanged: int = 0
    partition_keys: tuple[str, ...] = ()
