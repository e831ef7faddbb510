"""Whether a potential says what it is known to say: asked of one crystal, whose energy is written in the table.

It is cubic SrTiO3, and of a potential that does not know its elements a crystal of the first that it does.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from catalyst_assets.potentials.client import WorkerPotential
from catalyst_assets.potentials.environments import Installed, PotentialError
from catalyst_assets.potentials.relaxed.elements import states_of
from catalyst_assets.potentials.table import find_potential, known_potentials

if TYPE_CHECKING:
    from ase import Atoms

    from resources.settings import Settings

_LATTICE_ANGSTROM: Final = 3.9
# float32 rounds otherwise on another processor.
_TOLERANCE_EV: Final = 2e-3
# The crystal that is asked for.
USUAL: Final = "SrTiO3"
_ELEMENTS: Final = ("Sr", "Ti", "O")


@dataclass(frozen=True)
class Checked:
    """What a potential said.

    Attributes
    ----------
    crystal
        What it was asked of: cubic SrTiO3 of 3.9 Å, or a crystal of an element.
    energy_ev
        Of its cell.
    expected_ev
        None where nobody wrote it down.
    """

    name: str
    crystal: str
    energy_ev: float
    expected_ev: float | None


def check_potential(name: str, settings: "Settings", installed: Installed | None = None) -> Checked:
    """Ask a potential what it is known to say.

    Parameters
    ----------
    installed
        The environment, where it is not yet in its place.

    Raises
    ------
    PotentialError
        It cannot be asked, fails, or says something else.
    """
    potential = (
        WorkerPotential.of(name, settings)
        if installed is None
        else WorkerPotential.within(name, installed, settings)
    )
    spec = find_potential(name, settings)
    crystal = known_crystal(spec.elements)
    symbols = set(crystal.get_chemical_symbols())
    called = USUAL if len(symbols) > 1 else f"{symbols.pop()}{len(crystal)}"
    remedy = (
        "Remove its environment and install it anew."
        if spec.environment
        else f"Look after the packages and weights of {spec.python}, or correct what {settings.potentials_file} says of it."
    )
    (answer,) = potential.evaluate({called: crystal})
    if answer.error:
        raise PotentialError(f"{name} has no answer for {called}: {answer.error}.", remedy)
    expected = spec.known_answer_ev
    if expected is not None and not abs(answer.energy - expected) <= _TOLERANCE_EV:
        raise PotentialError(
            f"{name} gives {called} {answer.energy:.4f} eV, known is {expected:.4f} eV: its packages or weights are not those "
            "that were tried.",
            remedy,
        )
    return Checked(name, called, answer.energy, expected)


def checker(name: str, settings: "Settings") -> Callable[[Installed], None]:
    """Return what checks every potential of an environment before it is put in its place."""

    def check(installed: Installed) -> None:
        for potential, spec in known_potentials(settings).items():
            if spec.environment == name:
                check_potential(potential, settings, installed)

    return check


def known_crystal(elements: Sequence[str] = ()) -> "Atoms":
    """Return cubic SrTiO3 with a lattice constant of 3.9 Å.

    Parameters
    ----------
    elements
        Those that are known, none for all: where they are not among them, a crystal of the first that has one.
    """
    from ase import Atoms

    if elements and not set(_ELEMENTS) <= set(elements):
        states = (state for element in elements for state in states_of(element).values())
        return next(
            (state for state in states if state.pbc.all()), Atoms(elements[0], cell=[9] * 3, pbc=True)
        )
    half = [0.5, 0.5, 0.5]
    places = [[0.0, 0.0, 0.0], half, [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    return Atoms(USUAL, scaled_positions=places, cell=[_LATTICE_ANGSTROM] * 3, pbc=True)
