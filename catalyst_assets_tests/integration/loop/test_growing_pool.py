"""A source grows while a campaign runs under a real daemon: nobody materializes anything by hand."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.pool import read_members
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets_tests.growing import CAMPAIGN, answer_everything, ingest, write_enumeration
from resources.paths import project_file
from resources.platform import Platform
from resources.postgres.database import Row, fetch_all, fetch_one

_PATIENCE_SECONDS = 900
FIRST, THEN, LAST = ["Sr", "Ba", "Ca"], ["Pb", "Cd"], ["Mg", "Zn"]


@pytest.fixture
def daemon(
    dagster_instance: dg.DagsterInstance,
    own_environment: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator["subprocess.Popen[bytes]"]:
    monkeypatch.setenv("CATALYST_LOOP_INTERVAL_SECONDS", "1")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with (tmp_path / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [Path(sys.executable).with_name("dagster-daemon"), "run", "-w", project_file("workspace.yaml")],
            stdout=log, stderr=log, cwd=tmp_path, env=os.environ.copy(),
        )  # fmt: skip
        yield process
        process.terminate()
        process.wait(_PATIENCE_SECONDS)


def wait_until(happened: Callable[[], bool], daemon: "subprocess.Popen[bytes]", what: str) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        assert daemon.poll() is None, "the daemon ended"
        if happened():
            return
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen in {_PATIENCE_SECONDS} s")


@pytest.mark.long
@pytest.mark.timeout(3000)
def test_a_campaign_runs_to_its_end_while_its_source_grows_twice(
    platform: Platform,
    dagster_instance: dg.DagsterInstance,
    daemon: "subprocess.Popen[bytes]",
    tmp_path: Path,
) -> None:
    database, driver = platform.database, LoopDriver(platform, dagster_instance)

    def grow(a_sites: list[str]) -> None:
        ingest(driver, write_enumeration(tmp_path, a_sites, ["Ti"]))
        answer_everything(database)

    def iterations() -> list[Row]:
        with database.transaction() as connection:
            return fetch_all(connection, "loop/iterations", campaign=CAMPAIGN.name)

    def is_finished() -> bool:
        with database.transaction() as connection:
            row = fetch_one(connection, "campaigns/one", name=CAMPAIGN.name)
        return row is not None and row["status"] == "finished"

    grow(FIRST)
    start_campaign(database, CAMPAIGN)
    wait_until(lambda: len(iterations()) == 1, daemon, "the first iteration")
    grow(FIRST + THEN)
    wait_until(lambda: len(iterations()) == 2, daemon, "the second iteration")
    grow(FIRST + THEN + LAST)
    wait_until(is_finished, daemon, "the end")

    pools = []
    for row in iterations():
        with database.transaction() as connection:
            sha256 = (fetch_one(connection, "loop/iteration", partition_key=row["partition_key"]) or {})[
                "pool_sha256"
            ]
        names = [name for name, _, _ in read_members(platform.objects, sha256)]
        pools.append({name.removeprefix("prototypes_growing:").removesuffix("-Ti-O") for name in names})
    assert pools == [set(FIRST), {*FIRST, *THEN}, {*FIRST, *THEN, *LAST}]
    with database.transaction() as connection:
        evaluated = {one.material_id for one in load_evaluations(connection, CAMPAIGN)}
    assert len(evaluated) == 6
    runs = dagster_instance.get_runs()
    assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
    # the loop asked once for each, automation only for what was outstanding
    assert sum(run.job_name in {"iteration", "validation"} for run in runs) == 6
    followed = [run for run in runs if run.tags.get("catalyst/reason") == "features follow materials"]
    assert len(followed) == 3
