"""What became of a file of results, or would become of it: for people and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

_LISTED: Final = 10


@dataclass(frozen=True)
class Correction:
    """A result that replaces an earlier one."""

    place: str
    material_id: str
    property: str | None
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Movement:
    """A candidate whose lifecycle follows the results."""

    candidate: int
    campaign: str
    material_id: str
    formula: str
    before: str
    after: str


@dataclass(frozen=True)
class Outlier:
    """A measurement far from its replicates."""

    material_id: str
    property: str
    value: float
    unit: str
    sample: str
    batch: str
    replicate: int
    z_score: float
    of: int


@dataclass(frozen=True)
class CheckedRow:
    """A measurement of a file that is sound, and what it would do.

    Attributes
    ----------
    does
        new, correction, or known: the ledger holds it already.
    value, standard_deviation
        In the unit that the property is stored in.
    given
        Value and unit as written, where they were converted.
    is_label
        Whether its campaign would learn from it.
    label, label_deviation, replicates
        The mean that would be learned of its material, how well that is known, and of how many measurements it is.
    flags
        Why it is worth a look: it lies far from its replicates, or from what was predicted.
    """

    place: str
    candidate: int | None
    campaign: str
    material_id: str
    formula: str
    property: str | None
    method: str
    outcome: str
    value: float | None
    unit: str | None
    standard_deviation: float | None
    given: str
    sample: str
    batch: str
    replicate: int
    does: str
    is_label: bool = False
    label: float | None = None
    label_deviation: float | None = None
    replicates: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a submission comes to.

    Attributes
    ----------
    is_dry_run
        Nothing was recorded.
    added, corrected, unchanged
        Results that are new, that replace another, and that were there already.
    failed
        Of these, attempts that failed.
    unfilled
        Rows of a work order without any result yet.
    new_materials
        Crystals that nobody knew, by the names they get.
    conversions
        Values that were converted, in words.
    remarks
        What else is worth a look.
    before
        When and by whom the same bytes came before; empty for new ones.
    results
        Numbers of the results in the order of the file; none in a preview, or of more than 10,000.
    rows
        Of a preview, each of the first measurements with what it would do.
    """

    file: str
    sha256: str
    is_dry_run: bool
    added: int = 0
    corrected: int = 0
    unchanged: int = 0
    failed: int = 0
    unfilled: int = 0
    new_materials: tuple[str, ...] = ()
    corrections: tuple[Correction, ...] = ()
    movements: tuple[Movement, ...] = ()
    outliers: tuple[Outlier, ...] = ()
    conversions: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    before: str = ""
    results: tuple[int, ...] = ()
    rows: tuple[CheckedRow, ...] = ()

    @property
    def changes_nothing(self) -> bool:
        """Whether the ledger holds all of it already."""
        return not self.added and not self.corrected

    def to_json(self) -> dict[str, Any]:
        """Return what `--json`, receipts and the API answer."""
        return {"outcome": "previewed" if self.is_dry_run else "accepted", **asdict(self)}

    def lines(self) -> Iterator[str]:
        """Yield what a person reads, one line each."""
        yield self._first_line()
        if self.unfilled:
            yield f"{_counted(self.unfilled, 'row')} without a result yet: left out."
        yield from _listed("Corrections", [_told_correction(each) for each in self.corrections])
        yield from _listed("Candidates", [_told_movement(each) for each in self.movements])
        yield from _listed("Materials that nobody knew", self.new_materials)
        yield from _listed("Units converted", self.conversions)
        yield from _listed(
            "Far from their replicates (recorded all the same; retract what is wrong)",
            [_told_outlier(each) for each in self.outliers],
        )
        for remark in self.remarks:
            yield f"Note: {remark}"

    def _first_line(self) -> str:
        if self.changes_nothing:
            again = f", submitted {self.before}" if self.before else ""
            return f"{self.file}: all {self.unchanged:,} results are in the ledger already{again}; nothing changes."
        verbs = ("would be added", "would correct others", "are there already") if self.is_dry_run else (
            "added", "corrected", "unchanged")  # fmt: skip
        counts = [
            f"{count:,} {verb}"
            for count, verb in zip((self.added, self.corrected, self.unchanged), verbs, strict=True)
            if count
        ]
        failed = f" ({self.failed:,} of them failed attempts)" if self.failed else ""
        told = "nothing is recorded yet" if self.is_dry_run else "recorded"
        return f"{self.file}: results: {', '.join(counts)}{failed}; {told}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield f"{title}:"
        for line in lines[:_LISTED]:
            yield f"  {line}"
        if len(lines) > _LISTED:
            yield f"  … and {len(lines) - _LISTED:,} more"


def _told_correction(each: Correction) -> str:
    return f"{each.place}: {each.property or 'attempt'} of {each.material_id}: {each.before} → {each.after} ({each.why})"


def _told_movement(each: Movement) -> str:
    return f"{each.candidate} {each.formula} of {each.campaign}: {each.before} → {each.after}"


def _told_outlier(each: Outlier) -> str:
    which = ", ".join(
        f"{name} {value}" for name, value in (("sample", each.sample), ("batch", each.batch)) if value
    )
    return (
        f"{each.property} of {each.material_id}: {each.value:g} {each.unit} "
        f"({f'{which}, ' if which else ''}replicate {each.replicate}; modified z-score {each.z_score:.1f} of {each.of})"
    )
