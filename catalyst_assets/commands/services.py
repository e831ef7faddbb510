"""`catalyst up`, `catalyst worker`, `catalyst status` and `catalyst db`: the services around the loop."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.db_query import query, url
from catalyst_assets.commands.opening import require_database
from catalyst_assets.commands.overview import campaigns_table, read_overview
from catalyst_assets.commands.runs import open_instance
from catalyst_assets.commands.tables import facts_table
from catalyst_assets.constants import Executor, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from resources.postgres.database import Database
    from resources.settings import Settings
    from resources.supervisor import Service

_Home = Annotated[
    Path | None, typer.Option("--home", help="The installation's folder [CATALYST_HOME, default .catalyst].")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command("up")(up)
    app.command("worker")(worker)
    app.command("status")(status)
    database = typer.Typer(
        no_args_is_help=True, help="Look after the database's schema, and into the database."
    )
    database.command("upgrade")(upgrade)
    database.command("status")(database_status)
    database.command("query")(query)
    database.command("url")(url)
    app.add_typer(database, name="db")


def _port(owner: str, name: str, default: int) -> Any:
    return typer.Option(min=1, max=65535, help=f"Of {owner} [CATALYST_{name}_PORT, default {default}].")


def up(
    home: _Home = None,
    host: Annotated[
        str | None,
        typer.Option(help="Address to bind [CATALYST_HOST, default 127.0.0.1]."),
    ] = None,
    app_port: Annotated[int | None, _port("the review app", "APP", 8050)] = None,
    api_port: Annotated[
        int | None,
        typer.Option(
            min=1, max=65535, help="Of the API's process [CATALYST_API_PORT, default one after the app's]."
        ),
    ] = None,
    dagster_port: Annotated[int | None, _port("Dagster's UI", "DAGSTER", 3000)] = None,
    mlflow_port: Annotated[int | None, _port("MLflow's UI", "MLFLOW", 5000)] = None,
    mlflow: Annotated[bool, typer.Option(help="Whether to serve MLflow's UI.")] = True,
    executor: Annotated[
        Executor | None,
        typer.Option(
            help="How steps are executed: in_process, multiprocess, or celery, with a Redis and a worker a queue "
            "[CATALYST_EXECUTOR, default in_process]."
        ),
    ] = None,
    redis_port: Annotated[int | None, _port("the Redis of celery", "REDIS", 6379)] = None,
) -> None:
    """Run everything: database, API, review app, MLflow, Dagster's UI and daemon. It prints a link that signs you in.

    Stays in the foreground, starts again what crashes, and on Ctrl-C or SIGTERM leaves no process and
    a cleanly stopped database. Logs lie in the home's `logs`.
    """
    from contextlib import ExitStack

    from rich.console import Console

    from catalyst_assets.ingestion.sources.assets import note_unconfigured
    from resources.bucket.clients import require_bucket
    from resources.dagster_instance import limit_pools
    from resources.postgres.connection import connect
    from resources.postgres.embedded import EmbeddedPostgres
    from resources.services import announced, describe_services, equip_services
    from resources.settings import load_settings
    from resources.supervisor import Supervisor, require_free_ports
    from resources.web.guard import explain_reach

    ports = {
        "app_port": app_port,
        "api_port": api_port,
        "dagster_port": dagster_port,
        "mlflow_port": mlflow_port,
        "redis_port": redis_port,
    }
    settings = load_settings(home=home, host=host, executor=executor, **ports)
    console = Console(highlight=False, soft_wrap=True)
    services = describe_services(settings, mlflow=mlflow)
    if (warning := explain_reach(settings.host)) is not None:
        console.print(warning, markup=False, style="yellow")
    with ExitStack() as stack:
        stack.enter_context(announced(settings, services))
        require_free_ports(settings.host, services)
        require_bucket(settings)
        checks: list[Callable[[], None]] = []
        if settings.embedded:
            server = EmbeddedPostgres(settings.home)
            with console.status("Starting PostgreSQL …"):
                stack.enter_context(server)
            checks.append(server.ensure_running)
        database = stack.enter_context(connect(settings, upgrade=True))
        with console.status("Starting Dagster …"), open_instance(settings, database) as instance:
            limit_pools(instance, settings)
            note_unconfigured(instance, settings)
        services = equip_services(
            services, settings, database
        )  # after Dagster's tables, which they are given
        supervisor = Supervisor(
            services,
            settings.home / "logs",
            settings.dagster_home,
            checks=checks,
            report=lambda line: console.print(line, markup=False),
        )
        console.print(f"Starting {', '.join(service.name for service in services)} …")
        supervisor.run(when_ready=lambda: _show_addresses(console, settings, services, database))
        if settings.embedded:
            console.print("Stopping PostgreSQL …")
    console.print("Stopped.")


def worker(
    queue: Annotated[Queue, typer.Option(help="Which steps it takes.")],
    concurrency: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="Steps at a time; unset, one, or for `gpu` as many as there are GPUs."
        ),
    ] = None,
    home: _Home = None,
) -> None:
    """Do the steps of one queue for runs under the executor celery, on this machine, until Ctrl-C or SIGTERM.

    A worker on another machine than `catalyst up` finds database, object store and Redis in CATALYST_DATABASE_URL
    or CATALYST_DATABASE_LOGINS, CATALYST_OBJECT_STORE and CATALYST_REDIS_URL.
    """
    import os

    from resources.bucket.clients import require_bucket
    from resources.distributed.broker import broker_url
    from resources.postgres.connection import connect
    from resources.services import worker_command, worker_environment
    from resources.settings import load_settings

    settings = load_settings(home=home, executor="celery")
    broker_url(settings)
    require_bucket(settings)
    require_database(settings)
    with connect(settings) as database:
        environment = worker_environment(settings, database, queue)
    command = worker_command(queue, concurrency)
    os.chdir(settings.dagster_home)
    os.execve(command[0], command, environment)  # noqa: S606


def status(home: _Home = None, as_json: _Json = False) -> None:
    """Show what runs, the schema's version and how far each campaign is."""
    from rich.console import Console

    from resources.services import find_running
    from resources.settings import load_settings
    from resources.supervisor import answers

    settings = load_settings(home=home)
    running = find_running(settings)
    urls = running.urls if running else {}
    report: dict[str, Any] = {
        "home": str(settings.home),
        "up": None if running is None else running.pid,
        "services": {name: {"url": url, "answers": answers(url)} for name, url in urls.items()},
        "programs": [] if running is None else _look_at_programs(settings, running.programs),
        "database": _look_at_database(settings),
    }
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _show_status(Console(highlight=False, soft_wrap=True), report)


