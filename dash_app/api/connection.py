"""A database connection for one request, always as the role of the app."""

from collections.abc import Iterator
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request

from resources.postgres.database import Database, Role


def open_transaction(request: Request) -> Iterator[sa.Connection]:
    """Provide a transaction; it commits when the operation returns and rolls back when it raises."""
    database: Database = request.app.state.database
    with database.transaction(Role.APP) as connection:
        yield connection


# Scope "function" commits before the answer is sent: who reads "changed" finds it changed.
Transaction = Annotated[sa.Connection, Depends(open_transaction, scope="function")]
