"""Calculations as real processes: answered, killed, attached to, doubled, limited, cancelled."""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalyst_assets.errors import UsageError
from catalyst_assets.validation.jobs import records
from catalyst_assets.validation.jobs.archive import kept_key
from catalyst_assets.validation.registry import find_validator
from catalyst_assets.validation.validators import Answer, Collected, Progress, WorkRequest
from catalyst_assets_tests.conftest import Template, prepared_template
from catalyst_assets_tests.integration.validation import calculations as on
from catalyst_assets_tests.processes import eventually
from resources.platform import Platform
from resources.postgres.database import Role
from resources.postgres.embedded import EmbeddedPostgres
from resources.settings import Settings


@pytest.fixture(scope="module")
def template(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Template]:
    """One crystal that nothing is known of."""
    with prepared_template(postgres_server, tmp_path_factory.mktemp("home"), on.add_crystal) as prepared:
        Path(prepared.objects or "").mkdir(parents=True, exist_ok=True)
        yield prepared


def test_an_answer_comes_in_the_unit_of_the_property_and_everything_is_kept(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALYST_DATABASE_URL", "postgresql://owner:secret@nowhere/catalyst")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ours = on.with_program(
        platform,
        tmp_path,
        "print('computing', json.loads((folder / 'job.json').read_text())['formula'])\n"
        "assert (folder / 'POSCAR').read_text().split() and (folder / 'structure.cif').exists()\n"
        "(folder / 'environment').write_text(' '.join(os.environ))\n"
        "answer(note='converged', values=[{'property': 'band_gap_direct',"
        " 'value': 7800, 'unit': 'meV', 'standard_deviation': 50}])\n",
    )
    job_id = on.submit(ours)
    done = on.follow(ours, job_id)
    assert done is not None
    assert (done.status, done.reason, done.note, done.attempt) == ("done", "", "converged", 1)
    assert done.answers["band_gap_direct"] == {
        "value": 7.8,
        "unit": "eV",
        "standard_deviation": 0.05,
        "note": "",
    }
    kept = {name: ours.objects.get_bytes(kept_key(sha256)) for name, sha256 in done.files.items()}
    assert kept["log.txt"] == b"computing MgO\n"
    asked = json.loads(kept["job.json"])
    assert (asked["properties"], asked["units"]) == (["band_gap_direct"], {"band_gap_direct": "eV"})
    assert (asked["attempt"], asked["method"], asked["material_id"]) == (1, {"name": "PBE"}, on.MATERIAL)
    assert sorted(asked["structure"]["species"]) == ["Mg"] * 4 + ["O"] * 4
    assert {"result.json", "structure.cif", "POSCAR", "end.json"} < set(kept)
    told = (on.folder_of(ours, job_id).file("environment")).read_text().split()
    assert not [name for name in told if name.startswith(("CATALYST_", "AWS_", "DAGSTER_"))]
    assert "PATH" in told


def test_submitting_twice_and_following_what_is_done_starts_nothing_again(
    platform: Platform, tmp_path: Path
) -> None:
    ours = on.with_program(platform, tmp_path, on.ANSWER)
    job_id = on.submit(ours)
    assert on.submit(ours) == job_id
    first, second = on.follow(ours, job_id), on.follow(ours, job_id)
    assert on.submit(ours) == job_id
    assert first == second == on.job(ours, job_id)
    assert (len(on.names(ours)), len(on.started(ours, job_id))) == (1, 1)
    other = on.submit(ours, {"cutoff_ev": 600})
    assert (other != job_id, len(on.names(ours))) == (True, 2)


def test_a_killed_run_leaves_its_calculation_running_and_the_next_run_attaches(
    shared_settings: Settings, platform: Platform, own_environment: None, tmp_path: Path
) -> None:
    ours = on.with_program(platform, tmp_path, "wait()\n" + on.ANSWER)
    job_id = on.submit(ours)
    command = [sys.executable, "-m", on.__name__, str(shared_settings.home)]
    follower = subprocess.Popen([*command, str(ours.settings.validator_command), job_id])
    assert eventually(lambda: on.job(ours, job_id).process.get("pid") is not None)
    follower.kill()
    follower.wait()
    assert on.job(ours, job_id).status == "running"
    on.folder_of(ours, job_id).file("go").touch()
    # The database keeps a killed run's lock until it has seen its connection close; the sensor asks again until then.
    assert eventually(lambda: on.follow(ours, job_id, "another run") is not None)
    done = on.job(ours, job_id)
    assert (done.status, done.run_id, len(on.started(ours, job_id))) == ("done", "another run", 1)


