"""What a job is, and what comes back: Arrow in, Arrow out, errors by record.

A job is a folder with ``job.json`` and ``structures.arrow``, an IPC stream of the columns ``name, numbers, positions,
cell, periodic, fixed``. The worker appends batches to ``answers.arrow``, a stream too, as they are done: what a worker
that was killed had answered can be read. Before the first it makes the file ``ready``: what ends earlier could not start.
With each batch it touches ``alive``: what does not for long hangs.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from .structures import Structure

JOB: Final = "job.json"
STRUCTURES: Final = "structures.arrow"
ANSWERS: Final = "answers.arrow"
READY: Final = "ready"
ALIVE: Final = "alive"
TIMINGS: Final = "timings.json"
_NUMBERS: Final = pa.list_(pa.float64())
ASKED: Final = pa.schema(
    [
        ("name", pa.string()),
        ("numbers", pa.list_(pa.int64())),
        ("positions", _NUMBERS),
        ("cell", _NUMBERS),
        ("periodic", pa.list_(pa.bool_())),
        ("fixed", pa.list_(pa.bool_())),
    ]
)
ANSWERED: Final = pa.schema(
    [
        ("name", pa.string()),
        # Why there is no answer; the other columns are empty then.
        ("error", pa.string()),
        ("energy", pa.float64()),
        ("forces", _NUMBERS),
        ("stress", _NUMBERS),
        ("features", _NUMBERS),
        ("positions", _NUMBERS),
        ("cell", _NUMBERS),
        ("status", pa.string()),
        ("steps", pa.int32()),
        ("largest_force", pa.float64()),
        ("held", pa.int32()),
    ]
)


def read_job(folder: Path) -> dict[str, Any]:
    """Return what is asked: ``potential`` (``kind`` and what it is made of), ``task`` and ``options``."""
    job: dict[str, Any] = json.loads((folder / JOB).read_text(encoding="utf-8"))
    return job


def read_structures(folder: Path) -> list[Structure]:
    """Return the structures in the order in which they came."""
    with pa.OSFile(str(folder / STRUCTURES)) as file:
        rows = pa.ipc.open_stream(file).read_all().to_pylist()
    return [
        Structure(
            row["name"],
            np.array(row["numbers"], dtype=np.int64),
            np.array(row["positions"], dtype=float).reshape(-1, 3),
            np.array(row["cell"], dtype=float).reshape(3, 3),
            (row["periodic"][0], row["periodic"][1], row["periodic"][2]),
            np.array(row["fixed"], dtype=bool),
        )
        for row in rows
    ]


def write_answers(folder: Path, batches: Iterator[Sequence[Mapping[str, Any]]]) -> None:
    """Write answers as they come."""
    with (
        pa.OSFile(str(folder / ANSWERS), "wb") as file,
        pa.ipc.new_stream(file, ANSWERED) as stream,
    ):
        for rows in batches:
            stream.write_batch(pa.RecordBatch.from_pylist(list(rows), schema=ANSWERED))
