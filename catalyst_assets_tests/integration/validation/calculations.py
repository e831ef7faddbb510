"""A crystal to compute, programs that compute it, and one who follows them."""

import json
import os
import shlex
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import sqlalchemy as sa

from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.validation.jobs.engine import Follower
from catalyst_assets.validation.jobs.folder import JobFolder, job_folder
from catalyst_assets.validation.jobs.identity import Calculation
from catalyst_assets.validation.jobs.records import Job, read_job, submit_calculations
from catalyst_assets_tests.crystals import rock_salt
from resources.platform import Platform
from resources.postgres.database import Role

MATERIAL = "test:MgO"
# Each program notes that it was started, and where it is told to wait, waits for a file.
BEGINNING = """
import json, os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
with (folder / "starts").open("a") as starts:
    starts.write(f"{os.getpid()}\\n")
n_starts = len((folder / "starts").read_text().split())
def wait():
    while not (folder / "go").exists():
        time.sleep(0.02)
def answer(**said):
    (folder / "result.json").write_text(json.dumps({"outcome": "measured", **said}))
"""
ANSWER = 'answer(values=[{"property": "band_gap_direct", "value": 7.8, "unit": "eV"}])\n'


def add_crystal(platform: Platform) -> None:
    """Load magnesium oxide."""
    (crystal,) = describe([rock_salt()])
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, n_sites, structure_json, "
                "structure_hash) VALUES (:material_id, 'MgO', 'Mg-O', '{Mg,O}', :n_sites, CAST(:structure AS jsonb), :hash)"
            ),
            {
                "material_id": MATERIAL,
                "n_sites": crystal.n_sites,
                "structure": json.dumps(crystal.structure_json),
                "hash": crystal.structure_hash,
            },
        )


def with_program(platform: Platform, folder: Path, text: str, **settings: object) -> Platform:
    """Return the platform with a program of ours behind the validator `command`."""
    script = folder / "a program.py"
    script.write_text(BEGINNING + text)
    command = f"{{python}} {shlex.quote(str(script))} {{job}}"
    changed = platform.settings.model_copy(update={"validator_command": command, **settings})
    return Platform(changed, platform.database)


def submit(platform: Platform, settings: Mapping[str, object] | None = None) -> str:
    """Ask for the band gap of magnesium oxide; return the name of the calculation."""
    (crystal,) = describe([rock_salt()])
    asked = Calculation(
        "command", MATERIAL, crystal.structure_hash, "PBE", ("band_gap_direct",), settings or {}
    )
    with platform.database.transaction(Role.VALIDATOR) as connection:
        submit_calculations(connection, [asked])
    return asked.job_id


def follow(platform: Platform, job_id: str, run_id: str = "a run") -> Job | None:
    """Follow a calculation to its end."""
    return Follower(platform, job_id, run_id).follow()


def job(platform: Platform, job_id: str) -> Job:
    """Return a calculation as the database knows it."""
    return read_job(platform.database, job_id)


def names(platform: Platform) -> list[str]:
    """Return the names of the calculations that there are."""
    with platform.database.transaction(Role.OWNER) as connection:
        return list(connection.execute(sa.text("SELECT job_id FROM validation_jobs")).scalars())


def folder_of(platform: Platform, job_id: str) -> JobFolder:
    """Return the folder of a calculation."""
    return job_folder(platform.settings, job_id)


def started(platform: Platform, job_id: str) -> list[int]:
    """Return the processes that the program of a calculation was started as."""
    try:
        return [int(pid) for pid in folder_of(platform, job_id).file("starts").read_text().split()]
    except FileNotFoundError:
        return []


def is_gone(pid: int) -> bool:
    """Tell whether a process has ended."""
    import psutil

    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def main(home: str, command: str, job_id: str) -> None:
    """Follow a calculation in a process of its own, which a test kills."""
    from resources.postgres.connection import connect
    from resources.settings import load_settings

    settings = load_settings(home=home, validator_command=command)
    with connect(settings) as database:
        follow(Platform(settings, database), job_id)


def kill(pid: int) -> None:
    """Kill a process without warning."""
    os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