def test_of_two_runs_at_once_one_follows(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, "wait()\n" + on.ANSWER)
    job_id = on.submit(ours)
    ends: list[records.Job | None] = []
    threads = [threading.Thread(target=lambda: ends.append(on.follow(ours, job_id))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(ends) == 2 and len(on.started(ours, job_id)) == 1)
    on.folder_of(ours, job_id).file("go").touch()
    for thread in threads:
        thread.join()
    assert [end.status if end else None for end in ends] == [None, None, "done"]
    assert len(on.started(ours, job_id)) == 1


def test_a_process_that_dies_is_tried_once_more(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, "if n_starts == 1: sys.exit('out of luck')\n" + on.ANSWER)
    done = on.follow(ours, on.submit(ours))
    assert done is not None
    assert (done.status, done.attempt) == ("done", 2)
    folder = on.folder_of(ours, done.job_id)
    assert folder.file("attempt-1").joinpath("log.txt").read_text() == "out of luck\n"
    assert json.loads(folder.file("job.json").read_text())["attempt"] == 2


def test_one_that_dies_twice_has_failed_until_somebody_asks_again(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, "print('no licence'); sys.exit(3)")
    job_id = on.submit(ours)
    failed = on.follow(ours, job_id)
    assert failed is not None
    assert (failed.status, failed.attempt, len(on.started(ours, job_id))) == ("failed", 2, 2)
    assert failed.reason == "it ended with status 3; the last it said: no licence"
    with ours.database.transaction(Role.VALIDATOR) as connection:
        assert records.retry(connection, job_id)
        assert not records.retry(connection, job_id)
    waiting = on.job(ours, job_id)
    assert (waiting.status, waiting.attempt, waiting.asked, waiting.reason) == ("waiting", 3, 2, "")
    mended = on.with_program(ours, tmp_path, on.ANSWER)
    done = on.follow(mended, job_id)
    assert done is not None
    assert (done.status, done.attempt) == ("done", 3)


def test_a_failure_that_the_program_reports_is_final_unless_it_wants_safer_settings(
    platform: Platform, tmp_path: Path
) -> None:
    ours = on.with_program(
        platform, tmp_path, "answer(outcome='failed', reason='not converged', try_again=n_starts == 1)"
    )
    failed = on.follow(ours, on.submit(ours))
    assert failed is not None
    assert (failed.status, failed.reason, failed.attempt) == ("failed", "not converged", 2)


_SPAWN = (
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
    "with (folder / 'starts').open('a') as starts: starts.write(f'{child.pid}\\n')\n"
)


def test_what_takes_too_long_is_ended_with_all_that_it_started(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, _SPAWN + "time.sleep(600)", dft_wall_time="1s")
    job_id = on.submit(ours)
    failed = on.follow(ours, job_id)
    assert failed is not None
    assert (failed.status, failed.attempt) == ("failed", 1)
    assert "the time it may take (CATALYST_DFT_WALL_TIME)" in failed.reason
    assert len(on.started(ours, job_id)) == 2
    assert all(on.is_gone(pid) for pid in on.started(ours, job_id))


def test_what_takes_too_much_memory_is_ended(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(
        platform, tmp_path, "held = bytearray(200_000_000)\ntime.sleep(600)", dft_memory="100MB"
    )
    failed = on.follow(ours, on.submit(ours))
    assert failed is not None
    assert (failed.status, failed.attempt) == ("failed", 1)
    assert "more than it may (CATALYST_DFT_MEMORY)" in failed.reason


def test_a_cancelled_calculation_ends_and_what_it_says_later_is_not_taken(
    platform: Platform, tmp_path: Path
) -> None:
    ours = on.with_program(platform, tmp_path, _SPAWN + "wait()\n" + on.ANSWER)
    job_id = on.submit(ours)
    follower = threading.Thread(target=on.follow, args=(ours, job_id))
    follower.start()
    assert eventually(lambda: len(on.started(ours, job_id)) == 2)
    with ours.database.transaction(Role.VALIDATOR) as connection:
        assert records.cancel(connection, job_id, "the wrong phase")
        assert not records.cancel(connection, job_id, "again")
    follower.join()
    ended = on.job(ours, job_id)
    assert (ended.status, ended.reason, ended.answers) == ("cancelled", "the wrong phase", {})
    assert all(on.is_gone(pid) for pid in on.started(ours, job_id))
    assert "log.txt" not in ended.files
    assert "job.json" in ended.files


def test_a_killed_keeper_leaves_no_program_behind(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, _SPAWN + "wait()\n" + on.ANSWER)
    job_id = on.submit(ours)
    follower = threading.Thread(target=on.follow, args=(ours, job_id))
    follower.start()
    assert eventually(lambda: on.job(ours, job_id).process.get("pid") is not None)
    assert eventually(lambda: len(on.started(ours, job_id)) == 2)
    first = on.started(ours, job_id)
    on.kill(on.job(ours, job_id).process["pid"])
    assert eventually(lambda: len(on.started(ours, job_id)) == 4)
    assert on.is_gone(first[0])
    on.folder_of(ours, job_id).file("go").touch()
    follower.join()
    done = on.job(ours, job_id)
    assert (done.status, done.attempt) == ("done", 2)
    on.kill(first[1])  # it had left its session: nothing on this system tells whose it was


def test_a_calculation_whose_folder_is_removed_does_not_go_on(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, _SPAWN + "wait()\n")
    job_id = on.submit(ours)
    follower = threading.Thread(target=on.follow, args=(ours, job_id), daemon=True)
    follower.start()
    assert eventually(lambda: len(on.started(ours, job_id)) == 2)
    pids = on.started(ours, job_id)
    with ours.database.transaction(Role.VALIDATOR) as connection:
        records.cancel(connection, job_id, "no home")
    shutil.rmtree(on.folder_of(ours, job_id).path)
    assert eventually(lambda: all(on.is_gone(pid) for pid in pids))
    follower.join()


def test_a_program_that_leaves_nothing_has_failed(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, "pass")
    failed = on.follow(ours, on.submit(ours))
    assert failed is not None
    assert (failed.status, failed.reason) == (
        "failed",
        "it ended without a result.json; it said nothing",
    )


def test_a_program_that_is_not_there_is_named(platform: Platform) -> None:
    settings = platform.settings.model_copy(update={"validator_command": "no-such-program {job}"})
    ours = Platform(settings, platform.database)
    failed = on.follow(ours, on.submit(ours))
    assert failed is not None
    assert failed.reason == (
        "CATALYST_VALIDATOR_COMMAND: there is no program no-such-program on PATH. Correct the setting, or install what "
        "it names."
    )


def test_a_validator_asks_polls_and_collects(platform: Platform, tmp_path: Path) -> None:
    ours = on.with_program(platform, tmp_path, "if n_starts < 3: sys.exit(1)\n" + on.ANSWER)
    validator = find_validator("command", ours)
    assert validator is not None
    request = WorkRequest(on.MATERIAL, ("band_gap_direct", "formation_energy_per_atom"), "PBE")

    def ask(submit: bool = False) -> tuple[Progress | None, Collected]:
        with ours.database.transaction(Role.VALIDATOR) as connection:
            if submit:
                validator.submit(connection, [request])
            return validator.poll(connection, [request]).get(on.MATERIAL), validator.collect(
                connection, request
            )

    assert ask() == (None, Collected())
    assert ask(submit=True) == (Progress.WAITING, Collected())
    (job_id,) = on.names(ours)
    on.follow(ours, job_id)
    progress, collected = ask()
    assert (progress, collected.answers, collected.attempt) == (Progress.FAILED, (), 1)
    assert collected.reason == "it ended with status 1; it said nothing"
    assert ask(submit=True) == (Progress.WAITING, Collected())
    on.follow(ours, job_id)
    assert (
        ask()
        == ask(submit=True)
        == (
            Progress.DONE,
            Collected(
                (Answer(on.MATERIAL, "band_gap_direct", "PBE", 7.8, "eV"),), "the program gave no value", 2
            ),
        )
    )
    assert on.names(ours) == [job_id]


def test_a_calculation_that_there_is_not_is_named(platform: Platform) -> None:
    with pytest.raises(UsageError, match="There is no calculation 0000"):
        on.follow(platform, "0" * 64)
