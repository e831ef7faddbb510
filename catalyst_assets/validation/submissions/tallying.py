"""Recording the results of a file batch by batch, and finding what follows for candidates."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.errors import ResultConflictError
from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import compare, find_newest, record_results
from catalyst_assets.validation.results.model import Result, Submission
from catalyst_assets.validation.results.outliers import FEWEST, LIMIT, modified_z_scores
from catalyst_assets.validation.results.settling import settle
from catalyst_assets.validation.submissions.batches import Batch
from catalyst_assets.validation.submissions.checking import Listing
from catalyst_assets.validation.submissions.outcome import Correction, Movement, Outlier
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.structures import GivenCrystal
from catalyst_assets.validation.submissions.resolving import Resolver
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

# More is not looked at for outliers and movements: the answer would not be read.
_MOST_MATERIALS: Final = 20_000
_MOST_ITERATIONS: Final = 50
_MOST_CORRECTIONS: Final = 1000
_MOST_NUMBERED: Final = 10_000
_NEW_REMEDY: Final = "Submit it with `catalyst validation submit`, which takes in new crystals too; then its material_id is known."
_CONFLICT_REMEDY: Final = (
    "To correct it, say why in the column correction; number another measurement in the column replicate."
)


@dataclass
class Tally:
    """Records batches and remembers what came of them.

    Attributes
    ----------
    may_ingest
        Whether a crystal that nobody knows becomes a material.
    listing
        Where each measurement is listed with what it does, if anybody looks.
    n_refused
        How many of the results became problems here.
    numbers
        Of the results in their order; none where there are too many.
    """

    connection: "sa.Connection"
    submission: Submission
    problems: Problems
    may_ingest: bool = True
    listing: Listing | None = None
    n_results: int = 0
    n_refused: int = 0
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    failed: int = 0
    corrections: list[Correction] = field(default_factory=list)
    crystals: dict[str, GivenCrystal] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)
    materials: set[str] = field(default_factory=set)
    numbers: list[int] = field(default_factory=list)

    def take(self, batch: Batch) -> None:
        """Record a batch; what contradicts the ledger becomes a problem, and nothing more is recorded then."""
        self.n_results += len(batch.results)
        self.failed += sum(result.outcome == "failed" for result in batch.results)
        places, results = [], []
        for entry, target, result in zip(batch.entries, batch.targets, batch.results, strict=True):
            if target.new_crystal is None:
                places.append(entry)
                results.append(result)
            elif self.may_ingest:
                self.crystals[target.material_id] = target.new_crystal
                self.added += 1
            else:
                self.n_refused += 1
                self.problems.add(
                    entry.place,
                    "structure",
                    "",
                    "the structure is that of no material that is known here",
                    _NEW_REMEDY,
                )
        self.keys |= {result.partition_key for result in results}
        self.materials |= {result.material_id for result in results}
        if not results:
            return
        if self.listing is not None:
            self.listing.add(self.connection, batch)
        try:
            if self.problems.count or any(result.corrects for result in results):
                _, corrections, conflicts = compare(self.connection, results)
                if conflicts:
                    raise ResultConflictError(conflicts)
                self._note(corrections, results, [entry.place for entry in places])
            if not self.problems.count:
                recorded = record_results(self.connection, results, self.submission)
                self.added += len(recorded.added)
                self.corrected += len(recorded.corrected)
                self.unchanged += recorded.unchanged
                self._number(results)
        except ResultConflictError as error:
            held = find_newest(self.connection, [results[place] for place, _ in error.problems])
            self.n_refused += len(error.problems)
            for (place, said), number in zip(error.problems, held, strict=True):
                entry = places[place]
                self.problems.add(entry.place, entry.column, "", said.rstrip("."), _CONFLICT_REMEDY, number)

    def movements(self, resolver: Resolver) -> tuple[Movement, ...]:
        """Return which candidates follow the results when their iterations are looked at next."""
        if not self.added and not self.corrected:
            return ()
        keys = sorted(
            {key for key in self.keys if key}
            | resolver.iterations_of(sorted(self.materials)[:_MOST_MATERIALS])
        )
        keys = keys[:_MOST_ITERATIONS]
        if not keys:
            return ()
        before = self._statuses(keys)
        trial = self.connection.begin_nested()
        for key in (None, *keys):
            examine(self.connection, key)
        for key in keys:
            settle(self.connection, read_iteration(self.connection, key))
        after = self._statuses(keys)
        if self.listing is not None:
            self.listing.look(self.connection)
        trial.rollback()
        return tuple(
            Movement(
                number,
                row["campaign"],
                row["material_id"],
                row["formula"],
                row["status"],
                after[number]["status"],
            )
            for number, row in before.items()
            if row["status"] != after[number]["status"]
        )

    def outliers(self) -> tuple[Outlier, ...]:
        """Return the measurements of these materials that lie far from their replicates."""
        rows = fetch_all(
            self.connection,
            "validation/submissions/replicates",
            material_ids=sorted(self.materials)[:_MOST_MATERIALS],
            fewest=FEWEST,
        )
        found = []
        for _, group in groupby(rows, itemgetter("material_id", "property", "method")):
            members = list(group)
            for row, score in zip(members, modified_z_scores([row["value"] for row in members]), strict=True):
                if abs(score) > LIMIT:
                    found.append(
                        Outlier(
                            row["material_id"],
                            row["property"],
                            row["value"],
                            row["unit"],
                            row["sample"],
                            row["batch"],
                            row["replicate"],
                            float(score),
                            len(members),
                        )
                    )
        return tuple(found)

    def _number(self, results: Sequence[Result]) -> None:
        if self.n_results > _MOST_NUMBERED:
            self.numbers = []
        else:
            self.numbers += [number for number in find_newest(self.connection, results) if number is not None]

    def _statuses(self, keys: Sequence[str]) -> dict[int, dict[str, str]]:
        rows = fetch_all(self.connection, "validation/submissions/statuses", partition_keys=list(keys))
        return {row["candidate_id"]: row for row in rows}

    def _note(self, corrections: dict[int, int], results: Sequence[Result], places: Sequence[str]) -> None:
        rows = fetch_all(
            self.connection, "validation/submissions/values", result_ids=list(corrections.values())
        )
        held = {row["result_id"]: row for row in rows}
        for place, number in list(corrections.items())[: _MOST_CORRECTIONS - len(self.corrections)]:
            before, result = held[number], results[place]
            self.corrections.append(
                Correction(
                    places[place],
                    result.material_id,
                    result.property,
                    _told(before["outcome"], before["value"], before["unit"], before["standard_deviation"]),
                    _told(result.outcome, result.value, result.unit, result.standard_deviation),
                    result.corrects,
                )
            )


def _told(outcome: str, value: float | None, unit: str | None, deviation: float | None) -> str:
    if value is None:
        return outcome
    return f"{value:g}{f' ± {deviation:g}' if deviation is not None else ''} {unit or ''}".strip()
