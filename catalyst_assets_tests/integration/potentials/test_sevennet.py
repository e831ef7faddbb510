"""SevenNet as it is published, through the platform: beside its package's own calculator and beside ASE's FIRE."""

import dataclasses
import json
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from ase.build import add_adsorbate, bulk, fcc111, graphene, molecule
from pymatgen.core import Element
from pymatgen.io.ase import AseAtomsAdaptor

from catalyst_assets.bench.potentials.regression import FewLabelsReport
from catalyst_assets.bench.potentials.speed import SpeedReport
from catalyst_assets.ingestion.prototypes.perovskites import build_cubic_perovskite
from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.environments import Installed
from catalyst_assets.potentials.interface import Answer, Relaxation
from catalyst_assets.potentials.known_answers import known_crystal
from catalyst_assets.potentials.table import find_potential
from catalyst_assets.representation.features import featurize
from catalyst_assets.representation.foundation.choice import BackboneChoice
from catalyst_assets_tests.command_line import CommandLine
from resources.settings import Settings, load_settings

ALONE: Final = Path(__file__).with_name("sevennet_alone.py")
# What the package calls the weights.
WEIGHTS: Final = {"sevennet-0": "7net-0", "sevennet-l3i5": "7net-l3i5"}
# Invariants of its five interaction blocks.
CHANNELS: Final = 5 * 128
RELAXED: Final = "sevennet-0"
BACKBONE: Final = "sevennet-l3i5"
WANTED: Final = Relaxation(largest_force=0.02)
pytestmark = pytest.mark.slow


