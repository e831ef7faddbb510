"""Access to the `catalyst` database: roles, transactions, named queries, COPY.

Starting a server is `embedded`'s business, changing the schema `migrations`'s.
"""

import csv
import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from catalyst_assets.errors import (
    CatalystError,
    DatabaseBusyError,
    DatabaseUnavailableError,
    RunGivenUpError,
    TransactionConflictError,
)
from resources.paths import project_file

if TYPE_CHECKING:
    import sqlalchemy as sa

Row = dict[str, Any]
# Stands for no value in COPY; no text is likely to be it.
_NULL = "\\N catalyst"
_COPIED_AT_ONCE = 4 * 1024**2
# SQLSTATEs; the first is of our own making.
_LOST_CLAIM = "CF001"
_DISK_FULL = "53100"
_CANCELLED = "57014"
_CONFLICTS = {
    "40P01": "Two transactions waited for each other, and PostgreSQL gave up this one",
    "40001": "Another transaction changed what this one had read",
}
_BUSY = {
    "53300": "PostgreSQL has no connection free",
    "53200": "PostgreSQL has not enough memory for it",
    "55P03": "Others hold what this needs",
    _CANCELLED: "PostgreSQL ended the statement",
}
# Said when connecting, where no SQLSTATE is handed on.
_NO_CONNECTION = re.compile(
    r"too many (clients|connections)|connection slots are reserved|connection limit exceeded"
)
# Of one role and process.
MOST_CONNECTIONS = 10
_KEPT_CONNECTIONS = 2
_JSON = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


class Role(StrEnum):
    """Who is asking; the database grants each only what its work needs (`sql/migrations`)."""

    OWNER = "catalyst_owner"
    PIPELINE = "catalyst_pipeline"
    VALIDATOR = "catalyst_validator"
    APP = "catalyst_app"
    ANALYST = "catalyst_analyst"


class Sibling(StrEnum):
    """Databases of other programs beside `catalyst` on the same server."""

    DAGSTER = "dagster"
    MLFLOW = "mlflow"

    @property
    def owner(self) -> str:
        """The login that it belongs to on the embedded server."""
        return f"catalyst_{self.value}"


