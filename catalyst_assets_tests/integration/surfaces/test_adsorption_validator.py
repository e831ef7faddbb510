"""A campaign that a potential answers: adsorption energies of its candidates, and failures with their reasons."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import dagster as dg
import psutil
import pytest

from catalyst_assets.campaigns.library import parse_sensible
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.derived.adsorption_labels import label_bulk_materials
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.state import FEATURES_JOB
from catalyst_assets.validation.adsorption.program import answer
from catalyst_assets.validation.jobs.engine import Follower
from catalyst_assets.validation.jobs.folder import job_folder
from catalyst_assets.validation.registry import check_goal, find_validator, why_unavailable
from catalyst_assets.validation.validators import Progress, WorkRequest
from catalyst_assets_tests.integration.potentials.emt_installation import (
    METHOD,
    fcc,
    load_crystals,
    write_potentials,
)
from catalyst_assets_tests.integration.surfaces.test_computed_adsorption import IRON, state
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role

CAMPAIGN = {
    "name": "hydrogen",
    "pool": {"source": "crystals"},
    "criteria": [{"property": "adsorption_free_energy_H", "min": -0.4, "max": 0.4}],
    "method": METHOD,
    "derive": {"adsorption_free_energy_H": "hydrogen_free_energy(adsorption_energy_H)"},
    "initial_batch": 4,
    "acquisition": {"batch_size": 1},
    "validator": "adsorption",
    "review": "automatic",
    "stop": {"max_iterations": 2},
    "test_fraction": 0,
}
POOL = {"cu": fcc(3.6, "Cu"), "pt": fcc(3.9, "Pt"), "ni": fcc(3.5, "Ni"), "ag": fcc(4.1, "Ag"), "fe": IRON}
JOBS = "SELECT status, reason, answers FROM validation_jobs"


def ask(platform: Platform, material: str, *properties: str) -> WorkRequest:
    """Ask the validator about a material, and return what was asked."""
    request = WorkRequest(f"crystals:{material}", properties or ("adsorption_energy_H",), METHOD)
    validator = find_validator("adsorption", platform)
    assert validator is not None
    with platform.database.transaction(Role.VALIDATOR) as connection:
        validator.submit(connection, [request])
    return request


def follow(platform: Platform) -> None:
    """Follow the one calculation that there is to its end."""
    ((job_id,),) = query(platform, "SELECT job_id FROM validation_jobs")
    Follower(platform, job_id, "a run").follow()


@pytest.mark.long
def test_a_campaign_is_answered_by_a_potential(
    platform: Platform, dagster_instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, POOL)
    driver = LoopDriver(platform, dagster_instance)
    driver.execute(FEATURES_JOB)
    start_campaign(platform.database, check_goal(CAMPAIGN, "the campaign"))
    driver.drive("hydrogen")

    results = query(
        platform,
        "SELECT material_id, property, outcome, value, method, validator, note FROM validation_results",
    )
    assert {(row[1], row[4], row[5]) for row in results} == {("adsorption_energy_H", METHOD, "adsorption")}
    assert {row[0].partition(":")[2] for row in results} == POOL.keys()
    ((fe, *_, note),) = [row for row in results if row[2] == "failed"]
    assert (fe, "does not know Fe" in note) == ("crystals:fe", True)
    lowest = dict(
        query(platform, "SELECT material_id, min(energy_ev) FROM adsorption_energies GROUP BY material_id")
    )
    assert {row[0]: row[3] for row in results if row[2] == "measured"} == pytest.approx(lowest)
    # What is judged is derived of the answers.
    (states,) = query(
        platform,
        "SELECT count(*) FILTER (WHERE status = 'validated'), count(*) FILTER (WHERE status = 'rejected') FROM candidates "
        "WHERE material_id = ANY (:asked)",
        asked=[row[0] for row in results],
    )
    assert sum(states) >= len(POOL)
    # The same energies as properties of materials, by the same method, change none of the labels.
    label_bulk_materials(platform.database)
    stored = query(
        platform,
        "SELECT material_id, entry ->> 'method', CAST(entry ->> 'value' AS double precision) FROM materials, "
        "jsonb_array_elements(properties -> 'adsorption_energy_H') entry",
    )
    assert {name: value for name, method, value in stored if method == METHOD} == pytest.approx(lowest)


@pytest.mark.slow
def test_the_lowest_site_is_the_answer_and_every_site_is_stored(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, POOL)
    request = ask(platform, "pt")

    follow(platform)

    validator = find_validator("adsorption", platform)
    assert validator is not None
    with platform.database.transaction(Role.VALIDATOR) as connection:
        assert validator.poll(connection, [request]) == {"crystals:pt": Progress.DONE}
        (found,) = validator.collect(connection, request).answers
    rows = query(platform, "SELECT energy_ev, site, method FROM adsorption_energies ORDER BY energy_ev")
    assert len(rows) == 4
    assert (found.value, found.unit, found.method) == (rows[0][0], "eV", METHOD)
    assert found.note == f"1,1,1/0/H/{rows[0][1]}, OC20: 1/2 H2"
    ((files,),) = query(platform, "SELECT files FROM validation_jobs")
    assert {"job.json", "result.json", "adsorption.json"} <= files.keys()
    said = (
        job_folder(platform.settings, query(platform, "SELECT job_id FROM validation_jobs")[0][0]).path
        / "log.txt"
    )
    assert rows[0][1] in said.read_text()

    ask(platform, "pt")
    assert query(platform, "SELECT status, attempt FROM validation_jobs") == [("done", 1)]


@pytest.mark.slow
def test_slabs_are_those_that_the_potential_declares(platform: Platform, tmp_path: Path) -> None:
    file = platform.settings.potentials_file
    assert file is not None
    surfaces = {"facets": [[1, 0, 0]], "layers": 2, "thickness": 0, "vacuum": 10, "width": 4}
    write_potentials(file.parent, sys.executable, surfaces=surfaces)
    load_crystals(platform, tmp_path, POOL)
    ask(platform, "pt")

    follow(platform)

    rows = query(platform, "SELECT DISTINCT miller_index, by_default FROM adsorption_energies")
    assert rows == [([1, 0, 0], True)]


def test_a_bulk_that_the_potential_does_not_know_is_a_failure_with_that_reason(
    platform: Platform, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, POOL)
    ask(platform, "fe", "adsorption_energy_H", "adsorption_energy_O")

    follow(platform)

    ((status, reason, answers),) = query(platform, JOBS)
    assert (status, answers) == ("failed", {})
    assert "adsorption_energy_H: the crystal: the potential does not know Fe" in reason
    assert query(platform, "SELECT record FROM quarantine WHERE source = 'adsorption'") == [("crystals:fe",)]


@pytest.mark.slow
def test_a_calculation_whose_worker_and_program_are_killed_is_done_by_the_next(
    platform: Platform, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, POOL)
    ask(platform, "cu")
    ((job_id,),) = query(platform, "SELECT job_id FROM validation_jobs")
    folder = job_folder(platform.settings, job_id)
    killed: list[int] = []

    def kill() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not killed:
            with_program = folder.process()
            for found in psutil.process_iter(["cmdline"]) if with_program else ():
                line = found.info["cmdline"] or []
                if "catalyst_assets.validation.adsorption.program" in line and str(folder.path) in line:
                    os.kill(found.pid, signal.SIGKILL)
                    killed.append(found.pid)
            time.sleep(0.1)

    killer = threading.Thread(target=kill)
    killer.start()
    follow(platform)
    killer.join()

    assert len(killed) == 1
    assert query(platform, "SELECT status, attempt FROM validation_jobs") == [("done", 2)]
    assert len(query(platform, "SELECT 1 FROM adsorption_energies")) == 4


def test_the_reason_counts_the_anomalies() -> None:
    from catalyst_assets.surfaces.computed.outcomes import Outcome, Refused

    states = (state(-1, anomaly="desorbed"), state(-2, site="hcp-Cu3", anomaly="desorbed"))
    refused = Refused(name="1,0,0/0", adsorbate=None, reason="It is not at rest.")
    said = answer(["adsorption_energy_H"], Outcome(states=states, refused=(refused,)))

    assert said["outcome"] == "failed"
    assert said["reason"] == (
        "adsorption_energy_H: 2 states of H are none: 2 desorbed; 1,0,0/0: It is not at rest."
    )

    both = answer(["adsorption_energy_H", "adsorption_energy_O"], Outcome(states=(state(0.3), *states)))
    assert (both["outcome"], [each["value"] for each in both["values"]]) == ("measured", [0.3])
    assert both["reason"] == "adsorption_energy_O: no site for O was found"


def test_oxygen_and_hydroxyl_are_those_of_one_surface() -> None:
    from catalyst_assets.surfaces.computed.outcomes import Outcome, Refused

    names = ["adsorption_energy_O", "adsorption_energy_OH"]
    oxygen = state(1.0, adsorbate="O"), state(2.0, adsorbate="O", facet=(1, 0, 0))
    hydroxyl = state(0.9, adsorbate="OH"), state(-0.3, adsorbate="OH", facet=(1, 0, 0))

    said = answer(names, Outcome(states=(*oxygen, *hydroxyl)))
    assert [each["value"] for each in said["values"]] == [2.0, -0.3]
    alone = answer(names[:1], Outcome(states=(*oxygen, *hydroxyl)))
    assert [each["value"] for each in alone["values"]] == [1.0]

    apart = answer(names, Outcome(states=(oxygen[0], hydroxyl[1])))
    assert apart["outcome"] == "failed"
    assert "No slab has sound states of both O and OH." in apart["reason"]

    lost = Refused(name="1,0,0/0", adsorbate=None, reason="It is not at rest.")
    partial = answer(names[:1], Outcome(states=oxygen, refused=(lost,)))
    assert partial["values"][0]["note"].endswith("; 1 of 3 slabs and states without energy")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "RPBE"}, "There is no potential 'RPBE'"),
        ({"method": "sevennet-l3i6"}, "unknown method 'sevennet-l3i6'"),
        (
            {"criteria": [{"property": "band_gap", "min": 1}], "derive": {}},
            "The validator adsorption answers no band_gap",
        ),
        ({"derive": {}}, "The validator adsorption answers no adsorption_free_energy_H"),
    ],
)
def test_a_campaign_that_no_potential_answers_is_refused(
    settings: object, changes: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        check_goal(CAMPAIGN | changes, "the campaign")

    assert said in str(refused.value)


def test_a_potential_that_is_not_installed_says_what_to_do(platform: Platform) -> None:
    assert why_unavailable("adsorption", platform, METHOD) == ""
    said = why_unavailable("adsorption", platform, "sevennet-l3i5")
    assert "The environment sevennet is not installed" in said
    assert "`catalyst potentials install sevennet`" in said
    assert parse_sensible(CAMPAIGN | {"method": "sevennet-l3i5"}, "it").validator == "adsorption"


def test_the_program_is_told_where_the_installation_is_and_no_secret(platform: Platform) -> None:
    from catalyst_assets.validation.jobs.programs import find_validator_program

    told = find_validator_program("adsorption", platform.settings).environment

    assert told["CATALYST_HOME"] == str(platform.settings.home)
    assert told["CATALYST_POTENTIALS_FILE"] == str(platform.settings.potentials_file)
    assert "DATABASE" not in json.dumps(dict(told))