@pytest.fixture
def settings(sevennet: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a new home that finds the environment; those of commands, too."""
    monkeypatch.setenv("CATALYST_POTENTIAL_ENVIRONMENTS", str(sevennet.folder.parent))
    monkeypatch.setenv("CATALYST_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CATALYST_ACCELERATOR", "cpu")
    return load_settings()


def structures() -> dict[str, Atoms]:
    """One atom to twenty, and what repeats in all directions, in two or in none."""
    cell = known_crystal()
    cell.set_cell(cell.cell.array @ [[1.02, 0.01, 0], [0, 0.99, 0.02], [0, 0, 1]], scale_atoms=True)
    cell.rattle(0.05, seed=0)
    large = known_crystal().repeat((2, 2, 1))
    large.rattle(0.05, seed=1)
    slab = fcc111("Pt", (2, 2, 3), vacuum=8.0)
    add_adsorbate(slab, "O", 1.2, "fcc")
    periodic_slab = slab.copy()
    periodic_slab.pbc = True
    sheet = graphene(a=2.5)  # its third axis has no length
    return {
        "copper": bulk("Cu"),
        "SrTiO3": cell,
        "SrTiO3 2x2x1": large,
        "slab": slab,
        "periodic slab": periodic_slab,
        "graphene": sheet,
        "water": molecule("H2O"),
    }


def perovskite() -> Atoms:
    atoms = AseAtomsAdaptor.get_atoms(build_cubic_perovskite("Ba", "Zr", "O3"))
    atoms.rattle(0.02, seed=2)
    return atoms


def as_json(atoms: Atoms) -> dict[str, Any]:
    return {
        "numbers": atoms.numbers.tolist(),
        "positions": atoms.positions.tolist(),
        "cell": atoms.cell.tolist(),
        "pbc": atoms.pbc.tolist(),
    }


@pytest.fixture(scope="module")
def by_the_package(sevennet: Installed, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What SevenNet alone says of all this, by name of the potential."""
    folder = tmp_path_factory.mktemp("sevennet")
    evaluate = {name: as_json(atoms) for name, atoms in structures().items()}
    job = {
        weights: {
            "evaluate": evaluate,
            "relax": {"perovskite": as_json(perovskite())} if name == RELAXED else {},
            "fmax": WANTED.largest_force,
        }
        for name, weights in WEIGHTS.items()
    }
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    done = subprocess.run(
        [sevennet.python, "-I", ALONE, folder / "job.json", folder / "answers.json"],
        env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads((folder / "answers.json").read_text(encoding="utf-8"))
    return {name: told[weights] for name, weights in WEIGHTS.items()}


@pytest.fixture(scope="module")
def answered(sevennet: Installed) -> Mapping[str, Mapping[str, Answer]]:
    """What the platform is told of it, by the same names."""
    settings = load_settings(potential_environments=sevennet.folder.parent, accelerator="cpu")
    return {
        name: {each.name: each for each in WorkerPotential.of(name, settings).evaluate(structures())}
        for name in WEIGHTS
    }


@pytest.mark.parametrize("name", WEIGHTS)
def test_known_answers_are_given(name: str, settings: Settings, run: CommandLine) -> None:
    known = find_potential(name, settings).known_answer_ev
    said = re.fullmatch(rf"{name}: (-[\d.]+) eV, known {known:.4f}\.\n", run("check", name))
    assert said is not None
    assert float(said[1]) == pytest.approx(known, abs=2e-3)


@pytest.mark.parametrize("name", WEIGHTS)
def test_batches_say_what_the_packages_calculator_says(
    name: str, answered: Mapping[str, Mapping[str, Answer]], by_the_package: Mapping[str, Any]
) -> None:
    asked = structures()
    assert answered[name].keys() == asked.keys()
    for structure, alone in by_the_package[name]["evaluated"].items():
        answer = answered[name][structure]
        assert answer.error == ""
        assert answer.energy / len(asked[structure]) == pytest.approx(
            alone["energy"] / len(asked[structure]), abs=1e-5
        )
        np.testing.assert_allclose(answer.forces, alone["forces"], rtol=0, atol=1e-4)
        if asked[structure].pbc.all():
            np.testing.assert_allclose(answer.stress, alone["stress"], rtol=0, atol=1e-6)
        else:
            assert answer.stress is None


def test_a_relaxation_ends_where_ases_fire_ends(
    settings: Settings, by_the_package: Mapping[str, Any]
) -> None:
    start = perovskite()
    (answer,) = WorkerPotential.of(RELAXED, settings).relax({"perovskite": start}, WANTED)

    alone = by_the_package[RELAXED]["relaxed"]["perovskite"]
    assert alone["converged"]
    assert answer.status == "converged"
    assert answer.energy / len(start) == pytest.approx(alone["energy"] / len(start), abs=1e-3)
    np.testing.assert_allclose(answer.relaxed.cell.array, alone["cell"], atol=0.01)
    assert np.abs(answer.relaxed.cell.lengths() - start.cell.lengths()).min() > 0.05


def test_it_is_a_trained_backbone_whose_features_know_no_batch(
    settings: Settings, answered: Mapping[str, Mapping[str, Answer]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALYST_BACKBONE", BACKBONE)
    chosen = load_settings()
    backbone = BackboneChoice.of(chosen).make(chosen)
    crystals = ("SrTiO3", "copper")

    features = featurize(
        [AseAtomsAdaptor.get_structure(structures()[name]) for name in crystals],
        backbone,
        accelerator="cpu",
        settings=chosen,
    )

    assert backbone.is_trained
    assert features.failures == {}
    own = [name for name in features.names if name.startswith(f"{BACKBONE}:")]
    assert own == [f"{BACKBONE}:{pool}_{channel}" for pool in ("mean", "std") for channel in range(CHANNELS)]
    assert features.informed().names == features.names
    # Those answers came from a batch of other structures, and with forces.
    for name, values in zip(crystals, features.values[:, : len(own)], strict=True):
        np.testing.assert_allclose(values, answered[BACKBONE][name].features, atol=1e-4)
    assert np.abs(features.values[0] - features.values[1])[: len(own)].max() > 0.1


def test_the_bench_tells_what_it_says_that_it_tells(settings: Settings, bench: CommandLine) -> None:
    report = bench.json(
        "potentials", "--potential", "sevennet-0", "--structures", "8", "--relaxed", "1", "--rounds", "1"
    )

    assert list(report) == [field.name for field in dataclasses.fields(SpeedReport)]
    assert (report["potential"], report["n_structures"], report["n_relaxed"]) == ("sevennet-0", 8, 1)
    for rate in ("evaluations_per_s", "calculator_per_s", "pass_per_s", "relaxations_per_s"):
        assert report[rate] > 0
    assert report["energy_apart_ev_per_atom"] < 1e-3


def test_few_labels_are_learned_from_the_features_and_beside_them(
    settings: Settings, bench: CommandLine, tmp_path: Path
) -> None:
    rows = [
        {"cif": build_cubic_perovskite(a, b, "O3").to(fmt="cif"), "step": Element(a).X - Element(b).X}
        for a in ("Na", "K", "Ca", "Sr", "Ba", "La", "Y")
        for b in ("Ti", "Zr", "V", "Nb", "Mn", "Sn", "Al")
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "part.csv", index=False)
    report = bench.json(
        *("transfer", "--data", str(tmp_path), "--source", "step", "--target", "step", "--labels", "25"),
        *("--seeds", "1", "--epochs", "2", "--potential", RELAXED),
    )

    assert list(report) == [field.name for field in dataclasses.fields(FewLabelsReport)]
    assert (report["n_labels"], report["n_test"], report["seeds"]) == (25, 24, [0])
    spread = float(np.std([row["step"] for row in rows]))
    for errors in (report["pretrained_mae"], report["descriptors_mae"]):
        assert 0 < errors["step"][0] < spread / 2
    assert report["median_ratio"]["step"] == pytest.approx(
        report["pretrained_mae"]["step"][0] / report["scratch_mae"]["step"][0]
    )
