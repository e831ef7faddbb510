"""Models as registered versions, on a real MLflow in PostgreSQL."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.campaigns.iterations import read_iteration
from catalyst_assets.errors import UsageError
from catalyst_assets.learning import recording
from catalyst_assets.learning.audit import audit_training_set
from catalyst_assets.learning.models import registry
from catalyst_assets.learning.models.model_records import compare_models, list_models
from catalyst_assets.learning.models.registry import find_registration_problems, register_missing
from catalyst_assets.learning.recording import train_and_record
from catalyst_assets.learning.training import train
from catalyst_assets.learning.training_set import backbone_of, build_training_set, store_training_set
from catalyst_assets.prediction.apply import load_version, predict_structures
from catalyst_assets.representation.networks.configs import MaceConfig
from catalyst_assets.representation.stage import embed_shard, plan_shards
from catalyst_assets.validation.results.examining import examine
from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.command_line import CommandLine
from catalyst_assets_tests.conftest import Template, prepared_template
from catalyst_assets_tests.crystals import publish_seeded
from catalyst_assets_tests.integration.learning.learning_campaign import (
    CAMPAIGN,
    load_salts,
    prepare_turn,
    run_turn,
    salts,
)
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Database, Role, Sibling
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("_mlflow_tables")]
NAME = CAMPAIGN.name


@pytest.fixture(scope="module")
def template(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """The salts with their features."""
    with prepared_template(postgres_server, tmp_path_factory.mktemp("salts"), load_salts) as made:
        yield made


@pytest.fixture
def outside(own_environment: None, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process of this test's installation finds."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    database.sibling_url(Sibling.MLFLOW)


@pytest.fixture
def catalyst(
    outside: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(monkeypatch, capsys)


def noted(platform: Platform) -> list[tuple[Any, ...]]:
    return query(
        platform, "SELECT partition_key, model_sha256, model_version FROM registered_models ORDER BY 3"
    )


def test_each_iteration_is_a_version_that_says_what_it_was_made_from(platform: Platform) -> None:
    import mlflow

    trained = [run_turn(platform, 0, 0), run_turn(platform, 1, 12), run_turn(platform, 2, 21)]
    assert [part.problems for part in trained] == [(), (), ()]
    versions = platform.registry.versions(NAME)
    assert [version.version for version in versions] == [1, 2, 3]
    last, model = versions[-1], trained[-1].model
    iteration = model.iteration
    expected = {
        "catalyst.partition": "salts__0002",
        "catalyst.iteration": "2",
        "catalyst.model_sha256": model.sha256,
        "catalyst.training_set_sha256": iteration.training_set_sha256,
        "catalyst.label_sha256": iteration.label_sha256,
        "catalyst.campaign_sha256": CAMPAIGN.sha256,
        "catalyst.backbone": model.training_set.provenance["backbone"],
        "catalyst.labels": "21",
        "catalyst.dagster_run_id": "dagster-run-2",
        "relative_mae": f"{model.metrics['relative_mae']:.6g}",
    }
    assert expected.items() <= last.tags.items()
    assert last.tags["catalyst.code_version"].startswith(("git:", "catalyst-discovery "))

    # MLflow itself finds the very file of the object store, and the run with its pictures.
    client = mlflow.MlflowClient(tracking_uri=platform.database.sibling_url(Sibling.MLFLOW))
    folder = Path(client.get_model_version_download_uri(NAME, "3").removeprefix("file://"))
    assert folder.is_relative_to(platform.settings.object_store_url)
    (file,) = folder.iterdir()
    assert hashlib.sha256(file.read_bytes()).hexdigest() == model.sha256
    assert client.get_run(last.run_id).info.run_name == "trained_model 0002"
    assert {item.path for item in client.list_artifacts(last.run_id)} >= {"parity.png", "calibration.png"}
    picture = file.parents[3] / "mlflow" / NAME / last.run_id / "artifacts" / "parity.png"
    assert picture.read_bytes().startswith(b"\x89PNG")

    # The first was champion before anything was learned, the second because it had learned.
    assert [version.tags["catalyst.decision"] for version in versions[:2]] == ["promoted", "promoted"]
    assert versions[1].tags["catalyst.reason"] == "Version 1 had not learned yet."
    assert [row[2] for row in noted(platform)] == [1, 2, 3]

    again = train_and_record(platform, platform.tracking, "salts__0002", "dagster-run-9")
    assert again.registration is not None
    assert (again.registration.version.version, again.registration.is_new) == (3, False)
    assert [version.version for version in platform.registry.versions(NAME)] == [1, 2, 3]
    (known,) = query(platform, "SELECT mlflow_run_id FROM active_learning_runs WHERE iteration = 2")
    train(
        platform, audit_training_set(platform.database, platform.objects, "salts__0002")
    )  # as without MLflow
    assert query(platform, "SELECT mlflow_run_id FROM active_learning_runs WHERE iteration = 2") == [known]


def test_a_model_whose_registration_was_cut_off_is_registered_by_the_next_training(
    platform: Platform,
) -> None:
    class CutOff(BaseException):
        pass

    run_turn(platform, 0, 0)
    key = prepare_turn(platform, 1, 12)
    train(platform, audit_training_set(platform.database, platform.objects, key))
    countdown = 0

    def count(*_: Any) -> None:
        nonlocal countdown
        countdown -= 1
        if countdown == 0:
            raise CutOff

    sa.event.listen(sa.Engine, "before_cursor_execute", count)
    try:
        cuts = 0
        for countdown in range(8, 400, 8):  # noqa: B007 - counted down by the listener
            try:
                register_missing(platform, NAME)
            except CutOff:
                cuts += 1
            else:
                break
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", count)
    assert cuts >= 3
    trained = run_turn(platform, 2, 21)
    assert trained.registration is not None
    versions = platform.registry.versions(NAME)
    assert [version.tags["catalyst.partition"] for version in versions] == [
        "salts__0000",
        "salts__0001",
        "salts__0002",
    ]
    assert versions[1].tags["catalyst.reason"] == "Version 1 had not learned yet."
    assert all(version.tags["catalyst.decision"] for version in versions)
    assert [row[2] for row in noted(platform)] == [1, 2, 3]


def test_a_better_model_that_is_worse_calibrated_becomes_champion_only_by_force(
    platform: Platform, catalyst: CommandLine
) -> None:
    first = run_turn(platform, 0, 6)
    assert first.registration is not None
    # A champion that is calibrated perfectly, and has seen two cations.
    metrics = registry.recorded_metrics(first.registration.version)
    flawless = json.dumps(metrics | {"miscalibration_area": 0.0})
    platform.registry.tag(NAME, 1, {registry.METRICS: flawless})
    second = run_turn(platform, 1, 30)
    comparison = compare_models(platform, f"{NAME}@1", f"{NAME}@2")
    assert comparison.shared is not None
    assert comparison.shared.n_materials == 6
    assert comparison.shared.relative_mae[1] < comparison.shared.relative_mae[0]
    assert second.registration is not None
    assert not second.registration.decision.is_promoted
    assert "But its calibration is worse: miscalibration area" in second.registration.decision.reason
    assert comparison.labels == {
        "formation_energy_per_atom": {"added": 24, "removed": 0, "changed": 0, "kept": 6}
    }
    assert comparison.same == {
        "campaign": True,
        "code": True,
        "backbone": True,
        "labels": False,
        "model": False,
    }

    told = catalyst.refusal("promote", NAME, "2", "--reason", "more labels")
    assert "Its calibration is worse" in told
    assert "--force" in told
    assert [version.is_champion for version in platform.registry.versions(NAME)] == [True, False]
    assert query(platform, "SELECT model_name, model_version FROM champions") == [(NAME, 1)]
    forced = catalyst("promote", NAME, "2", "--reason", "more labels", "--force")
    assert forced == "salts@2 is the champion.\n"
    (champion,) = [version for version in platform.registry.versions(NAME) if version.is_champion]
    (entry,) = registry.promotions(champion)
    assert champion.version == 2
    assert query(platform, "SELECT model_version FROM champions") == [(2,)]
    assert (entry["reason"], entry["forced"], entry["instead_of"]) == ("more labels", True, 1)
    assert entry["by"]
    assert "is the champion already" in catalyst.refusal("promote", NAME, "2", "--reason", "again")
    # A model that was judged keeps its verdict, and the next is compared with the champion chosen by hand.
    assert [entry.is_new for entry in register_missing(platform, NAME)] == [False, False]

    listed = catalyst.json("list")
    assert [(row["name"], row["version"], row["is_champion"], row["labels"]) for row in listed] == [
        (NAME, 1, False, 6),
        (NAME, 2, True, 30),
    ]
    assert listed[1]["mae_by_property"] == second.model.metrics["valid_mae_by_property"]
    assert listed[1]["model_sha256"] == second.model.sha256
    table = catalyst("list", "--campaign", NAME)
    assert [line.split()[:3] for line in table.splitlines() if "@" in line][:2] == [
        ["@1", "6", f"{listed[0]['relative_mae']:.3f}"],
        ["@2", "*", "30"],
    ]
    assert "champion since" in table
    assert listed[1]["kinds"] == {"formation_energy_per_atom": "stacked"}
    assert listed[1]["scores_by_kind"]["formation_energy_per_atom"]["stacked"] > 0
    assert f"{second.model.metrics['relative_mae']:.3f}" in table
    side_by_side = catalyst("compare", f"{NAME}@1", "champion")
    assert f"{NAME}@1 and {NAME}@2" in side_by_side
    assert "CRPS of stacked" in side_by_side
    assert "24 added, 0 removed, 0 changed, 6 kept" in side_by_side
    assert "same campaign, same code, same backbone, other labels, other model" in side_by_side
    assert "on the 6 materials both know" in side_by_side
    assert "did you mean salts" in catalyst.refusal("list", "--campaign", "salt")
    assert "It has 1, 2" in catalyst.refusal("compare", f"{NAME}@1", "7")


def test_what_the_store_has_lost_of_earlier_models_does_not_keep_later_ones_from_the_registry(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_training_set(number: int) -> None:
        ((sha256,),) = query(
            platform, "SELECT training_set_sha256 FROM active_learning_runs WHERE iteration = :n", n=number
        )
        Path(platform.settings.object_store_url, "training_sets", f"{sha256}.parquet").unlink()

    def fail(*_: Any) -> dict[str, bytes]:
        raise OSError("no space left")

    run_turn(platform, 0, 6)
    key = prepare_turn(platform, 1, 12)
    train(platform, audit_training_set(platform.database, platform.objects, key))
    lose_training_set(0)
    lose_training_set(1)
    monkeypatch.setattr(recording, "draw_pictures", fail)
    trained = run_turn(platform, 2, 30)
    assert trained.problems == ("The model is stored, but not shown: no space left",)
    assert trained.registration is not None
    assert trained.registration.version.version == 2
    assert "each on its own validation" in trained.registration.decision.reason
    assert [row[0] for row in noted(platform)] == ["salts__0000", "salts__0002"]


def test_an_earlier_version_predicts_bit_for_bit_what_it_did(
    platform: Platform, catalyst: CommandLine, tmp_path: Path
) -> None:
    run_turn(platform, 0, 15)
    names, structures = list(salts())[::3], list(salts().values())[::3]
    then = predict_structures(platform, load_version(platform, f"{NAME}@1"), structures).prediction
    run_turn(platform, 1, 30)
    file = tmp_path / "salts.json"
    file.write_text(json.dumps([json.loads(structure.to_json()) for structure in structures]))
    another_process = subprocess.run(
        [sys.executable, "-m", "catalyst_assets.cli", "models", "predict", f"{NAME}@1", str(file)],
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    told = json.loads(another_process.stdout)
    assert [row["structure"] for row in told] == [f"salts.json#{index}" for index in range(len(names))]
    assert [(row["mean"], row["std"]) for row in told] == list(
        zip(then.mean[:, 0].tolist(), then.std[:, 0].tolist(), strict=True)
    )
    assert {row["unit"] for row in told} == {"eV/atom"}
    later = predict_structures(platform, load_version(platform, f"{NAME}@2"), structures).prediction
    assert (later.mean != then.mean).any()


def test_a_file_that_cannot_be_read_costs_its_own_row_alone(
    platform: Platform, catalyst: CommandLine, tmp_path: Path
) -> None:
    run_turn(platform, 0, 0)
    salt = next(iter(salts().values()))
    files = [tmp_path / "bad.cif", tmp_path / "a" / "POSCAR", tmp_path / "b" / "POSCAR"]
    for file in files[1:]:
        file.parent.mkdir()
        salt.to(str(file), fmt="poscar")
    files[0].write_text("no crystal")
    bad, first, second = json.loads(catalyst("predict", NAME, *map(str, files)))
    assert bad["structure"] == "bad.cif"
    assert bad["problem"].startswith(f"{files[0]} cannot be read as")
    assert "!" not in bad["problem"]
    assert [row["structure"] for row in (first, second)] == [str(file) for file in files[1:]]
    assert first["mean"] == second["mean"]
    assert [row["has_learned"] for row in (first, second)] == [False, False]
    refused = catalyst.refusal("predict", NAME, str(files[0]), str(tmp_path), code=1)
    assert "No structure can be read" in refused
    assert f"{tmp_path} is a folder" in refused
    assert "bad.cif cannot be read" in refused


def test_predictions_are_made_with_the_backbone_and_training_set_of_the_model(platform: Platform) -> None:
    trained = run_turn(platform, 0, 15).model
    fitted_with = trained.training_set.provenance["backbone"]
    other = publish_seeded(platform.objects, seed=1).fingerprint
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)
    built = build_training_set(platform.database, platform.objects, "salts__0000")
    assert built.provenance["backbone"] == other != fitted_with
    store_training_set(platform.database, platform.objects, "salts__0000", built)
    with platform.database.transaction() as connection:
        iteration = read_iteration(connection, "salts__0000")
    assert iteration.training_set_sha256 != trained.iteration.training_set_sha256
    assert backbone_of(platform.objects, iteration) == fitted_with


def test_labels_of_what_the_backbone_cannot_describe_are_left_out_and_named(platform: Platform) -> None:
    without_magnesium = tuple(number for number in MaceConfig().atomic_numbers if number != 12)
    publish_seeded(platform.objects, 0, MaceConfig(atomic_numbers=without_magnesium))
    for shard in plan_shards(platform):
        embed_shard(platform.database, platform.objects, shard)
    training_set = run_turn(platform, 0, 12).model.training_set
    labelled = [*salts()][:12]
    assert training_set.material_ids == tuple(sorted(name for name in labelled if "Mg" not in name))
    left_out = ", ".join(sorted(name for name in labelled if "Mg" in name))
    assert training_set.provenance["left_out"] == left_out != ""
    found = audit_training_set(platform.database, platform.objects, "salts__0000").problems
    assert found == {"parent": [], "leakage": [], "values": []}


def test_an_iteration_without_mlflow_is_whole_and_registered_later(
    platform: Platform, settings: Settings, catalyst: CommandLine
) -> None:
    nowhere = "postgresql+psycopg2://nobody:x@127.0.0.1:9/mlflow"
    silent = Database({role: platform.database.url(role) for role in Role}, {Sibling.MLFLOW: nowhere})
    trained = run_turn(Platform(settings, silent), 0, 15)
    assert trained.registration is None
    assert [problem.partition(":")[0] for problem in trained.problems] == [
        "The model is stored, but not tracked",
        "The model is stored, but not registered",
    ]
    assert query(platform, "SELECT model_sha256 FROM active_learning_runs") == [(trained.model.sha256,)]
    assert noted(platform) == []
    assert find_registration_problems(platform.database, "salts__0000") != []
    assert "1 trained models are not registered" in catalyst("list")
    assert catalyst("sync").splitlines()[0] == f"{NAME}@1: It is the first version."
    assert noted(platform) == [("salts__0000", trained.model.sha256, 1)]
    assert find_registration_problems(platform.database, "salts__0000") == []
    (record,) = list_models(platform)
    assert (record.is_champion, record.mlflow_run_id) == (True, "")
    with pytest.raises(UsageError, match="no version 'x'"):
        load_version(platform, f"{NAME}@x")


def test_a_version_names_the_labels_of_it_that_no_longer_hold(platform: Platform) -> None:
    (row,) = query(
        platform,
        "INSERT INTO validation_results (material_id, property, method, outcome, value, unit, validator) VALUES "
        "(:m, 'formation_energy_per_atom', 'PBE', 'measured', -1, 'eV/atom', 'lab') RETURNING result_id",
        m=next(iter(salts())),
    )
    with platform.database.transaction(Role.VALIDATOR) as connection:
        examine(connection, None)
    run_turn(platform, 0, 0)
    assert load_version(platform, NAME).superseded == ()
    with platform.database.transaction(Role.VALIDATOR) as connection:
        retract(connection, row[0], by="ada", reason="the sample was wet")
    (label,) = load_version(platform, NAME).superseded
    assert "the sample was wet" in label
