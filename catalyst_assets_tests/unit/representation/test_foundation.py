"""Foundation models by name, and what a person may ask for."""

import ast
import dataclasses
import importlib.util
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.errors import CorruptArtifactError, UsageError
from catalyst_assets.representation.foundation.choice import BackboneChoice, Source
from catalyst_assets.representation.foundation.convert import UnsupportedModelError, read_architecture
from catalyst_assets.representation.foundation.download import (
    ModelCache,
    UnpinnedModelError,
    hash_file,
    open_local,
)
from catalyst_assets.representation.foundation.table import (
    ASL,
    FOUNDATION_MODELS,
    LicenceRefusedError,
    find_model,
)
from catalyst_assets.representation.library import publish_backbone
from catalyst_assets_tests.crystals import publish_seeded
from resources.object_store import ObjectStore
from resources.settings import Settings, load_settings


def published_addresses() -> dict[str, str]:
    """Read mace-torch's own table without importing it: that would switch torch's safe loading off."""
    package = importlib.util.find_spec("mace")
    assert package is not None
    assert package.submodule_search_locations
    source = Path(package.submodule_search_locations[0], "calculators", "foundations_models.py").read_text()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "mace_mp_urls":
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise AssertionError("mace-torch has no table of addresses any more")


def test_names_and_addresses_are_those_of_mace_torch() -> None:
    assert {name: model.url() for name, model in FOUNDATION_MODELS.items()} == published_addresses()


def test_each_hash_is_one_of_its_own_and_says_who_published_it() -> None:
    hashes = [model.sha256 for model in FOUNDATION_MODELS.values() if model.sha256]

    assert all(re.fullmatch(r"[0-9a-f]{64}", each) for each in hashes)
    assert len(set(hashes)) == len(hashes)
    assert [
        model.name for model in FOUNDATION_MODELS.values() if model.sha256 and not model.hash_source
    ] == []
    assert len({model.file_name for model in FOUNDATION_MODELS.values()}) == len(FOUNDATION_MODELS)


NONCOMMERCIAL = {
    "small-omat-0",
    "medium-omat-0",
    "mace-matpes-pbe-0",
    "mace-matpes-r2scan-0",
    "mh-0",
    "mh-1",
}


@pytest.mark.parametrize("name", sorted(FOUNDATION_MODELS))
def test_a_licence_that_forbids_commercial_use_must_be_accepted(name: str) -> None:
    model = find_model(name)

    model.require_licence(accept_noncommercial=True)
    if name not in NONCOMMERCIAL:
        model.require_licence(accept_noncommercial=False)
        return
    with pytest.raises(
        LicenceRefusedError, match=rf"{name} is published .*{ASL.url}.*--accept-noncommercial"
    ):
        model.require_licence(accept_noncommercial=False)


def test_a_name_that_is_not_there_is_answered_with_those_near_it() -> None:
    with pytest.raises(UsageError, match="Did you mean medium-mpa-0"):
        find_model("medium-mpa0")


