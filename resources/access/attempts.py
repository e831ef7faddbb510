"""How often signing in may be tried: counted in the database, by user and address."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import CatalystError
from resources.postgres.database import Role, execute, fetch_one

if TYPE_CHECKING:
    from resources.postgres.database import Database

# Failed ones in a quarter of an hour.
MOST_OF_BOTH: Final = 5
_MOST_OF_ADDRESS: Final = 20
_MOST_OF_NAME: Final = 50


class TooManyAttemptsError(CatalystError):
    """Signing in has failed too often.

    Parameters
    ----------
    seconds
        How long to wait.
    """

    def __init__(self, seconds: int) -> None:
        minutes = max(1, -(-seconds // 60))
        wait = "a minute" if minutes == 1 else f"{minutes} minutes"
        super().__init__(
            "Signing in has failed too often.",
            f"Try again in {wait}; `catalyst users link NAME` makes a link that signs in without a password.",
        )
        self.seconds = seconds


@dataclass(frozen=True)
class Attempt:
    """One attempt that is allowed; it counts as failed until it is said to have succeeded.

    Attributes
    ----------
    name
        As whom, in lower case; empty for a link.
    address
        From where.
    """

    name: str
    address: str

    def succeeded(self, database: "Database") -> None:
        """Forget what was tried before it."""
        with database.transaction(Role.APP) as connection:
            execute(connection, "access/forget_attempts", name=self.name, address=self.address)


def begin_attempt(database: "Database", name: str, address: str) -> Attempt:
    """Count an attempt to sign in.

    Raises
    ------
    TooManyAttemptsError
        Enough have failed.
    """
    attempt = Attempt(name.casefold()[:200], address[:100])
    with database.transaction(Role.APP) as connection:
        execute(connection, "access/lock_attempts")
        found = fetch_one(connection, "access/count_attempts", name=attempt.name, address=attempt.address)
        counted = found or {"of_both": 0, "of_address": 0, "of_name": 0}
        if (
            counted["of_both"] >= MOST_OF_BOTH
            or counted["of_address"] >= _MOST_OF_ADDRESS
            or counted["of_name"] >= _MOST_OF_NAME
        ):
            raise TooManyAttemptsError(max(1, int(counted["seconds"])))
        fetch_one(connection, "access/add_attempt", name=attempt.name, address=attempt.address)
    return attempt
