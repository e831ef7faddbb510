"""Two daemons that look at one database: of a run that both find needed, one asks Dagster for it.

Dagster looks whether a run key is taken and makes the run afterwards, so that both could make it.
"""

import secrets
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from resources.postgres.database import Role, execute, fetch_one

if TYPE_CHECKING:
    from resources.postgres.database import Database

# A daemon that died between asking and making is followed by another one after this.
_PAUSE: Final = "30 seconds"
_THIS_PROCESS: Final = secrets.token_hex(8)


def reserve_runs(database: "Database", run_keys: Iterable[str], process: str = _THIS_PROCESS) -> set[str]:
    """Return the runs that this process may ask for: those that no other one asked for a moment ago.

    Parameters
    ----------
    process
        Who asks; the same one may ask again, since Dagster makes a run key's run once a daemon.
    """
    wanted = sorted(set(run_keys))
    if not wanted:
        return set()
    with database.transaction(Role.PIPELINE) as connection:
        execute(connection, "loop/forget_run_requests")
        return {
            key
            for key in wanted
            if fetch_one(connection, "loop/reserve_run", run_key=key, requested_by=process, pause=_PAUSE)
        }
