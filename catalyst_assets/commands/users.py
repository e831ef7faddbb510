"""`catalyst users`: people who may sign in, and what they may do."""

import json
import shlex
import sys
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform
from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from resources.postgres.database import Database
    from resources.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="Make, list and remove the people who may sign in, and say what they may do."
)

_Name = Annotated[str, typer.Argument(help="Name of the user; decisions and results carry it.")]
_Stdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input, without asking.")
]


class UserRole(StrEnum):
    """What a user may do."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@app.command("add")
def add(
    name: _Name,
    role: Annotated[
        UserRole,
        typer.Option(
            help="viewer: reads. reviewer: also decides about candidates and sends results. admin: also runs campaigns "
            "and opens Dagster."
        ),
    ] = UserRole.VIEWER,
    password_stdin: _Stdin = False,
    no_password: Annotated[
        bool,
        typer.Option("--no-password", help="Make none: the user signs in by a link or through a proxy."),
    ] = False,
    home: Home = None,
) -> None:
    """Make a user, and ask for the password."""
    from resources.access.users import add_user

    known = _checked(name)
    password = None if no_password else _ask_password(stdin=password_stdin)
    with open_platform(home, upgrade=True) as platform:
        add_user(platform.database, known, role.value, password)
    typer.echo(f"{known} may sign in as {role.value}.")
    if no_password:
        typer.echo(f"`catalyst users link {shlex.quote(known)}` prints a link that signs them in.")


@app.command("list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the users: what they may do, how they sign in, when they were seen last."""
    from rich.console import Console

    from catalyst_assets.commands.tables import fitted_table
    from resources.access.users import list_users

    with open_platform(home) as platform:
        rows = list_users(platform.database)
    if as_json:
        moments = ("created_at", "last_seen_at")
        typer.echo(
            json.dumps([row | {key: row[key] and row[key].isoformat() for key in moments} for row in rows])
        )
        return
    if not rows:
        typer.echo(
            "No user yet: `catalyst users add NAME`, or sign in by the link that `catalyst up` prints."
        )
        return
    shown = [
        {
            "name": row["name"],
            "role": row["role"],
            "password": "yes" if row["has_password"] else "no",
            "signed in": str(row["sessions"]),
            "last seen": _minute(row["last_seen_at"]),
            "added": f"{row['created_at']:%Y-%m-%d}",
        }
        for row in rows
    ]
    console = Console(highlight=False, markup=False)
    console.print(fitted_table("Users", shown, set(shown[0]), ("added",), console.width))


@app.command("role")
def role_(name: _Name, role: UserRole, home: Home = None) -> None:
    """Change what a user may do, from their next request on."""
    from resources.access.users import set_role

    with open_platform(home) as platform:
        before = set_role(platform.database, name.strip(), role.value)
    typer.echo(
        f"{name} is {role.value}, as before."
        if before == role
        else f"{name} is {role.value}, no more {before}."
    )


@app.command("password")
def password_(name: _Name, password_stdin: _Stdin = False, home: Home = None) -> None:
    """Change a user's password, and sign them out everywhere."""
    from resources.access.users import require_user, set_password
    from resources.postgres.database import Role

    with open_platform(home) as platform:
        with platform.database.transaction(Role.OWNER) as connection:
            user = require_user(connection, name.strip())
        password = _ask_password(stdin=password_stdin)
        set_password(platform.database, user.name, password)
    typer.echo(f"{user.name} has a new password, and is signed out everywhere.")


@app.command("remove")
def remove(name: _Name, home: Home = None) -> None:
    """Take a user away, and sign them out everywhere. What they did keeps their name."""
    from resources.access.users import remove_user

    with open_platform(home) as platform:
        remove_user(platform.database, name.strip())
    typer.echo(f"{name} may not sign in any more.")


@app.command("link")
def link(
    name: Annotated[str | None, typer.Argument(help="Whom it signs in; by default you, as an admin.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long it may wait to be used.")] = 24,
    home: Home = None,
) -> None:
    """Print a link that signs a user in without a password, once."""
    from resources.services import find_running

    with open_platform(home, upgrade=True) as platform:
        running = find_running(platform.settings)
        base = running.urls.get("review-app") if running else None
        typer.echo(make_link(platform.settings, platform.database, name, hours, base))
    if running is None:
        typer.echo("It works once `catalyst up` runs.", err=True)


def make_link(
    settings: "Settings", database: "Database", name: str | None, hours: int = 24, base: str | None = None
) -> str:
    """Return a link that signs a user in, once.

    Parameters
    ----------
    name
        None for whoever runs this, who is made an admin unless they are a user already.
    base
        Address of the review app; None for what the settings say.

    Raises
    ------
    UsageError
        There is no such user.
    """
    from resources.access.sessions import create_link
    from resources.access.users import ensure_user, local_name
    from resources.services import app_address

    if name is None:
        try:
            name = _checked(local_name())
        except UsageError:
            name = "admin"
        name = ensure_user(database, name, "admin").name
    secret = create_link(database, name.strip(), hours)
    return f"{base or app_address(settings)}/sign-in?link={secret}"


def _checked(name: str) -> str:
    from catalyst_assets.vocabulary.people import check_name

    try:
        return check_name(name)
    except ValueError as error:
        raise UsageError(f"The name {name!r} {error}.", "Choose another one.") from None


def _ask_password(*, stdin: bool) -> str:

    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise UsageError(
            "There is no terminal to ask for the password.",
            "Give it by --password-stdin, or say --no-password.",
        )
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


def _minute(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