def test_what_is_not_asked_for_is_as_the_settings_say(settings: Settings, tmp_path: Path) -> None:
    def configured(**values: object) -> BackboneChoice:
        return BackboneChoice.of(load_settings(home=tmp_path, **values), seed=3)

    assert configured() == BackboneChoice(Source.SMALL_MACE, seed=3)
    assert configured(backbone="dimenet") == BackboneChoice(Source.DIMENET, seed=3)
    assert configured(backbone="small-0b2") == BackboneChoice(Source.FOUNDATION, "small-0b2", seed=3)
    file = configured(backbone="models/mine.model", backbone_sha256="AB" * 32, backbone_head="second")
    assert file == BackboneChoice(
        Source.FILE, path=Path.cwd() / "models/mine.model", sha256="ab" * 32, head="second", seed=3
    )
    assert BackboneChoice.of(settings, name="large").source is Source.FOUNDATION
    assert BackboneChoice.of(settings, path="a.model").source is Source.FILE


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"source": "mace"}, "'mace' is no source"),
        ({"source": "schnet", "name": "small"}, "schnet has not the name small"),
        ({"name": "small", "path": "small.model"}, "not both"),
        ({"source": "file"}, "needs its path"),
        ({"source": "foundation"}, "no foundation model ''"),
        ({"name": "small", "sha256": "abc"}, "'abc' is no sha256"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_at_once(
    settings: Settings, asked: dict[str, str], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        BackboneChoice.of(settings, **asked)  # type: ignore[arg-type]


def test_an_unknown_network_in_the_settings_is_answered_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"CATALYST_BACKBONE=resnet.*small_mace.*medium-mpa-0"):
        BackboneChoice.of(load_settings(home=tmp_path, backbone="resnet"))


def test_the_network_that_was_published_with_a_seed_is_kept(settings: Settings, tmp_path: Path) -> None:
    objects = ObjectStore(str(tmp_path / "objects"))
    published = publish_seeded(objects, seed=4)
    choice = BackboneChoice.of(settings, source="small_mace", seed=4)

    again = publish_backbone(objects, choice.recipe(settings), lambda: choice.make(settings))

    assert (again, again.is_new) == (published, False)


def test_a_local_file_is_opened_only_with_its_hash(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "mine.model"
    path.write_bytes(b"weights")

    with pytest.raises(UnpinnedModelError, match=f"Its sha256 is {hash_file(path)}"):
        open_local(path, None)
    with pytest.raises(CorruptArtifactError, match=f"{hash_file(path)}, expected is {'0' * 64}"):
        open_local(path, "0" * 64)
    assert open_local(path, f"sha256:{hash_file(path).upper()}").size_bytes == 7
    with pytest.raises(UsageError, match="no file"):
        BackboneChoice.of(settings, path=str(tmp_path / "other.model"), sha256="0" * 64).recipe(settings)


def test_a_copy_of_a_published_file_has_its_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.model"
    path.write_bytes(b"weights")
    published = dataclasses.replace(find_model("mh-1"), sha256=hash_file(path))
    monkeypatch.setitem(FOUNDATION_MODELS, "mh-1", published)
    asked = {"path": str(path), "sha256": hash_file(path)}
    settings = load_settings(home=tmp_path)
    choice = BackboneChoice.of(settings, **asked)
    assert choice.licence == ASL.name
    with pytest.raises(LicenceRefusedError, match="mh-1"):
        choice.recipe(settings)
    accepted = BackboneChoice.of(settings, **asked, accept_noncommercial=True)
    assert accepted.recipe(settings)["file_sha256"] == published.sha256


def test_a_model_whose_hash_nobody_knows_is_refused_with_what_to_do(tmp_path: Path) -> None:
    unknown = dataclasses.replace(find_model("small"), sha256=None)

    with pytest.raises(UnpinnedModelError, match=r"give the hash with CATALYST_BACKBONE_SHA256"):
        ModelCache(tmp_path, "http://127.0.0.1:9/").fetch(unknown)


@pytest.mark.parametrize(
    ("part", "value", "problem"),
    [
        ("embedding_specs", {"total_charge": {}}, "charge or spin"),
        ("cueq_config", "CuEquivarianceConfig(enabled=True)", "cuEquivariance"),
    ],
)
def test_parts_that_we_have_not_are_named(part: str, value: object, problem: str) -> None:
    with pytest.raises(UnsupportedModelError, match=problem):
        read_architecture("their.model", {part: value})


def test_the_command_line_lists_names_licences_and_what_is_here(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / find_model("small-0b2").file_name).write_bytes(b"")

    printed = CliRunner().invoke(
        app, ["models", "foundation", "--home", str(tmp_path)], env={"COLUMNS": "200"}
    )

    assert printed.exit_code == 0
    rows = {line.split()[0]: line for line in printed.output.splitlines() if line.strip()}
    assert re.search(r"MIT +d5773bf9 +yes", rows["small-0b2"])
    assert re.search(r"ASL +a522eb7f +no", rows["mh-1"])
