"""Asking a potential through its own process: values, refusals, and processes that die."""

import hashlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import yaml
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.filters import UnitCellFilter
from ase.optimize import FIRE

from catalyst_assets.errors import UsageError
from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.environments import PotentialError
from catalyst_assets.potentials.interface import Answer, Relaxation
from catalyst_assets.potentials.known_answers import known_crystal
from catalyst_assets_tests.integration.potentials.emt_installation import METHOD, write_potentials
from catalyst_assets_tests.mace_files import pickled, tiny_mace
from resources.settings import Settings, load_settings


def of_emt(atoms: Atoms) -> Atoms:
    told = atoms.copy()
    told.calc = EMT()
    return told


def rattled(symbol: str, seed: int = 0) -> Atoms:
    atoms = bulk(symbol, cubic=True)
    atoms.rattle(0.05, seed=seed)
    return atoms


def test_values_are_those_of_the_calculator(settings: Settings) -> None:
    crystals = {"Cu": rattled("Cu"), "Pt": rattled("Pt"), "slab": Atoms("Cu2", [[0, 0, 0], [0, 0, 2.3]], cell=[3, 3, 20], pbc=[True, True, False])}  # fmt: skip
    answers = {each.name: each for each in WorkerPotential.of(METHOD, settings).evaluate(crystals)}

    assert sorted(answers) == sorted(crystals)
    for name, atoms in crystals.items():
        told = of_emt(atoms)
        assert answers[name].error == ""
        assert answers[name].energy == pytest.approx(told.get_potential_energy(), abs=1e-9)
        np.testing.assert_allclose(answers[name].forces, told.get_forces(), atol=1e-9)
    np.testing.assert_allclose(
        answers["Cu"].stress, of_emt(crystals["Cu"]).get_stress(voigt=False), atol=1e-9
    )


def test_a_relaxation_ends_where_ases_fire_ends_in_fewer_steps(settings: Settings) -> None:
    crystals = {str(seed): rattled("Cu", seed) for seed in range(3)}
    wanted = Relaxation(largest_force=1e-4)
    for answer in WorkerPotential.of(METHOD, settings).relax(crystals, wanted):
        atoms = of_emt(crystals[answer.name])
        optimizer = FIRE(UnitCellFilter(atoms), logfile=None)
        optimizer.run(fmax=wanted.largest_force, steps=wanted.most_steps)

        assert answer.status == "converged"
        assert answer.steps < optimizer.nsteps
        assert answer.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(answer.relaxed.cell.array, atoms.cell.array, atol=1e-3)


def test_what_is_held_stays_and_the_cell_stays_where_it_is_not_to_move(settings: Settings) -> None:
    atoms = rattled("Cu")
    atoms.set_constraint(FixAtoms([0, 2]))
    (answer,) = WorkerPotential.of(METHOD, settings).relax({"Cu": atoms}, Relaxation(cell=False))

    assert answer.status == "converged"
    np.testing.assert_array_equal(answer.relaxed.positions[[0, 2]], atoms.positions[[0, 2]])
    assert np.abs(answer.relaxed.positions[[1, 3]] - atoms.positions[[1, 3]]).max() > 0.01
    np.testing.assert_array_equal(answer.relaxed.cell.array, atoms.cell.array)
    assert len(answer.relaxed.constraints) == 1


def test_symmetry_is_kept_where_it_is_asked_for(settings: Settings) -> None:
    """Body-centred copper is a saddle: what is not held to its symmetry goes down Bain's path to the face-centred one."""
    potential = WorkerPotential.of(METHOD, settings)
    nearly_cubic = Atoms("Cu2", scaled_positions=[[0, 0, 0], [0.5, 0.5, 0.5]], cell=[2.87, 2.87, 2.8705], pbc=True)  # fmt: skip
    ratios = {}
    for keeps in (True, False):
        wanted = Relaxation(keep_symmetry=keeps, largest_force=1e-5, most_steps=2000)
        (answer,) = potential.relax({"Cu": nearly_cubic}, wanted)
        assert answer.status == "converged"
        lengths = answer.relaxed.cell.lengths()
        ratios[keeps] = lengths.max() / lengths.min()
    assert ratios[True] == pytest.approx(1.0, abs=1e-3)
    assert ratios[False] == pytest.approx(2**0.5, abs=0.02)


