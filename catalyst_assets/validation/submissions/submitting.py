"""Submitting a file of results: taken whole or refused whole, shown beforehand, once however often it comes."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.errors import ResultConflictError
from catalyst_assets.ingestion.laboratory.crystals import ingest_crystals
from catalyst_assets.ingestion.raw_cache import is_whole, raw_key
from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import compare, record_results
from catalyst_assets.validation.results.model import Channel, Result, Submission
from catalyst_assets.validation.results.settling import settle
from catalyst_assets.validation.submissions.batches import Batch, Batches
from catalyst_assets.validation.submissions.outcome import Correction, Movement, Outcome, Outlier
from catalyst_assets.validation.submissions.outliers import FEWEST, LIMIT, modified_z_scores
from catalyst_assets.validation.submissions.reading.entries import Defaults
from catalyst_assets.validation.submissions.reading.opening import Opened, open_file
from catalyst_assets.validation.submissions.reading.problems import Problems, RefusedFileError
from catalyst_assets.validation.submissions.reading.structures import Beside, GivenCrystal, in_archive
from catalyst_assets.validation.submissions.resolving import Resolver
from resources.postgres.database import Role, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.platform import Platform

_NOTHING_BESIDE: Final[Beside] = lambda name: None  # noqa: E731
# More is not looked at for outliers and movements: the answer would not be read.
_MOST_MATERIALS: Final = 20_000
_MOST_ITERATIONS: Final = 50
_MOST_CORRECTIONS: Final = 1000
_CONFLICT_REMEDY: Final = (
    "To correct it, say why in the column correction; number another measurement in the column replicate."
)


@dataclass(frozen=True)
class ResultFile:
    """A file of results as it came.

    Attributes
    ----------
    beside
        Finds the files of structures that rows name.
    """

    name: str
    data: bytes = field(repr=False)
    beside: Beside = field(default=_NOTHING_BESIDE, repr=False)

    @property
    def sha256(self) -> str:
        """Hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def submit_file(
    platform: "Platform",
    file: ResultFile,
    *,
    by: str,
    channel: Channel = "file",
    defaults: Defaults | None = None,
    dry_run: bool = False,
    today: date | None = None,
) -> Outcome:
    """Record the results of a file, or show what that would do.

    Parameters
    ----------
    by
        Who submits, as the ledger shows it.
    defaults
        What is said once for all rows.
    dry_run
        Record nothing.
    today
        No measurement is later; the day it is, in UTC, if None.

    Raises
    ------
    RefusedFileError
        Something is wrong with it: names every problem. Nothing was recorded.
    """
    problems = Problems()
    opened = open_file(file.name, file.data, problems)
    if opened is None:
        raise RefusedFileError(file.name, problems.kept, problems.count)
    attempt = _Attempt(
        platform, file, opened, by, channel, defaults or Defaults(), dry_run, today or _today()
    )
    outcome = attempt.run()
    if attempt.crystals and not dry_run:
        # All else is sound: the materials come first, as their results name them.
        ingest_crystals(platform, [(name, given.cell) for name, given in attempt.crystals.items()])
        named = tuple(sorted(attempt.crystals))
        outcome = attempt.run(named)
    return outcome


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass
class _Attempt:
    platform: "Platform"
    file: ResultFile
    opened: Opened
    by: str
    channel: Channel
    defaults: Defaults
    dry_run: bool
    today: date
    crystals: dict[str, GivenCrystal] = field(default_factory=dict)

    def run(self, ingested: tuple[str, ...] = ()) -> Outcome:
        """Read, check and record everything in one transaction, which ends without a trace where it may not be kept."""
        self.crystals = {}
        problems = Problems()
        with self.platform.database.transaction(Role.VALIDATOR) as connection:
            kept = connection.begin_nested()
            beside = in_archive(self.opened.companions) if self.opened.companions else self.file.beside
            resolver = Resolver(connection, problems, beside)
            batches = Batches(self.opened, self.defaults, resolver, problems, self.today)
            before = fetch_one(connection, "validation/submissions/before", sha256=self.file.sha256)
            tally = _Tally(
                connection, Submission(self.file.sha256, self.file.name, self.channel, self.by), problems
            )
            for batch in batches:
                tally.take(batch)
            self._require_sound(problems, batches, tally)
            self.crystals = tally.crystals
            outcome = Outcome(
                self.file.name,
                self.file.sha256,
                self.dry_run,
                **tally.counts(),
                unfilled=batches.unfilled,
                new_materials=ingested or tuple(sorted(tally.crystals)),
                movements=tally.movements(resolver),
                outliers=tally.outliers(),
                conversions=tuple(
                    f"{name}: {count:,} from {given} to {stored}"
                    for (name, given, stored), count in batches.conversions.items()
                ),
                remarks=tuple(_remarks(batches)),
                before=f"by {before['submitted_by']} on {before['submitted_at']:%Y-%m-%d %H:%M} UTC"
                if before
                else "",
            )
            if self.dry_run or tally.crystals:
                kept.rollback()
            else:
                self._keep_bytes()
                kept.commit()
        return outcome

    def _require_sound(self, problems: Problems, batches: Batches, tally: "_Tally") -> None:
        if not problems.count and not tally.n_results:
            problems.add(
                "", "", "", f"none of its {batches.unfilled} rows holds a result" if batches.unfilled else "it has no rows",
                "Fill in the column value; where nothing came of it, write failed into outcome or no into synthesis.",
            )  # fmt: skip
        if problems.count:
            raise RefusedFileError(self.file.name, problems.kept, problems.count)

    def _keep_bytes(self) -> None:
        if not is_whole(self.platform.objects, self.file.sha256):
            self.platform.objects.put_bytes(raw_key(self.file.sha256), self.file.data)


