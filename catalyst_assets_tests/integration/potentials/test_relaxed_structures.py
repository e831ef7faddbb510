"""Ingested structures are relaxed by the chosen potential, each once, whatever becomes of single ones and of workers."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import psutil
import pytest
from pymatgen.core.structure import Structure

from catalyst_assets.build import build_defs
from catalyst_assets.loop.jobs import BY_POTENTIAL
from catalyst_assets.potentials.relaxed.judging import judge_relaxations
from catalyst_assets.potentials.relaxed.structures import any_waiting
from catalyst_assets_tests.integration.potentials.emt_installation import (
    METHOD,
    fcc,
    load_crystals,
    materialize,
    recipe,
    relax_directly,
    write_potentials,
)
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role
from resources.settings import get_settings

RELAXED = (
    "SELECT m.material_id, r.structure_json, r.status, r.space_group_before, r.space_group_after, r.volume_change, "
    "r.energy_ev, r.steps, r.largest_force FROM relaxed_structures r JOIN materials m USING (structure_hash) ORDER BY 1"
)
QUARANTINED = "SELECT reason, payload FROM quarantine WHERE source = 'relaxed_structures'"
SALT = Structure.from_spacegroup("Fm-3m", fcc(5.6, "Na").lattice, ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def test_lattice_constants_are_those_of_a_direct_relaxation(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    metals = {"cu": fcc(3.8, "Cu"), "al": fcc(3.9, "Al"), "pt": fcc(4.1, "Pt")}
    load_crystals(platform, tmp_path, metals)

    result = materialize(platform, instance, "relaxed_structures")

    rows = query(platform, RELAXED)
    assert [row[0] for row in rows] == ["crystals:al", "crystals:cu", "crystals:pt"]
    for name, document, status, before, after, volume_change, energy, steps, force in rows:
        asked = metals[name.partition(":")[2]]
        expected, expected_energy = relax_directly(asked)
        found = Structure.from_dict(document)
        assert found.lattice.abc == pytest.approx(expected.lattice.abc, abs=0.01)
        assert energy == pytest.approx(expected_energy, abs=4e-3)
        assert volume_change == pytest.approx(expected.volume / asked.volume - 1, abs=0.01)
        assert (status, before, after) == ("converged", 225, 225)
        assert steps > 0
        assert force < 0.02
    (event,) = result.get_asset_materialization_events()
    materialization = event.materialization
    counted = {name: each.value for name, each in materialization.metadata.items()}
    assert (counted["converged"], counted["quarantined"], counted["method"]) == (3, 0, METHOD)


def test_a_worker_tells_the_log_of_its_step_how_far_it_is(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "al": fcc(4.0, "Al")})

    result = materialize(platform, instance, "relaxed_structures")

    told = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert "2 of 2 structures are answered" in told


def test_a_structure_that_the_potential_does_not_know_is_quarantined_and_the_others_go_on(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "salt": SALT})

    assert materialize(platform, instance).success

    assert [row[0] for row in query(platform, RELAXED)] == ["crystals:cu"]
    ((reason, payload),) = query(platform, QUARANTINED)
    assert reason == "the potential does not know Na, Cl"
    assert payload == {"material_ids": ["crystals:salt"], "recipe": recipe(platform).sha256}
    assert not any_waiting(platform.database, recipe(platform))


def test_what_is_relaxed_already_is_not_asked_again(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "salt": SALT})
    materialize(platform, instance)
    written = "SELECT material_id, updated_at FROM materials ORDER BY 1"
    stamped = "SELECT relaxed_at, formation_energy FROM relaxed_structures"
    before = query(platform, written), query(platform, stamped), query(platform, QUARANTINED)

    again = materialize(platform, instance)

    assert (query(platform, written), query(platform, stamped), query(platform, QUARANTINED)) == before
    assert not [one for one in again.all_events if "relax_structure_shard" in (one.step_key or "")]

    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "salt": SALT, "au": fcc(4.2, "Au")})
    assert any_waiting(platform.database, recipe(platform))
    materialize(platform, instance)
    assert [row[0] for row in query(platform, RELAXED)] == ["crystals:au", "crystals:cu"]
    assert before[1][0] in query(platform, stamped)


def test_a_lost_structure_is_a_problem(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "au": fcc(4.2, "Au")})
    materialize(platform, instance, "relaxed_structures")
    assert judge_relaxations(platform.database, recipe(platform))[0] == []
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(
            "DELETE FROM relaxed_structures r USING materials m "
            "WHERE m.structure_hash = r.structure_hash AND m.material_id = 'crystals:cu'"
        )

    (problem,), counts = judge_relaxations(platform.database, recipe(platform))

    assert problem.startswith("1 structures were neither relaxed by emt nor are they in quarantine")
    assert (counts["structures"], counts["waiting"]) == (2, 1)


def test_what_did_not_converge_is_told_apart_and_tried_again_with_more_steps(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.9, "Cu")})

    materialize(platform, instance, config={"most_steps": 1})
    ((_, _, status, *_),) = query(platform, RELAXED)
    assert status == "not_converged"
    ((problem, entry),) = query(
        platform,
        "SELECT r.formation_problem, m.properties -> 'formation_energy_per_atom' @> '[{\"method\": \"emt\"}]' "
        "FROM relaxed_structures r JOIN materials m USING (structure_hash)",
    )
    assert problem == "its relaxation did not converge in 1 steps"
    assert entry is False

    materialize(platform, instance)
    ((_, _, status, *_),) = query(platform, RELAXED)
    assert status == "converged"
    assert query(platform, "SELECT formation_energy IS NOT NULL FROM relaxed_structures") == [(True,)]


def test_how_the_last_run_relaxed_holds_until_another_asks_for_something_else(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.9, "Cu"), "salt": SALT})
    held = "SELECT space_group_held, space_group_before FROM relaxed_structures"
    materialize(platform, instance, "relaxed_structures")
    assert query(platform, held) == [(225, 225)]

    materialize(platform, instance, "relaxed_structures", config={"keep_symmetry": False})
    assert query(platform, held) == [(None, 225)]
    assert not any_waiting(platform.database, recipe(platform))
    assert len(query(platform, QUARANTINED)) == 1

    relaxed_at = query(platform, "SELECT relaxed_at FROM relaxed_structures")
    materialize(platform, instance, "relaxed_structures")
    assert query(platform, "SELECT relaxed_at FROM relaxed_structures") == relaxed_at


def test_a_killed_worker_costs_nothing(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    crystals = {}
    for number in range(40):
        crystal = fcc(3.6 + 0.01 * number, "Cu") * (2, 2, 2)
        crystal.perturb(0.1)
        crystals[f"cu{number}"] = crystal
    load_crystals(platform, tmp_path, crystals)
    killed: list[int] = []

    def kill_the_first_that_works() -> None:
        until = time.monotonic() + 120
        while not killed and time.monotonic() < until:
            for child in psutil.Process().children(recursive=True):
                try:
                    said = child.cmdline()
                    if "program.py" in " ".join(said) and Path(said[-1], "answers.arrow").exists():
                        os.kill(child.pid, signal.SIGKILL)
                        killed.append(child.pid)
                        break
                except (psutil.Error, IndexError):
                    continue
            time.sleep(0.002)

    killer = threading.Thread(target=kill_the_first_that_works)
    killer.start()
    result = materialize(platform, instance, "relaxed_structures", config={"keep_symmetry": False})
    killer.join()

    assert len(killed) == 1
    assert any("SIGKILL" in entry.user_message for entry in instance.all_logs(result.run_id))
    assert query(platform, "SELECT count(*) FROM relaxed_structures WHERE status = 'converged'") == [(40,)]
    assert query(platform, QUARANTINED) == []


def test_automation_follows_what_is_ingested_where_a_potential_can_be_asked(
    platform: Platform,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    own_environment: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    get_settings.cache_clear()
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})
    materialize(platform, instance, "materials", "material_identity")
    selected = dg.AssetSelection.assets(*BY_POTENTIAL)

    def requested() -> set[str]:
        evaluated = dg.evaluate_automation_conditions(
            defs=build_defs(platform=platform), instance=instance, asset_selection=selected
        )
        return {one.key.to_user_string() for one in evaluated.results if not one.true_subset.is_empty}

    write_potentials(tmp_path, "/nowhere/python")
    assert requested() == set()
    write_potentials(tmp_path, sys.executable)
    monkeypatch.delenv("CATALYST_POTENTIAL")
    get_settings.cache_clear()
    assert requested() == set()
    monkeypatch.setenv("CATALYST_POTENTIAL", METHOD)
    get_settings.cache_clear()
    assert requested() == {"relaxed_structures"}
    materialize(platform, instance, "relaxed_structures")
    assert requested() == {"potential_energies"}
    materialize(platform, instance, "potential_energies")
    assert requested() == set()


def test_without_a_potential_the_asset_says_what_to_do(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})

    for name, said in (
        (None, "No potential is chosen"),
        ("sevennet-0", "catalyst potentials install sevennet"),
    ):
        settings = platform.settings.model_copy(update={"potential": name})
        alone = Platform(settings, platform.database)
        result = materialize(alone, instance, "relaxed_structures", raise_on_error=False)
        (failure,) = [one for one in result.all_events if one.is_step_failure]
        assert said in failure.step_failure_data.error_display_string


def test_an_interpreter_that_is_gone_fails_the_run_and_leaves_no_trace(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})
    write_potentials(tmp_path, "/nowhere/python")

    result = materialize(platform, instance, "relaxed_structures", raise_on_error=False)

    assert not result.success
    (failure,) = [one for one in result.all_events if one.is_step_failure]
    assert "/nowhere/python, which is not there" in failure.step_failure_data.error_display_string
    assert query(platform, RELAXED) == []
    assert query(platform, QUARANTINED) == []

    write_potentials(tmp_path, sys.executable)
    get_settings.cache_clear()
    assert materialize(platform, instance, "relaxed_structures").success
