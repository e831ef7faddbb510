"""`catalyst validation retract`: take results back."""

import getpass
import json
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform

if TYPE_CHECKING:
    from resources.platform import Platform


def retract(
    results: Annotated[list[int] | None, typer.Argument(help="Numbers of results.")] = None,
    candidate: Annotated[
        int | None, typer.Option(help="Number of a candidate, all of whose results are taken back.")
    ] = None,
    reason: Annotated[
        str, typer.Option(help="Why; kept for ever and shown with all that was made from them.")
    ] = "",
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Take results back: they stay in the ledger, and count for nothing from now on.

    What was learned and ranked from them is marked, and their candidates are in validation again. Retracting twice
    changes nothing.
    """
    from catalyst_assets.errors import UsageError

    if not reason.strip():
        raise UsageError("--reason is empty.", "Say why: it is kept for ever.")
    if (candidate is None) == (not results):
        raise UsageError(
            "Nothing is named.", "Give numbers of results, or --candidate with one of a candidate."
        )
    with open_platform(home) as platform:
        taken, again, marked = _retract(platform, results or [], candidate, reason)
    if as_json:
        typer.echo(json.dumps({"retracted": taken, "retracted_before": again, "labels_of": marked}))
        return
    listed = ", ".join(map(str, taken))
    typer.echo(
        f"Retracted: result {listed}." if taken else "These results were retracted already; nothing changes."
    )
    if marked:
        typer.echo(f"Labels were made from them in {', '.join(marked)}: what was learned there is marked.")


def _retract(
    platform: "Platform", results: list[int], candidate: int | None, reason: str
) -> tuple[list[int], list[int], list[str]]:
    """Return which results are retracted now, which were before, and the iterations that learned from any of them."""
    from catalyst_assets.errors import UsageError
    from catalyst_assets.validation.results.ledger import retract as retract_one
    from resources.postgres.database import Role, fetch_all

    with platform.database.transaction(Role.VALIDATOR) as connection:
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
        outcome = {
            number: retract_one(connection, number, by=getpass.getuser(), reason=reason) for number in numbers
        }
        used = fetch_all(connection, "validation/submissions/labels_made_from", result_ids=numbers)
    taken = [number for number, is_new in outcome.items() if is_new]
    return (
        taken,
        [number for number in numbers if number not in taken],
        [row["partition_key"] for row in used],
    )
