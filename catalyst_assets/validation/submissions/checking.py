"""What each measurement of a file would do, for who looks before submitting: nothing here is recorded.

Rows are noted as the ledger is compared with them, and looked at again once the trial has recorded and examined them.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from catalyst_assets.validation.results.ledger import compare, find_newest
from catalyst_assets.validation.results.model import Result
from catalyst_assets.validation.results.outliers import Flag, load_flags
from catalyst_assets.validation.submissions.batches import Batch
from catalyst_assets.validation.submissions.outcome import CheckedRow
from catalyst_assets.validation.submissions.reading.entries import Entry
from catalyst_assets.validation.submissions.resolving import Resolver, Target
from resources.postgres.database import fetch_all

if TYPE_CHECKING:
    import sqlalchemy as sa

MOST_LISTED: Final = 1000


@dataclass
class Listing:
    """The first measurements of a file.

    Attributes
    ----------
    rows
        In its order.
    """

    resolver: Resolver
    rows: list[CheckedRow] = field(default_factory=list)
    _results: list[Result] = field(default_factory=list)

    def add(self, connection: "sa.Connection", batch: Batch) -> None:
        """Note measurements before they are recorded; those of crystals that nobody knows are left out."""
        known = [
            each
            for each in zip(batch.entries, batch.targets, batch.results, strict=True)
            if each[1].new_crystal is None
        ][: MOST_LISTED - len(self.rows)]
        if not known:
            return
        results = [result for *_, result in known]
        new, corrections, _ = compare(connection, results)
        does = dict.fromkeys(new, "new") | dict.fromkeys(corrections, "correction")
        formulas = self.resolver.formulas_of(target.material_id for _, target, _ in known)
        for place, (entry, target, result) in enumerate(known):
            self.rows.append(self._row(entry, target, result, formulas, does.get(place, "known")))
        self._results += results

    def look(self, connection: "sa.Connection") -> None:
        """Add what would be learned of each, and why it is worth a look, while the trial holds them."""
        campaigns = {row.campaign for row in self.rows if row.is_label}
        materials = sorted({row.material_id for row in self.rows})
        labels = {
            (name, label["material_id"], label["property"]): label
            for name in campaigns
            for label in fetch_all(
                connection, "validation/submissions/labels", campaign=name, material_ids=materials
            )
        }
        flags: defaultdict[int, list[Flag]] = defaultdict(list)
        for name in campaigns:
            for flag in load_flags(connection, name):
                flags[flag.result_id].append(flag)
        numbers = find_newest(connection, self._results)
        for place, (row, number) in enumerate(zip(self.rows, numbers, strict=True)):
            label = labels.get((row.campaign, row.material_id, row.property)) if row.is_label else None
            if label is not None:
                row = replace(
                    row,
                    label=label["value"],
                    label_deviation=label["standard_deviation"],
                    replicates=label["n_results"],
                    flags=tuple(_told(flag) for flag in flags[number or 0]),
                )
            self.rows[place] = row

    def _row(
        self, entry: Entry, target: Target, result: Result, formulas: dict[str, str], does: str
    ) -> CheckedRow:
        learned = self.resolver.method_of(target) == entry.method and result.outcome == "measured"
        return CheckedRow(
            place=entry.place,
            candidate=target.candidate_id,
            campaign=target.campaign,
            material_id=target.material_id,
            formula=formulas.get(target.material_id, entry.formula),
            property=result.property,
            method=result.method,
            outcome=result.outcome,
            value=result.value,
            unit=result.unit,
            standard_deviation=result.standard_deviation,
            given=entry.given,
            sample=result.sample,
            batch=result.batch,
            replicate=result.replicate,
            does=does,
            is_label=bool(target.campaign) and learned,
        )


def _told(flag: Flag) -> str:
    of = "what was predicted" if flag.apart_from == "prediction" else f"its {flag.n_replicates} replicates"
    return f"{abs(flag.distance):.1f} standard deviations {'above' if flag.distance > 0 else 'below'} {of}"
