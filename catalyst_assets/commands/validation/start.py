"""`catalyst validation start` and `return`: what a laboratory works on."""

from typing import Annotated

import typer

from catalyst_assets.commands.opening import Home, open_platform

_Candidates = Annotated[
    list[int], typer.Argument(min=1, help="Numbers of candidates, as the work order gives them.")
]
_By = Annotated[
    str | None, typer.Option("--by", help="Who says so [default: the user of this machine]; kept for ever.")
]


def start(
    candidates: _Candidates,
    by: _By = None,
    reason: Annotated[str, typer.Option(help="Anything to say about it.")] = "",
    home: Home = None,
) -> None:
    """Say that candidates are being made or measured: flagged, they are in validation then.

    Results may come without it; it tells the others that somebody has them. All are started or none.
    """
    from catalyst_assets.validation.starting import start_validation
    from resources.postgres.database import Role

    who = _name(by)
    with open_platform(home) as platform, platform.database.transaction(Role.VALIDATOR) as connection:
        changed = [start_validation(connection, each, by=who, reason=reason) for each in candidates]
    for candidate, is_new in zip(candidates, changed, strict=True):
        typer.echo(f"Candidate {candidate} {'is' if is_new else 'was already'} in validation.")


def return_(
    candidates: _Candidates,
    reason: Annotated[str, typer.Option(help="Why; shown in their history.")],
    by: _By = None,
    home: Home = None,
) -> None:
    """Give candidates back that cannot be validated now: they are flagged again, which is no failure."""
    from catalyst_assets.validation.starting import give_back
    from resources.postgres.database import Role

    who = _name(by)
    with open_platform(home) as platform, platform.database.transaction(Role.VALIDATOR) as connection:
        changed = [give_back(connection, each, by=who, reason=reason) for each in candidates]
    for candidate, is_new in zip(candidates, changed, strict=True):
        typer.echo(f"Candidate {candidate} {'is' if is_new else 'was already'} flagged.")


def _name(by: str | None) -> str:
    import getpass

    from catalyst_assets.errors import UsageError
    from catalyst_assets.vocabulary.people import check_name

    name = by if by is not None else getpass.getuser()
    try:
        return check_name(name)
    except ValueError as error:
        raise UsageError(f"--by {name!r} {error}.", "Say who: --by 'Ada Lovelace'.") from None
