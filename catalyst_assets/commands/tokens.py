"""`catalyst tokens`: programs that may use the API."""

import json
import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform

app = typer.Typer(
    no_args_is_help=True, help="Make, list and revoke the tokens that requests to the API carry."
)

_PERIOD: Final = re.compile(r"(\d{1,5})\s*([hdw])")
_HOURS: Final = {"h": 1, "d": 24, "w": 168}
_Name = Annotated[str, typer.Argument(help="Whose it is: a laboratory, an instrument, a program.")]


class May(StrEnum):
    """What may be done with a token."""

    READ = "read"
    RESULTS = "results"
    REVIEW = "review"
    ADMIN = "admin"


@app.command("create")
def create(
    name: _Name,
    may: Annotated[
        list[May] | None,
        typer.Option(
            help="read: nothing but reading. results: also send, correct and retract results, start validation. "
            "review: also decide about candidates. admin: also run campaigns. [default: results]"
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(help="When it ends: a day (2027-03-31), or so long from now (12h, 90d, 52w)."),
    ] = None,
    home: Home = None,
) -> None:
    """Make a token and print it: this once, it is kept nowhere.

    Results that are sent with it carry its name. Requests have it in the header `Authorization: Bearer TOKEN`.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.vocabulary.people import check_name
    from resources.web.tokens import create_token

    try:
        owner = check_name(name)
    except ValueError as error:
        raise UsageError(f"The name {name!r} {error}.", "Choose another one.") from None
    end = None if expires is None else _end(expires, datetime.now(UTC))
    with open_platform(home, upgrade=True) as platform:
        token = create_token(platform.database, owner, [each.value for each in may or [May.RESULTS]], end)
    typer.echo(token)
    until = "never expires" if end is None else f"expires on {end:%Y-%m-%d %H:%M} UTC"
    typer.echo(
        f"Token of {owner}; it {until}. It is not shown again: keep it as you keep a password.", err=True
    )


@app.command("list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the tokens: whose, what may be done with them, when they were used last. None is shown itself."""
    from rich.console import Console

    from catalyst_assets.commands.tables import fitted_table
    from resources.web.tokens import list_tokens

    with open_platform(home) as platform:
        rows = list_tokens(platform.database)
    if as_json:
        moments = ("created_at", "last_used_at", "expires_at", "revoked_at")
        told = [row | {key: row[key] and row[key].isoformat() for key in moments} for row in rows]
        typer.echo(json.dumps(told))
        return
    if not rows:
        typer.echo("No token yet: `catalyst tokens create NAME`.")
        return
    shown = [
        {
            "name": row["name"],
            "may": ", ".join(row["may"]),
            "created": _day(row["created_at"]),
            "last used": _minute(row["last_used_at"]),
            "ends": _day(row["expires_at"]),
            "state": _state(row),
        }
        for row in rows
    ]
    console = Console(highlight=False, markup=False)
    console.print(fitted_table("Tokens", shown, set(shown[0]), ("created",), console.width))


@app.command("revoke")
def revoke(name: _Name, home: Home = None) -> None:
    """End a token at once. What came with it stays."""
    from resources.web.tokens import revoke_token

    with open_platform(home) as platform:
        done = revoke_token(platform.database, name.strip())
    typer.echo(f"Token {name} is revoked." if done else f"Token {name} had been revoked already.")


def _end(text: str, now: datetime) -> datetime:
    """Return when a token ends; a day that is named is its last."""
    from catalyst_assets.errors import UsageError

    period = _PERIOD.fullmatch(text.strip().lower())
    try:
        if period is not None:
            end = now + timedelta(hours=int(period[1]) * _HOURS[period[2]])
        else:
            end = datetime.combine(date.fromisoformat(text.strip()), time.max, UTC)
    except (ValueError, OverflowError):
        raise UsageError(
            f"--expires {text!r} is neither a day nor a period.", "Write it as 2027-03-31, 12h, 90d or 52w."
        ) from None
    if end <= now:
        raise UsageError(f"--expires {text} is over already.", "Name a later day, or a period such as 90d.")
    return end


def _state(row: dict[str, object]) -> str:
    if row["revoked_at"] is not None:
        return "revoked"
    return "expired" if row["is_expired"] else "valid"


def _day(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d}"


def _minute(at: datetime | None) -> str:
    return "-" if at is None else f"{at:%Y-%m-%d %H:%M}"
