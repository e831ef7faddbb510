"""One declaration gives a source its asset, job, schedule, command and parser; nothing heavy is loaded for it."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
import pytest
import typer
import yaml
from pydantic import Field
from typer.testing import CliRunner

from catalyst_assets.build import build_defs
from catalyst_assets.commands import ingest
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.sources.assets import make_raw_asset
from catalyst_assets.ingestion.sources.jobs import MADE, make_job
from catalyst_assets.ingestion.sources.refreshing import Refreshed
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.ingestion.sources.schedules import make_schedules
from catalyst_assets.ingestion.sources.spec import Option, Schedule, SourceConfig, SourceSpec
from resources.platform import Platform
from resources.settings import Settings, get_settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a home whose runs may read any folder: the lists of these tests are nowhere."""
    return load_settings(home=tmp_path / "home", data_folders="/")


class TinyConfig(SourceConfig):
    """What of the tiny source is read."""

    lists: Annotated[list[str], Option("--list", "A list of crystals; may be repeated.", "all")] = Field(
        default_factory=list, description="Paths of lists."
    )
    most: Annotated[int | None, Option("--limit", "Stop after so many.")] = Field(
        default=None, ge=1, description="Crystals after which to stop."
    )
    depth: int = Field(default=3, description="Not an option.")


class TinyParser:
    """Reads nothing."""

    kind = "tiny_list"


def refresh_tiny(config: TinyConfig, platform: Platform, tell: Callable[[str], object]) -> Refreshed:
    tell("asked")
    asked = {"lists": list(config.lists), "depth": config.depth}
    failures = {"tiny": "is not there"} if config.most == 13 else {}
    return Refreshed(2, 1, 30, {}, "c" * 64, said={"asked": asked}, failures=failures)


def require_tiny(config: TinyConfig, settings: Settings, *, reparse: bool) -> Sequence[str]:
    if not config.lists and not reparse:
        raise UsageError("No list is named.", "Add --list.")
    return [f"tiny_{Path(place).stem}" for place in config.lists]


TINY = SourceSpec(
    name="tiny",
    title="the tiny source",
    description="Lists of a few crystals, as received, for this test.",
    kinds=frozenset({"json"}),
    downloads="Nothing.",
    licence="none needed",
    config=TinyConfig,
    parsers=("test_source_spec:TinyParser",),
    refresh="test_source_spec:refresh_tiny",
    require="test_source_spec:require_tiny",
    schedule=Schedule("1 2 * * *", timedelta(hours=30), timedelta(days=2)),
    lacks=lambda config, settings: "" if config.lists else "a list",
    help="Load a few crystals.",
)


def materialize(platform: Platform, **config: Any) -> dg.ExecuteInProcessResult:
    return dg.materialize(
        [make_raw_asset(TINY)],
        resources={"platform": platform},
        run_config={"ops": {"raw_tiny": {"config": config}}} if config else {},
        raise_on_error=False,
    )


def test_its_asset_is_described_checked_and_says_what_came(platform: Platform) -> None:
    asset = make_raw_asset(TINY)
    (spec,) = asset.specs
    assert (spec.key, spec.description, spec.kinds) == (
        dg.AssetKey("raw_tiny"),
        f"{TINY.description} A row is a file.",
        {"json"},
    )
    assert spec.metadata["licence"] == "none needed"

    (event,) = materialize(platform, lists=["/a.txt"]).asset_materializations_for_node("raw_tiny")

    said: dict[str, Any] = {name: item.value for name, item in event.metadata.items()}
    assert said.pop("duration_seconds") >= 0
    asked = said.pop("asked")
    assert [record.data for record in asked.records] == [
        {"name": "lists", "value": "/a.txt"},
        {"name": "depth", "value": "3"},
    ]
    assert said == {
        "status": "refreshed",
        "fetched": 2,
        "unchanged": 1,
        "size_bytes": 30,
        "dagster/row_count": 0,
    }
    assert (event.tags or {})["dagster/data_version"] == "c" * 64


def test_without_configuration_it_is_left_alone_politely_and_takes_what_the_sources_file_says(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event,) = materialize(platform).asset_materializations_for_node("raw_tiny")
    assert event.metadata["status"].value == "not configured: it needs a list"
    assert make_raw_asset(TINY).specs_by_key[dg.AssetKey("raw_tiny")].freshness_policy is None
    assert make_schedules([TINY])[0].default_status == dg.DefaultScheduleStatus.STOPPED

    path = tmp_path / "sources.yaml"
    path.write_text("tiny: {lists: [mine.txt]}", encoding="utf-8")
    monkeypatch.setenv("CATALYST_SOURCES_FILE", str(path))
    get_settings.cache_clear()
    configured = platform.settings.model_copy(update={"sources_file": path})
    named = Platform(configured, platform.database)

    (event,) = materialize(named).asset_materializations_for_node("raw_tiny")
    asked = event.metadata["asked"]
    assert isinstance(asked, dg.TableMetadataValue)
    assert asked.records[0].data == {"name": "lists", "value": str(tmp_path / "mine.txt")}
    (event,) = materialize(named, lists=["/b.txt"]).asset_materializations_for_node("raw_tiny")
    asked = event.metadata["asked"]
    assert isinstance(asked, dg.TableMetadataValue)
    assert asked.records[0].data["value"] == "/b.txt"
    assert make_raw_asset(TINY).specs_by_key[dg.AssetKey("raw_tiny")].freshness_policy == (
        dg.FreshnessPolicy.time_window(timedelta(days=2), warn_window=timedelta(hours=30))
    )
    (schedule,) = make_schedules([TINY])
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert schedule.description == (
        "Load what the tiny source has new, as the sources file says. It runs because that file names the source."
    )


