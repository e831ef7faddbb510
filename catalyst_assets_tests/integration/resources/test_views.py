"""The views that people read: what they say, who may read them, and that a filter reaches the tables below."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.vocabulary.stored import keep_known_properties
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.connection import open_embedded
from resources.postgres.database import Database, Role
from resources.postgres.embedded import EmbeddedPostgres

NOT_ALLOWED = "42501"
DOCS = Path(__file__).parents[3] / "docs" / "database.md"


def rows(database: Database, statement: str, role: Role = Role.ANALYST) -> list[dict[str, Any]]:
    with database.transaction(role) as connection:
        return [dict(row) for row in connection.exec_driver_sql(statement.replace("%", "%%")).mappings()]


@pytest.fixture
def reviewed(database: Database, campaign: ReviewedCampaign) -> ReviewedCampaign:
    """Two iterations over two materials, the first of which was validated in the first one."""
    first = campaign.rank(0, ["p:AgAlO3", "p:KTaO3"])
    campaign.predict(0, {"p:AgAlO3": (1.0, -1.0), "p:KTaO3": (2.0, -2.0)})
    campaign.register(0, version=1, champion=1)
    campaign.move(first[0], "flagged", "in_validation")
    campaign.answer(0, "p:AgAlO3", 1.25, None)
    campaign.move(first[0], "validated")
    campaign.rank(1, ["p:KTaO3"])
    campaign.label(1, "p:AgAlO3", 1.25, -1.5)
    campaign.predict(1, {"p:KTaO3": (2.5, -2.25)}, std=0.5)
    campaign.register(1, version=2, champion=2)
    with database.transaction(Role.PIPELINE) as connection:
        keep_known_properties(connection)
    return campaign


def test_a_prediction_is_a_row_with_its_unit_method_and_model(
    database: Database, reviewed: ReviewedCampaign
) -> None:
    shown = rows(database, "SELECT * FROM reading.predictions ORDER BY property")
    for row in shown:
        del row["predicted_at"]
    about = {
        "campaign": reviewed.name, "iteration": 1, "material_id": "p:KTaO3", "formula": "KTaO3", "method": "PBE",
        "model_version": f"{reviewed.name}@2", "distance": None, "out_of_distribution": None,
    }  # fmt: skip
    assert shown == [
        about | {"property": "band_gap_direct", "value": 2.5, "uncertainty": 0.5, "unit": "eV"},
        about | {"property": "formation_energy_per_atom", "value": -2.25, "uncertainty": 0.5, "unit": "eV/atom"},
    ]  # fmt: skip


def test_history_candidates_and_answers_are_rows(database: Database, reviewed: ReviewedCampaign) -> None:
    history = rows(database, "SELECT iteration, value FROM reading.prediction_history"
                             " WHERE material_id = 'p:KTaO3' AND property = 'band_gap_direct' ORDER BY 1")  # fmt: skip
    assert history == [{"iteration": 0, "value": 2.0}, {"iteration": 1, "value": 2.5}]
    candidates = rows(
        database,
        "SELECT iteration, rank, formula, status, model_version FROM reading.candidates ORDER BY 1, 2",
    )
    assert [tuple(row.values()) for row in candidates] == [
        (0, 1, "AgAlO3", "validated", f"{reviewed.name}@1"),
        (0, 2, "KTaO3", "ranked", f"{reviewed.name}@1"),
        (1, 1, "KTaO3", "ranked", f"{reviewed.name}@2"),
    ]
    answers = rows(
        database, "SELECT property, value, unit, outcome FROM reading.validation_results ORDER BY 1"
    )
    assert [tuple(row.values()) for row in answers] == [
        ("band_gap_direct", 1.25, "eV", "measured"),
        ("formation_energy_per_atom", None, "eV/atom", "failed"),
    ]
    labels = rows(database, "SELECT iteration, property, value, unit, origin FROM reading.labels ORDER BY 2")
    assert [tuple(row.values()) for row in labels] == [
        (1, "band_gap_direct", 1.25, "eV", "validated"),
        (1, "formation_energy_per_atom", -1.5, "eV/atom", "validated"),
    ]


def test_the_queries_in_the_docs_run(database: Database, reviewed: ReviewedCampaign) -> None:
    queries = [part.split("```")[0] for part in DOCS.read_text(encoding="utf-8").split("```sql\n")[1:]]
    assert len(queries) >= 3
    with database.transaction(Role.ANALYST) as connection:
        connection.exec_driver_sql("SET search_path = reading, public")
        answers = [connection.exec_driver_sql(query.replace("%", "%%")).all() for query in queries]
    assert [len(answer) > 0 for answer in answers] == [True] * len(queries)


def test_every_view_and_column_is_explained_here_and_in_the_docs(database: Database) -> None:
    columns = rows(
        database,
        "SELECT c.relname AS view, a.attname AS column, col_description(c.oid, a.attnum) AS said,"
        " obj_description(c.oid) AS about FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'reading'::regnamespace AND a.attnum > 0",
    )
    assert columns
    assert [row for row in columns if not row["said"] or not row["about"]] == []
    sections = {part.split("`")[0]: part for part in DOCS.read_text(encoding="utf-8").split("\n| `")[1:]}
    missing = [
        f"{row['view']}.{row['column']}"
        for row in columns
        if f"`{row['column']}`" not in sections.get(row["view"], "").split("\n")[0]
    ]
    assert missing == []


def test_an_analyst_reads_views_and_nothing_else(database: Database, reviewed: ReviewedCampaign) -> None:
    readable = rows(database, "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c"
                              " JOIN pg_namespace n ON n.oid = c.relnamespace"
                              " WHERE n.nspname IN ('public', 'reading') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')"
                              " AND has_any_column_privilege('catalyst_analyst', c.oid, 'SELECT, INSERT, UPDATE')")  # fmt: skip
    assert {row["name"].partition(".")[0] for row in readable} == {"reading"}
    runnable = rows(database, "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"
                              " AND prorettype <> 'trigger'::regtype AND has_function_privilege(oid, 'EXECUTE')")  # fmt: skip
    assert runnable == []
    for statement in (
        "SELECT * FROM public.materials",
        "SELECT * FROM public.reference_values",
        "CREATE TABLE public.mine (x integer)",
        "CREATE VIEW reading.mine AS SELECT 1",
        "UPDATE reading.materials SET formula = 'x'",
        "SET ROLE catalyst_pipeline",
    ):
        with database.engine(Role.ANALYST).connect() as connection:
            connection.exec_driver_sql("SET TRANSACTION READ WRITE")
            with pytest.raises(sa.exc.DBAPIError) as refused:
                connection.exec_driver_sql(statement)
        assert refused.value.orig.pgcode == NOT_ALLOWED


def test_no_view_shows_what_a_validator_was_not_asked(database: Database, reviewed: ReviewedCampaign) -> None:
    with database.transaction(Role.OWNER) as connection:
        for statement in (
            "INSERT INTO raw_files (source, url, request, sha256, size_bytes, licence)"
            " VALUES ('p', 'u', '{\"slot\": \"a\", \"answers\": true}', repeat('a', 64), 1, 'own')",
            "INSERT INTO reference_values VALUES ('p', 'p:KTaO3', 'band_gap_direct', 'PBE', 4.4444, 'eV', 'x')",
            "INSERT INTO quarantine (source, record, raw_sha256, reason, payload)"
            " VALUES ('p', 'p:1', 'x', 'no unit', '{\"band_gap\": 4.4444}')",
            'UPDATE materials SET properties = \'{"band_gap": [{"value": 4.4444, "unit": "eV",'
            ' "method": "PBE", "source": "p"}]}\' WHERE material_id = \'p:KTaO3\'',
        ):
            connection.exec_driver_sql(statement)
    views = rows(database, "SELECT viewname FROM pg_views WHERE schemaname = 'reading'")
    said = {row["viewname"]: str(rows(database, f"TABLE reading.{row['viewname']}")) for row in views}
    assert len(said) > 10
    assert [name for name, text in said.items() if "4.4444" in text] == []


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("computed_properties", "materials_pkey"),
        ("prediction_history", "material_id"),
        ("labels", "iteration_labels_material"),
    ],
)
def test_one_material_is_looked_up_not_searched(
    database: Database, reviewed: ReviewedCampaign, name: str, index: str
) -> None:
    with database.transaction(Role.OWNER) as connection:
        # Tables are too small for an index to pay.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        view = sa.table(name, sa.column("material_id"), schema="reading")
        asked = (
            sa.select(view)
            .where(view.c.material_id == "p:7")
            .compile(connection, compile_kwargs={"literal_binds": True})
        )
        text = "\n".join(connection.exec_driver_sql(f"EXPLAIN {asked}").scalars())
    assert "Filter: (material_id" not in text
    assert index in text


def test_a_home_from_before_there_was_an_analyst_gets_the_login(tmp_path: Path) -> None:
    with EmbeddedPostgres(tmp_path / "home", durable=False) as server:
        open_embedded(server).dispose()
        path = server.cluster.folder / "passwords.json"
        passwords = path.read_text()
        path.write_text(passwords.replace(f'"{Role.ANALYST}"', '"catalyst_forgotten"'))
        older = EmbeddedPostgres(tmp_path / "home", durable=False)
        with older:
            database = open_embedded(older)
            assert rows(database, "SELECT session_user AS me") == [{"me": "catalyst_analyst"}]
            database.dispose()
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.read_text() != passwords
