"""Environments of potentials by real pip: made whole or not at all, whatever comes between."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from catalyst_assets_tests.command_line import CommandLine
from catalyst_assets_tests.integration.potentials.small_environment import (
    NAME,
    PACKAGE,
    POTENTIAL,
    TORCH,
    SmallEnvironment,
    known_energy,
)
from catalyst_assets_tests.processes import eventually


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallEnvironment:
    made = SmallEnvironment(tmp_path / "small")
    made.folder.mkdir()
    made.write().enter(monkeypatch)
    return made


def state(run: CommandLine) -> str:
    (row,) = [each for each in run.json("list") if each["name"] == POTENTIAL]
    return str(row["state"])


def packages(small: SmallEnvironment) -> set[str]:
    found = (small.environments / NAME).glob("lib/python*/site-packages/*.dist-info")
    return {each.name.removesuffix(".dist-info") for each in found}


@pytest.mark.slow
def test_it_is_installed_from_a_mirror_listed_checked_and_removed(
    small: SmallEnvironment, run: CommandLine
) -> None:
    assert state(run) == "missing"

    said = run("install", POTENTIAL)

    assert f"{PACKAGE}: MIT" in said
    assert "is installed in" in said
    assert {"small_potential-1.0", f"torch-{TORCH}"} <= packages(small)
    assert small.left() == [NAME]
    assert state(run) == "installed"
    assert run("check") == f"{POTENTIAL}: {known_energy():.4f} eV, known {known_energy():.4f}.\n"

    stamp = small.environments / NAME / "catalyst.json"
    written = stamp.read_text(encoding="utf-8")
    stamp.write_text(written.replace(TORCH, "1.0"), encoding="utf-8")
    assert state(run) == "outdated"
    stamp.write_text(written, encoding="utf-8")

    for wheel in small.wheels.iterdir():
        wheel.unlink()
    assert "Making" not in run("install", NAME)

    assert run("remove", NAME) == f"{NAME} is removed.\n"
    assert state(run) == "missing"
    assert small.left() == []
    assert run("remove", NAME) == f"{NAME} was not installed.\n"
    assert f"catalyst potentials install {NAME}" in run.refusal("check", POTENTIAL, code=1)


@pytest.mark.slow
def test_a_package_that_is_another_or_not_there_is_refused_and_leaves_nothing(
    small: SmallEnvironment, run: CommandLine
) -> None:
    small.pin("0" * 64)
    refusal = run.refusal("install", NAME, code=1)
    assert f"{PACKAGE} was not installed" in refusal
    assert "DO NOT MATCH THE HASHES" in refusal
    assert "0" * 64 in refusal
    assert small.left() == []

    next(small.wheels.glob("small*.whl")).unlink()
    refusal = run.refusal("install", NAME, code=1)
    assert f"No matching distribution found for {PACKAGE}==1.0" in refusal
    assert "PIP_INDEX_URL" in refusal
    assert small.left() == []
    assert state(run) == "missing"


@pytest.mark.slow
def test_a_wrong_answer_refuses_the_environment_and_keeps_the_one_before(
    small: SmallEnvironment, run: CommandLine
) -> None:
    run("install", NAME)
    before = (small.environments / NAME).stat().st_ino
    pinned = (small.lists / f"{NAME}.txt").read_text(encoding="utf-8")
    (small.lists / f"{NAME}.txt").write_text(f"{pinned}# reviewed\n", encoding="utf-8")
    small.declare(known_energy() + 0.1)
    assert state(run) == "outdated"
    refusal = run.refusal("install", NAME, code=1)
    assert f"{known_energy():.4f} eV, known is {known_energy() + 0.1:.4f} eV" in refusal
    assert small.left() == [NAME]
    assert (small.environments / NAME).stat().st_ino == before
    assert state(run) == "outdated"
    assert "other versions of packages" in run.refusal("check", POTENTIAL, code=1)

    small.declare(known_energy())
    run("install", NAME)
    assert (small.environments / NAME).stat().st_ino != before
    assert state(run) == "installed"
    assert small.left() == [NAME]


def find_child(pid: int, program: str) -> psutil.Process:
    """Return the process that runs a program for another, as soon as there is one."""

    def running() -> list[psutil.Process]:
        return [
            child
            for child in psutil.Process(pid).children()
            if any(word.endswith(program) for word in child.cmdline())
        ]

    assert eventually(lambda: bool(running()))
    return running()[0]


@contextmanager
def suspended(process: psutil.Process) -> Iterator[None]:
    """Hold a process for a while."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@pytest.mark.slow
def test_killed_in_the_middle_it_counts_as_missing_and_the_next_install_is_whole(
    small: SmallEnvironment, run: CommandLine
) -> None:
    small.held.touch()
    with ExitStack() as started:
        first = started.enter_context(small.installing())
        first.said("Installing small")
        with suspended(find_child(first.pid, "pip")):
            first.kill()
            assert state(run) == "missing"
            assert small.left() == [f".{NAME}.partial"]
            second = started.enter_context(small.installing())
            second.said("this one waits")  # for pip, which does not know that nobody waits for it
        second.said("Checking")
        assert eventually(small.asked.exists)
        second.kill()
    assert state(run) == "missing"
    assert small.left() == [f".{NAME}.partial"]
    small.held.unlink()

    run("install", NAME)

    assert small.left() == [NAME]
    assert {"small_potential-1.0", f"torch-{TORCH}"} <= packages(small)
    assert state(run) == "installed"


@pytest.mark.slow
def test_two_installs_at_once_make_one_environment(small: SmallEnvironment, run: CommandLine) -> None:
    small.held.touch()
    with small.installing() as first, small.installing() as second:
        # Whichever comes first.
        ends = [process.said("Checking", "this one waits") for process in (first, second)]
        made = (small.environments / f".{NAME}.partial").stat().st_ino
        small.held.unlink()
        told = [process.end() for process in (first, second)]

    assert sorted("waits" in end for end in ends) == [False, True]
    assert not any("Making" in each for each in told)
    assert (small.environments / NAME).stat().st_ino == made
    assert small.left() == [NAME]
    assert state(run) == "installed"