class Database:
    """The `catalyst` database as seen by each role.

    Parameters
    ----------
    urls
        Driver-qualified URL (``postgresql+psycopg2://…``) for each role this process may take.
    siblings
        Likewise for the databases beside it, each by the login that owns it.
    """

    def __init__(self, urls: Mapping[Role, str], siblings: Mapping[Sibling, str] | None = None) -> None:
        self._urls = dict(urls)
        self._siblings = dict(siblings or {})
        self._engines: dict[Role, sa.Engine] = {}
        self._claims: tuple[tuple[str, Callable[[], None]], ...] = ()
        self._changing_claims = threading.Lock()

    @property
    def reader(self) -> Role:
        """The role in which this process looks at what any may read."""
        return Role.OWNER if Role.OWNER in self._urls else next(iter(self._urls))

    def url(self, role: Role) -> str:
        """Return the URL, password included, by which ``role`` connects."""
        return self._urls[role]

    def sibling_url(self, sibling: Sibling) -> str:
        """Return the URL, password included, of a database beside `catalyst`.

        Raises
        ------
        DatabaseUnavailableError
            This process has no login of it.
        """
        if sibling not in self._siblings:
            raise DatabaseUnavailableError(
                f"This process has no login of {sibling.owner}.",
                "Add it to the file in CATALYST_DATABASE_LOGINS.",
            )
        return self._siblings[sibling]

    def engine(self, role: Role) -> "sa.Engine":
        """Return the connection pool of ``role``."""
        import sqlalchemy as sa

        if role not in self._urls:
            raise DatabaseUnavailableError(
                f"This process has no login of {role}.",
                "Name the owner's database in CATALYST_DATABASE_URL for what only the owner may do.",
            )
        if role not in self._engines:
            self._engines[role] = sa.create_engine(
                self._urls[role],
                pool_pre_ping=True,
                pool_size=_KEPT_CONNECTIONS,
                max_overflow=MOST_CONNECTIONS - _KEPT_CONNECTIONS,
            )
        return self._engines[role]

    @contextmanager
    def transaction(self, role: Role = Role.PIPELINE) -> "Iterator[sa.Connection]":
        """Open a connection as ``role``; commit at the end, roll back on any error.

        Raises
        ------
        DatabaseUnavailableError
            The server cannot be reached or went away; as a `DatabaseBusyError`, it gave this up and may not the next time.
        RunGivenUpError
            A run whose claim this process carries has lost it: nothing is written.
        """
        import sqlalchemy as sa

        claims = self._claims
        for _, look in claims:
            look()
        try:
            with self.engine(role).begin() as connection:
                for run_id, _ in claims:
                    execute(connection, "loop/hold_claim", run_id=run_id)
                yield connection
        except sa.exc.DBAPIError as error:
            own = explain_refusal(error, role)
            if own is None:
                raise
            raise self._loss_of_a_claim(own) or own from error

    def _loss_of_a_claim(self, error: CatalystError) -> RunGivenUpError | None:
        """Return why a connection was lost if it was ended because the run that used it was given up."""
        import sqlalchemy as sa

        if not self._claims or not isinstance(error, DatabaseUnavailableError):
            return None
        try:
            with self.engine(Role.PIPELINE).begin() as connection:
                for run_id, _ in self._claims:
                    execute(connection, "loop/hold_claim", run_id=run_id)
        except sa.exc.DBAPIError as refusal:
            own = explain_refusal(refusal)
            return own if isinstance(own, RunGivenUpError) else None
        return None

    @contextmanager
    def carrying(self, run_id: str, look: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Let every transaction of this process, in whatever thread, carry the claim of a run.

        Parameters
        ----------
        look
            Called before each; may raise `RunGivenUpError`.
        """
        claim = (run_id, look)
        with self._changing_claims:
            self._claims += (claim,)
        try:
            yield
        finally:
            with self._changing_claims:
                self._claims = tuple(other for other in self._claims if other is not claim)

    def require_claim(self) -> None:
        """Ask whether this process may still write; for writes that lie outside the database.

        Raises
        ------
        RunGivenUpError
            A run whose claim it carries has lost it.
        """
        if self._claims:
            with self.transaction():
                pass

    def dispose(self) -> None:
        """Close every pooled connection."""
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def explain_refusal(error: BaseException, role: Role | None = None) -> CatalystError | None:
    """Return what the database's refusal means to a person: it is full, lost, or takes nothing from a run given up.

    Returns
    -------
    CatalystError or None
        None for a mistake in what was asked.
    """
    import sqlalchemy as sa

    if not isinstance(error, sa.exc.DBAPIError):
        return None
    reason = (str(error.orig).strip().splitlines() or [type(error.orig).__name__])[0]
    code = getattr(error.orig, "pgcode", None)
    if code == _LOST_CLAIM:
        said = reason.removeprefix("ERROR:").strip()
        return RunGivenUpError(
            f"{said[:1].upper()}{said[1:]}.",
            "Nothing more of it is written; the loop asks for the work again.",
        )
    if code == _DISK_FULL or "No space left on device" in reason:
        return DatabaseUnavailableError(
            f"The disk of the database is full: {reason.rstrip('.')}.", "Free disk space, then run again."
        )
    if code in _CONFLICTS:
        return TransactionConflictError(
            f"{_CONFLICTS[code]}: nothing of it was written ({_plain(reason)}).", "Send or run it again."
        )
    busy = _BUSY["53300"] if code is None and _NO_CONNECTION.search(reason) else _BUSY.get(code or "")
    if busy is not None:
        took_long = code == _CANCELLED and "timeout" in reason
        return DatabaseBusyError(
            f"{busy}{f' as {role}' if role else ''}: {_plain(reason)}.",
            "Ask for less at once, or give it longer." if took_long else "Try again a little later.",
        )
    is_lost = (
        isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated
    )
    if not is_lost:
        return None
    return DatabaseUnavailableError(
        f"PostgreSQL does not answer{f' as {role}' if role else ''}: {reason.rstrip('.')}.",
        "Run `catalyst status`; see the server's log under the home folder.",
    )


def _plain(reason: str) -> str:
    """Return what the server said without its own marks."""
    return re.sub(r"^(.*\b(ERROR|FATAL):)?\s*", "", reason).rstrip(".")


@cache
def load_query(name: str) -> "sa.TextClause":
    """Return the statement in ``sql/queries/<name>.sql``; its parameters are written ``:name``."""
    import sqlalchemy as sa

    text = (project_file("sql") / "queries" / f"{name}.sql").read_text(encoding="utf-8")
    return sa.text(re.sub(r"^\s*--.*$", "", text, flags=re.MULTILINE))


def fetch_all(connection: "sa.Connection", query: str, **parameters: Any) -> list[Row]:
    """Run a named query and return its rows."""
    return [dict(row) for row in connection.execute(load_query(query), parameters).mappings()]


def fetch_one(connection: "sa.Connection", query: str, **parameters: Any) -> Row | None:
    """Run a named query and return its only row, or None."""
    row = connection.execute(load_query(query), parameters).mappings().one_or_none()
    return None if row is None else dict(row)


def execute(connection: "sa.Connection", query: str, **parameters: Any) -> int:
    """Run a named statement and return the number of rows it touched."""
    return connection.execute(load_query(query), parameters).rowcount


def run_as_written(connection: "sa.Connection", statements: str) -> "sa.CursorResult[Any]":
    """Run statements that are not ours to word: in them colons and percent signs are not parameters."""
    return connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def execute_many(connection: "sa.Connection", query: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Run a named statement once for each mapping of parameters."""
    if rows:
        connection.execute(load_query(query), rows)


def copy_rows(
    connection: "sa.Connection", table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Append ``rows`` to ``table`` by COPY, in the caller's transaction; return how many there were.

    ``rows`` are those of :func:`format_rows`.
    """
    return copy_text(connection, table, columns, format_rows(rows))


def format_rows(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as the text that COPY reads, for :func:`copy_text`; needs no connection.

    Parameters
    ----------
    rows
        None, numbers, text, bytes, dicts (as JSON) and flat sequences (as arrays). Floats keep all 64 bits.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_MINIMAL)
    writer.writerows([_copy_text(value) for value in row] for row in rows)
    return buffer.getvalue()


def copy_text(connection: "sa.Connection", table: str, columns: Sequence[str], text: str) -> int:
    """Append what :func:`format_rows` returned to ``table``, in the caller's transaction.

    Returns
    -------
    int
        How many rows were written.
    """
    names = ", ".join(f'"{column}"' for column in columns)
    with _driver_cursor(connection) as cursor:
        statement = f"COPY {table} ({names}) FROM STDIN (FORMAT csv, NULL '{_NULL}')"
        # Every read waits for the interpreter's lock, which another thread may hold for milliseconds.
        cursor.copy_expert(statement, io.StringIO(text), size=_COPIED_AT_ONCE)
        return int(cursor.rowcount)


def copy_binary(connection: "sa.Connection", query: str, **parameters: Any) -> memoryview:
    """Run a named ``COPY … TO STDOUT (FORMAT binary)`` and return what it sends."""
    compiled = load_query(query).compile(dialect=connection.dialect)
    buffer = io.BytesIO()
    with _driver_cursor(connection) as cursor:
        cursor.copy_expert(cursor.mogrify(str(compiled), parameters).decode(), buffer, size=_COPIED_AT_ONCE)
    return buffer.getbuffer()


def storable(value: Any) -> Any:
    """Return JSON values with what PostgreSQL cannot keep (NUL, lone surrogates) replaced."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value


def _driver_cursor(connection: "sa.Connection") -> Any:
    driver_connection = connection.connection.driver_connection
    if driver_connection is None:
        raise DatabaseUnavailableError("The connection was closed before COPY.", "Run again.")
    return driver_connection.cursor()


def _copy_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return _NULL
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, dict):
        return _JSON.encode(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(float(value))
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(_array_text(item) for item in value) + "}"
    return str(value)


def _array_text(value: object) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, (int, float)):
        return repr(float(value)) if isinstance(value, float) else str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
