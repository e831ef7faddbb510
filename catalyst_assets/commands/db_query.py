"""`catalyst db query` and `catalyst db url`: the database for people, by the analyst's login, which may only read."""

import json
from typing import Annotated

import typer

from catalyst_assets.commands.opening import Home, require_database
from catalyst_assets.commands.tables import narrow_table


def query(
    statement: Annotated[str, typer.Argument(help="SQL, such as 'SELECT * FROM predictions LIMIT 10'.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of objects.")] = False,
) -> None:
    """Run one SQL statement on the views of the schema `reading`, which only reads.

    Values, one row a material and property: predictions (what each campaign predicts now), prediction_history, labels,
    validation_results, computed_properties. Beside them: campaigns, iterations, models, candidates, candidate_events,
    materials, material_sources (which source calls a material what), known_properties (units), adsorption_energies,
    quarantine (what was set aside and why), raw_files. What a validator will be asked is not shown.
    """
    import sqlalchemy as sa
    from rich.console import Console

    from catalyst_assets.errors import UsageError
    from resources.postgres.connection import connect
    from resources.postgres.database import Role, execute, run_as_written
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    with connect(settings) as database, database.transaction(Role.ANALYST) as connection:
        execute(connection, "services/read_only")
        try:
            result = run_as_written(connection, statement)
            columns = list(result.keys()) if result.returns_rows else []
            rows = [tuple(row) for row in result] if result.returns_rows else []
        except sa.exc.DBAPIError as error:
            reason = str(error.orig).strip().splitlines()[0]
            raise UsageError(
                f"PostgreSQL refuses the statement: {reason}.", "Correct it; it may only read."
            ) from None
    if as_json:
        typer.echo(json.dumps([dict(zip(columns, row, strict=True)) for row in rows], default=str))
        return
    table = narrow_table("", list(columns), [])
    for row in rows:
        table.add_row(*map(_shown, row))
    Console(markup=False, highlight=False).print(table)


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"  # a column would fold seventeen digits into two numbers; --json has all
    return "" if value is None else str(value)


def url(
    home: Home = None,
    driver: Annotated[
        str, typer.Option(help="Named in the URL for SQLAlchemy, such as psycopg2 or psycopg.")
    ] = "",
) -> None:
    """Print the URL, password included, by which psql, pandas or a BI tool reads the views of the schema `reading`.

    Its login, catalyst_analyst, may read these views and nothing else. The embedded server answers while
    `catalyst up` runs, through a socket of this machine.
    """
    import sqlalchemy as sa

    from catalyst_assets.errors import UsageError
    from resources.postgres.connection import connect
    from resources.postgres.database import Role
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    if settings.database_url is not None:
        raise UsageError(
            "On a server of your own nobody has a password as catalyst_analyst, which is a role for readers' logins.",
            "Let its administrator make one: CREATE ROLE name LOGIN PASSWORD '…' IN ROLE catalyst_analyst.",
        )
    with connect(settings) as database:
        found = sa.make_url(database.url(Role.ANALYST))
    _, _, place = found.render_as_string(hide_password=False).partition("://")
    place = place.replace("+", "%20")  # libpq takes a plus for one
    typer.echo(f"postgresql{f'+{driver}' if driver else ''}://{place}")
