"""One slot a device: who computes on a GPU holds a lock on its slot, and the kernel frees it when the process ends.

The locks are files in a folder that all processes of the host share, whatever home they belong to. Where a device is
used is `catalyst_assets.representation.devices`' business.
"""

import contextlib
import json
import logging
import os
import re
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from catalyst_assets.errors import CatalystError, UsageError
from resources.devices.visible import VISIBLE, visible_devices
from resources.postgres.keeper import try_lock
from resources.settings import Settings

_log = logging.getLogger(__name__)

_LOOK_SECONDS: Final = 0.25
_LONGEST_COMMAND: Final = 120


class DeviceBusyError(CatalystError):
    """Other processes have the devices, and did not end in time."""


@dataclass
class _Held:
    """What this process has: names of devices, their locks, and what was visible before."""

    names: tuple[str, ...] = ()
    locks: tuple[int, ...] = ()
    visible_before: str | None = None


_held = _Held()
_one_at_a_time = threading.RLock()


def held_devices() -> tuple[str, ...]:
    """Return the devices that this process has leased."""
    return _held.names


def slots_of_host(settings: Settings) -> int:
    """Return how many processes can compute on the devices that this process may see; none without a device."""
    return len(visible_devices()) * settings.processes_per_device // settings.devices_per_training


def lease_devices(settings: Settings, among: Sequence[str] | None = None) -> tuple[str, ...]:
    """Take as many devices as a training gets, and narrow `CUDA_VISIBLE_DEVICES` to them.

    They are taken together or not at all, so that two processes never wait for each other, and are this process's
    until it ends: what it asks later gets the same ones. A process that is forked from it has none.

    Parameters
    ----------
    settings
        How many, how long this waits, and where the locks lie.
    among
        Where CUDA has been set up already: the device it was set up on, the only one that can be taken.

    Returns
    -------
    Their names; none where no device can be seen.

    Raises
    ------
    DeviceBusyError
        Others have them, and had them all the time.
    UsageError
        A training gets more devices than can be seen.
    """
    global _held
    with _one_at_a_time:
        if _held.names:
            return _held.names
        visible = visible_devices() if among is None else tuple(among)
        wanted = settings.devices_per_training if among is None else len(visible)
        if not visible:
            return ()
        if len(visible) < wanted:
            raise UsageError(
                f"A training gets {wanted} devices, and this process sees {len(visible)}: {', '.join(visible)}.",
                "Lower CATALYST_DEVICES_PER_TRAINING.",
            )
        names, locks = _wait(settings, visible, wanted)
        _held = _Held(names, locks, os.environ.get(VISIBLE))
        if among is None:
            os.environ[VISIBLE] = ",".join(names)
        _log.info("This process computes on %s", ", ".join(names))
        return names


def release_devices() -> None:
    """Give back what this process leased: for devices that turned out to be of no use."""
    global _held
    with _one_at_a_time:
        if not _held.names:
            return
        if _held.visible_before is None:
            os.environ.pop(VISIBLE, None)
        else:
            os.environ[VISIBLE] = _held.visible_before
        for lock in _held.locks:
            os.close(lock)
        _held = _Held()


def _forget() -> None:
    """In a forked process: the locks are the parent's, and stay taken when these copies are closed."""
    global _held, _one_at_a_time
    for lock in _held.locks:
        with contextlib.suppress(OSError):
            os.close(lock)
    _held, _one_at_a_time = _Held(), threading.RLock()


os.register_at_fork(after_in_child=_forget)


def _wait(
    settings: Settings, visible: tuple[str, ...], wanted: int
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    deadline = time.monotonic() + settings.device_patience.total_seconds()
    is_told = False
    while True:
        taken = _take(settings, visible, wanted)
        if len(taken) == wanted:
            for lock in taken.values():
                _note(lock, settings)
            return tuple(taken), tuple(taken.values())
        for lock in taken.values():
            os.close(lock)
        if time.monotonic() > deadline:
            raise DeviceBusyError(
                f"No GPU became free within {settings.device_patience}: {_holders(settings, visible)}.",
                "Wait until they have ended, or raise CATALYST_DEVICE_PATIENCE; CATALYST_ACCELERATOR=cpu does without one.",
            )
        if not is_told:
            _log.warning("This waits for a GPU: %s", _holders(settings, visible))
            is_told = True
        time.sleep(_LOOK_SECONDS)


def _take(settings: Settings, visible: tuple[str, ...], wanted: int) -> dict[str, int]:
    """Lock slots that are free, one a device, first those of devices that nobody computes on."""
    taken: dict[str, int] = {}
    for slot in range(settings.processes_per_device):
        for name in visible:
            if len(taken) < wanted and name not in taken:
                lock = _open(_path(settings, name, slot))
                if try_lock(lock):
                    taken[name] = lock
                else:
                    os.close(lock)
    return taken


def _path(settings: Settings, name: str, slot: int) -> Path:
    return settings.device_locks / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', name)}.{slot}"


def _open(path: Path) -> int:
    """Open a lock of whatever user, made if missing for all of them; not through a link, and not for children."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o1777)  # as /tmp is: files of all, removed by their owners alone
        # In such a folder the kernel may forbid O_CREAT on a file of somebody else's that is there.
        for more in (0, os.O_CREAT | os.O_EXCL, 0):
            with contextlib.suppress(FileExistsError, FileNotFoundError):
                lock = os.open(path, flags | more, 0o666)
                if more:
                    os.fchmod(lock, 0o666)
                return lock
    except OSError as error:
        raise UsageError(
            f"The lock of a GPU cannot be opened: {error}.",
            "Name a folder in CATALYST_DEVICE_LOCKS that every user of the GPUs can write to.",
        ) from error
    raise UsageError(f"The lock {path} is made and removed by somebody.", "Leave it alone, and try again.")


def _note(lock: int, settings: Settings) -> None:
    """Write down who has the lock, for those who wait."""
    note = {
        "pid": os.getpid(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join(sys.argv)[:_LONGEST_COMMAND],
        "home": str(settings.home),
    }
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(note).encode(), 0)


def _holders(settings: Settings, visible: tuple[str, ...]) -> str:
    """Say what has each slot, as it wrote down itself."""
    told = []
    for name in visible:
        for slot in range(settings.processes_per_device):
            try:
                note = json.loads(_path(settings, name, slot).read_text())
                told.append(
                    f"{name} is held by process {note['pid']} ({note['command']}; home {note['home']}) "
                    f"since {note['since']}"
                )
            except (OSError, ValueError, KeyError, TypeError):
                told.append(f"{name} is held by a process that does not say which it is")
    return "; ".join(told)
