"""Users and their roles, as the owner of an installation makes them."""

import os
import shlex
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from catalyst_assets.errors import UsageError
from resources.access.passwords import hash_password
from resources.postgres.database import Role, execute, fetch_all, fetch_one

if TYPE_CHECKING:
    import sqlalchemy as sa

    from resources.postgres.database import Database, Row

UserRole = Literal["viewer", "reviewer", "admin"]


@dataclass(frozen=True)
class User:
    """Somebody who may sign in."""

    user_id: int
    name: str
    role: str


def local_name() -> str:
    """Return the name of whoever runs this process, as the operating system knows them."""
    import pwd

    with suppress(KeyError):
        return pwd.getpwuid(os.getuid()).pw_name or "admin"
    return "admin"


def add_user(database: "Database", name: str, role: UserRole, password: str | None = None) -> User:
    """Make a user; without a password they sign in by a link or a proxy only.

    Raises
    ------
    UsageError
        There is one of this name already, or the password will not do.
    """
    kept = None if password is None else hash_password(password, name)
    with database.transaction(Role.OWNER) as connection:
        known = fetch_one(connection, "access/user_of_name", name=name)
        if known is not None:
            raise UsageError(
                f"There is a user {known['name']} already.",
                f"`catalyst users role {shlex.quote(known['name'])} {role}` changes what they may do.",
            )
        added = fetch_one(connection, "access/add_user", name=name, role=role, password_hash=kept)
    return User(added["user_id"] if added else 0, name, role)


def ensure_user(database: "Database", name: str, role: UserRole) -> User:
    """Return the user of a name as they are; one that is not there yet is made with ``role``."""
    with database.transaction(Role.OWNER) as connection:
        known = fetch_one(connection, "access/user_of_name", name=name)
        if known is None:
            added = fetch_one(connection, "access/add_user", name=name, role=role, password_hash=None)
            return User(added["user_id"] if added else 0, name, role)
    return User(known["user_id"], known["name"], known["role"])


def list_users(database: "Database") -> list["Row"]:
    """Return what is known of each user, by name."""
    with database.transaction(Role.OWNER) as connection:
        return fetch_all(connection, "access/users")


def set_role(database: "Database", name: str, role: UserRole) -> str:
    """Change what a user may do, from their next request on; return what it was.

    Raises
    ------
    UsageError
        There is no such user.
    """
    with database.transaction(Role.OWNER) as connection:
        user = require_user(connection, name)
        execute(connection, "access/set_role", user_id=user.user_id, role=role)
    return user.role


def set_password(database: "Database", name: str, password: str) -> None:
    """Change a user's password, and sign them out everywhere.

    Raises
    ------
    UsageError
        There is no such user, or the password will not do.
    """
    kept = hash_password(password, name)
    with database.transaction(Role.OWNER) as connection:
        user = require_user(connection, name)
        execute(connection, "access/set_password", user_id=user.user_id, password_hash=kept)
        execute(connection, "access/end_sessions", user_id=user.user_id)


def remove_user(database: "Database", name: str) -> None:
    """Take a user away, and sign them out everywhere. What they did keeps their name.

    Raises
    ------
    UsageError
        There is no such user.
    """
    with database.transaction(Role.OWNER) as connection:
        execute(connection, "access/remove_user", user_id=require_user(connection, name).user_id)


def require_user(connection: "sa.Connection", name: str) -> User:
    """Return the user of a name, however it is capitalized.

    Raises
    ------
    UsageError
        There is none.
    """
    found = fetch_one(connection, "access/user_of_name", name=name)
    if found is None:
        known = ", ".join(row["name"] for row in fetch_all(connection, "access/users"))
        raise UsageError(f"There is no user {name}.", f"There are: {known or 'none yet'}.")
    return User(found["user_id"], found["name"], found["role"])
