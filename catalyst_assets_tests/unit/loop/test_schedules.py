"""Which run a schedule asks for, or why it asks for none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy
from dagster._core.definitions.schedule_definition import ScheduleExecutionData

from catalyst_assets.definitions import defs
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.sources.assets import make_raw_asset
from catalyst_assets.ingestion.sources.registry import SOURCES as REGISTERED
from catalyst_assets.ingestion.sources.schedules import make_schedules
from catalyst_assets_tests.places import PROJECT
from resources.settings import get_settings

SOURCES = ["aflow", "materials_project", "optimade"]
NIGHT = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


@pytest.fixture
def sources_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.yaml"
    monkeypatch.setenv("CATALYST_SOURCES_FILE", str(path))
    return path


def write(path: Path, document: object) -> None:
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    get_settings.cache_clear()


def schedule(source: str) -> dg.ScheduleDefinition:
    return defs.resolve_schedule_def(f"refresh_{source}")


def tick(source: str) -> ScheduleExecutionData:
    with dg.build_schedule_context(scheduled_execution_time=NIGHT) as context:
        return schedule(source).evaluate_tick(context)


def config_of(source: str) -> dict[str, Any]:
    (request,) = tick(source).run_requests
    job = defs.resolve_job_def(f"ingest_{source}")
    assert dg.validate_run_config(job, request.run_config)
    config: dict[str, Any] = request.run_config["ops"][f"raw_{source}"]["config"]
    return config


@pytest.mark.parametrize("source", SOURCES)
def test_without_a_sources_file_nothing_is_asked_and_the_tick_says_so(source: str) -> None:
    outcome = tick(source)

    assert not outcome.run_requests
    assert outcome.skip_message is not None
    assert "CATALYST_SOURCES_FILE" in outcome.skip_message


def test_a_source_that_the_file_does_not_name_is_skipped(sources_file: Path) -> None:
    write(sources_file, {"aflow": {"matchbook": "species(O,Ti)"}})

    outcome = tick("optimade")

    assert not outcome.run_requests
    assert outcome.skip_message == f"optimade is not configured: {sources_file} does not name it."


def test_the_run_takes_what_the_file_says(sources_file: Path) -> None:
    write(
        sources_file,
        {
            "aflow": {"matchbook": "species(O,Ti)", "most_entries": 500},
            "optimade": {"providers": ["oqmd", "mine.yaml"], "filter": "nelements=3"},
        },
    )

    assert config_of("aflow") == {"matchbook": "species(O,Ti)", "most_entries": 500, "endpoint": ""}
    assert config_of("optimade") == {
        "providers": ["oqmd", str(sources_file.parent / "mine.yaml")],
        "filter": "nelements=3",
        "most_entries": None,
    }


def test_the_materials_project_is_asked_with_a_key_only(
    sources_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources_file.write_text("materials_project:\n", encoding="utf-8")
    assert tick("materials_project").skip_message == "materials_project needs a key: set MP_API_KEY."

    monkeypatch.setenv("MP_API_KEY", "k" * 32)
    get_settings.cache_clear()

    config = config_of("materials_project")
    assert config["full_table"] is False
    assert "k" * 32 not in str(config)


def test_the_example_of_a_sources_file_serves_every_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    example = PROJECT / "docs" / "examples" / "sources.yaml"
    monkeypatch.setenv("CATALYST_SOURCES_FILE", str(example))
    monkeypatch.setenv("MP_API_KEY", "k" * 32)
    get_settings.cache_clear()
    assert set(yaml.safe_load(example.read_text())) == set(SOURCES)
    assert all(config_of(source) for source in SOURCES)


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ({"aflow": {"matchbook": "species(O)", "most_entires": 5}}, "aflow: most_entires is not known"),
        ({"aflow": {}}, "aflow.matchbook"),
        ({"aflow": None}, "aflow.matchbook"),
        ({"optimade": {"providers": "oqmd"}}, "optimade.providers"),
        ({"aflwo": {"matchbook": "species(O)"}}, "aflwo"),
        (["aflow"], "valid dictionary"),
    ],
)
def test_a_file_that_is_wrong_fails_the_tick_with_the_field(
    sources_file: Path, document: object, complaint: str
) -> None:
    write(sources_file, document)
    with pytest.raises(dg.DagsterUserCodeExecutionError) as caught:
        tick("aflow")
    assert isinstance(caught.value.__cause__, UsageError)
    assert str(sources_file) in str(caught.value.__cause__)
    assert complaint in str(caught.value.__cause__)


@pytest.mark.parametrize(("source", "days"), [("aflow", 7), ("materials_project", 1), ("optimade", 7)])
def test_what_the_file_names_is_asked_by_itself_and_fresh_until_that_was_missed(
    source: str, days: int, sources_file: Path
) -> None:
    (spec,) = (spec for spec in REGISTERED if spec.name == source)
    assert schedule(source).default_status == dg.DefaultScheduleStatus.STOPPED
    assert f"no sources file (CATALYST_SOURCES_FILE) names {source}" in (schedule(source).description or "")
    assert defs.resolve_asset_graph().get(dg.AssetKey(spec.asset)).freshness_policy is None

    write(sources_file, {source: {}})

    (planned,) = make_schedules([spec])
    assert planned.default_status == dg.DefaultScheduleStatus.RUNNING
    policy = next(iter(make_raw_asset(spec).specs)).freshness_policy
    assert isinstance(policy, TimeWindowFreshnessPolicy)
    assert policy.warn_window is not None
    assert timedelta(days=days) < policy.warn_window.to_timedelta() < timedelta(days=2 * days)
    assert policy.fail_window.to_timedelta() == timedelta(days=2 * days)


def test_a_file_that_cannot_be_read_leaves_the_schedules_running_to_say_so(sources_file: Path) -> None:
    sources_file.write_text("- aflow", encoding="utf-8")
    get_settings.cache_clear()
    assert {planned.default_status for planned in make_schedules(REGISTERED)} == {
        dg.DefaultScheduleStatus.RUNNING
    }
