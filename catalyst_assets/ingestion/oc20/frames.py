"""Frames of OC20's extended XYZ text: found by their counts of atoms, read by ASE one at a time.

An energy here is a raw total of RPBE; what it is measured against comes from elsewhere (Chanussot et al., ACS Catal.
11, 6059 (2021)).
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from catalyst_assets.ingestion.adsorption.records import AdsorptionEnergy, adsorbate_formula
from catalyst_assets.ingestion.reading.tables import parse_number, shown
from catalyst_assets.ingestion.records import Problem
from catalyst_assets.ingestion.untrusted.archives import DamagedError

_MOST_ATOMS: Final = 1000
# OC20's tags: 0 below the surface, 1 at the surface, 2 adsorbate.
ADSORBATE_TAG: Final = 2
# ASE makes room for as many numbers an atom as a header says there are.
_WIDE_COLUMN: Final = re.compile(rb":[A-Za-z]+:[0-9]{3}")


@dataclass(frozen=True)
class Frame:
    """What is taken of one frame.

    Attributes
    ----------
    energy_ev
        Raw total energy.
    adsorbate
        Formula of the atoms that are tagged as adsorbate.
    """

    energy_ev: float
    adsorbate: str


def read_reference(text: str) -> float | Problem:
    """Return a reference energy in eV, or what is wrong with it."""
    try:
        value = parse_number(text)
    except ValueError as error:
        return Problem("reference_energy", str(error))
    return Problem("reference_energy", "is empty") if value is None else value


def split_frames(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the text of each frame.

    Raises
    ------
    DamagedError
        What follows the frames so far is no whole frame.
    """
    remaining = iter(lines)
    for first in remaining:
        if not first.strip():
            continue
        count = int(first) if first.strip().isdigit() and len(first) < 10 else 0
        if not 0 < count <= _MOST_ATOMS:
            raise DamagedError(f"has {first[:40]!r} where a frame says how many atoms it has")
        frame = [first]
        for line in remaining:
            frame.append(line)
            if len(frame) == count + 2:
                break
        if len(frame) < count + 2:
            raise DamagedError("ends within a frame", is_cut_off=True)
        yield b"\n".join(frame)


def read_frame(text: bytes, adsorbate: str = "") -> Frame | Problem:
    """Read one frame, or say what is wrong with it.

    Parameters
    ----------
    adsorbate
        Formula that the tagged atoms must have; any if empty.
    """
    from ase.io.extxyz import read_xyz

    if any(map(_WIDE_COLUMN.search, text.split(b"\n", 2)[1:2])):
        return Problem("frame", "has a column wider than 99 numbers an atom")
    try:
        (atoms,) = read_xyz(io.StringIO(text.decode("utf-8")), slice(None))
        results = atoms.calc.results if atoms.calc is not None else {}
        # `free_energy` beside it is the electrons' and no substitute.
        energy = float(results["energy"])
        tagged = [
            symbol
            for symbol, tag in zip(atoms.get_chemical_symbols(), atoms.get_tags(), strict=True)
            if tag == ADSORBATE_TAG
        ]
    except KeyError as error:
        return Problem("frame", f"has no {shown(error.args[0])}")
    # ASE raises whatever the text leads it to.
    except Exception as error:
        return Problem("frame", f"cannot be read: {type(error).__name__}: {shown(str(error))}")
    found = adsorbate_formula(tagged)
    if not tagged:
        return Problem("tags", f"no atom has the tag {ADSORBATE_TAG} of an adsorbate")
    if adsorbate and found != adsorbate:
        return Problem("tags", f"the adsorbate is {found}, where the archive is of {adsorbate}")
    return Frame(energy, found)


def read_energy(
    text: bytes, reference_ev: float, place: str, system_id: str, frame: int, adsorbate: str = ""
) -> AdsorptionEnergy | Problem:
    """Return the energy of one frame less its reference, or what is wrong with the frame."""
    read = read_frame(text, adsorbate)
    if isinstance(read, Problem):
        return read
    energy = read.energy_ev - reference_ev
    return AdsorptionEnergy(place, system_id, frame, read.adsorbate, energy, reference_ev)
