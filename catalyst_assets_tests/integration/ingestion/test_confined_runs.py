"""What a run's configuration may not name: files of the machine, other addresses, hashes and pickles of its own."""

import hashlib
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from catalyst_assets.ingestion.sources.assets import RAW_ASSETS
from catalyst_assets.ingestion.sources.confining import hash_config
from catalyst_assets.ingestion.sources.registry import SOURCES
from catalyst_assets.representation.assets import backbone
from resources.json_io import JsonStepValues
from resources.platform import Platform
from resources.settings import load_settings

NO_FILE = "is in no folder that runs may read"
NO_ADDRESS = "is no address that runs may ask"
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("raw_reference_tables", {"mapping_files": ["/etc/passwd"]}, NO_FILE),
    ("raw_reference_tables", {"mapping_files": ["{home}/../outside.yaml"]}, NO_FILE),
    ("raw_reference_tables", {"mapping_files": ["{home}/link.yaml"]}, NO_FILE),
    ("raw_prototypes", {"files": ["{home}/postgres/passwords.json"]}, NO_FILE),
    ("raw_oc20", {"paths": ["/etc/shadow"]}, NO_FILE),
    ("raw_optimade", {"providers": ["/etc/provider.yaml"]}, NO_FILE),
    ("raw_oc20", {"files": ["oc20_data_mapping"], "allow_pickles": True}, "cannot say allow_pickles"),
    ("raw_oc20", {"adsorbates": ["H"], "base_url": "http://169.254.169.254/"}, NO_ADDRESS),
    ("raw_aflow", {"matchbook": "species(Ti)", "endpoint": "http://evil.example/API/aflux/"}, NO_ADDRESS),
    ("raw_aflow", {"matchbook": "species(Ti)", "endpoint": "https://aflow.org@evil.example/"}, NO_ADDRESS),
    ("raw_aflow", {"matchbook": "species(Ti)", "endpoint": "https://aflow.org/API/aflux/../x"}, NO_ADDRESS),
    ("raw_materials_project", {"full_table": True, "table_uri": "file:///etc"}, NO_ADDRESS),
    ("raw_materials_project", {"full_table": True, "table_uri": "/etc"}, NO_FILE),
    ("raw_materials_project", {"full_table": True, "table_options": {"endpoint": "x"}}, "cannot say table_options"),
    ("backbone", {"path": "/etc/mine.model"}, NO_FILE),
    ("backbone", {"path": "{home}/mine.model", "sha256": "{sha256}"}, "cannot vouch for a file"),
    ("backbone", {"path": "{home}/mine.model"}, "is not opened: it is a pickle"),
    ("backbone", {"name": "small-0b2", "sha256": "{sha256}"}, "cannot vouch for a file"),
]  # fmt: skip


@pytest.fixture
def strict(platform: Platform) -> Platform:
    """An installation whose settings allow nothing beyond its home."""
    platform.settings = load_settings(home=platform.settings.home)
    home = platform.settings.home
    home.mkdir(exist_ok=True)
    (home.parent / "outside.yaml").write_text("{}")
    (home / "link.yaml").symlink_to(home.parent / "outside.yaml")
    (home / "mine.model").write_bytes(b"a program")
    return platform


def materialize(platform: Platform, asset: str, config: dict[str, Any]) -> str:
    """Return why the run failed; empty when it did not."""
    found = backbone if asset == "backbone" else next(each for each in RAW_ASSETS if each.key.path == [asset])
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [found],
            resources={
                "platform": platform,
                "mlflow": platform.tracking,
                "io_manager": JsonStepValues(platform),
            },
            run_config={"ops": {asset: {"config": config}}},
            instance=instance,
            raise_on_error=False,
        )
    failures = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    return " ".join(f"{f.error and f.error.to_string()} {f.user_failure_data}" for f in failures)


def test_a_run_reads_asks_and_opens_nothing_on_its_configurations_word(strict: Platform) -> None:
    home = strict.settings.home
    sha256 = hashlib.sha256((home / "mine.model").read_bytes()).hexdigest()

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.format(home=home, sha256=sha256) if isinstance(value, str) else value

    told = {}
    for number, (asset, config, words) in enumerate(REFUSED):
        why = materialize(strict, asset, {name: filled(value) for name, value in config.items()})
        if words not in why:
            told[number] = (asset, config, why)
    assert told == {}


def test_what_settings_sources_file_and_command_line_name_is_read(strict: Platform, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere" / "mapping.yaml"
    outside.parent.mkdir()
    outside.write_text("[]")
    config = {"mapping_files": [str(outside)]}
    own = materialize(strict, "raw_reference_tables", config)
    assert NO_FILE in own
    sources = tmp_path / "sources.yaml"
    sources.write_text(f"reference_tables: {{mapping_files: [{outside}]}}")
    for named in (
        {"data_folders": str(outside.parent)},
        {"sources_file": str(sources)},
        {"vouched_config": _vouched("reference_tables", config)},
    ):
        strict.settings = load_settings(home=strict.settings.home, **named)
        why = materialize(strict, "raw_reference_tables", config)
        assert why, "the file is no mapping"
        assert NO_FILE not in why
        assert "mapping.yaml" in why
    strict.settings = load_settings(
        home=strict.settings.home, vouched_config=_vouched("reference_tables", {"mapping_files": ["other"]})
    )
    assert NO_FILE in materialize(strict, "raw_reference_tables", config)


def _vouched(source: str, config: dict[str, Any]) -> str:
    return hash_config(next(spec for spec in SOURCES if spec.name == source), config)
