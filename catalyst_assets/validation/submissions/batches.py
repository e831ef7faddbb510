"""The results that a file holds, part by part: entries with their targets, and no two of the same measurement."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.results.model import Result
from catalyst_assets.validation.submissions.reading.entries import Defaults, Entry, EntryReader
from catalyst_assets.validation.submissions.reading.opening import Opened, read_sheets
from catalyst_assets.validation.submissions.resolving import LABORATORY, Resolver, Target

if TYPE_CHECKING:
    from catalyst_assets.validation.submissions.reading.problems import Problems

_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Batch:
    """Some results of a file, in its order.

    Attributes
    ----------
    results
        One for each entry.
    """

    entries: list[Entry]
    targets: list[Target]
    results: list[Result]


@dataclass
class Batches:
    """Reads a file once.

    Attributes
    ----------
    unfilled
        Rows of a work order that hold no result yet.
    left_out
        Headings of columns that say nothing of a result.
    conversions
        How many values were converted, by property and units.
    methods
        How many results are by another method than their campaign learns from, by campaign and methods.
    """

    opened: Opened
    defaults: Defaults
    resolver: Resolver
    problems: "Problems"
    today: date
    unfilled: int = 0
    left_out: list[str] = field(default_factory=list)
    conversions: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    methods: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    # Places by hash of identity, and hashes of identity with content: a million entries are too many to keep.
    _seen: dict[int, str] = field(default_factory=dict)
    _contents: set[int] = field(default_factory=set)

    def __iter__(self) -> Iterator[Batch]:
        """Yield all results; those with a problem are left out."""
        entries = self._entries()
        while part := list(islice(entries, _AT_ONCE)):
            targets = self.resolver.resolve(part)
            batch = Batch([], [], [])
            for entry, target in zip(part, targets, strict=True):
                if target is not None and self._is_first(entry, target):
                    batch.entries.append(entry)
                    batch.targets.append(target)
                    batch.results.append(_to_result(entry, target))
                    self._count(entry, target)
            yield batch

    def _entries(self) -> Iterator[Entry]:
        for sheet in read_sheets(self.opened, self.problems):
            reader = EntryReader(sheet, self.defaults, self.problems, self.today)
            yield from reader
            self.unfilled += reader.unfilled
            self.left_out += [name for name in reader.left_out if name not in self.left_out]

    def _count(self, entry: Entry, target: Target) -> None:
        if entry.given and entry.property and entry.unit:
            self.conversions[entry.property, entry.given.partition(" ")[2], entry.unit] += 1
        wanted = self.resolver.method_of(target)
        if wanted and wanted != entry.method:
            self.methods[target.campaign, entry.method, wanted] += 1

    def _is_first(self, entry: Entry, target: Target) -> bool:
        identity = hash(
            (target.partition_key, target.material_id, entry.property, entry.method, entry.sample, entry.batch,
             entry.replicate)
        )  # fmt: skip
        content = hash((identity, entry.value, entry.standard_deviation, entry.synthesis))
        earlier = self._seen.get(identity)
        if earlier is None:
            self._seen[identity] = entry.place
            self._contents.add(content)
            return True
        of = f"{entry.property or 'the attempt'} of {entry.formula or entry.candidate or target.material_id}"
        self.problems.add(
            entry.place, entry.column, entry.value if entry.value is not None else "failed",
            f"is {of} a second time, the same as in {earlier}" if content in self._contents
            else f"contradicts {earlier}, which gives {of} too",
            "Delete one of them; of several measurements number each in the column replicate, or name its sample.",
        )  # fmt: skip
        return False


def _to_result(entry: Entry, target: Target) -> Result:
    return Result(
        material_id=target.material_id,
        method=entry.method,
        validator=LABORATORY,
        property=entry.property,
        outcome="failed" if entry.value is None else "measured",
        value=entry.value,
        unit=entry.unit,
        standard_deviation=entry.standard_deviation,
        partition_key=target.partition_key,
        sample=entry.sample,
        batch=entry.batch,
        replicate=entry.replicate,
        conditions=entry.conditions,
        synthesis=None if entry.synthesis is None else ("succeeded" if entry.synthesis else "failed"),
        operator=entry.operator,
        measured_on=entry.measured_on,
        attachment=entry.attachment,
        note=entry.note,
        corrects=entry.correction,
    )
