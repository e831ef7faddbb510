import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from catalyst_assets.asset_metadata.tables import FILE, read_columns
from catalyst_assets.errors import CatalystError, SchemaVersionError
from catalyst_assets_tests.conftest import _TestDatabase
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.paths import project_file
from resources.postgres.connection import connect
from resources.postgres.database import Database, Role
from resources.postgres.embedded import EmbeddedPostgres
from resources.postgres.migrations import (
    read_migrations,
    require_current_schema,
    schema_state,
    upgrade_schema,
)
from resources.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The project's migrations, to which a test may add."""
    copied = tmp_path / "migrations"
    shutil.copytree(project_file("sql") / "migrations", copied)
    read_migrations.cache_clear()
    yield copied
    read_migrations.cache_clear()


def add(folder: Path, number: int, statements: str) -> None:
    (folder / f"{number:04d}_more.sql").write_text(statements)
    read_migrations.cache_clear()


def tables(database: Database) -> set[str]:
    with database.transaction(Role.OWNER) as connection:
        return set(
            connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).scalars()
        )


def test_the_shipped_schema_is_current_and_upgrading_again_does_nothing(database: Database) -> None:
    require_current_schema(database)
    assert upgrade_schema(database) == []
    known = read_migrations()
    assert [(step.version, step.sha256) for step in schema_state(database).applied] == [
        (step.version, step.sha256) for step in known
    ]


def test_a_pending_migration_is_refused_then_applied_once(database: Database, folder: Path) -> None:
    add(folder, 900, "CREATE TABLE more (x text DEFAULT 'a % and a :colon');")
    with pytest.raises(SchemaVersionError, match="needs 900") as caught:
        require_current_schema(database, folder)
    assert "catalyst db upgrade" in caught.value.remedy
    assert [step.version for step in upgrade_schema(database, folder)] == [900]
    assert upgrade_schema(database, folder) == []
    assert "more" in tables(database)


def test_a_newer_database_is_refused_and_left_alone(database: Database, folder: Path) -> None:
    add(folder, 900, "CREATE TABLE more ();")
    upgrade_schema(database, folder)
    for operation in (require_current_schema, upgrade_schema):
        with pytest.raises(SchemaVersionError, match=r"schema 900 \(more\), newer than") as caught:
            operation(database)
        assert "Install the version" in caught.value.remedy


def test_a_migration_changed_after_it_was_applied_is_refused(database: Database, folder: Path) -> None:
    add(folder, 900, "CREATE TABLE more ();")
    upgrade_schema(database, folder)
    add(folder, 900, "CREATE TABLE more (x text);")
    with pytest.raises(SchemaVersionError, match=r"0900_more\.sql was changed after it was applied"):
        upgrade_schema(database, folder)


def test_a_failing_migration_leaves_nothing_and_those_before_it_stay(
    database: Database, folder: Path
) -> None:
    add(folder, 900, "CREATE TABLE before_it ();")
    add(folder, 901, "CREATE TABLE half (); SELECT 1 / 0;")
    with pytest.raises(SchemaVersionError, match=r"0901_more\.sql failed: division by zero"):
        upgrade_schema(database, folder)
    assert schema_state(database, folder).version == 900
    assert {"before_it"} == tables(database) & {"before_it", "half"}


def test_two_that_migrate_at_once_apply_each_migration_once(database: Database, folder: Path) -> None:
    for number in range(900, 905):
        add(folder, number, f"SELECT pg_sleep(0.05); CREATE TABLE more_{number} ();")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: upgrade_schema(database, folder), range(4)))
    assert sorted(step.version for steps in done for step in steps) == [900, 901, 902, 903, 904]


def test_a_misnamed_file_is_named(folder: Path) -> None:
    (folder / "two.sql").write_text("")
    read_migrations.cache_clear()
    with pytest.raises(CatalystError, match=r"two\.sql is not a migration"):
        read_migrations(folder)


def test_connecting_refuses_an_old_schema_unless_told_to_upgrade(settings: Settings) -> None:
    def connect_once(**options: bool) -> int:
        with connect(settings, **options) as database:
            return schema_state(database).version

    with pytest.raises(SchemaVersionError, match="is at schema 0"):
        connect_once()
    newest = read_migrations()[-1].version
    assert connect_once(upgrade=True) == newest
    assert connect_once() == newest


def test_predictions_from_before_distances_stay_and_new_ones_have_them(
    postgres_server: EmbeddedPostgres, folder: Path
) -> None:
    newer = [path for path in sorted(folder.glob("*.sql")) if path.name >= "0005"]
    texts = {path: path.read_text(encoding="utf-8") for path in newer}
    for path in newer:
        path.unlink()
    read_migrations.cache_clear()
    whole = _TestDatabase(postgres_server, "before_distances")
    whole.create("before_distances", "TEMPLATE template0 OWNER catalyst_owner")
    try:
        upgrade_schema(whole, folder)
        campaign = ReviewedCampaign(whole).start()
        campaign.open(0, ["p:A", "p:B"])
        with whole.transaction(Role.PIPELINE) as connection:
            connection.exec_driver_sql("INSERT INTO predictions VALUES (1, 'p:A', '{1}', '{2}', '\\x00')")
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
        read_migrations.cache_clear()
        upgrade_schema(whole, folder)
        campaign.measure(0, {"p:B": 1.5}, threshold=1.2)
        campaign.rank(1, ["p:A"])
        campaign.measure(1, {"p:A": 0.5}, threshold=1.1)
        with whole.transaction(Role.APP) as connection:
            rows = connection.exec_driver_sql(
                "SELECT partition_key, material_id, distance, distance_threshold"
                " FROM predictions JOIN prediction_versions USING (version) ORDER BY 1, 2"
            ).all()
        assert [tuple(row) for row in rows] == [
            (campaign.key(0), "p:A", None, 1.2),
            (campaign.key(0), "p:B", 1.5, 1.2),
            (campaign.key(1), "p:A", 0.5, 1.1),
        ]
    finally:
        whole.drop()


def test_what_dagster_shows_of_tables_is_what_the_database_says(database: Database) -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert kept == read_columns(database), "Run `python -m catalyst_assets.asset_metadata.tables`."
    assert [column["name"] for table in kept.values() for column in table if not column["description"]] == []
