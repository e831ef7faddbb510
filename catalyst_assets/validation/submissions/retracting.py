"""Taking results back: each by its number, or all of a candidate's; and what had been made from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError
from catalyst_assets.validation.results.ledger import retract
from resources.postgres.database import Role, fetch_all

if TYPE_CHECKING:
    from resources.postgres.database import Database


@dataclass(frozen=True)
class Retracted:
    """What became of results that were taken back.

    Attributes
    ----------
    retracted, retracted_before
        Their numbers: now, and those that had been before.
    labels_of
        The iterations that learned from any of them.
    """

    retracted: tuple[int, ...]
    retracted_before: tuple[int, ...]
    labels_of: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """Yield what a person reads, one line each."""
        listed = ", ".join(map(str, self.retracted))
        yield (
            f"Retracted: result {listed}."
            if listed
            else "These results were retracted already; nothing changes."
        )
        if self.labels_of:
            yield f"Labels were made from them in {', '.join(self.labels_of)}: what was learned there is marked."


def retract_results(
    database: "Database", results: Sequence[int], candidate: int | None, *, by: str, reason: str
) -> Retracted:
    """Take results back in one transaction: all of them or none.

    Parameters
    ----------
    results
        Numbers of results; empty where a candidate is given.
    candidate
        One all of whose results are taken back.

    Raises
    ------
    UsageError
        Nothing is named or both are, one does not exist or was corrected since, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("No reason is given.", "Say why with --reason: it is kept for ever.")
    if (candidate is None) == (not results):
        raise UsageError(
            "Nothing is named, or too much.",
            "Give numbers of results, or --candidate with one of a candidate.",
        )
    with database.transaction(Role.VALIDATOR) as connection:
        numbers = list(results)
        if candidate is not None:
            rows = fetch_all(
                connection, "validation/submissions/results_of_candidate", candidate_id=candidate
            )
            if not rows:
                raise UsageError(
                    f"Candidate {candidate} has no results.", "`catalyst validation list` shows numbers."
                )
            numbers = [row["result_id"] for row in rows]
        is_new = {number: retract(connection, number, by=by, reason=reason) for number in numbers}
        used = fetch_all(connection, "validation/submissions/labels_made_from", result_ids=numbers)
    return Retracted(
        tuple(number for number, new in is_new.items() if new),
        tuple(number for number, new in is_new.items() if not new),
        tuple(row["partition_key"] for row in used),
    )
