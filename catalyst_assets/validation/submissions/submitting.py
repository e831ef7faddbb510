"""Submitting a file of results: taken whole or refused whole, shown beforehand, once however often it comes."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

from catalyst_assets.ingestion.laboratory.crystals import ingest_crystals
from catalyst_assets.ingestion.raw_cache import is_whole, raw_key
from catalyst_assets.validation.results.model import Channel, Submission
from catalyst_assets.validation.submissions.batches import Batches
from catalyst_assets.validation.submissions.checking import Listing
from catalyst_assets.validation.submissions.outcome import Outcome
from catalyst_assets.validation.submissions.reading.entries import Defaults
from catalyst_assets.validation.submissions.reading.opening import Opened, open_file
from catalyst_assets.validation.submissions.reading.problems import Problems, RefusedFileError
from catalyst_assets.validation.submissions.reading.structures import Beside, GivenCrystal, in_archive
from catalyst_assets.validation.submissions.resolving import Resolver
from catalyst_assets.validation.submissions.tallying import Tally
from resources.postgres.database import Role, fetch_one

if TYPE_CHECKING:
    from resources.platform import Platform

_NOTHING_BESIDE: Final[Beside] = lambda name: None  # noqa: E731


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
    role: Role = Role.VALIDATOR,
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
    role
        The review app's has leave to add results, but no materials.

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
        platform, file, opened, by, channel, defaults or Defaults(), dry_run, today or _today(), role
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
    role: Role
    crystals: dict[str, GivenCrystal] = field(default_factory=dict)

    def run(self, ingested: tuple[str, ...] = ()) -> Outcome:
        """Read, check and record everything in one transaction, which ends without a trace where it may not be kept."""
        self.crystals = {}
        problems = Problems()
        with self.platform.database.transaction(self.role) as connection:
            kept = connection.begin_nested()
            beside = in_archive(self.opened.companions) if self.opened.companions else self.file.beside
            resolver = Resolver(connection, problems, beside)
            batches = Batches(self.opened, self.defaults, resolver, problems, self.today)
            before = fetch_one(connection, "validation/submissions/before", sha256=self.file.sha256)
            submission = Submission(self.file.sha256, self.file.name, self.channel, self.by)
            listing = Listing(resolver) if self.dry_run else None
            may_ingest = self.role is not Role.APP
            tally = Tally(connection, submission, problems, may_ingest=may_ingest, listing=listing)
            for batch in batches:
                tally.take(batch)
            self._require_sound(problems, batches, tally)
            self.crystals = tally.crystals
            outcome = Outcome(
                self.file.name,
                self.file.sha256,
                self.dry_run,
                added=tally.added,
                corrected=tally.corrected,
                unchanged=tally.unchanged,
                failed=tally.failed,
                corrections=tuple(tally.corrections),
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
                results=() if self.dry_run else tuple(tally.numbers),
                rows=tuple(listing.rows) if listing else (),
            )
            if self.dry_run or tally.crystals:
                kept.rollback()
            else:
                self._keep_bytes()
                kept.commit()
        return outcome

    def _require_sound(self, problems: Problems, batches: Batches, tally: Tally) -> None:
        if not problems.count and not tally.n_results:
            problems.add(
                "", "", "", f"none of its {batches.unfilled} rows holds a result" if batches.unfilled else "it has no rows",
                "Fill in the column value; where nothing came of it, write failed into outcome or no into synthesis.",
            )  # fmt: skip
        if problems.count:
            sound = tally.n_results - tally.n_refused
            raise RefusedFileError(self.file.name, problems.kept, problems.count, sound)

    def _keep_bytes(self) -> None:
        if not is_whole(self.platform.objects, self.file.sha256):
            self.platform.objects.put_bytes(raw_key(self.file.sha256), self.file.data)


def _remarks(batches: Batches) -> Iterable[str]:
    for (campaign, given, wanted), count in batches.methods.items():
        yield (
            f"{count:,} results are by {given}, and {campaign} learns from {wanted}: they are kept, and no label of it."
        )
    if batches.left_out:
        yield f"not read: {', '.join(batches.left_out)}. A column that says how it was measured is called `condition: …`."
