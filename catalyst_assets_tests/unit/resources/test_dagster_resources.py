"""The resources as Dagster's pages show them."""

from pathlib import Path

import dagster as dg
from dagster._core.remote_representation.external_data import RepositorySnap

from catalyst_assets.build import build_defs
from resources.settings import load_settings


def test_mlflow_is_a_resource_that_says_what_it_is_and_what_uses_it(tmp_path: Path) -> None:
    settings = load_settings(
        home=tmp_path, mlflow_port=5777, database_url="postgresql://owner:secret@db.example/catalyst"
    )
    repository = build_defs(settings=settings).get_repository_def()
    shown = {one.name: one for one in RepositorySnap.from_def(repository).resources or ()}
    assert set(shown) == {"platform", "mlflow", "io_manager"}
    assert all(one.resource_snapshot.description for one in shown.values())
    mlflow, platform = shown["mlflow"], shown["platform"]
    assert mlflow.configured_values["pages"] == '"http://127.0.0.1:5777"'
    assert set(mlflow.asset_keys_using) == {dg.AssetKey("trained_model"), dg.AssetKey("backbone")}
    assert "secret" not in str(platform.configured_values)
    assert "db.example" in str(platform.configured_values["database"])
