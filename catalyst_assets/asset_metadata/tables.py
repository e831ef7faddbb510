"""Which table of the database an asset writes, and what its columns are.

Names, types and words come from the database itself (its comments), kept in `columns.json` so that loading the code
location opens no database: `python -m catalyst_assets.asset_metadata.tables` writes it anew, a test compares the two.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from catalyst_assets.vocabulary.known import unit_of

if TYPE_CHECKING:
    from resources.postgres.database import Database

TABLES: Final = (
    "adsorption_energies",
    "candidates",
    "computed_hulls",
    "iteration_labels",
    "materials",
    "predictions",
    "raw_files",
    "relaxed_structures",
    "validation_results",
)
FILE: Final = Path(__file__).with_name("columns.json")


def stored_in(name: str, columns: Sequence[str] = ()) -> dict[str, Any]:
    """Return the metadata of an asset that is a table of the database, or some columns of one."""
    shown = [column for column in _read()[name] if not columns or column["name"] in columns]
    return {
        "dagster/table_name": f"catalyst.public.{name}",
        "dagster/column_schema": dg.TableSchema([_column(**column) for column in shown]),
    }


def file_schema(columns: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the metadata of an asset that is files of rows: type and description of each column by name."""
    made = [dg.TableColumn(name, kind, description) for name, (kind, description) in columns.items()]
    return {"dagster/column_schema": dg.TableSchema(made)}


def label_columns(properties: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the columns of a file that has one for each property."""
    return {name: ("double", f"Label in {unit_of(name)}; empty where none is known.") for name in properties}


def read_columns(database: "Database") -> dict[str, list[dict[str, Any]]]:
    """Return the columns of the tables as the database describes them."""
    from resources.postgres.database import fetch_all

    with database.transaction() as connection:
        rows = fetch_all(connection, "asset_metadata/columns", tables=list(TABLES))
    return {
        table: [
            {
                "name": row["column_name"],
                "type": row["data_type"],
                "nullable": row["nullable"],
                "description": row["description"],
            }
            for row in rows
            if row["table_name"] == table
        ]
        for table in TABLES
    }


@cache
def _read() -> dict[str, list[dict[str, Any]]]:
    columns: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
    return columns


def _column(name: str, type: str, nullable: bool, description: str) -> dg.TableColumn:  # noqa: A002
    constraints = dg.TableColumnConstraints(nullable=nullable)
    return dg.TableColumn(name, type, description, constraints=constraints)


def _write() -> None:
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    with connect(load_settings(), upgrade=True) as database:
        columns = read_columns(database)
    FILE.write_text(json.dumps(columns, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write()
