"""The programs that compute: which command and limits each validator's calculations have in this installation."""

import importlib.util
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import UsageError
from catalyst_assets.validation.adsorption.answerable import why_not_asked
from catalyst_assets.validation.jobs.limits import Limits, read_memory, read_wall_time
from catalyst_assets.validation.jobs.template import fill_template, find_program, split_template

if TYPE_CHECKING:
    from resources.settings import Settings

GPAW: Final = "gpaw"
COMMAND: Final = "command"
ADSORPTION: Final = "adsorption"
_ADSORPTION_WORDS: Final = ("{python}", "-P", "-m", "catalyst_assets.validation.adsorption.program", "{job}")


@dataclass(frozen=True)
class Program:
    """What a validator's calculations are computed by.

    Attributes
    ----------
    words
        The template of its command, split.
    origin
        Where that was written.
    environment
        What of the installation its process is told; one that is not ours is told nothing.
    """

    words: tuple[str, ...]
    origin: str
    script: str
    limits: Limits
    environment: Mapping[str, str] = field(default_factory=dict)

    def command(self, folder: Path) -> list[str]:
        """Return the command of one calculation."""
        return fill_template(self.words, self._values(str(folder)))

    def find_problem(self) -> str:
        """Return why it cannot be started, or nothing."""
        problem = find_program(self.words, self._values("."))
        return f"{self.origin}: {problem}" if problem else ""

    def _values(self, folder: str) -> dict[str, str]:
        return {"python": sys.executable, "script": self.script, "job": folder}


def find_validator_program(validator: str, settings: "Settings") -> Program:
    """Return the program of a validator.

    Raises
    ------
    UsageError
        A setting of it is missing or wrong.
    """
    limits = Limits(
        read_wall_time(settings.dft_wall_time, "CATALYST_DFT_WALL_TIME"),
        read_memory(settings.dft_memory, "CATALYST_DFT_MEMORY"),
    )
    if validator == GPAW:
        origin = "CATALYST_DFT_COMMAND"
        words = split_template(settings.dft_command, origin, needed=("script", "job"))
        return Program(words, origin, gpaw_script(), limits)
    if validator == ADSORPTION:
        return Program(_ADSORPTION_WORDS, "The validator adsorption", "", limits, _told(settings))
    origin = "CATALYST_VALIDATOR_COMMAND"
    if not settings.validator_command:
        raise UsageError(
            f"{origin} is not set: the validator `command` has no program.",
            "Set it to yours, such as `/opt/robot/measure {job}`; docs/validation.md says what it reads and writes.",
        )
    words = split_template(settings.validator_command, origin)
    if any("{script}" in word for word in words):
        raise UsageError(
            f"{origin} names {{script}}, which only CATALYST_DFT_COMMAND has: {settings.validator_command!r}.",
            "Write the path of your script instead.",
        )
    return Program(words, origin, "", limits)


def why_unavailable(validator: str, settings: "Settings", method: str | None = None) -> str:
    """Say what the program of a validator lacks to compute here, as sentences; empty where it can.

    Parameters
    ----------
    method
        By which it is to compute; what only some methods need is not looked at without.
    """
    try:
        program = find_validator_program(validator, settings)
    except UsageError as error:
        return str(error)
    if problem := program.find_problem():
        return f"{problem}. Correct the setting, or install what it names."
    if validator == ADSORPTION:
        return why_not_asked(method, settings)
    own_python = "{python}" in program.words
    if validator == GPAW and own_python and importlib.util.find_spec("gpaw") is None:
        return (
            "GPAW is not installed. Install Debian's libxc-dev and libopenblas-dev, then "
            "`pip install 'catalyst-discovery[dft]'`; or name an interpreter that has it in CATALYST_DFT_COMMAND."
        )
    return ""


def gpaw_script() -> str:
    """Return the path of the script that computes with GPAW."""
    return str(Path(__file__).resolve().parents[1] / "dft" / "calculation.py")


def _told(settings: "Settings") -> dict[str, str]:
    """Return what a process of ours needs to find the environments of potentials, and none of the secrets."""
    held = {
        "CATALYST_HOME": settings.home,
        "CATALYST_ACCELERATOR": settings.accelerator,
        "CATALYST_POTENTIALS_FILE": settings.potentials_file,
        "CATALYST_POTENTIAL_ENVIRONMENTS": settings.potential_environments,
    }
    return {name: str(value) for name, value in held.items() if value is not None}
