"""What a person asks of the loop: to open the next iteration now, or to try again what failed."""

from typing import TYPE_CHECKING

from catalyst_assets.errors import UsageError
from catalyst_assets.loop.waits import read_wait
from resources.postgres.database import Database, Role, Row, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa


def request_advance(database: Database, name: str) -> int:
    """Have the loop open the next iteration at its next look; return how many candidates are still to be answered.

    What is in validation goes on: its results come late, and are labels of a later iteration.

    Raises
    ------
    UsageError
        There is no such campaign, it has ended, or its newest iteration is not ranked yet.
    """
    with database.transaction(Role.PIPELINE) as connection:
        return note_advance(connection, name)


def note_advance(connection: "sa.Connection", name: str) -> int:
    """Ask for the next iteration within a transaction, as :func:`request_advance` does."""
    _lock_active(connection, name)
    iterations = fetch_all(connection, "loop/iterations", campaign=name)
    if not iterations or iterations[-1]["status"] == "open":
        what = f"Iteration {iterations[-1]['partition_key']}" if iterations else "The first iteration"
        raise UsageError(
            f"{what} of {name} is not ranked yet: there is nothing to go on from.",
            "`catalyst campaign show` says what it waits for.",
        )
    execute(connection, "loop/request_advance", name=name)
    return sum(row["n_pending"] for row in iterations)


def tell_pending(pending: int) -> str:
    """Return how an answer about the next iteration ends where candidates are still to be answered."""
    if not pending:
        return ""
    return f"; {pending} candidate{' is' if pending == 1 else 's are'} still to be answered"


def request_retry(database: Database, name: str) -> Row | None:
    """Have the loop try at once what failed; return what the campaign waits for.

    Raises
    ------
    UsageError
        There is no such campaign, it has ended, or nothing of it failed.
    """
    with database.transaction(Role.PIPELINE) as connection:
        return note_retry(connection, name)


def note_retry(connection: "sa.Connection", name: str) -> Row | None:
    """Ask to try again within a transaction, as :func:`request_retry` does."""
    _lock_active(connection, name)
    wait = read_wait(connection, name)
    if wait is not None and wait["failed_run_id"] is None:
        raise UsageError(
            f"Nothing of campaign {name} failed: {wait['reason']}.",
            wait["remedy"] or "Nothing needs doing.",
        )
    execute(connection, "loop/request_retry", name=name)
    return wait


def _lock_active(connection: "sa.Connection", name: str) -> None:
    known = fetch_one(connection, "loop/lock_campaign", name=name)
    if known is None:
        raise UsageError(f"There is no campaign {name}.", "`catalyst campaign list` names them.")
    if known["status"] != "active":
        raise UsageError(
            f"Campaign {name} has ended: {known['stop_reason']}.",
            "`catalyst campaign start` with its file lets it go on.",
        )