@dataclass
class _Tally:
    """Records batches and remembers what came of them."""

    connection: "sa.Connection"
    submission: Submission
    problems: Problems
    n_results: int = 0
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    failed: int = 0
    corrections: list[Correction] = field(default_factory=list)
    crystals: dict[str, GivenCrystal] = field(default_factory=dict)
    keys: set[str | None] = field(default_factory=set)
    materials: set[str] = field(default_factory=set)

    def take(self, batch: Batch) -> None:
        """Record a batch; what contradicts the ledger becomes a problem, and nothing more is recorded then."""
        self.n_results += len(batch.results)
        self.failed += sum(result.outcome == "failed" for result in batch.results)
        places, results = [], []
        for entry, target, result in zip(batch.entries, batch.targets, batch.results, strict=True):
            if target.new_crystal is None:
                places.append(entry)
                results.append(result)
            else:
                self.crystals[target.material_id] = target.new_crystal
                self.added += 1
        self.keys |= {result.partition_key for result in results}
        self.materials |= {result.material_id for result in results}
        if not results:
            return
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
        except ResultConflictError as error:
            for place, said in error.problems:
                self.problems.add(
                    places[place].place, places[place].column, "", said.rstrip("."), _CONFLICT_REMEDY
                )

    def counts(self) -> dict[str, object]:
        """Return the counts of an outcome."""
        return {
            "added": self.added, "corrected": self.corrected, "unchanged": self.unchanged, "failed": self.failed,
            "corrections": tuple(self.corrections),
        }  # fmt: skip

    def movements(self, resolver: Resolver) -> tuple[Movement, ...]:
        """Return which candidates follow the results when their iterations are looked at next."""
        if not self.added and not self.corrected:
            return ()
        keys = sorted(
            {key for key in self.keys if key}
            | resolver.iterations_of(sorted(self.materials)[:_MOST_MATERIALS])
        )
        keys = keys[:_MOST_ITERATIONS]
        before = self._statuses(keys)
        trial = self.connection.begin_nested()
        for key in (None, *keys):
            examine(self.connection, key)
        for key in keys:
            settle(self.connection, read_iteration(self.connection, key))
        after = self._statuses(keys)
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
                    named = ("material_id", "property", "value", "unit", "sample", "batch", "replicate")
                    found.append(
                        Outlier(*(row[name] for name in named), z_score=float(score), of=len(members))
                    )
        return tuple(found)

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


def _remarks(batches: Batches) -> Iterable[str]:
    for (campaign, given, wanted), count in batches.methods.items():
        yield (
            f"{count:,} results are by {given}, and {campaign} learns from {wanted}: they are kept, and no label of it."
        )
    if batches.left_out:
        yield f"not read: {', '.join(batches.left_out)}. A column that says how it was measured is called `condition: …`."
