"""An environment of two small wheels, which installs in seconds; its potential is the Lennard-Jones one of ASE.

``python small_environment.py FOLDER install small`` is `catalyst potentials install small` where it is known.
"""

import base64
import hashlib
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest
import yaml
from ase.calculators.lj import LennardJones

from catalyst_assets.potentials import environments
from catalyst_assets.potentials.known_answers import known_crystal
from catalyst_assets.potentials.table import ENVIRONMENTS, Environment

NAME: Final = "small"
POTENTIAL: Final = "lennard-jones"
PACKAGE: Final = "small-potential"
SIGMA: Final = 1.5
TORCH: Final = version("torch").partition("+")[0]
# What a worker needs is found among the packages of the tests, but not by pip: it would take their torch for the new one's.
_BORROWED: Final = ("numpy", "pyarrow", "ase", "scipy", "vesin", "spglib")
_LINE: Final = "import sys; sys.path.extend([] if 'pip' in sys.orig_argv else {places!r})\n"
_MODULE: Final = """
import time
from pathlib import Path

from ase.calculators.lj import LennardJones


def make(sigma):
    Path({asked!r}).touch()
    patience = time.monotonic() + 120
    while Path({held!r}).exists() and time.monotonic() < patience:
        time.sleep(0.05)
    return LennardJones(sigma=sigma)
"""


class SmallEnvironment:
    """Wheels, the list of them with their hashes, and the file that names the potential, in a folder.

    Attributes
    ----------
    held
        While this file exists, the potential does not answer.
    asked
        Made as soon as somebody asks it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.lists = folder / "lists"
        self.environments = folder / "of potentials"
        self.held, self.asked = folder / "held", folder / "asked"

    def write(self) -> "SmallEnvironment":
        """Build the wheels and declare what they are."""
        self.wheels.mkdir()
        self.lists.mkdir()
        places = {str(_place_of(name)) for name in _BORROWED}
        module = _MODULE.format(held=str(self.held), asked=str(self.asked))
        _build_wheel(self.wheels, PACKAGE, "1.0", {
            "small_potential.py": module, "borrowed.pth": _LINE.format(places=sorted(places)),
        })  # fmt: skip
        _build_wheel(self.wheels, "torch", TORCH, {})
        self.declare(known_energy())
        self.pin(hashlib.sha256(next(self.wheels.glob("small*.whl")).read_bytes()).hexdigest())
        return self

    def pin(self, sha256: str, note: str = "") -> None:
        """Write the list of packages."""
        line = f"{PACKAGE}==1.0 --hash=sha256:{sha256}\n"
        (self.lists / f"{NAME}.txt").write_text(line + (f"# {note}\n" if note else ""), encoding="utf-8")

    def declare(self, known_answer_ev: float) -> None:
        """Declare the potential."""
        about = {
            "environment": NAME,
            "kind": "calculator",
            "factory": "small_potential:make",
            "options": {"sigma": SIGMA},
            "functional": "none",
            "known_answer_ev": known_answer_ev,
        }
        path = self.folder / "potentials.yaml"
        path.write_text(yaml.safe_dump({"potentials": {POTENTIAL: about}}), encoding="utf-8")

    def enter(self, patch: pytest.MonkeyPatch) -> None:
        """Have this process know the environment, and pip nothing but its wheels."""
        patch.setitem(ENVIRONMENTS, NAME, Environment(package=PACKAGE, licence="MIT", licence_url="here"))
        patch.setattr(environments, "REQUIREMENTS", self.lists)
        for name, value in self.variables().items():
            patch.setenv(name, value)

    def variables(self) -> dict[str, str]:
        """Return the variables by which an installation is told of all this."""
        return {
            "CATALYST_HOME": str(self.folder / "home"),
            "CATALYST_ACCELERATOR": "cpu",
            "CATALYST_POTENTIALS_FILE": str(self.folder / "potentials.yaml"),
            "CATALYST_POTENTIAL_ENVIRONMENTS": str(self.environments),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
        }

    @contextmanager
    def installing(self) -> Iterator["Installing"]:
        """Install it in a process of its own."""
        with subprocess.Popen(
            [sys.executable, "-u", "-m", __name__, str(self.folder), "install", NAME],
            env=os.environ | self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield Installing(process)
            finally:
                process.kill()

    def left(self) -> list[str]:
        """Return what lies among the environments, but for locks."""
        return sorted(path.name for path in self.environments.iterdir() if path.suffix != ".lock")


@dataclass(frozen=True)
class Installing:
    """A process that installs it."""

    process: "subprocess.Popen[str]"

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def said(self, *words: str) -> str:
        """Wait until it says one of these, and return the line."""
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if any(word in line for word in words):
                return line
        raise AssertionError("".join(lines))

    def kill(self) -> None:
        """Kill it, and nothing that it started."""
        self.process.kill()
        assert self.process.wait() == -signal.SIGKILL

    def end(self) -> str:
        """Wait until it ends well, and return the rest of what it says."""
        said, _ = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, said
        return said


def known_energy() -> float:
    """Return what the potential says of the known crystal, asked here."""
    atoms = known_crystal()
    atoms.calc = LennardJones(sigma=SIGMA)
    return float(atoms.get_potential_energy())


def _place_of(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parents[1]


def _build_wheel(folder: Path, name: str, release: str, files: dict[str, str]) -> None:
    stem = f"{name.replace('-', '_')}-{release}"
    about = f"{stem}.dist-info"
    files = files | {
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {release}\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={_digest(text)},{len(text.encode())}\n" for path, text in files.items())
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{about}/RECORD", f"{record}{about}/RECORD,,\n")


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    from catalyst_assets.cli import main

    with pytest.MonkeyPatch.context() as own:
        SmallEnvironment(Path(sys.argv[1])).enter(own)
        own.setattr(sys, "argv", ["catalyst", "potentials", *sys.argv[2:]])
        main()
