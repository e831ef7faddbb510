"""Builds the images, starts the stack, tries what docs/deployment.md promises, stops everything: ``make compose-test``.

It says what it sees as it goes, and ends with an error if something is not as it is meant.
"""

import argparse
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx

from catalyst_assets_tests.containers import connections, images, secrecy
from catalyst_assets_tests.containers.alone import RANKINGS, rankings_alone
from catalyst_assets_tests.containers.commands import PROJECT, CommandError, configure, run
from catalyst_assets_tests.containers.stack import Stack
from catalyst_assets_tests.integration.resources.test_bucket_installation import LAUNCH

_IMAGE: Final = "localhost/catalyst:this"
_BEFORE: Final = "localhost/catalyst:before"
_MOST_BYTES: Final = 2_500_000_000
_ITERATION_SECONDS: Final = 300
_BEATS: Final = "SELECT max(timestamp) > to_timestamp({}) AT TIME ZONE 'utc' FROM daemon_heartbeats"
_TERMINATE: Final = "mutation ($run: String!) { terminateRun(runId: $run) { __typename } }"
_DOOR: Final = "http://127.0.0.1"


class Report:
    """Says what is seen, and keeps what of it is not as it is meant."""

    def __init__(self) -> None:
        self.faults: list[str] = []

    def say(self, line: str) -> None:
        """Print a line at once."""
        print(line, flush=True)

    def require(self, condition: bool, fault: str) -> None:
        """Note a fault."""
        if not condition:
            self.faults.append(fault)
            self.say(f"FAULT: {fault}")


def main() -> int:
    """Do it all; 1 if something is not as it is meant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, default=PROJECT / "build" / "containers", help="kept for the next run"
    )
    parser.add_argument("--before", default="HEAD~1", help="the commit that is upgraded from")
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    configure(asked.work)
    report = Report()
    this, before = _build(asked.work, asked.before, report)
    stack = Stack(asked.work / "stack", before or this, _BEFORE if before else _IMAGE)
    stack.stop()  # what a run that was killed has left
    try:
        _try_out(stack, report, this if before else None)
    finally:
        stack.stop()
        shutil.rmtree(stack.folder)
    report.say(f"\n{len(report.faults)} faults")
    return 1 if report.faults else 0


def _build(work: Path, commit: str, report: Report) -> tuple[Path, Path | None]:
    """Build the images, and return the files they are built of: of now, and of the commit before if that has any."""
    images.make_base(work)
    wheels = images.gather_wheels(work)
    images.build_services(wheels)
    before = images.checkout(commit, work)
    if before is not None:
        images.build_platform(wheels, before, _BEFORE)
    this = images.checkout(None, work)
    if this is None:
        raise CommandError("There is no Dockerfile.")
    seconds = images.build_platform(wheels, this, _IMAGE)
    size = images.size_in_bytes(_IMAGE)
    report.say(
        f"image cpu: {size / 1e9:.2f} GB, of it the base {images.size_in_bytes(images.BASE) / 1e9:.2f} GB; {seconds:.0f} s to build"
    )
    report.require(size <= _MOST_BYTES, f"the image has more than {_MOST_BYTES / 1e9} GB")
    if before is None:
        report.say(f"no image can be built of {commit}: nothing is upgraded")
    return this, before


def _try_out(stack: Stack, report: Report, newer: Path | None) -> None:
    run([Path(sys.executable).parent / "catalyst", "deployment", "secrets", stack.folder / "secrets"])
    report.say(f"from nothing to a healthy stack of {len(stack.running)} services: {stack.start():.0f} s")
    stack.cli("ingest", "reference_tables")
    stack.cli("campaign", "start", "/campaigns/campaign.yaml")
    report.say(f"an iteration on Celery, its features computed first: {_wait_for_iterations(stack, 1):.0f} s")
    token = _sign_in(stack, report)
    _connect(stack, report)
    _stop_a_run(stack, report, token)
    _kill(stack, report)
    if newer is not None:
        seconds = stack.replace(newer, _IMAGE)
        report.say(f"upgrade from the commit before to a healthy stack: {seconds:.0f} s")
    report.say(f"the campaign's end: {_wait_for_iterations(stack, 4):.0f} s")
    _rank(stack, report)
    found = secrecy.places_of(stack, secrecy.secrets_of(stack.folder / "secrets"))
    report.say(f"places where a secret stands: {', '.join(found) or 'none'}")
    report.require(not found, "a secret is shown")
    logins = secrecy.logins_of(stack)
    report.require(
        logins == secrecy.LOGINS, f"logins of the database are read by others than meant: {logins}"
    )


def _wait_for_iterations(stack: Stack, count: int) -> float:
    return _wait(
        lambda: len(stack.query("SELECT 1 FROM active_learning_runs WHERE closed_at IS NOT NULL")) >= count,
        f"{count} iterations have not ended",
    )


def _wait(is_done: Callable[[], bool], fault: str) -> float:
    began = time.monotonic()
    while not is_done():
        if time.monotonic() - began > _ITERATION_SECONDS:
            raise CommandError(f"After {_ITERATION_SECONDS} s {fault}.")
        time.sleep(1)
    return time.monotonic() - began


def _sign_in(stack: Stack, report: Report) -> str:
    """Come as a person does, by the proxy, and return the token; a stranger gets to no page."""
    strangers = [httpx.get(f"{_DOOR}:{port}/").status_code for port in (3000, 5000)]
    report.require(strangers == [401, 401], f"strangers are answered {strangers}")
    token = stack.cli("tokens", "create", "compose test", "--may", "admin").split()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    asked = {
        "api": f"{_DOOR}:8050/api/v1/campaigns",
        "dagster": f"{_DOOR}:3000/server_info",
        "mlflow": f"{_DOOR}:5000/",
    }
    answers = {name: httpx.get(url, headers=headers, timeout=30).status_code for name, url in asked.items()}
    report.say(f"signed in, by the proxy: {answers}; a stranger: {strangers}")
    report.require(set(answers.values()) == {200}, f"who is signed in is answered {answers}")
    return token


def _stop_a_run(stack: Stack, report: Report, token: str) -> None:
    """Stop a run as Dagster's pages do, whose process is in another container than theirs."""

    def ask(query: str, **variables: str) -> Any:
        sent = {"query": query, "variables": variables}
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{_DOOR}:3000/graphql", json=sent, headers=headers, timeout=60).json()["data"]

    stack.compose("stop", "worker-ingest")  # so that it waits for its worker
    run_id = ask(LAUNCH, job="ingest_reference_tables")["launchRun"]["run"]["runId"]
    _wait(partial(_has_status, stack, run_id, "STARTED"), "the run has not started")
    answer = ask(_TERMINATE, run=run_id)["terminateRun"]["__typename"]
    seconds = _wait(partial(_has_status, stack, run_id, "CANCELED"), "the run has not ended")
    stack.compose("start", "worker-ingest")
    stack.wait_until_healthy(["worker-ingest"])
    report.say(f"a run stopped from the webserver's container ended after {seconds:.0f} s")
    report.require(answer == "TerminateRunSuccess", f"Dagster says {answer} of a run that it was to stop")