def test_a_relaxation_that_is_given_up_is_not_converged(settings: Settings) -> None:
    (answer,) = WorkerPotential.of(METHOD, settings).relax({"Cu": rattled("Cu")}, Relaxation(most_steps=2))
    assert (answer.status, answer.steps, answer.error) == ("not_converged", 2, "")
    assert answer.largest_force > 0.02


def test_what_collapses_or_is_not_known_costs_itself(settings: Settings) -> None:
    asked = {"Cu": bulk("Cu"), "W": bulk("W"), "on top of each other": Atoms("Cu2", [[0, 0, 0], [0, 0, 0.1]], cell=[9, 9, 9], pbc=True)}  # fmt: skip
    answers = {each.name: each for each in WorkerPotential.of(METHOD, settings).relax(asked, Relaxation())}

    assert answers["Cu"].status == "converged"
    assert answers["W"].error == "the potential does not know W"
    assert answers["on top of each other"].status == "collapsed"
    assert "collapsed" in answers["on top of each other"].error


def test_nothing_is_asked_of_nobody(settings: Settings) -> None:
    assert list(WorkerPotential.of(METHOD, settings).evaluate({})) == []


def test_a_calculator_says_that_it_has_no_features(settings: Settings) -> None:
    (answer,) = WorkerPotential.of(METHOD, settings).describe({"Cu": bulk("Cu")})
    assert "gives no features" in answer.error
    assert answer.features is None


def declare(folder: Path, source: str, module: str = "own", **about: object) -> Settings:
    """Declare a potential of a module of one's own, which the worker finds in the environment's packages."""
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    python = folder / "python"
    # The worker is started isolated, so that the folder has to come in by the interpreter itself.
    python.write_text(
        f'#!/bin/sh\nshift\nPYTHONPATH={folder} exec {sys.executable} -P "$@"\n', encoding="utf-8"
    )
    python.chmod(0o755)
    spec = {
        "python": str(python),
        "kind": "calculator",
        "factory": f"{module}:make",
        "functional": "none",
    } | about
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({"potentials": {"own": spec}}), encoding="utf-8")
    return load_settings(home=folder / "home", potentials_file=path, accelerator="cpu")


_KILLS_ITSELF = """
import os, signal
from ase.calculators.emt import EMT

class Deadly(EMT):
    def calculate(self, atoms=None, properties=None, system_changes=None):
        if "Au" in atoms.get_chemical_symbols():
            os.kill(os.getpid(), signal.SIGKILL)
        super().calculate(atoms, properties, system_changes)

def make():
    return Deadly()
"""


def test_a_structure_that_kills_its_worker_costs_itself_and_no_other(tmp_path: Path) -> None:
    settings = declare(tmp_path, _KILLS_ITSELF)
    told: list[str] = []
    asked = {symbol: bulk(symbol) for symbol in ("Al", "Cu", "Au", "Pt", "Ni")}
    potential = WorkerPotential.of("own", settings, tell=told.append)
    answers = {each.name: each for each in potential.evaluate(asked)}

    assert sorted(answers) == sorted(asked)
    assert answers["Au"].error == "the worker of own was ended by SIGKILL"
    for symbol in ("Al", "Cu", "Pt", "Ni"):
        assert answers[symbol].energy == pytest.approx(of_emt(asked[symbol]).get_potential_energy(), abs=1e-9)
    assert any("asked again" in said for said in told)


_FAILS = """
from ase.calculators.emt import EMT

class Picky(EMT):
    def calculate(self, atoms=None, properties=None, system_changes=None):
        if "Au" in atoms.get_chemical_symbols():
            raise ArithmeticError("no gold")
        super().calculate(atoms, properties, system_changes)

def make():
    return Picky()
"""


