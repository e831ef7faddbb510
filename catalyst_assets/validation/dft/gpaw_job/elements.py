"""Energies of the elements, against which formation energies are counted: computed once for all jobs that share a folder.

Crystals are those of the Delta test (Lejaeghere et al., Crit. Rev. Solid State 39, 1 (2014), relaxed with PBE), as ASE
ships them; H, N, O, F and Cl are molecules in a box, O2 the triplet; sulphur is the S8 ring. An element that
the Delta test lacks (the lanthanides) is the simple lattice of ASE's table, at the volume of lowest energy.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .crystal import Crystal
from .equation_of_state import find_minimum
from .folder import hash_of, read_json, write_json
from .parallel import by_first, is_first
from .relaxation import LENGTH_STEP, REACH, fit_volume
from .scf import grid_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from .scf import Setup

MOLECULES = ("H", "N", "O", "F", "Cl")
# Empty space around a molecule, in Å.
VACUUM = 4.0
# Functional that the crystals of the Delta test are relaxed with; another one finds its own volume.
DELTA_TEST_FUNCTIONAL = "PBE"
# Bond of the S8 ring in Å, and cosine of its angle of 108°.
_S8_BOND, _S8_COSINE = 2.06, math.cos(math.radians(108))
# What of a method changes the energy of an element.
_RELEVANT = (
    "functional", "cutoff_ev", "kpoint_density", "smearing_ev", "energy_tolerance_ev_per_electron", "recipe",
)  # fmt: skip


class NoReferenceError(ValueError):
    """The element has no structure that could be computed here."""


def reference_energy(setup: Setup, references: Path, element: str) -> dict[str, Any]:
    """Return the energy of an element in eV an atom, and of what structure; computed if no other job has done it.

    Two jobs that need the same one at once compute it once: the second waits for the first.

    Raises
    ------
    NoReferenceError
        There is no structure of the element.
    NotConvergedError
        Its calculation does not converge.
    """
    relevant = {key: setup.method[key] for key in _RELEVANT}
    if element in MOLECULES or element == "S":
        relevant |= {"kpoint_density": None, "smearing_ev": None}
    path = references / f"{element}-{hash_of(relevant)[:12]}.json"
    known = by_first(lambda: read_json(path))
    if known is not None:
        return dict(known)
    with _alone(
        path.with_suffix(".lock"), lambda: setup.folder.say(f"{element}: another job computes the reference")
    ):
        known = by_first(lambda: read_json(path))
        if known is None:
            started = time.monotonic()
            known = {"element": element, "settings": relevant, **_compute(setup, element)}
            known["seconds"] = round(time.monotonic() - started, 1)
            by_first(lambda: write_json(path, known))
    return dict(known)


def _compute(setup: Setup, element: str) -> dict[str, Any]:
    if element in MOLECULES or element == "S":
        return _molecule(setup, element)
    crystal, moments, source = element_crystal(element)
    kpoints, name = grid_of(crystal, setup.method), f"element-{element}"
    if source == "Delta test" and setup.method["functional"] == DELTA_TEST_FUNCTIONAL:
        output = setup.run(name, crystal, kpoints=kpoints, moments=moments, hubbard=False)
    else:
        crystal, _ = fit_volume(setup, f"{name}-volume", crystal, kpoints, moments, hubbard=False)
        output = setup.run(name, crystal, kpoints=kpoints, moments=moments, hubbard=False)
    return {
        "energy_per_atom": output["energy"] / len(crystal.species),
        "structure": crystal.to_document(),
        "source": source,
        "moment": output.get("moment"),
    }


def element_crystal(element: str) -> tuple[Crystal, list[float] | None, str]:
    """Return the crystal of an element, the moments it starts with, and where it comes from.

    Raises
    ------
    NoReferenceError
        There is none.
    """
    from ase.build import bulk
    from ase.collections import dcdft

    if element in dcdft.names:
        atoms, source = dcdft[element], "Delta test"
    else:
        try:
            atoms, source = bulk(element), "simple lattice"
        except (KeyError, ValueError, RuntimeError):
            raise NoReferenceError(
                f"There is no structure of the element {element} to count formation energies from."
            ) from None
    moments = atoms.get_initial_magnetic_moments()
    crystal = Crystal(np.array(atoms.cell), tuple(atoms.get_chemical_symbols()), atoms.get_scaled_positions())
    if np.ptp(moments) < 1e-6:  # an antiferromagnet's cell is larger than the crystal's
        crystal, kept = crystal.primitive()
        moments = moments[kept]
    return crystal, moments.tolist() if moments.any() else None, source


def _molecule(setup: Setup, element: str) -> dict[str, Any]:
    from ase.build import molecule

    if element == "S":
        species, centred = ["S"] * 8, _s8_ring()
    else:
        atoms = molecule(f"{element}2")
        species, centred = atoms.get_chemical_symbols(), atoms.positions - atoms.positions.mean(axis=0)
    # Three different edges, so that degenerate orbitals are not forced to share an electron.
    box = np.ptp(centred, axis=0) + 2 * VACUUM + np.array([0.0, 0.4, 0.8])
    moments = [1.0, 1.0] if element == "O" else None

    def run(scale: float, name: str) -> tuple[Crystal, dict[str, Any]]:
        crystal = Crystal(np.diag(box), tuple(species), 0.5 + centred * scale / box)
        output = setup.run(name, crystal, kpoints=(1, 1, 1), moments=moments, molecule=True, hubbard=False)
        return crystal, output

    minimum = find_minimum(
        lambda k: float(run((1 + LENGTH_STEP) ** k, f"element-{element}-bond{k:+d}")[1]["energy"]),
        float(box.prod()),
        LENGTH_STEP,
        REACH,
    )
    crystal, output = run(minimum.scale, f"element-{element}")
    return {
        "energy_per_atom": output["energy"] / len(species),
        "structure": crystal.to_document(),
        "source": "S8 ring" if element == "S" else f"{element}2 molecule",
        "moment": output.get("moment"),
    }


def _s8_ring() -> NDArray[np.float64]:
    """Return positions in Å of a crown: neighbours 45° apart on a circle, by turns above and below its plane."""
    radius = _S8_BOND * math.sqrt(1 - _S8_COSINE)
    height = math.sqrt(_S8_BOND**2 - (2 * radius * math.sin(math.pi / 8)) ** 2) / 2
    angles = np.arange(8) * math.pi / 4
    return np.column_stack(
        [radius * np.cos(angles), radius * np.sin(angles), height * (-1.0) ** np.arange(8)]
    )


@contextmanager
def _alone(lock: Path, wait: Any) -> Iterator[None]:
    """Let one job in at a time; the operating system lets go of the lock of a process that dies."""
    if not is_first():
        yield
        return
    import fcntl

    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:
            pass
        yield