def upgrade(home: _Home = None) -> None:
    """Bring the database's schema up to date, making the database if there is none."""
    from resources.postgres.connection import connect
    from resources.postgres.migrations import schema_state, upgrade_schema
    from resources.settings import load_settings

    with connect(load_settings(home=home), check_schema=False) as database:
        for migration in upgrade_schema(database):
            typer.echo(f"applied {migration.version:04d} {migration.name}")
        typer.echo(f"The database is at schema {schema_state(database).version}.")


def database_status(home: _Home = None, as_json: _Json = False) -> None:
    """Show which migrations the database has and which it lacks."""
    from resources.postgres.connection import connect
    from resources.postgres.migrations import schema_state
    from resources.settings import load_settings

    settings = load_settings(home=home)
    require_database(settings)
    with connect(settings, check_schema=False) as database:
        state = schema_state(database)
    if as_json:
        applied = [
            {"version": step.version, "name": step.name, "applied_at": step.applied_at.isoformat()}
            for step in state.applied
        ]
        pending = [{"version": step.version, "name": step.name} for step in state.pending]
        typer.echo(json.dumps({"version": state.version, "applied": applied, "pending": pending}))
        return
    for done in state.applied:
        typer.echo(f"{done.version:04d} {done.name}  applied {done.applied_at:%Y-%m-%d %H:%M}")
    for step in state.pending:
        typer.echo(f"{step.version:04d} {step.name}  pending: run `catalyst db upgrade`")


