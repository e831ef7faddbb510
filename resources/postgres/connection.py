"""How a process gets to its databases: the embedded server under the home, or an external one.

Either way there are three databases: `catalyst` and, beside it, Dagster's and MLflow's.
"""

import atexit
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from catalyst_assets.errors import DatabaseUnavailableError, UsageError
from resources.postgres.database import Database, Role, Sibling, fetch_all, fetch_one, run_as_written
from resources.postgres.embedded import DRIVER, EmbeddedPostgres
from resources.postgres.logins import Logins, plan_logins, read_logins, sibling_role
from resources.postgres.migrations import require_current_schema, upgrade_schema
from resources.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

_CATALYST = "catalyst"


@contextmanager
def connect(settings: Settings, *, upgrade: bool = False, check_schema: bool = True) -> Iterator[Database]:
    """Open the installation's databases; the embedded server runs at least until the context ends.

    Parameters
    ----------
    upgrade
        Bring the schema up to date first.
    check_schema
        False opens a database whatever its schema.

    Raises
    ------
    DatabaseUnavailableError
        The server cannot be started or reached.
    SchemaVersionError
        The schema is newer than this code, or older and ``upgrade`` is False.
    UsageError
        ``CATALYST_DATABASE_URL`` is not a PostgreSQL URL.
    """
    with ExitStack() as stack:
        if settings.database_url is not None:
            database = open_external(settings.database_url.get_secret_value())
        elif settings.database_logins is not None:
            database = read_logins(settings.database_logins).open()
        else:
            database = open_embedded(stack.enter_context(EmbeddedPostgres(settings.home)))
        stack.callback(database.dispose)
        if upgrade:
            upgrade_schema(database)
        elif check_schema:
            require_current_schema(database)
        yield database


@contextmanager
def connect_app(settings: Settings) -> Iterator[Database]:
    """Open the database as the review app alone, by ``CATALYST_APP_DATABASE_URL`` if that is set.

    Raises
    ------
    DatabaseUnavailableError, SchemaVersionError, UsageError
        As `connect`.
    """
    if settings.app_database_url is None:
        with connect(settings) as database:
            yield Database({Role.APP: database.url(Role.APP)})
        return
    url = _parse_url(settings.app_database_url.get_secret_value(), "CATALYST_APP_DATABASE_URL")
    database = Database({Role.APP: _text(url)})
    require_current_schema(database)
    yield database
    database.dispose()


@cache
def process_database(settings: Settings) -> Database:
    """Return the databases of this process, kept open until it exits."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(connect(settings))


def service_database(settings: Settings, database: Database) -> Database:
    """Return an installation's databases as its services reach them: on a server of others, not as the owner.

    Raises
    ------
    CatalystError
        The logins cannot be kept in the home.
    DatabaseUnavailableError
        The server refuses to make them.
    UsageError
        ``CATALYST_DATABASE_LOGINS`` names no file of logins.
    """
    if settings.database_url is None or settings.database_logins is not None:
        return database if settings.database_logins is None else read_logins(settings.database_logins).open()
    owner = _parse_url(settings.database_url.get_secret_value())
    logins = plan_logins(settings.logins_file, owner)
    _make_logins(owner, logins, settings.logins_file)
    return logins.open()


def make_logins(settings: Settings, path: Path) -> None:
    """Make the logins that a file names, on the server of the owner's database; those that are there stay.

    Raises
    ------
    DatabaseUnavailableError
        The server refuses.
    UsageError
        ``CATALYST_DATABASE_URL`` is not set, or the file cannot be read.
    """
    _make_logins(require_owner(settings), read_logins(path), path)


def require_owner(settings: Settings) -> "sa.URL":
    """Return the URL of an external database's owner.

    Raises
    ------
    UsageError
        ``CATALYST_DATABASE_URL`` is not set, or is no URL of PostgreSQL.
    """
    if settings.database_url is None:
        raise UsageError("No database is named.", "Set CATALYST_DATABASE_URL to its owner's URL.")
    return _parse_url(settings.database_url.get_secret_value())


def _make_logins(owner: "sa.URL", logins: Logins, path: Path) -> None:
    import sqlalchemy as sa

    try:
        with _maintenance(owner) as connection:
            for login in logins.logins.values():
                verifier = _scram_verifier(connection, login.user, login.password.get_secret_value())
                names = {"role": login.role or login.user, "login": login.user, "verifier": verifier}
                _execute_generated(connection, "services/external_login", **names)
        for sibling in Sibling:
            with _maintenance(owner.set(database=f"{owner.database}_{sibling}")) as connection:
                role = sibling_role(str(owner.database), sibling)
                _execute_generated(connection, "services/own_sibling", role=role)
    except sa.exc.DBAPIError as error:
        raise DatabaseUnavailableError(
            f"No logins for the services can be made on {_place(owner)}: {str(error.orig).strip().splitlines()[0]}.",
            "Have the server's administrator make them, and name the file of them in CATALYST_DATABASE_LOGINS; "
            f"{path} shows what is wanted.",
        ) from error


def dagster_url(settings: Settings) -> str:
    """Return the URL of Dagster's store; the embedded server, if it is on it, runs until this process exits."""
    if settings.dagster_database_url is not None:
        return settings.dagster_database_url.get_secret_value()
    return process_database(settings).sibling_url(Sibling.DAGSTER)


