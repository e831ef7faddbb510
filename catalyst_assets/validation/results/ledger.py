"""Adding to the ledger of results: each once, corrections and retractions as rows of their own.

Whoever calls has validated what came from outside; here it is compared with what the ledger holds. Nothing is ever
changed or removed: the database refuses it (migration 0019).
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.errors import ResultConflictError, UsageError
from catalyst_assets.validation.results.model import CONTENT, IDENTITY, Recorded, Result, Submission
from resources.postgres.database import Row, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

_AT_ONCE: Final = 10_000


def record_results(
    connection: "sa.Connection", results: Sequence[Result], submission: Submission
) -> Recorded:
    """Add results to the ledger in the caller's transaction; the same ones again change nothing.

    Parameters
    ----------
    connection
        As the validator's role or the app's.
    results
        Validated, values in the units of their properties.

    Returns
    -------
    Recorded
        What became of them. A row whose content the ledger already held, now or before a correction, is unchanged: it
        came late.

    Raises
    ------
    ResultConflictError
        A row says something else of a result than the ledger, and not why; nothing is recorded.
    """
    fetch_one(connection, "validation/lock_results")
    new, corrections, problems = compare(connection, results)
    if problems:
        raise ResultConflictError(problems)
    if not new and not corrections:
        return Recorded(unchanged=len(results))
    submitted = fetch_one(
        connection,
        "validation/add_submission",
        sha256=submission.sha256,
        name=submission.name,
        channel=submission.channel,
        submitted_by=submission.submitted_by,
        n_rows=len(results),
    )
    by = {
        "submission_id": submitted["submission_id"] if submitted else None,
        "submitted_by": submission.submitted_by,
    }
    added = [*_add(connection, [(results[place], None) for place in new], by)]
    corrected = [*_add(connection, [(results[place], before) for place, before in corrections.items()], by)]
    keys = {results[place].partition_key for place in (*new, *corrections)}
    return Recorded(
        added=tuple(added),
        corrected=tuple(corrected),
        unchanged=len(results) - len(added) - len(corrected),
        partition_keys=tuple(sorted(key for key in keys if key is not None)),
    )


def compare(
    connection: "sa.Connection", results: Sequence[Result]
) -> tuple[list[int], dict[int, int], list[tuple[int, str]]]:
    """Tell which results are new, which correct another, and which contradict the ledger; nothing is written.

    Returns
    -------
    new
        Places in ``results``.
    corrections
        Place in ``results``, and number of the result that it supersedes.
    problems
        Place in ``results``, and what is wrong as a sentence.
    """
    new: list[int] = []
    corrections: dict[int, int] = {}
    problems: list[tuple[int, str]] = []
    first: dict[tuple[Any, ...], int] = {}
    for start in range(0, len(results), _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, len(results)))
        held = _chains(connection, results, part)
        for place in part:
            result = results[place]
            chain = held[place]
            if chain and _is_known(result, chain):
                continue
            earlier = first.setdefault(result.identity(), place)
            if earlier != place:
                if results[earlier].content() != result.content():
                    problems.append((place, f"{result} stands here twice with different values."))
            elif not chain:
                new.append(place)
            elif result.corrects:
                corrections[place] = chain[-1]["result_id"]
            else:
                problems.append((place, _contradiction(result, chain)))
    return new, corrections, problems


def find_newest(connection: "sa.Connection", results: Sequence[Result]) -> list[int | None]:
    """Return the number under which the ledger holds each result now; None where it holds none."""
    found: list[int | None] = []
    for start in range(0, len(results), _AT_ONCE):
        part = range(start, min(start + _AT_ONCE, len(results)))
        held = _chains(connection, results, part)
        found += [held[place][-1]["result_id"] if place in held else None for place in part]
    return found


def retract(connection: "sa.Connection", result_id: int, *, by: str, reason: str) -> bool:
    """Withdraw a result, by a row that says who and why; False when it was retracted already.

    Raises
    ------
    UsageError
        There is no such result, it was corrected since, or no reason is given.
    """
    if not reason.strip():
        raise UsageError("A retraction says why.", "Give a reason.")
    fetch_one(connection, "validation/lock_results")
    row = fetch_one(connection, "validation/one_result", result_id=result_id)
    if row is None:
        raise UsageError(
            f"There is no result {result_id}.", "`catalyst validation list --results` numbers them."
        )
    if row["outcome"] == "retracted" or row["superseded_as"] == "retracted":
        return False
    if row["superseded_by"] is not None:
        raise UsageError(
            f"Result {result_id} was corrected by result {row['superseded_by']}.",
            f"Retract {row['superseded_by']} instead.",
        )
    fetch_one(connection, "validation/retract", result_id=result_id, submitted_by=by, reason=reason.strip())
    return True


def _chains(connection: "sa.Connection", results: Sequence[Result], places: range) -> dict[int, list[Row]]:
    asked = [
        {"place": place} | dict(zip(IDENTITY, results[place].identity(), strict=True)) for place in places
    ]
    held: dict[int, list[Row]] = defaultdict(list)
    for row in fetch_all(connection, "validation/chains", rows=json.dumps(asked)):
        held[row["place"]].append(row)
    return held


def _is_known(result: Result, chain: Sequence[Row]) -> bool:
    """Tell whether the ledger held exactly this already; a correction back to an earlier value says why anew."""
    same = [row for row in chain if {name: row[name] for name in CONTENT} == result.content()]
    if not result.corrects or (same and same[-1] is chain[-1]):
        return bool(same)
    return any(row["reason"] == result.corrects for row in same)


def _contradiction(result: Result, chain: Sequence[Row]) -> str:
    newest = chain[-1]
    if newest["outcome"] == "retracted":
        return f"{result} was retracted as result {newest['result_id']}: {newest['reason']}."
    if newest["value"] != result.value:
        held = "failed" if newest["value"] is None else f"{newest['value']:g} {newest['unit']}"
        here = "failed" if result.value is None else f"{result.value:g} {result.unit}"
        return f"{result} is {held} in the ledger (result {newest['result_id']}), and {here} here."
    other = [name for name in CONTENT if newest[name] != result.content()[name]]
    return (
        f"{result} is in the ledger (result {newest['result_id']}) with another "
        f"{', '.join(name.replace('_', ' ') for name in other)}."
    )


def _add(
    connection: "sa.Connection", rows: Sequence[tuple[Result, int | None]], by: dict[str, Any]
) -> Iterator[int]:
    for start in range(0, len(rows), _AT_ONCE):
        part = [
            _as_json(place, result, supersedes)
            for place, (result, supersedes) in enumerate(rows[start : start + _AT_ONCE])
        ]
        for row in fetch_all(connection, "validation/add_results", rows=json.dumps(part), **by):
            yield row["result_id"]


def _as_json(place: int, result: Result, supersedes: int | None) -> dict[str, Any]:
    return {
        "place": place,
        **dict(zip(IDENTITY, result.identity(), strict=True)),
        **result.content(),
        "conditions": dict(result.conditions),
        "measured_on": result.measured_on.isoformat() if result.measured_on else None,
        "supersedes": supersedes,
        "reason": result.corrects if supersedes is not None else "",
    }
