"""`catalyst db query` and `catalyst db url`: the database for people, by the analyst's login, which may only read."""

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Annotated, Final

import typer

from catalyst_assets.commands.opening import Home, require_database
from catalyst_assets.commands.tables import narrow_table

_SHOWN: Final = 1000


def query(
    statement: Annotated[str, typer.Argument(help="SQL, such as 'SELECT * FROM predictions LIMIT 10'.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of objects.")] = False,
    timeout: Annotated[float, typer.Option(min=0.001, max=86400, help="Seconds that it may take.")] = 60.0,
) -> None:
    """Run one SQL statement on the views of the schema `reading`, which only reads.

    Values, one row a material and property: predictions (what each campaign predicts now), prediction_history, labels,
    validation_results, computed_properties. Beside them: campaigns, iterations, models, candidates, candidate_events,
    materials, material_sources (which source calls a material what), known_properties (units), adsorption_energies,
    quarantine (what was set aside and why), raw_files. What a validator will be asked is not shown.

    A terminal is shown the first thousand rows; --json prints all of them.
    """
    from rich.console import Console

    from resources.postgres.asking import ask
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    with connect(settings) as database, ask(database, statement, timeout) as asked:
        if as_json:
            _print_json(asked.columns, asked.rows)
            return
        table = narrow_table("", list(asked.columns), [])
        for row in islice(asked.rows, _SHOWN):
            table.add_row(*map(_as_text, row))
        is_more = next(asked.rows, None) is not None
    Console(markup=False, highlight=False).print(table)
    if is_more:
        typer.echo(f"The first {_SHOWN:,} rows; --json prints all of them.", err=True)


def _print_json(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    separator = "["
    for row in rows:
        typer.echo(separator + json.dumps(dict(zip(columns, row, strict=True)), default=str), nl=False)
        separator = ",\n "
    typer.echo("[]" if separator == "[" else "]")


def _as_text(value: object) -> str:
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