def open_embedded(server: EmbeddedPostgres) -> Database:
    """Return the databases on an embedded server, created on first use, each role with its own login."""
    if not server.cluster.has_all_logins:
        maintenance = _maintenance(server.owner_url("postgres"))
        with server.starting(), server.cluster.adding_logins() as added, maintenance as connection:
            _run_for_logins(connection, "services/create_login", added)
            # Where a process was killed before it kept the password, the login is there already.
            _run_for_logins(connection, "services/set_password", added)
    siblings = {sibling: server.url(sibling.owner, sibling.value) for sibling in Sibling}
    if not _database_exists(server.owner_url(_CATALYST)):
        with _maintenance(server.owner_url("postgres")) as connection:
            _run_for_logins(connection, "services/create_login", server.cluster.passwords)
            for sibling in Sibling:
                _create_database(connection, sibling.value, sibling.owner)
                _execute_generated(connection, "services/close_database", name=sibling.value)
            # Last: its presence says that all the rest is there.
            _create_database(connection, _CATALYST, None)
    urls = {role: server.url(role, _CATALYST) for role in Role}
    return Database(urls | {Role.ANALYST: _text(_reading(_parse_url(urls[Role.ANALYST])))}, siblings)


def open_external(url_text: str) -> Database:
    """Return the databases on a server that somebody else runs.

    One login serves all roles here: each connection takes its role when it opens, which guards
    against mistakes, not against code that resets the role. Services have others: `service_database`.

    Raises
    ------
    UsageError
        Not a PostgreSQL URL with a database name.
    DatabaseUnavailableError
        The server does not answer, or a database is missing and cannot be created.
    """
    owner = _parse_url(url_text)
    siblings = {sibling: owner.set(database=f"{owner.database}_{sibling}") for sibling in Sibling}
    if not _database_exists(owner):
        raise DatabaseUnavailableError(
            f"There is no database {owner.database!r} on {_place(owner)}.",
            "Create it, or correct CATALYST_DATABASE_URL.",
        )
    with _maintenance(owner) as connection:
        for sibling in siblings.values():
            _create_database(connection, str(sibling.database), None)
    return Database(
        {role: _text(owner if role is Role.OWNER else _as_role(owner, role)) for role in Role},
        {sibling: _text(url) for sibling, url in siblings.items()},
    )


def _parse_url(text: str, variable: str = "CATALYST_DATABASE_URL") -> "sa.URL":
    import sqlalchemy as sa

    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in ("postgresql", "postgres") or not url.database:
        raise UsageError(
            f"{variable} is not the URL of a PostgreSQL database.",
            "Write it as postgresql://user:password@host:5432/catalyst, or unset it for the embedded server.",
        )
    return url.set(drivername=DRIVER)


def _as_role(url: "sa.URL", role: Role) -> "sa.URL":
    url = _with_option(url, f"role={role}")
    return _reading(url) if role is Role.ANALYST else url


def _reading(url: "sa.URL") -> "sa.URL":
    """Let an analyst name views without their schema, and only read; of tables it is said that they are not for reading."""
    return _with_option(_with_option(url, "search_path=reading,public"), "default_transaction_read_only=on")


def _with_option(url: "sa.URL", option: str) -> "sa.URL":
    given = url.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    return url.update_query_dict({"options": f"{options} -c {option}".strip()})


def _database_exists(url: "sa.URL | str") -> bool:
    """Connect once; libpq keeps the SQLSTATE of a refusal, so the server is then asked what it has."""
    import sqlalchemy as sa

    url = sa.make_url(url)
    try:
        with _maintenance(url):
            return True
    except sa.exc.OperationalError as error:
        reason = str(error.orig).strip().splitlines()[-1]
    with suppress(sa.exc.OperationalError), _maintenance(url.set(database="postgres")) as connection:
        if fetch_one(connection, "services/database_exists", name=url.database) is None:
            return False
    raise DatabaseUnavailableError(
        f"PostgreSQL on {_place(url)} does not answer: {reason}.",
        "Start it, or correct CATALYST_DATABASE_URL; without it an embedded server is used.",
    )


@contextmanager
def _maintenance(url: "sa.URL | str") -> "Iterator[sa.Connection]":
    import sqlalchemy as sa

    url = sa.make_url(url)
    url = url.set(query={"connect_timeout": "10", **url.query})
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection


def _create_database(connection: "sa.Connection", name: str, owner: str | None) -> None:
    import sqlalchemy as sa

    try:
        _execute_generated(connection, "services/create_database", name=name, owner=owner)
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "pgcode", None) == "42P04":  # another process was faster
            return
        raise DatabaseUnavailableError(
            f"The database {name!r} is missing and cannot be created: {str(error.orig).strip().splitlines()[0]}.",
            f"Create it as an administrator: CREATE DATABASE {name!r} OWNED BY this login.",
        ) from None


def _execute_generated(connection: "sa.Connection", query: str, **parameters: str | None) -> None:
    """Run the statements that a query returns."""
    for row in fetch_all(connection, query, **parameters):
        run_as_written(connection, row["statement"])


def _run_for_logins(connection: "sa.Connection", query: str, passwords: Mapping[str, str]) -> None:
    for login, password in passwords.items():
        verifier = _scram_verifier(connection, login, password)
        _execute_generated(connection, query, login=login, verifier=verifier)


def _scram_verifier(connection: "sa.Connection", login: str, password: str) -> str:
    from psycopg2.extensions import encrypt_password

    scope = connection.connection.driver_connection
    return str(encrypt_password(password, login, scope=scope, algorithm="scram-sha-256"))


def _place(url: "sa.URL") -> str:
    return f"{url.host or url.query.get('host', 'the local socket')}:{url.port or 5432}"


def _text(url: "sa.URL") -> str:
    return url.render_as_string(hide_password=False)
