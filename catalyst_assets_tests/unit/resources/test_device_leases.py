"""One slot a device: processes contend for the locks, and a killed one's are free at once. No GPU is needed for that."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from catalyst_assets_tests.processes import eventually
from resources.devices.leases import held_devices, lease_devices, release_devices, slots_of_host
from resources.settings import Settings, load_settings

DEVICES = ("GPU-aa", "GPU-bb", "MIG-cc")


class Lessee:
    """A process that leases; it can be killed."""

    def __init__(self, locks: Path, visible: str, **settings: object) -> None:
        variables = {f"CATALYST_{name.upper()}": str(value) for name, value in settings.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "catalyst_assets_tests.unit.resources.lease_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ
            | {"CATALYST_DEVICE_LOCKS": str(locks), "CUDA_VISIBLE_DEVICES": visible}
            | variables,
        )

    def says(self) -> dict[str, object]:
        assert self.process.stdout is not None
        said: dict[str, object] = json.loads(self.process.stdout.readline())
        return said

    def end(self) -> str:
        """Kill it; return what it logged."""
        self.process.kill()
        _, logged = self.process.communicate()
        return logged


Start = Callable[..., Lessee]


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def start(locks: Path) -> Iterator[Start]:
    started = []

    def begin(visible: str = ",".join(DEVICES), **settings: object) -> Lessee:
        started.append(Lessee(locks, visible, **settings))
        return started[-1]

    yield begin
    for lessee in started:
        lessee.end()


def test_each_process_gets_a_device_of_its_own_and_sees_only_that(start: Start) -> None:
    said = [lessee.says() for lessee in [start() for _ in DEVICES]]
    assert sorted(str(each["visible"]) for each in said) == sorted(DEVICES)
    assert [each["names"] for each in said] == [[each["visible"]] for each in said]


def test_a_killed_process_frees_its_device_for_the_one_that_waits(start: Start) -> None:
    first = start("GPU-aa")
    assert first.says()["names"] == ["GPU-aa"]
    second = start("GPU-aa")
    assert second.process.stderr is not None
    told = second.process.stderr.readline()
    assert "This waits for a GPU: GPU-aa is held by process" in told
    assert f"process {first.process.pid} " in told
    first.end()
    assert second.says()["names"] == ["GPU-aa"]


def test_a_wait_that_is_too_long_ends_with_what_holds_each_device(start: Start) -> None:
    holders = [start("GPU-aa"), start("GPU-bb")]
    for holder in holders:
        holder.says()
    error = str(start("GPU-aa,GPU-bb", device_patience="0:00:01").says()["error"])
    assert error.startswith("No GPU became free within 0:00:01: GPU-aa is held by process")
    assert "lease_process.py; home " in error
    for holder in holders:
        assert f" process {holder.process.pid} (" in error
    assert "CATALYST_ACCELERATOR=cpu does without one." in error


def test_several_devices_are_taken_together_or_not_at_all(start: Start) -> None:
    lessees = [start(devices_per_training=2) for _ in range(2)]
    # One of three devices is left, which is not enough for the second: it keeps none of it meanwhile.
    assert eventually(lambda: any(_has_said(lessee) for lessee in lessees))
    (first,) = [lessee for lessee in lessees if _has_said(lessee)]
    (second,) = [lessee for lessee in lessees if lessee is not first]
    names = first.says()["names"]
    assert isinstance(names, list)
    (left,) = set(DEVICES) - set(names)
    assert start(left).says()["names"] == [left]
    first.end()
    assert second.says()["names"] == names


def test_more_devices_than_there_are_is_told_at_once(start: Start) -> None:
    error = str(start("GPU-aa", devices_per_training=2).says()["error"])
    assert "gets 2 devices, and this process sees 1: GPU-aa. Lower CATALYST_DEVICES_PER_TRAINING." in error


def test_processes_share_a_device_where_that_is_allowed_after_the_free_ones(start: Start) -> None:
    said = [
        start("GPU-aa,GPU-bb", processes_per_device=2, device_patience="0:00:01").says()["names"]
        for _ in range(4)
    ]
    assert said == [["GPU-aa"], ["GPU-bb"], ["GPU-aa"], ["GPU-bb"]]
    assert "error" in start("GPU-aa,GPU-bb", processes_per_device=2, device_patience="0:00:01").says()


def test_there_is_nothing_to_lease_where_no_device_is_seen(start: Start) -> None:
    assert start("").says() == {"names": [], "visible": ""}


@pytest.fixture
def own(locks: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings by which this very process leases."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-aa,GPU-bb")
    yield load_settings(device_locks=locks, device_patience="0:00:01")
    release_devices()


def test_a_forked_process_has_nothing_and_leaves_its_parents_lease_alone(own: Settings, start: Start) -> None:
    assert lease_devices(own) == ("GPU-aa",)
    child = os.fork()
    if child == 0:
        os._exit(0 if held_devices() == () else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert held_devices() == ("GPU-aa",)
    assert "error" in start("GPU-aa", device_patience="0:00:01").says()


def test_what_is_given_back_can_be_taken_and_all_is_visible_again(own: Settings, start: Start) -> None:
    lease_devices(own)
    assert slots_of_host(own) == 1
    release_devices()
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-aa,GPU-bb"
    assert slots_of_host(own) == 2
    assert start("GPU-aa").says()["names"] == ["GPU-aa"]


def test_a_link_in_the_place_of_a_lock_is_not_followed(own: Settings, locks: Path, tmp_path: Path) -> None:
    locks.mkdir()
    (locks / "GPU-aa.0").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Exception, match="CATALYST_DEVICE_LOCKS"):
        lease_devices(own)
    assert not (tmp_path / "elsewhere").exists()


def _has_said(lessee: Lessee) -> bool:
    return bool(select.select([lessee.process.stdout], [], [], 0)[0])
