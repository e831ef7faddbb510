"""A fit spread over several devices of one host: a process a device, each with Lightning's DDP, none of them this one.

Lightning would start the script that runs once more for each device, which inside a step is Dagster, or fork a process
that has set up CUDA. So the processes are started here, and looked after: when one fails the others are ended, and the
next try goes on after the last epoch (https://lightning.ai/docs/pytorch/stable/clouds/cluster.html).
"""

import contextlib
import json
import os
import pickle
import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Final

import torch

from catalyst_assets.errors import UsageError
from catalyst_assets.representation.devices import GpuError
from catalyst_assets.representation.fitting.head import HeadConfig
from catalyst_assets.representation.fitting.settings import FitError
from catalyst_assets.representation.fitting.training import FitJob, OnEpoch, Outcome
from resources.supervisor import free_port

OUTCOME: Final = "outcome.pt"
_MODULE: Final = "catalyst_assets.representation.fitting.rank"
_LOOK_SECONDS: Final = 0.2
_SHOWN_LINES: Final = 15
_KNOWN_ERRORS: Final = {"GpuError": GpuError}


def train_on_several(job: FitJob, device: str, on_epoch: OnEpoch | None) -> Outcome:
    """Fit in as many processes as the settings name devices: GPUs that this process has leased, or the CPU's cores.

    Raises
    ------
    UsageError
        There are fewer GPUs.
    GpuError
        A GPU failed, or has too little memory left.
    FitError
        A process ended before the fit did.
    """
    n_ranks = job.settings.devices
    if device != "cpu" and torch.cuda.device_count() < n_ranks:
        raise UsageError(
            f"The training is to have {n_ranks} GPUs, and this process sees {torch.cuda.device_count()}.",
            "Set CATALYST_DEVICES_PER_TRAINING before the process starts, to no more than there are.",
        )
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / OUTCOME).unlink(missing_ok=True)
    port, sent = free_port(), pickle.dumps(job)
    ranks: list[_Rank] = []
    try:
        ranks.extend(_Rank(job.folder, device, rank, n_ranks, port) for rank in range(n_ranks))
        for each in ranks:
            each.send(sent)
        _follow(ranks, on_epoch)
        return _read(job.folder / OUTCOME)
    finally:
        for each in ranks:
            each.end()


class _Rank:
    """One of the processes; a socket is its input, by which it also tells, and it ends once nobody holds the other end."""

    def __init__(self, folder: Path, device: str, rank: int, n_ranks: int, port: int) -> None:
        self.log = folder / f"rank{rank}.log"
        self.said: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        together = {
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
            "LOCAL_RANK": str(rank),
            "NODE_RANK": "0",
            "OMP_NUM_THREADS": str(max(1, torch.get_num_threads() // n_ranks)),
        }
        self._channel, theirs = socket.socketpair()
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, device.partition(":")[0], str(n_ranks)],
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                env=os.environ | together,
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def send(self, job: bytes) -> None:
        """Hand the job over; a process that has ended already is found later."""
        with contextlib.suppress(OSError):
            self._channel.sendall(len(job).to_bytes(8, "little") + job)

    def hear_out(self) -> None:
        """Wait until all is heard that it told before it ended."""
        self._listener.join()

    def end(self) -> None:
        """Kill it if it has not ended."""
        self.process.kill()
        self.process.wait()
        self._listener.join()
        self._channel.close()

    def last_words(self) -> str:
        """Return the end of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_SHOWN_LINES:])

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._channel.makefile("rb") as told:
            for line in told:  # a killed process may have told half a line
                self.said.put(json.loads(line))


def _follow(ranks: list[_Rank], on_epoch: OnEpoch | None) -> None:
    """Pass on what the first process tells until all have ended.

    Raises
    ------
    FitError, GpuError
        One of them failed.
    """
    while True:
        states = [each.process.poll() for each in ranks]
        _pass_on(ranks[0], on_epoch, _LOOK_SECONDS)
        if failed := [number for number, state in enumerate(states) if state not in (None, 0)]:
            raise _error(ranks, failed)
        if all(state == 0 for state in states):
            ranks[0].hear_out()
            _pass_on(ranks[0], on_epoch, 0.0)
            return


def _pass_on(first: _Rank, on_epoch: OnEpoch | None, wait: float) -> None:
    while True:
        try:
            told = first.said.get(timeout=wait) if wait else first.said.get_nowait()
        except queue.Empty:
            return
        if "epoch" in told and on_epoch is not None:
            on_epoch(told["epoch"], told["metrics"])
        elif "error" in told:
            first.said.put(told)  # for whoever says why it failed
            return


def _error(ranks: list[_Rank], failed: list[int]) -> Exception:
    """Say why: by what a process told itself, else by the end of its log."""
    for number in failed:
        ranks[number].hear_out()
        while not ranks[number].said.empty():
            told = ranks[number].said.get()
            if told.get("error") in _KNOWN_ERRORS:
                return _KNOWN_ERRORS[told["error"]](told["message"], told["remedy"])
    # One that was killed is the reason why others failed.
    failed.sort(key=lambda number: ranks[number].process.returncode >= 0)
    told_by = [
        f"Process {number + 1} of {len(ranks)} of the training ended with status {ranks[number].process.returncode}: "
        f"{ranks[number].last_words() or 'it said nothing'}."
        for number in failed
    ]
    return FitError(" ".join(told_by), "The next try goes on after the last epoch.")


def _read(path: Path) -> Outcome:
    stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    curves = {
        name: [(int(epoch), float(value)) for epoch, value in points]
        for name, points in stored["curves"].items()
    }
    return Outcome(HeadConfig(**stored["head"]), stored["weights"], curves, stored["best_epoch"])
