"""Which campaigns the loop has to look at, so that a look at nothing new is one cheap query.

The database notes for which campaign something changed (migration 0021). One that waits for people rests until then;
now and then it is looked at all the same, for what time alone decides.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.loop.state import Decision, Wait
from resources.postgres.database import Database, Role, execute, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

_REST_SECONDS: Final = 300.0
# What was mended may lie outside the database: a file, a setting, the code.
_REPAIR_SECONDS: Final = 15.0


@dataclass(frozen=True)
class Due:
    """What there is to do.

    Attributes
    ----------
    campaigns
        To be looked at, oldest first; of those that have ended, the ones whose results still come in.
    waiting
        What the others wait for, as one line.
    calculates
        Whether a calculation waits or runs.
    """

    campaigns: tuple[str, ...] = ()
    waiting: str = ""
    calculates: bool = False


def find_due(database: Database) -> Due:
    """Ask which campaigns have to be looked at."""
    with database.transaction(Role.PIPELINE) as connection:
        row = fetch_one(connection, "loop/due")
    return Due() if row is None else Due(tuple(row["due"]), row["waiting"], row["calculates"])


def begin_look(connection: "sa.Connection", campaign: str) -> None:
    """Take note of what changed so far, before it is read: what is committed later has the next look."""
    execute(connection, "loop/take_changes", campaign=campaign)


def end_look(connection: "sa.Connection", campaign: str, decision: Decision) -> None:
    """Let a campaign rest that waits for what the database will tell; the others are looked at again at once.

    A run that was requested may not have come to be, and the end of a run is told by Dagster.
    """
    rests = isinstance(decision, Wait) and decision.on in {"answers", "review", "repair"}
    seconds = _REPAIR_SECONDS if isinstance(decision, Wait) and decision.on == "repair" else _REST_SECONDS
    execute(connection, "loop/note_look", campaign=campaign, rests=rests, for_seconds=seconds)
