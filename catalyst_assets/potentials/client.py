"""Asking a potential: its worker is started, given structures, and its answers are read, whatever becomes of it.

A worker that is killed has answered what it has; the rest is asked of another, and where that dies again of smaller
parts, until the structure is known that it cannot bear: one that two workers died of, or were killed at from outside. A
worker that cannot start is an error that says why, and so is one that somebody stopped.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.potentials.environments import Installed, PotentialError, find_environment
from catalyst_assets.potentials.exchange import read_answers, write_structures
from catalyst_assets.potentials.interface import Answer, Relaxation
from catalyst_assets.potentials.processes import End, run_worker
from catalyst_assets.potentials.table import PotentialSpec, find_potential

if TYPE_CHECKING:
    from ase import Atoms

    from resources.settings import Settings

_PROGRAM: Final = Path(__file__).with_name("program.py")
# The largest slab takes a core some minutes an evaluation, and a calculator that solves for electrons more: what is silent
# for so long hangs.
_SILENCE_SECONDS: Final = 4 * 3600.0
_WORKERS_A_STRUCTURE: Final = 2
# Threads that wait do not spin: beside another process on the same cores they would take most of its time.
_THREADS: Final = {"OMP_WAIT_POLICY": "PASSIVE"}


class WorkerKilledError(PotentialError):
    """A worker did not end by itself: the same may go well another time."""


@dataclass(frozen=True)
class WorkerPotential:
    """A potential that a process of its own answers for.

    Attributes
    ----------
    method
        Its name.
    python
        Interpreter of its environment.
    options
        What it is opened with.
    settings
        Of the installation that asks: on which device, and who else computes there.
    environment
        Further variables of the process, by which it reaches Dagster through Pipes.
    tell
        Told in a sentence of what went wrong on the way.
    silence_seconds
        After so long without a sign of life a worker is ended.
    """

    method: str
    spec: PotentialSpec
    python: Path
    options: Mapping[str, Any]
    settings: "Settings"
    environment: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda said: None
    silence_seconds: float = _SILENCE_SECONDS

    @classmethod
    def of(
        cls,
        name: str,
        settings: "Settings",
        environment: Mapping[str, str] | None = None,
        tell: Callable[[str], None] = lambda said: None,
    ) -> "WorkerPotential":
        """Return the potential of a name.

        Raises
        ------
        UsageError
            There is none.
        PotentialError
            Its environment is not installed.
        """
        spec = find_potential(name, settings)
        installed = find_environment(spec.environment, settings).require() if spec.environment else None
        return cls._open(name, spec, installed, settings, environment or {}, tell)

    @classmethod
    def within(cls, name: str, installed: Installed, settings: "Settings") -> "WorkerPotential":
        """Return the potential of a name in an environment that is not yet in its place."""
        return cls._open(name, find_potential(name, settings), installed, settings, {}, lambda said: None)

    @classmethod
    def _open(
        cls,
        name: str,
        spec: PotentialSpec,
        installed: Installed | None,
        settings: "Settings",
        environment: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> "WorkerPotential":
        python = installed.python if installed else Path(spec.python or "")
        if not python.is_file():
            raise PotentialError(
                f"{name} needs {python}, which is not there.",
                "Correct its `python`, or install its environment.",
            )
        options: dict[str, Any] = dict(spec.options)
        if spec.kind == "calculator":
            options = {"factory": spec.factory, "options": options, "elements": spec.elements}
        else:
            options["device"] = settings.accelerator
        if spec.checkpoint is not None:
            options["checkpoint"] = (
                str(installed.packages / spec.checkpoint) if installed else spec.checkpoint
            )
        return cls(name, spec, python, options, settings, dict(environment), tell)

    def evaluate(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield energies, forces, stresses and features of structures as they are.

        Raises
        ------
        PotentialError
            The worker cannot start, or was stopped.
        """
        yield from self._ask(structures, "evaluate", {})

    def describe(self, structures: "Mapping[str, Atoms]") -> Iterator[Answer]:
        """Yield the features of structures, and nothing else.

        Raises
        ------
        PotentialError
            The worker cannot start, or was stopped.
        """
        yield from self._ask(structures, "describe", {})

    def relax(self, structures: "Mapping[str, Atoms]", wanted: Relaxation) -> Iterator[Answer]:
        """Yield structures and energies at the next minimum.

        Raises
        ------
        PotentialError
            The worker cannot start, or was stopped.
        """
        yield from self._ask(structures, "relax", asdict(wanted))

    def time(
        self, structures: "Mapping[str, Atoms]", wanted: Relaxation, rounds: int, relaxed: int
    ) -> dict[str, Any]:
        """Return how fast it answers here, as `worker.timing` measures it.

        Raises
        ------
        PotentialError
            The worker cannot start, or fails.
        """
        from catalyst_assets.potentials.worker.protocol import TIMINGS

        options = {"rounds": rounds, "relaxed": relaxed, "wanted": asdict(wanted)}
        with self._worked(structures, "time", options) as (folder, end):
            try:
                told: dict[str, Any] = json.loads((folder / TIMINGS).read_text(encoding="utf-8"))
            except FileNotFoundError:
                raise PotentialError(f"{self.method} was not timed: its worker {end.said}.") from None
            return told

    def _ask(
        self, structures: "Mapping[str, Atoms]", task: str, options: Mapping[str, Any]
    ) -> Iterator[Answer]:
        # With how many workers each part has ended of which only one structure was left.
        parts = [(dict(structures), 0)] if structures else []
        while parts:
            waiting, died = parts.pop()
            answers, end = self._work(waiting, task, options)
            for answer in answers:
                del waiting[answer.name]
                yield answer
            if not waiting:
                continue
            if len(waiting) == 1 and died + 1 == _WORKERS_A_STRUCTURE:
                name = next(iter(waiting))
                self.tell(f"{name}: {end.said}")
                yield Answer(name, f"the worker of {self.method} {end.said}", died=True)
                continue
            self.tell(f"The worker of {self.method} {end.said}; {len(waiting)} structures are asked again.")
            if len(waiting) == 1:
                parts.append((waiting, died + 1))
                continue
            names = list(waiting)
            middle = len(names) // 2 if not answers else len(names)
            parts += [
                ({name: waiting[name] for name in part}, 0)
                for part in (names[middle:], names[:middle])
                if part
            ]

    def _work(
        self, structures: "Mapping[str, Atoms]", task: str, options: Mapping[str, Any]
    ) -> tuple[list[Answer], End]:
        """Return what one worker answers, and what became of it."""
        with self._worked(structures, task, options) as (folder, end):
            return list(read_answers(folder, structures)), end

    @contextmanager
    def _worked(
        self, structures: "Mapping[str, Atoms]", task: str, options: Mapping[str, Any]
    ) -> Iterator[tuple[Path, End]]:
        """Have one worker do a job; give its folder, and what became of it. One that is killed while it loads has another."""
        from catalyst_assets.potentials.worker.protocol import JOB, READY
        from resources.paths import scratch_folder

        with scratch_folder() as scratch:
            folder = Path(scratch)
            asked = {"kind": self.spec.kind, "sha256": self.spec.sha256, "options": dict(self.options)}
            job = {"potential": asked, "task": task, "options": dict(options)}
            (folder / JOB).write_text(json.dumps(job), encoding="utf-8")
            write_structures(folder, structures)
            end = self._run(folder)
            if end.killed and not (folder / READY).exists():
                self.tell(f"The worker of {self.method} {end.said} while it started; another is started.")
                end = self._run(folder)
            if not (folder / READY).exists():
                raise (WorkerKilledError if end.killed else PotentialError)(
                    f"The worker of {self.method} could not start: it {end.said}.",
                    f"`catalyst potentials check {self.method}` tries it alone.",
                )
            yield folder, end

    def _run(self, folder: Path) -> End:
        """Run a worker to its end."""
        from catalyst_assets.potentials.worker.protocol import ALIVE, ANSWERS, READY
        from resources.services import foreign_environment

        environment = {**_THREADS, **foreign_environment(), **self._devices(), **self.environment}
        command = [str(self.python), "-I", str(_PROGRAM), str(folder)]
        end = run_worker(command, folder, environment, (READY, ALIVE, ANSWERS), self.silence_seconds)
        if end.stopped:
            raise WorkerKilledError(
                f"The worker of {self.method} {end.said}: somebody stopped it.",
                "Run it again; what was written is kept.",
            )
        return end

    def _devices(self) -> dict[str, str]:
        """Return by which variable it is kept to the GPU that this process leases, or to none."""
        if self.settings.accelerator == "cpu":
            return {"CUDA_VISIBLE_DEVICES": ""}
        from resources.devices.leases import lease_devices

        devices = lease_devices(self.settings)
        return {"CUDA_VISIBLE_DEVICES": devices[0]} if devices else {}
