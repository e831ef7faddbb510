"""What the ledger of results should say, as plain Python: the reference that the database is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

Identity = tuple[str | None, str, str, int]


@dataclass(frozen=True)
class Entry:
    """One row: what it is of, what it says (None: failed), what it replaces, and why."""

    partition_key: str | None
    material: str
    name: str
    replicate: int
    value: float | None
    outcome: str
    supersedes: int | None = None
    reason: str = ""

    @property
    def identity(self) -> Identity:
        """What makes it the same result as another."""
        return self.partition_key, self.material, self.name, self.replicate


@dataclass
class ReferenceLedger:
    """Rows in the order in which they were committed.

    Attributes
    ----------
    examined
        Places of the rows that were looked at.
    """

    admitted: dict[str, tuple[float, float]]
    rows: list[Entry] = field(default_factory=list)
    examined: set[int] = field(default_factory=set)

    def chain(self, identity: Identity) -> list[int]:
        """Return the places of all that was said of one result."""
        return [place for place, row in enumerate(self.rows) if row.identity == identity]

    def examine(self, partition_keys: Sequence[str | None]) -> None:
        """Look at the rows of some iterations."""
        self.examined |= {place for place, row in enumerate(self.rows) if row.partition_key in partition_keys}

    def truths(self) -> dict[tuple[str, str], float]:
        """Return the value of each property of each material: the mean of what counts."""
        superseded = {row.supersedes for row in self.rows}
        found: dict[tuple[str, str], list[float]] = {}
        for place, row in enumerate(self.rows):
            if place in superseded or place not in self.examined or row.value is None:
                continue
            low, high = self.admitted[row.name]
            if low <= row.value <= high:
                found.setdefault((row.material, row.name), []).append(row.value)
        return {key: fmean(values) for key, values in found.items()}

    def submit(self, entry: Entry, corrects: str = "") -> str:
        """Say what a submission should come to, and add what it adds: added, unchanged, corrected or refused."""
        chain = self.chain(entry.identity)
        if not chain:
            self.rows.append(entry)
            return "added"
        same = [
            place
            for place in chain
            if (self.rows[place].value, self.rows[place].outcome) == (entry.value, entry.outcome)
        ]
        is_newest = bool(same) and same[-1] == chain[-1]
        if is_newest or (same and not corrects) or any(self.rows[place].reason == corrects for place in same):
            return "unchanged"
        if not corrects:
            return "refused"
        self.rows.append(Entry(**vars(entry) | {"supersedes": chain[-1], "reason": corrects}))
        return "corrected"

    def retract(self, place: int, reason: str) -> None:
        """Withdraw a row that nothing supersedes."""
        row = self.rows[place]
        self.rows.append(
            Entry(row.partition_key, row.material, row.name, row.replicate, None, "retracted", place, reason)
        )
