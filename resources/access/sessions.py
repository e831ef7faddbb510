"""Sessions of browsers: opened with a password or a link that works once, kept by hash, ended at once.

A cookie holds 256 random bits, signed: https://owasp.org/www-project-application-security-verification-standard/.
"""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from itsdangerous import BadSignature, Signer

from catalyst_assets.errors import CatalystError
from resources.access.attempts import begin_attempt
from resources.access.passwords import LONGEST, check_password
from resources.access.users import User, require_user
from resources.postgres.database import Role, execute, fetch_one
from resources.web.tokens import hash_token

if TYPE_CHECKING:
    from resources.postgres.database import Database

_BYTES: Final = 32
_LONGEST_COOKIE: Final = 200
_keys: "WeakKeyDictionary[Database, str]" = WeakKeyDictionary()


class NotSignedInError(CatalystError):
    """Name and password, or a link, sign nobody in."""


@dataclass(frozen=True)
class Session:
    """A session that holds."""

    session_id: int
    name: str
    role: str
    expires_at: datetime


def create_link(database: "Database", name: str, hours: int = 24) -> str:
    """Make the secret of a link that signs a user in, once.

    Raises
    ------
    UsageError
        There is no such user.
    """
    secret = secrets.token_urlsafe(_BYTES)
    with database.transaction(Role.OWNER) as connection:
        user = require_user(connection, name)
        execute(connection, "access/add_link", sha256=hash_token(secret), user_id=user.user_id, hours=hours)
    return secret


def sign_in_by_password(database: "Database", name: str, password: str, address: str) -> User:
    """Return whose name and password these are.

    Raises
    ------
    NotSignedInError
        Nobody's; which of the two is wrong is not told.
    TooManyAttemptsError
        Too many before were wrong.
    """
    name = " ".join(name.split())[:LONGEST].replace("\0", "\ufffd")
    attempt = begin_attempt(database, name, address)
    with database.transaction(Role.APP) as connection:
        found = fetch_one(connection, "access/user_of_name", name=name)
    if (
        not check_password(found["password_hash"] if found else None, password[: LONGEST + 1])
        or found is None
    ):
        raise NotSignedInError(
            "The name or the password is wrong.",
            "Try again. Who has no password is signed in by a link: `catalyst users link NAME`.",
        )
    attempt.succeeded(database)
    return User(found["user_id"], found["name"], found["role"])


def sign_in_by_link(database: "Database", secret: str, address: str) -> User:
    """Return whom a link signs in, and use it up.

    Raises
    ------
    NotSignedInError
        It was used, has expired or was never one.
    TooManyAttemptsError
        Too many before were wrong.
    """
    sha256 = hash_token(secret)
    with database.transaction(Role.APP) as connection:
        found = fetch_one(connection, "access/use_link", sha256=sha256)
        known = None if found else fetch_one(connection, "access/link_of_hash", sha256=sha256)
    if found is None:
        begin_attempt(database, "", address)
        what = "is not known here"
        if known is not None:
            what = "was used already: it works once" if known["is_used"] else "has expired"
        raise NotSignedInError(
            f"This sign-in link {what}.",
            "`catalyst users link` prints a new one; or sign in with a password.",
        )
    return User(found["user_id"], found["name"], found["role"])


def open_session(database: "Database", user: User, lifetime: timedelta) -> str:
    """Sign a user in and return what the cookie holds."""
    secret = secrets.token_urlsafe(_BYTES)
    seconds = lifetime.total_seconds()
    with database.transaction(Role.APP) as connection:
        fetch_one(
            connection, "access/add_session", sha256=hash_token(secret), user_id=user.user_id, seconds=seconds
        )
    return _signer(database).sign(secret).decode()


def find_session(database: "Database", cookie: str) -> Session | None:
    """Return the session of a cookie, and note that it was seen; None where it is none or is over."""
    secret = _opened(database, cookie)
    if secret is None:
        return None
    with database.transaction(Role.APP) as connection:
        row = fetch_one(connection, "access/session_of_hash", sha256=hash_token(secret))
        if row is None:
            return None
        if row["is_to_note"]:
            execute(connection, "access/note_seen", session_id=row["session_id"])
    return Session(row["session_id"], row["name"], row["role"], row["expires_at"])


def end_session(database: "Database", cookie: str) -> None:
    """Sign out: the cookie is not accepted any more, wherever it is."""
    secret = _opened(database, cookie)
    if secret is not None:
        with database.transaction(Role.APP) as connection:
            execute(connection, "access/end_session", sha256=hash_token(secret))


def _opened(database: "Database", cookie: str) -> str | None:
    if len(cookie) > _LONGEST_COOKIE:
        return None
    with suppress(BadSignature, UnicodeError):
        return _signer(database).unsign(cookie.encode("latin-1")).decode("ascii")
    return None


def _signer(database: "Database") -> Signer:
    key = _keys.get(database)
    if key is None:
        with database.transaction(Role.APP) as connection:
            row = fetch_one(connection, "access/signing_key", purpose="session")
        key = _keys[database] = str(row["secret"]) if row else ""
    if not key:
        raise CatalystError("The key that sessions are signed with is missing.", "Restore the database.")
    import hashlib

    return Signer(key, salt="catalyst session", digest_method=hashlib.sha256)
