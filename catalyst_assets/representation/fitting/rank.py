"""One of the processes of a fit that is spread over devices; `ranks` starts it, hands it the job and listens.

``python -m catalyst_assets.representation.fitting.rank cuda|cpu N``; which of the N it is stands in ``LOCAL_RANK``.
"""

import json
import os
import pickle
import socket
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import BinaryIO

import torch

from catalyst_assets.errors import CatalystError
from catalyst_assets.representation.fitting.data import Share
from catalyst_assets.representation.fitting.ranks import OUTCOME
from catalyst_assets.representation.fitting.training import FitJob, train


def main(kind: str, n_ranks: int) -> int:
    """Do this process's share of every batch; the first of them tells of epochs and leaves the outcome."""
    channel = socket.socket(fileno=os.dup(0))
    stream = channel.makefile("rb")
    job = _receive(stream)
    threading.Thread(target=_end_with_parent, args=(stream,), daemon=True).start()
    rank = int(os.environ["LOCAL_RANK"])
    device = "cpu" if kind == "cpu" else f"{kind}:{rank}"

    def tell(epoch: int, metrics: Mapping[str, float]) -> None:
        _say(channel, {"epoch": epoch, "metrics": dict(metrics)})

    try:
        outcome = train(job, device, Share(rank, n_ranks), tell if rank == 0 else None)
    except CatalystError as error:
        _say(channel, {"error": type(error).__name__, "message": error.message, "remedy": error.remedy})
        raise
    if rank == 0:
        stored = {
            "head": asdict(outcome.head),
            "weights": dict(outcome.weights),
            "curves": outcome.curves,
            "best_epoch": outcome.best_epoch,
        }
        torch.save(stored, job.folder / OUTCOME)
    torch.distributed.destroy_process_group()
    return 0


def _receive(stream: BinaryIO) -> FitJob:
    size = int.from_bytes(stream.read(8), "little")
    job: FitJob = pickle.loads(stream.read(size))  # noqa: S301 - of the process that started this one
    return job


def _end_with_parent(stream: BinaryIO) -> None:
    """Nothing more is sent: what is read is the end of the process at the other side."""
    stream.read()
    os._exit(1)


def _say(channel: socket.socket, told: Mapping[str, object]) -> None:
    channel.sendall(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