def test_a_fresh_installation_materializes_all_sources_without_a_question(platform: Platform) -> None:
    assets = dg.AssetSelection.groups("ingestion") - dg.AssetSelection.assets(*set(MADE) - {"materials"})
    job = dg.define_asset_job("everything", selection=assets)
    defs = dg.Definitions.merge(build_defs(platform=platform), dg.Definitions(jobs=[job]))
    assert (
        not defs.resolve_implicit_global_asset_job_def()
        .run_config_schema.config_type.fields["ops"]
        .is_required
    )

    result = defs.resolve_job_def("everything").execute_in_process()

    said = {
        spec.name: str(event.metadata["status"].value)
        for spec in SOURCES
        for event in result.asset_materializations_for_node(spec.asset)
    }
    assert said.pop("reference_tables") == "refreshed"
    assert set(said) == {"aflow", "materials_project", "oc20", "optimade", "prototypes", "uploads"}
    assert all(status.startswith("not configured: it needs ") for status in said.values())
    assert all(check.passed for check in result.get_asset_check_evaluations())


def test_a_part_that_failed_fails_the_asset_with_its_name(platform: Platform) -> None:
    result = materialize(platform, lists=["/a.txt"], most=13)
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "tiny: is not there" in failure.step_failure_data.error.message
    assert not any(event.is_step_up_for_retry for event in result.all_events)


def test_its_job_and_its_schedule_ask_what_the_sources_file_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (schedule,) = make_schedules([TINY])

    made = [dg.asset(name=name)(lambda: None) for name in MADE]
    defs = dg.Definitions(
        [make_raw_asset(TINY), *made],
        [schedule],
        jobs=[make_job(TINY)],
        resources={"platform": dg.ResourceDefinition.none_resource()},
    )
    assert (schedule.name, schedule.cron_schedule) == ("refresh_tiny", "1 2 * * *")
    path = tmp_path / "sources.yaml"
    monkeypatch.setenv("CATALYST_SOURCES_FILE", str(path))

    def tick(document: object) -> Any:
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        get_settings.cache_clear()
        with dg.build_schedule_context() as context:
            return schedule.evaluate_tick(context)

    assert tick({"tiny": None}).skip_message == "tiny needs a list."
    (request,) = tick({"tiny": {"lists": ["mine.txt"], "most": 5}}).run_requests
    config = {"lists": [str(tmp_path / "mine.txt")], "most": 5, "depth": 3}
    assert request.run_config == {"ops": {"raw_tiny": {"config": config}}}
    job = defs.resolve_job_def("ingest_tiny")
    assert schedule.job_name == job.name
    assert dg.validate_run_config(job, request.run_config)


def test_its_command_takes_the_options_of_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[object, ...]] = []
    monkeypatch.setattr(ingest, "run_ingest", lambda *given: ran.append(given))
    monkeypatch.chdir(tmp_path)
    app = typer.Typer()
    ingest.add_command(app, TINY)
    app.command("another")(lambda: None)

    def invoke(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["tiny", "--home", str(tmp_path / "home"), *arguments])

    assert invoke("--list", "a.txt", "--limit", "4", "--json").exit_code == 0
    config = {"lists": [str(tmp_path / "a.txt")], "most": 4, "depth": 3}
    assert ran == [(TINY, config, False, tmp_path / "home", True, ["tiny_a"])]
    assert isinstance(invoke().exception, UsageError)
    assert invoke("--reparse").exit_code == 0
    assert invoke("--limit", "0").exit_code == 2
    assert invoke("--depth", "4").exit_code == 2
    assert "A list of crystals" in invoke("--help").output


def test_its_parsers_are_those_it_names() -> None:
    (parser,) = TINY.make_parsers()
    assert parser.kind == "tiny_list"


@pytest.mark.parametrize("spec", SOURCES, ids=lambda spec: spec.name)
def test_what_a_source_declares_is_there(spec: SourceSpec) -> None:
    assert callable(spec.find(spec.refresh))
    assert callable(spec.find(spec.require))
    assert len({parser.kind for parser in spec.make_parsers()}) == len(spec.parsers)
    assert all(field.description for field in spec.config.model_fields.values())


def test_the_code_location_loads_declarations_only() -> None:
    program = (
        "import json, sys; import catalyst_assets.definitions; "
        "print(json.dumps([m for m in sys.modules if m.startswith('catalyst_assets.ingestion.')]))"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    folders = {spec.config.__module__.split(".")[2] for spec in SOURCES}
    loaded = [name.split(".")[2:] for name in json.loads(output.stdout)]
    assert {tuple(names) for names in loaded if names[0] in folders} == {
        *((folder,) for folder in folders),
        *((folder, "spec") for folder in folders),
    }
