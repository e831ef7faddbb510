"""Logins of the services on a server that somebody else runs: one a role, kept in a file that only we may read.

The owner makes them, or the server's administrator did and `CATALYST_DATABASE_LOGINS` names the file.
"""

import json
import os
import secrets
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from catalyst_assets.errors import CatalystError, UsageError
from resources.postgres.database import Database, Role, Sibling
from resources.postgres.embedded import DRIVER

if TYPE_CHECKING:
    import sqlalchemy as sa


# As whom the services may go; never as the owner.
_ROLES: Final = (Role.PIPELINE, Role.VALIDATOR, Role.APP)
_NAMES: Final = frozenset({*_ROLES, *(sibling.owner for sibling in Sibling)})
_SECRET_PARAMETERS: Final = ("user", "password", "passfile", "options")


class Login(BaseModel):
    """One login.

    Attributes
    ----------
    role
        Whose rights it takes; None for its own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    password: SecretStr
    role: str | None = None


class Logins(BaseModel):
    """The file: where the database is, and a login for each role and each database beside it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str = Field(description="postgresql://host:port/database, with nobody's name in it.")
    logins: dict[str, Login]

    def open(self) -> Database:
        """Return the databases as these logins reach them: those of the roles that there is a login for."""
        import sqlalchemy as sa

        address = sa.make_url(self.address).set(drivername=DRIVER)
        siblings = {
            sibling: self._url(address.set(database=f"{address.database}_{sibling}"), sibling.owner)
            for sibling in Sibling
            if sibling.owner in self.logins
        }
        return Database({role: self._url(address, role) for role in _ROLES if role in self.logins}, siblings)

    def _url(self, address: "sa.URL", name: str) -> str:
        login = self.logins[name]
        url = address.set(username=login.user, password=login.password.get_secret_value())
        if login.role is not None:
            url = url.update_query_dict({"options": f"-c role={login.role}"})
        return url.render_as_string(hide_password=False)


def read_logins(path: Path) -> Logins:
    """Read the file of logins: of all roles, or of those that a service has.

    Raises
    ------
    UsageError
        It cannot be read, or names a role that there is not.
    """
    try:
        found = Logins.model_validate_json(path.read_bytes())
    except OSError as error:
        reason = error.strerror or str(error)
    except ValidationError as error:
        reason = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
    else:
        unknown = sorted(set(found.logins) - _NAMES)
        if not unknown:
            return found
        reason = f"nobody is called {', '.join(unknown)}; known are {', '.join(sorted(_NAMES))}"
    raise UsageError(
        f"The database's logins cannot be read from {path}: {reason}.",
        'It is JSON: {"address": "postgresql://host:5432/catalyst", "logins": {"catalyst_app": '
        '{"user": …, "password": …}, …}}. Correct it or CATALYST_DATABASE_LOGINS.',
    )


def plan_logins(path: Path, owner: "sa.URL") -> Logins:
    """Return the logins in ``path`` for the owner's database, made up and written where they are missing.

    Raises
    ------
    CatalystError
        The file cannot be written.
    UsageError
        It is there and cannot be read.
    """
    query = {name: value for name, value in owner.query.items() if name not in _SECRET_PARAMETERS}
    address = owner.set(username=None, password=None, query=query).render_as_string()
    if path.exists():
        kept = read_logins(path)
        if kept.address == address and kept.logins.keys() == _NAMES:
            return kept
    tag = secrets.token_hex(4)
    database = str(owner.database)
    rights = {str(role): str(role) for role in _ROLES}
    rights |= {sibling.owner: sibling_role(database, sibling) for sibling in Sibling}
    made = {
        name: {
            "user": f"{database[:30]}_{name.removeprefix('catalyst_')}_{tag}",
            "password": secrets.token_hex(24),
            "role": role,
        }
        for name, role in rights.items()
    }
    document = {"address": address, "logins": made}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{uuid.uuid4().hex}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise CatalystError(
            f"The database's logins cannot be written to {path}: {error.strerror or error}.",
            "Free disk space, or choose another home with --home or CATALYST_HOME.",
        ) from error
    return Logins.model_validate(document)


def sibling_role(database: str, sibling: Sibling) -> str:
    """Return the role that owns a database beside ``database``."""
    return f"{database[:50]}_{sibling}"
