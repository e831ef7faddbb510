"""Foundation models from a server on loopback: fetched once, checked, opened by a process that knows nothing."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from ase import Atoms

from catalyst_assets.errors import CorruptArtifactError, SourceError
from catalyst_assets.ingestion.fetching.http import Fetcher
from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.representation import assets, checks
from catalyst_assets.representation.foundation.convert import UnsupportedModelError, convert
from catalyst_assets.representation.foundation.download import ModelCache, hash_file, open_local
from catalyst_assets.representation.foundation.table import FoundationModel, LicenceRefusedError, find_model
from catalyst_assets.representation.graphs import build_graph
from catalyst_assets.representation.library import current_fingerprint, load_backbone
from catalyst_assets.representation.networks.interface import collate
from catalyst_assets.representation.networks.mace import import_mace
from catalyst_assets_tests.file_server import FileServer, cut_after, serving
from catalyst_assets_tests.loopback import Handler
from catalyst_assets_tests.mace_files import Spy, pickled, switch_safe_loading_on, tiny_mace
from resources.json_io import JsonStepValues
from resources.platform import Platform
from resources.postgres.database import Role, copy_rows
from resources.settings import load_settings

MODEL = find_model("medium-mpa-0")
RESTRICTED = find_model("small-omat-0")
COLUMNS = [
    "material_id",
    "reduced_formula",
    "chemical_system",
    "elements",
    "n_sites",
    "structure_json",
    "structure_hash",
    "properties",
]


@cache
def weights() -> bytes:
    return pickled(tiny_mace())


def pinned(model: FoundationModel, data: bytes) -> FoundationModel:
    return dataclasses.replace(model, sha256=hashlib.sha256(data).hexdigest())


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving({MODEL.path: weights(), RESTRICTED.path: weights()}) as running:
        yield running


@pytest.fixture
def model_cache(server: FileServer, tmp_path: Path) -> ModelCache:
    return ModelCache(tmp_path / "cache", server.url)


def hurried(attempts: int = 6) -> Fetcher:
    return Fetcher(sleep=lambda seconds: None, attempts=attempts)


def kept(cache: ModelCache) -> set[str]:
    return {path.name for path in cache.folder.iterdir() if not path.name.startswith(".")}


def test_a_file_is_fetched_once(server: FileServer, model_cache: ModelCache) -> None:
    model = pinned(MODEL, weights())

    first, second = model_cache.fetch(model), model_cache.fetch(model)

    assert first == second
    assert first.path.read_bytes() == weights()
    assert kept(model_cache) == {"mace-mpa-0-medium.model"}
    assert [asked.path for asked in server.asked] == ["/" + MODEL.path]


def test_two_processes_at_once_fetch_it_once(server: FileServer, model_cache: ModelCache) -> None:
    released = threading.Event()

    def hold(handler: Handler, body: bytes) -> None:
        released.wait(60)
        handler.reply(200, body)

    server.faults = [hold]
    program = (
        "import sys; from pathlib import Path\n"
        "from catalyst_assets.ingestion.progress import listening\n"
        "from catalyst_assets.representation.foundation.download import ModelCache\n"
        "from catalyst_assets.representation.foundation.table import find_model\n"
        "with listening(lambda told: print(told, flush=True)):\n"
        "    cache = ModelCache(Path(sys.argv[1]), sys.argv[2])\n"
        "    print(cache.fetch(find_model('medium-mpa-0'), sys.argv[3]).sha256)\n"
    )
    sha256 = hashlib.sha256(weights()).hexdigest()
    command = [sys.executable, "-c", program, str(model_cache.folder), server.url, sha256]

    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    # The one says the licence before it asks, the other that it waits.
    said = [
        next(line for line in process.stdout or [] if "MIT" in line or "waits" in line) for process in both
    ]
    released.set()
    ends = [process.communicate(timeout=60)[0].split()[-1] for process in both]

    assert sorted("waits" in line for line in said) == [False, True]
    assert ends == [sha256, sha256]
    assert len(server.asked) == 1


def test_another_file_than_expected_is_thrown_away_unopened(
    server: FileServer, model_cache: ModelCache, tmp_path: Path
) -> None:
    evil = pickled(Spy(tmp_path / "opened"))
    server.files[MODEL.path] = evil

    with pytest.raises(CorruptArtifactError) as caught:
        model_cache.fetch(MODEL)

    assert hashlib.sha256(evil).hexdigest() in caught.value.message
    assert f"expected is {MODEL.sha256}" in caught.value.message
    assert kept(model_cache) == set()
    assert not (tmp_path / "opened").exists()


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again(
    server: FileServer, model_cache: ModelCache
) -> None:
    model = pinned(MODEL, weights())
    path = model_cache.fetch(model).path
    path.write_bytes(weights()[:1000])

    assert model_cache.fetch(model).path.read_bytes() == weights()
    assert len(server.asked) == 2


def test_a_truncated_reply_is_gone_on_with(server: FileServer, model_cache: ModelCache) -> None:
    server.faults = [cut_after(5000)]

    assert model_cache.fetch(pinned(MODEL, weights()), fetcher=hurried()).path.read_bytes() == weights()
    assert [asked.range for asked in server.asked] == [None, "bytes=5000-"]


def test_an_interrupted_download_goes_on_when_it_is_asked_for_again(
    server: FileServer, model_cache: ModelCache
) -> None:
    server.faults = [cut_after(5000)]
    with pytest.raises(SourceError, match="gives no usable answer"):
        model_cache.fetch(pinned(MODEL, weights()), fetcher=hurried(attempts=1))
    assert not model_cache.path(MODEL).exists()

    assert model_cache.fetch(pinned(MODEL, weights())).path.read_bytes() == weights()
    assert [asked.range for asked in server.asked] == [None, "bytes=5000-"]


def test_without_a_network_it_is_said_where_the_file_can_be_put(model_cache: ModelCache) -> None:
    unreachable = dataclasses.replace(model_cache, base_url="http://127.0.0.1:9")
    model = pinned(MODEL, weights())

    with pytest.raises(SourceError, match=r"medium-mpa-0 was not fetched: http://127") as refused:
        unreachable.fetch(model, fetcher=hurried(attempts=2))
    assert str(unreachable.path(model)) in refused.value.remedy
    assert "CATALYST_FOUNDATION_URL" in refused.value.remedy
    unreachable.path(model).write_bytes(weights())
    assert unreachable.fetch(model).path.read_bytes() == weights()


def test_a_licence_that_was_not_accepted_is_shown_before_anything_is_asked(
    server: FileServer, model_cache: ModelCache
) -> None:
    model = pinned(RESTRICTED, weights())

    with pytest.raises(LicenceRefusedError, match=r"small-omat-0.*https://github\.com/gabor1/ASL"):
        model_cache.fetch(model)
    assert server.asked == []
    assert not model_cache.folder.exists()

    accepted = dataclasses.replace(model_cache, accept_noncommercial=True)
    assert accepted.fetch(model).path.read_bytes() == weights()


def crystals() -> list[Atoms]:
    draw = np.random.default_rng(3)
    cells = np.diag([3.9, 4.0, 4.2]) + draw.uniform(-0.3, 0.3, (3, 3, 3))
    ideal = np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
    return [
        Atoms([38, 22, 8, 8, 1], positions=(ideal + draw.normal(0, 0.02, (5, 3))) @ cell, cell=cell, pbc=True)
        for cell in cells
    ]


def materialize(platform: Platform, **config: Any) -> dg.ExecuteInProcessResult:
    with dg.DagsterInstance.ephemeral() as instance:
        return dg.materialize(
            [assets.backbone, checks.network_describes_a_crystal],
            resources={
                "platform": platform,
                "mlflow": platform.tracking,
                "io_manager": JsonStepValues(platform),
            },
            run_config=dg.RunConfig({"backbone": assets.BackboneConfig(**config)}),
            instance=instance,
        )


def test_a_named_model_describes_as_the_calculator_does_and_is_made_once(
    server: FileServer, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pymatgen.io.ase import AseAtomsAdaptor

    monkeypatch.setenv("CATALYST_DATABASE_URL", "postgresql://secret")
    wanted = {"name": MODEL.name, "sha256": hashlib.sha256(weights()).hexdigest(), "head": "second"}
    platform.settings = load_settings(
        home=platform.settings.home, foundation_url=server.url, backbone_sha256=wanted["sha256"]
    )

    first = materialize(platform, **wanted)
    (found,) = first.asset_materializations_for_node("backbone")
    (check,) = first.get_asset_check_evaluations()
    second = materialize(platform, **wanted)
    (again,) = second.asset_materializations_for_node("backbone")

    assert len(server.asked) == 1
    assert [each.metadata["made_now"].value for each in (found, again)] == [True, False]
    assert again.metadata["sha256"] == found.metadata["sha256"]
    assert check.passed
    assert found.metadata["licence"].value == "MIT"
    assert pairs_of(found, "origin") == {
        "kind": "foundation",
        "name": MODEL.name,
        "licence": "MIT",
        "file_sha256": wanted["sha256"],
        "file_dtype": "float64",
        "head": "second",
    }
    assert found.metadata["parameters"].value == sum(each.numel() for each in tiny_mace().parameters())

    from mace.calculators import MACECalculator

    switch_safe_loading_on()
    calculator: Any = MACECalculator(models=tiny_mace(), device="cpu", default_dtype="float64", head="second")
    network = load_backbone(platform.objects, current_fingerprint(platform.objects)).network
    adaptor: Any = AseAtomsAdaptor
    for crystal in crystals():
        graph = build_graph(adaptor.get_structure(crystal), network.cutoff)
        output = network(collate([graph]))
        np.testing.assert_allclose(
            output.node_features.numpy(), calculator.get_descriptors(crystal), rtol=1e-6, atol=1e-9
        )
        np.testing.assert_allclose(
            output.energies.numpy(), [calculator.get_potential_energy(crystal)], rtol=1e-6
        )


def test_what_unpickles_is_another_process_without_our_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = {
        "CATALYST_DATABASE_URL": "postgresql://owner:secret@localhost/catalyst",
        "MP_API_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "DAGSTER_PG_URL": "postgresql://dagster:secret@localhost/dagster",
        "MLFLOW_TRACKING_URI": "postgresql://mlflow:secret@localhost/mlflow",
        "PYTHONPATH": "/secret",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "spy.model"
    file.write_bytes(pickled(Spy(tmp_path / "report.json")))

    with pytest.raises(UnsupportedModelError, match=r"holds a NoneType, not a ScaleShiftMACE or MACE"):
        convert(open_local(file, hash_file(file)))

    pid, folder, environment = json.loads((tmp_path / "report.json").read_text())
    assert pid != os.getpid()
    assert folder == environment["HOME"]
    assert not Path(folder).exists()
    assert "secret" not in json.dumps(environment)
    assert environment.keys() & secrets.keys() == set()


def test_a_file_that_is_exchanged_after_it_was_checked_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "mine.model"
    path.write_bytes(weights())
    file = open_local(path, hash_file(path))
    path.write_bytes(pickled(Spy(tmp_path / "opened")))

    with pytest.raises(UnsupportedModelError, match="changed after it was checked"):
        convert(file, "first")
    assert not (tmp_path / "opened").exists()


def test_a_network_that_its_description_does_not_tell_whole_is_refused(tmp_path: Path) -> None:
    plain = import_mace().RealAgnosticResidualInteractionBlock
    model = tiny_mace(heads=("only",), interaction_cls=plain, interaction_cls_first=plain)
    # mace-torch describes the first layer and takes it that the others are alike.
    model.interactions[1].avg_num_neighbors = 3.0  # type: ignore[index,union-attr]
    path = tmp_path / "odd.model"
    path.write_bytes(pickled(model))

    with pytest.raises(UnsupportedModelError, match=r"odd\.model was rebuilt, but gives other values"):
        convert(open_local(path, hash_file(path)))


def add_formation_energies(platform: Platform, a_sites: str, b_sites: str) -> None:
    rows = []
    for a_site, b_site in product(a_sites.split(), b_sites.split()):
        structure = build_cubic_perovskite(a_site, b_site, "O3")
        energy = {"value": len(a_site + b_site) - 5.5, "unit": "eV/atom", "method": "PBE", "source": "test"}
        rows.append(
            (
                f"test:{a_site}{b_site}O3",
                structure.reduced_formula,
                structure.chemical_system,
                sorted(structure.symbol_set),
                len(structure),
                json.loads(json.dumps(structure.as_dict())),
                hash_structure(structure),
                {"formation_energy_per_atom": [energy]},
            )
        )
    with platform.database.transaction(Role.OWNER) as connection:
        copy_rows(connection, "materials", COLUMNS, rows)


def rows_of(event: dg.AssetMaterialization, name: str) -> list[Mapping[str, object]]:
    shown = event.metadata[name]
    assert isinstance(shown, dg.TableMetadataValue)
    return [record.data for record in shown.records]


def pairs_of(event: dg.AssetMaterialization, name: str) -> dict[str, object]:
    return {str(what): value for what, value in (row.values() for row in rows_of(event, name))}


@pytest.mark.usefixtures("_mlflow_tables")
def test_a_network_is_taught_formation_energies_once_for_the_same_ones(platform: Platform) -> None:
    add_formation_energies(platform, "Ca Sr Ba Mg Be Zn Cd Pb", "Ti Zr Hf Sn Si Ge V")
    wanted = {"source": "schnet", "pretrain": True, "pretrain_epochs": 1}

    found, again = (
        materialize(platform, **wanted).asset_materializations_for_node("backbone")[0] for _ in range(2)
    )
    add_formation_energies(platform, "Eu", "Ti Zr")
    (later,) = materialize(platform, **wanted).asset_materializations_for_node("backbone")

    assert [each.metadata["made_now"].value for each in (found, again, later)] == [True, False, True]
    assert again.metadata["sha256"] == found.metadata["sha256"]
    rows = [rows_of(each, "pretraining") for each in (found, later)]
    assert [[(row["method"], row["labels"]) for row in each] for each in rows] == [
        [("PBE", 56)],
        [("PBE", 58)],
    ]
    assert pairs_of(found, "origin")["kind"] == "pretrained"
    assert load_backbone(platform.objects, found.metadata["sha256"].value).is_trained
    (run,) = platform.tracking.client.search_runs(
        [platform.tracking.client.get_experiment_by_name("catalyst").experiment_id],
        f"params.data_sha256 = '{pairs_of(found, 'origin')['data_sha256']}'",
    )
    assert found.metadata["mlflow_run"].value.endswith(run.info.run_id)
    assert list((platform.settings.home / "checkpoints" / "backbone").iterdir()) == []


def test_too_few_energies_are_said_without_a_class(platform: Platform) -> None:
    with pytest.raises(dg.Failure, match=r"^There are 0 formation energies of usable structures"):
        materialize(platform, source="schnet", pretrain=True)
