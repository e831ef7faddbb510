"""The folder of a job: what is asked, what has been computed so far, the result, and messages to whoever follows it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .parallel import by_first, is_first

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class JobError(ValueError):
    """The job file is missing, or does not say what has to be computed."""


def write_json(path: Path, document: Any) -> None:
    """Write a file that is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w") as file:
        json.dump(document, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def read_json(path: Path) -> Any:
    """Return what a file holds; None where there is none or it was cut off."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def hash_of(document: Any) -> str:
    """Return a hash of what a document says, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


@dataclass
class Folder:
    """A job's folder.

    Attributes
    ----------
    path
        Where `job.json` lies.
    pipes
        Session of Dagster Pipes that follows the job, if one does.
    computed
        Names of the single calculations of this run, with their seconds; those found finished have none.
    """

    path: Path
    pipes: Any = None
    computed: dict[str, float | None] = field(default_factory=dict)

    def read_job(self) -> dict[str, Any]:
        """Return what is asked.

        Raises
        ------
        JobError
            `job.json` is missing, is no JSON, or lacks a part.
        """

        def read() -> dict[str, Any]:
            file = self.path / "job.json"
            try:
                job = json.loads(file.read_text())
            except OSError as error:
                raise JobError(f"Cannot read {file}: {error.strerror}.") from None
            except json.JSONDecodeError as error:
                raise JobError(f"{file} is no JSON: {error}.") from None
            missing = [key for key in ("structure", "properties", "method") if key not in job]
            if missing:
                raise JobError(f"{file} lacks {', '.join(missing)}.")
            return dict(job)

        return by_first(read)

    def write_result(self, result: dict[str, Any]) -> None:
        """Write `result.json`."""
        by_first(lambda: write_json(self.path / "result.json", result))

    @property
    def log(self) -> str:
        """Path of GPAW's log."""
        return str(self.path / "gpaw.txt")

    def finished(self, name: str, inputs: Any) -> dict[str, Any] | None:
        """Return a single calculation that finished before with the same inputs."""

        def read() -> dict[str, Any] | None:
            document = read_json(self.path / "singles" / f"{name}.json")
            return document["output"] if document and document["inputs"] == hash_of(inputs) else None

        output = by_first(read)
        if output is not None:
            self.computed.setdefault(name, None)
        return output

    def keep(self, name: str, inputs: Any, output: dict[str, Any]) -> None:
        """Keep a finished single calculation, so that a job that is killed goes on behind it."""
        self.computed[name] = output.get("seconds")
        document = {"inputs": hash_of(inputs), "output": output}
        by_first(lambda: write_json(self.path / "singles" / f"{name}.json", document))

    def say(self, message: str) -> None:
        """Tell whoever follows the job: Dagster, and the standard output."""
        if is_first():
            print(time.strftime("%H:%M:%S"), message, flush=True)
            if self.pipes is not None:
                self.pipes.log.info(message)


@contextmanager
def followed(path: Path) -> Iterator[Folder]:
    """Open a job's folder, and report to the session of Dagster Pipes that started this process, if one did."""
    if not is_first() or "DAGSTER_PIPES_CONTEXT" not in os.environ:
        yield Folder(path)
        return
    try:
        from dagster_pipes import open_dagster_pipes
    except ImportError:
        print("dagster_pipes is not installed here: Dagster sees the files only.", file=sys.stderr)
        yield Folder(path)
        return
    with open_dagster_pipes() as pipes:
        yield Folder(path, pipes)