def _look_at_programs(settings: "Settings", names: list[str]) -> list[dict[str, Any]]:
    """Return what has no pages; of Redis and the workers, whether they answer."""
    from catalyst_assets.errors import UsageError
    from resources.distributed.asking import served_queues
    from resources.distributed.broker import NAME, answers_ping, broker_url

    workers = [name for name in names if name.startswith("worker-")]
    answering: dict[str, bool] = {}
    if workers:
        try:
            answering[NAME] = answers_ping(broker_url(settings))
        except UsageError:
            answering[NAME] = False
        served = served_queues(settings) if answering[NAME] else set()
        answering |= {name: name.removeprefix("worker-") in served for name in workers}
    return [{"name": name, "answers": answering.get(name)} for name in names]


def _look_at_database(settings: "Settings") -> dict[str, Any] | None:
    from catalyst_assets.errors import UsageError
    from catalyst_assets.loop.notices.keeping import standing_notices
    from resources.postgres.connection import connect
    from resources.postgres.database import Role, fetch_one
    from resources.postgres.migrations import schema_state

    try:
        require_database(settings)
    except UsageError:
        return None
    with connect(settings, check_schema=False) as database:
        state = schema_state(database)
        found: dict[str, Any] = {
            "kind": "embedded" if settings.embedded else "external",
            "schema": state.version,
            "pending": [step.version for step in state.pending],
            "materials": 0,
            "campaigns": [],
            "notices": [],
        }
        if not state.pending:
            with database.transaction(Role.APP) as connection:
                found |= fetch_one(connection, "services/material_count") or {}
                notices = standing_notices(connection)
            found["campaigns"] = read_overview(database)
            found["notices"] = [row | {"raised_at": row["raised_at"].isoformat()} for row in notices]
    return found


def _show_addresses(
    console: Any, settings: "Settings", services: "list[Service]", database: "Database"
) -> None:
    from catalyst_assets.commands.users import make_link

    table = facts_table("Everything runs")
    for service in services:
        table.add_row(service.name, service.url or "runs")
    table.add_row("logs", str(settings.home / "logs"))
    console.print(table)
    link = make_link(settings, database, None)
    console.print(f"Sign in, once: {link}", markup=False)
    console.print("`catalyst users link` prints another such link. Press Ctrl-C to stop.", markup=False)


def _show_status(console: Any, report: dict[str, Any]) -> None:
    from rich.markup import escape

    console.print(f"home      {escape(report['home'])}")
    console.print(f"up        {'not running' if report['up'] is None else 'as process ' + str(report['up'])}")
    for name, service in report["services"].items():
        state = "answers" if service["answers"] else "does not answer"
        console.print(f"          {name}: {service['url']} {state}")
    words = {True: "answers", False: "does not answer", None: "runs"}
    for program in report["programs"]:
        console.print(f"          {program['name']}: {words[program['answers']]}")
    database = report["database"]
    if database is None:
        console.print("database  none yet: run `catalyst demo` or `catalyst up`")
        return
    count = len(database["pending"])
    pending = f", {count} pending: run `catalyst db upgrade`" if count else ""
    console.print(f"database  {database['kind']}, schema {database['schema']}{pending}")
    console.print(f"materials {database['materials']}")
    if database["campaigns"]:
        table = campaigns_table(database["campaigns"], console.width, standings=True)
        console.print(table, soft_wrap=False, markup=False)
    for notice in database["notices"]:
        whose = f"{notice['campaign']}: " if notice["campaign"] else ""
        console.print(f"notice    {whose}{notice['message']}", markup=False)
