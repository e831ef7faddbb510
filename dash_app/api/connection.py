"""A database connection for one request, always as the role of the app, and what it finds as an answer."""

from collections.abc import Iterator, Mapping
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Request
from fastapi.responses import Response
from pydantic import BaseModel

from resources.postgres.database import Database, Role


def open_transaction(request: Request) -> Iterator[sa.Connection]:
    """Provide a transaction; it commits when the operation returns and rolls back when it raises."""
    database: Database = request.app.state.database
    with database.transaction(Role.APP) as connection:
        yield connection


# Scope "function" commits before the answer is sent: who reads "changed" finds it changed.
Transaction = Annotated[sa.Connection, Depends(open_transaction, scope="function")]


def as_json(answer: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """Return a large answer as it stands: it is made of what was checked, and not checked once more."""
    return Response(answer.model_dump_json(), headers=headers, media_type="application/json")
