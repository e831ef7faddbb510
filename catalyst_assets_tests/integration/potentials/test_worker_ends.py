"""How a worker ends, and what whoever asked makes of it."""

import signal
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from ase.build import bulk

from catalyst_assets.potentials.client import WorkerKilledError, WorkerPotential
from catalyst_assets.potentials.environments import PotentialError
from catalyst_assets.potentials.interface import Answer
from catalyst_assets.potentials.piped import told_plainly
from catalyst_assets_tests.integration.potentials.test_worker import declare, of_emt
from resources.devices.leases import release_devices
from resources.settings import load_settings

_AT_GOLD = """
import os, signal, sys, time
from pathlib import Path
from ase.calculators.emt import EMT

TOLD = Path({told!r})
BROKEN = []

def first_time():
    with TOLD.open("a") as file:
        file.write("x")
    return TOLD.stat().st_size == 1

class Own(EMT):
    def calculate(self, atoms=None, properties=None, system_changes=None):
        if "Au" in atoms.get_chemical_symbols():
            {at_gold}
        if BROKEN:
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        super().calculate(atoms, properties, system_changes)

def make():
    {at_start}
    return Own()
"""


def ask(
    folder: Path, *symbols: str, at_gold: str = "pass", at_start: str = "pass", silence_seconds: float = 600
) -> tuple[dict[str, Answer], int]:
    """Return the answers of a potential that does something of its own, and how often it did."""
    told = folder / "told"
    settings = declare(folder, _AT_GOLD.format(told=str(told), at_gold=at_gold, at_start=at_start))
    potential = replace(WorkerPotential.of("own", settings), silence_seconds=silence_seconds)
    answers = {each.name: each for each in potential.evaluate({symbol: bulk(symbol) for symbol in symbols})}
    return answers, told.stat().st_size if told.exists() else 0


def test_a_worker_killed_at_its_last_structure_does_not_cost_that_structure(tmp_path: Path) -> None:
    answers, met = ask(tmp_path, "Au", at_gold="first_time() and os.kill(os.getpid(), signal.SIGKILL)")

    assert (answers["Au"].error, met) == ("", 2)
    assert answers["Au"].energy == pytest.approx(of_emt(bulk("Au")).get_potential_energy(), abs=1e-9)


def test_a_structure_that_two_workers_died_of_is_refused(tmp_path: Path) -> None:
    answers, met = ask(tmp_path, "Au", at_gold="first_time(); os.kill(os.getpid(), signal.SIGKILL)")

    assert (answers["Au"].error, met) == ("the worker of own was ended by SIGKILL", 2)
    assert answers["Au"].died


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_stop_ends_the_asking(tmp_path: Path, number: signal.Signals) -> None:
    stop = f"signal.signal({number:d}, signal.SIG_DFL); os.kill(os.getpid(), {number:d})"
    with pytest.raises(WorkerKilledError, match=f"{number.name}: somebody stopped it"):
        ask(tmp_path, "Cu", "Au", at_gold=stop)


def test_a_worker_killed_while_it_starts_has_another(tmp_path: Path) -> None:
    answers, started = ask(tmp_path, "Cu", at_start="first_time() and os.kill(os.getpid(), signal.SIGKILL)")
    assert (answers["Cu"].error, started) == ("", 2)


def test_only_what_was_killed_is_worth_another_try_of_the_step(tmp_path: Path) -> None:
    for at_start, worth in (("os.kill(os.getpid(), signal.SIGKILL)", True), ("sys.exit(3)", False)):
        with pytest.raises(dg.Failure, match="could not start") as failure, told_plainly():
            ask(tmp_path, "Cu", at_start=at_start)
        assert failure.value.allow_retries is worth


def test_a_worker_that_hangs_is_ended_and_the_rest_is_asked_of_another(tmp_path: Path) -> None:
    answers, met = ask(
        tmp_path, "Cu", "Au", "Pt", at_gold="first_time() and time.sleep(3600)", silence_seconds=20
    )
    assert met == 2
    assert {each.error for each in answers.values()} == {""}
    assert sorted(answers) == ["Au", "Cu", "Pt"]


def test_a_broken_gpu_costs_the_structure_that_breaks_it_and_no_other(tmp_path: Path) -> None:
    answers, _ = ask(tmp_path, "Au", "Cu", "Pt", "Al", at_gold="BROKEN.append(1)")

    assert "CUDA error: an illegal memory access" in answers["Au"].error
    assert {answers[symbol].error for symbol in ("Cu", "Pt", "Al")} == {""}


def test_a_worker_without_dagsters_package_answers_all_the_same(tmp_path: Path) -> None:
    settings = declare(tmp_path, "from ase.calculators.emt import EMT as make")
    (tmp_path / "dagster_pipes.py").write_text("raise ImportError('it is not here')", encoding="utf-8")
    potential = WorkerPotential.of("own", settings, {"DAGSTER_PIPES_CONTEXT": "of a step"})

    (answer,) = potential.evaluate({"Cu": bulk("Cu")})

    assert answer.error == ""


@pytest.mark.parametrize("module", ["calculator", "table", "worker"])
def test_a_laboratorys_module_may_be_called_as_one_of_ours(tmp_path: Path, module: str) -> None:
    settings = declare(tmp_path, "from ase.calculators.emt import EMT as make", module)
    (answer,) = WorkerPotential.of("own", settings).evaluate({"Cu": bulk("Cu")})
    assert answer.error == ""


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    weights = tmp_path / "weights"
    weights.write_bytes(b"none")
    about = {"python": sys.executable, "kind": "chgnet", "checkpoint": str(weights), "sha256": "0" * 64}
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"potentials": {"own": about | {"functional": "none"}}}), encoding="utf-8")
    settings = load_settings(home=tmp_path / "home", potentials_file=path, accelerator="gpu")

    with pytest.raises(PotentialError, match="a GPU is asked for, and torch finds none"):
        list(WorkerPotential.of("own", settings).evaluate({"Cu": bulk("Cu")}))


def test_an_own_calculator_computes_on_the_device_that_whoever_asks_has_leased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import os\ndef make():\n    raise RuntimeError('sees ' + os.environ.get('CUDA_VISIBLE_DEVICES', 'all'))"
    declared = declare(tmp_path, source)
    locks = {"device_locks": tmp_path / "locks", "device_patience": timedelta(seconds=1)}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,GPU-bb")
    try:
        for accelerator, seen in (("auto", "sees GPU-aa."), ("cpu", "sees.")):
            settings = declared.model_copy(update={**locks, "accelerator": accelerator})
            with pytest.raises(PotentialError, match=f"{seen} `catalyst"):
                list(WorkerPotential.of("own", settings).evaluate({"Cu": bulk("Cu")}))
    finally:
        release_devices()
