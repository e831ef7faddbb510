"""Tokens of the API: made once and shown once; only their hashes are kept.

What a request may do with one is the API's business.
"""

import hashlib
import hmac
import secrets
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal

from catalyst_assets.errors import UsageError
from resources.postgres.database import Role, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    from resources.postgres.database import Database, Row

# Scanners of leaked secrets know a token by it.
PREFIX: Final = "catalyst_"
_BYTES: Final = 32

Scope = Literal["read", "results", "review", "admin"]


@dataclass(frozen=True)
class Token:
    """A token as it is known to the server.

    Attributes
    ----------
    name
        Whose it is.
    may
        What may be done with it.
    ended
        Why it is not accepted any more; empty while it is.
    """

    name: str
    may: frozenset[str]
    ended: str = ""


def new_secret() -> str:
    """Return a new token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> str:
    """Return the hash by which a token is kept. It needs no salt: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def create_token(
    database: "Database", name: str, may: Sequence[Scope], expires_at: datetime | None = None
) -> str:
    """Make a token and return it; it cannot be shown again.

    Raises
    ------
    UsageError
        There is one of this name already.
    """
    import sqlalchemy as sa

    token = new_secret()
    try:
        with database.transaction(Role.OWNER) as connection:
            execute(
                connection,
                "tokens/add",
                name=name,
                sha256=hash_token(token),
                may=sorted(set(may)),
                expires_at=expires_at,
            )
    except sa.exc.IntegrityError as error:
        raise UsageError(
            f"There is a token {name} already.",
            f"Revoke it first (`catalyst tokens revoke {shlex.quote(name)}`), or choose another name.",
        ) from error
    return token


def list_tokens(database: "Database") -> list["Row"]:
    """Return what is known of each token, the newest first."""
    with database.transaction(Role.OWNER) as connection:
        return fetch_all(connection, "tokens/all")


def revoke_token(database: "Database", name: str) -> bool:
    """End a token at once; False when it had been revoked already.

    Raises
    ------
    UsageError
        There was never one of this name.
    """
    with database.transaction(Role.OWNER) as connection:
        if execute(connection, "tokens/revoke", name=name):
            return True
        known = sorted({row["name"] for row in fetch_all(connection, "tokens/all")})
    if name in known:
        return False
    raise UsageError(f"There is no token {name}.", f"There are: {', '.join(known) or 'none yet'}.")


def find_token(database: "Database", token: str) -> Token | None:
    """Return what a token that a request carries is, and note its use; None where it is none of ours."""
    sha256 = hash_token(token)
    with database.transaction(Role.APP) as connection:
        row = fetch_one(connection, "tokens/of_hash", sha256=sha256)
        if row is None or not hmac.compare_digest(row["sha256"], sha256):
            return None
        ended = ""
        if row["revoked_at"] is not None:
            ended = f"was revoked on {row['revoked_at']:%Y-%m-%d}"
        elif row["is_expired"]:
            ended = f"expired on {row['expires_at']:%Y-%m-%d}"
        elif row["is_to_note"]:
            execute(connection, "tokens/note_use", token_id=row["token_id"])
    return Token(row["name"], frozenset(row["may"]), ended)
