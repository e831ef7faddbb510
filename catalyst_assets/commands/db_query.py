"""`catalyst db query`: a look into the database, by the role of the review app, which may change nothing here."""

import json
from typing import Annotated

import typer

from catalyst_assets.commands.opening import Home, require_database


def query(
    statement: Annotated[str, typer.Argument(help="SQL, such as 'SELECT * FROM quarantine'.")],
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list of objects.")] = False,
) -> None:
    """Run one SQL statement that only reads.

    Of use are materials, material_sources (which source calls a material what), quarantine (what was set aside and
    why), raw_files, adsorption_energies, candidates and candidate_events. What a validator will be asked is not shown.
    """
    import sqlalchemy as sa
    from rich.console import Console
    from rich.table import Table

    from catalyst_assets.errors import UsageError
    from resources.postgres.connection import connect
    from resources.postgres.database import Role, execute, run_as_written
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    with connect(settings) as database, database.transaction(Role.APP) as connection:
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
    table = Table(*columns)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    Console(markup=False, highlight=False).print(table)