def test_what_the_potential_fails_on_is_refused_in_its_words(tmp_path: Path) -> None:
    settings = declare(tmp_path, _FAILS)
    answers = {
        each.name: each
        for each in WorkerPotential.of("own", settings).relax(
            {"Cu": bulk("Cu"), "Au": bulk("Au")}, Relaxation()
        )
    }
    assert answers["Au"].error == "the potential failed: ArithmeticError: no gold"
    assert answers["Cu"].status == "converged"


def test_a_worker_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = declare(tmp_path, "def make():\n    raise RuntimeError('the licence server sleeps')\n")
    with pytest.raises(PotentialError, match=r"could not start.*the licence server sleeps"):
        list(WorkerPotential.of("own", settings).evaluate({"Cu": bulk("Cu")}))


_SLOW = """
import time
from ase.calculators.emt import EMT

class Slow(EMT):
    def calculate(self, atoms=None, properties=None, system_changes=None):
        time.sleep(0.5)
        super().calculate(atoms, properties, system_changes)

def make():
    return Slow()
"""


def test_a_worker_that_is_killed_from_outside_loses_nothing(tmp_path: Path) -> None:
    settings = declare(tmp_path, _SLOW)
    asked = {f"{symbol}{n}": bulk(symbol) for symbol in ("Cu", "Pt", "Al") for n in range(4)}
    killed: list[int] = []

    def kill() -> None:
        while not killed:
            for child in psutil.Process().children(recursive=True):
                if "program.py" in " ".join(child.cmdline()) and child.cpu_times().user > 0.5:
                    time.sleep(1.5)
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    return
            time.sleep(0.05)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    answers = {each.name: each for each in WorkerPotential.of("own", settings).evaluate(asked)}
    killer.join()

    assert len(killed) == 1
    assert sorted(answers) == sorted(asked)
    assert {each.error for each in answers.values()} == {""}
    assert answers["Pt3"].energy == pytest.approx(of_emt(bulk("Pt")).get_potential_energy(), abs=1e-9)


def test_a_file_of_weights_is_opened_by_its_hash_alone(tmp_path: Path) -> None:
    from mace.calculators import MACECalculator

    weights = tmp_path / "tiny.model"
    weights.write_bytes(pickled(tiny_mace(heads=("first",))))
    options = {"model_paths": "{checkpoint}", "device": "cpu", "default_dtype": "float64"}
    declared = {
        "factory": "mace.calculators:MACECalculator",
        "checkpoint": str(weights),
        "options": options,
        "elements": ["H", "O", "Ti", "Sr"],
    }
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()

    def answers(sha256: str) -> list[Answer]:
        file = write_potentials(tmp_path, sys.executable, sha256=sha256, **declared)
        settings = load_settings(home=tmp_path / "home", potentials_file=file)
        return list(WorkerPotential.of(METHOD, settings).evaluate({"SrTiO3": known_crystal()}))

    told = known_crystal()
    told.calc = MACECalculator(models=[tiny_mace(heads=("first",))], device="cpu", default_dtype="float64")
    (answer,) = answers(sha256)
    assert answer.energy == pytest.approx(told.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(answer.forces, told.get_forces(), atol=1e-9)
    with pytest.raises(PotentialError, match=f"has the sha256 {sha256}, expected is {'0' * 64}"):
        answers("0" * 64)


def test_a_molecule_is_asked_without_a_cell(settings: Settings) -> None:
    (answer,) = WorkerPotential.of(METHOD, settings).relax(
        {"H2": molecule("H2")}, Relaxation(cell=False, largest_force=0.01)
    )
    atoms = of_emt(molecule("H2"))
    FIRE(atoms, logfile=None).run(fmax=0.01)
    assert answer.relaxed.get_distance(0, 1) == pytest.approx(atoms.get_distance(0, 1), abs=1e-3)


def test_names_that_are_not_known_and_environments_that_are_not_there(settings: Settings) -> None:
    with pytest.raises(UsageError, match="sevennet-l3i5"):
        WorkerPotential.of("sevennet-l3i4", settings)
    with pytest.raises(PotentialError, match="catalyst potentials install sevennet"):
        WorkerPotential.of("sevennet-0", settings)