def _has_status(stack: Stack, run_id: str, status: str) -> bool:
    return f"{run_id} {status}" in stack.query("SELECT run_id || ' ' || status FROM runs", "catalyst_dagster")


def _connect(stack: Stack, report: Report) -> None:
    tried = connections.try_all(stack)
    report.say(f"\n{connections.table(tried)}\n")
    for each in tried:
        report.require(not each.unmeant, f"{each.service} differs from what is meant in {each.unmeant}")


def _kill(stack: Stack, report: Report) -> None:
    """Kill services under way; each is back by itself."""
    for name in ("worker-predict", "api", "redis", "postgres", "dagster-daemon"):
        killed = time.time()
        stack.kill(name)
        seconds = stack.wait_until_healthy([name])
        if name == "dagster-daemon":  # what it said of itself before is content, too
            seconds += _wait(partial(_beats_since, stack, killed), "the daemon does not beat")
        report.say(f"{name} killed, healthy again after {seconds:.0f} s")


def _beats_since(stack: Stack, moment: float) -> bool:
    return stack.query(_BEATS.format(moment), "catalyst_dagster") == ["t"]


def _rank(stack: Stack, report: Report) -> None:
    """Compare with the same campaign on a folder, which nothing disturbs."""
    ranked = stack.query(RANKINGS)
    alone = rankings_alone(stack.folder / "alone", stack.folder / "campaign.yaml")
    failed = stack.query("SELECT count(*) FROM runs WHERE status = 'FAILURE'", "catalyst_dagster")
    same = "the same" if ranked == alone else "other"
    report.say(
        f"rankings on a folder in one process: {same}; runs that failed by what was killed: {failed[0]}"
    )
    report.require(ranked == alone, f"rankings differ: {ranked}, alone {alone}")


if __name__ == "__main__":
    sys.exit(main())
