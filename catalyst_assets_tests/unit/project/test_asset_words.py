"""What Dagster shows of each asset, check, job, schedule and sensor, read off the definitions."""

import re
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.asset_metadata.links import find_hosted
from catalyst_assets.asset_metadata.shown import by_property, listing, shown, table
from catalyst_assets.asset_metadata.versions import hash_folders
from catalyst_assets.constants import OWNERS
from catalyst_assets.definitions import defs

ASSETS = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
# One file of weights each, not rows.
NO_ROWS = {"backbone", "trained_model"}


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_an_asset_says_what_a_row_is_who_owns_it_and_which_code_makes_it(name: str) -> None:
    spec = ASSETS[name]
    assert list(spec.owners) == OWNERS
    assert re.fullmatch("[0-9a-f]{12}", spec.code_version or "")
    assert re.search(r"A row is a|It is one ", spec.description or "")
    (place,) = spec.metadata["dagster/code_references"].code_references
    path, line = place.source.split(":")
    assert line.isdigit()
    assert Path(path).is_file()
    if name in NO_ROWS:
        return
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [column.name for column in schema.columns if not (column.type and column.description)] == []
    is_table = "postgres" in spec.kinds or name.startswith("raw_")
    assert ("dagster/table_name" in spec.metadata) == is_table


def test_links_point_to_the_function_of_each_asset() -> None:
    (place,) = ASSETS["training_set"].metadata["dagster/code_references"].code_references
    path, line = place.source.split(":")
    shown_there = "\n".join(Path(path).read_text().splitlines()[int(line) - 1 :][:15])
    assert "def training_set(" in shown_there


def test_a_code_version_changes_with_the_code_of_its_stage() -> None:
    versions = {name: spec.code_version for name, spec in ASSETS.items()}
    assert versions["trained_model"] == hash_folders("learning")
    assert versions["raw_aflow"] != versions["raw_oc20"] != versions["materials"]
    assert hash_folders("learning/heads") != hash_folders("learning/models")


def test_checks_ask_and_jobs_schedules_and_sensors_say_what_they_do() -> None:
    checks = [spec for asset in defs.resolve_asset_graph().assets_defs for spec in asset.check_specs]
    assert len(checks) > 15
    assert [spec.name for spec in checks if not (spec.description or "").endswith("?")] == []
    repository = defs.get_repository_def()
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    described = [*jobs, *repository.schedule_defs, *repository.sensor_defs]
    assert len(described) > 10
    assert [each.name for each in described if len(each.description or "") < 20] == []


def test_a_table_shows_ten_rows_and_sensible_digits() -> None:
    made = table({"material": f"m{n}", "value": n / 7} for n in range(12))
    assert isinstance(made, dg.TableMetadataValue)
    assert [dict(record.data) for record in made.records[::10]] == [
        {"material": "m0", "value": 0.0},
        {"material": "… and 2 more", "value": None},
    ]
    assert made.records[1].data["value"] == 0.1429
    assert [column.type for column in made.schema.columns] == ["string", "float"]
    assert table([]) == dg.MetadataValue.text("none")
    assert listing("problem", ["a"]) == dg.MetadataValue.table([dg.TableRecord({"problem": "a"})])


def test_metadata_of_plain_values_hold_no_json() -> None:
    made = shown({"mae": 0.2, "mae_by_property": {"band_gap_direct": 0.5}, "left": ["a"], "none": None})
    assert made == {
        "mae": 0.2,
        "mae_by_property": by_property({"band_gap_direct": 0.5}),
        "left": listing("left", ["a"]),
    }
    assert made["mae_by_property"].records[0].data == {
        "property": "band_gap_direct",
        "value": 0.5,
        "unit": "eV",
    }


@pytest.mark.parametrize(
    ("url", "shown_at"),
    [
        ("git@github.com:mine/catalyst.git", "https://github.com/mine/catalyst/blob/main"),
        ("https://gitlab.com/group/mine/catalyst", "https://gitlab.com/group/mine/catalyst/-/blob/main"),
        ("https://example.org/mine.git", None),
    ],
)
def test_a_clone_of_a_host_links_to_its_pages(tmp_path: Path, url: str, shown_at: str | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f'[core]\n\tbare = false\n[remote "origin"]\n\turl = {url}\n')
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    assert find_hosted(tmp_path) == shown_at


def test_what_is_shown_in_a_form_of_its_own_already_stays_as_it_is() -> None:
    schema = dg.TableSchema([dg.TableColumn("band_gap", "float")])
    given = {
        "page": dg.MetadataValue.url("http://h/p"),
        "rows": table([{"fold": 1, "error": 0.25}]),
        "dagster/column_schema": schema,
    }
    assert shown(given) == given
