"""The one partition dimension: an iteration of a campaign, `<campaign>__<0007>`.

Keys are only ever added (Dagster's automation breaks on removed ones); an iteration that must not go
on is marked abandoned in the database.
"""

import re
from dataclasses import dataclass

import dagster as dg

from catalyst_assets.errors import UsageError

AL_ITERATION = dg.DynamicPartitionsDefinition(name="al_iteration")

_KEY = re.compile(r"(?P<campaign>[a-z0-9]+(?:-[a-z0-9]+)*)__(?P<iteration>\d{4,})")


@dataclass(frozen=True)
class IterationKey:
    """One iteration of one campaign's loop."""

    campaign: str
    iteration: int

    def __str__(self) -> str:
        return f"{self.campaign}__{self.iteration:04d}"

    @property
    def parent(self) -> "IterationKey | None":
        """The iteration before this one; None for the first."""
        return IterationKey(self.campaign, self.iteration - 1) if self.iteration else None

    @classmethod
    def parse(cls, key: str) -> "IterationKey":
        """Read a partition key.

        Raises
        ------
        UsageError
            ``key`` is not of the form ``<campaign>__<0007>``.
        """
        match = _KEY.fullmatch(key)
        if match is None:
            raise UsageError(
                f"{key!r} is not a partition key.", "Write <campaign>__<iteration of four digits>."
            )
        return cls(match["campaign"], int(match["iteration"]))
