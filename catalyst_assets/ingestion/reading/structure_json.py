"""JSON of pymatgen structures into crystals: one, a list, or documents of the Materials Project that hold one each.

The form is that of ``Structure.as_dict()``: https://pymatgen.org.
"""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.species import element_of, without_isotope

_OCCUPANCY_TOLERANCE: Final = 1e-3
_WANTED: Final = "Give pymatgen's Structure.as_dict(), a list of them, or documents with a structure."


def read_records(text: str) -> list[Cell | UnreadableStructureError]:
    """Return the crystal of each record, or why there is none.

    Raises
    ------
    UnreadableStructureError
        The text is no JSON, or holds no record.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnreadableStructureError(f"is no JSON: {error}", "Write it again.") from None
    except RecursionError:
        raise UnreadableStructureError("is nested too deeply", _WANTED) from None
    if isinstance(found, dict) and isinstance(found.get("data"), list) and "lattice" not in found:
        found = found["data"]  # as the Materials Project answers
    if isinstance(found, list) and not found:
        raise UnreadableStructureError("holds no structure: its list is empty", _WANTED)
    return [_read(record) for record in (found if isinstance(found, list) else [found])]


def _read(record: object) -> Cell | UnreadableStructureError:
    try:
        return _read_structure(record)
    except UnreadableStructureError as error:
        return error


def _read_structure(record: object) -> Cell:
    if isinstance(record, Mapping) and "sites" not in record and isinstance(record.get("structure"), Mapping):
        record = record["structure"]
    if not isinstance(record, Mapping):
        raise UnreadableStructureError(f"holds no structure, but {type(record).__name__}", _WANTED)
    sites, lattice = record.get("sites"), record.get("lattice")
    if isinstance(sites, list) and lattice is None:
        raise UnreadableStructureError(
            "has sites but no lattice: it is a molecule, not a crystal", "Give a periodic structure."
        )
    if not isinstance(sites, list) or not isinstance(lattice, Mapping):
        raise UnreadableStructureError("holds no structure: neither sites nor a lattice", _WANTED)
    if not sites:
        raise UnreadableStructureError("has no sites", "Give at least one atom.")
    matrix = _matrix(lattice)
    elements, positions = [], []
    for number, site in enumerate(sites, 1):
        elements.append(_element(site, number))
        positions.append(_position(site, number, matrix))
    return Cell(matrix, tuple(elements), np.array(positions, dtype=float))


def _matrix(lattice: Mapping[str, Any]) -> np.ndarray:
    from pymatgen.core.lattice import Lattice

    periodic = lattice.get("pbc", (True, True, True))
    if not isinstance(periodic, list | tuple) or len(periodic) != 3 or not all(periodic):
        raise UnreadableStructureError(
            f"is not periodic in all three directions: pbc is {periodic}", "Give a bulk crystal."
        )
    try:
        if "matrix" in lattice:
            matrix = np.array(lattice["matrix"], dtype=float)
        else:
            names = ("a", "b", "c", "alpha", "beta", "gamma")
            matrix = Lattice.from_parameters(*(float(lattice[name]) for name in names)).matrix
    except (TypeError, ValueError, KeyError):
        matrix = np.zeros(0)
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
        raise UnreadableStructureError("has a lattice that is no 3 vectors of 3 numbers in Å", _WANTED)
    if abs(np.linalg.det(matrix)) < 1e-9:
        raise UnreadableStructureError("has a lattice without volume", "Correct its vectors.")
    return matrix


def _element(site: object, number: int) -> str:
    species = site.get("species") if isinstance(site, Mapping) else None
    if not isinstance(species, list) or not species or not all(isinstance(part, Mapping) for part in species):
        raise UnreadableStructureError(f"site {number} has no species", _WANTED)
    names = []
    for part in species:
        given = str(part.get("element"))
        names.append(element_of(given) or "")
        if not names[-1]:
            raise UnreadableStructureError(
                f"site {number} is {given!r}, no chemical element", "Remove dummies, or name the element."
            )
    shares = [part.get("occu", 1) for part in species]
    if len({without_isotope(name) for name in names}) > 1 or not _is_whole(shares):
        written = ", ".join(f"{name} {share}" for name, share in zip(names, shares, strict=True))
        raise UnreadableStructureError(
            f"site {number} is not ordered: it holds {written}", "Give an ordered approximation."
        )
    return without_isotope(names[0])


def _is_whole(shares: list[Any]) -> bool:
    if not all(isinstance(share, int | float) for share in shares):
        return False
    return math.isclose(sum(shares), 1, abs_tol=_OCCUPANCY_TOLERANCE)


def _position(site: Mapping[str, Any], number: int, matrix: np.ndarray) -> list[float]:
    for key in ("abc", "xyz"):
        given = site.get(key)
        if given is None:
            continue
        if (
            isinstance(given, list)
            and len(given) == 3
            and all(isinstance(x, int | float) and math.isfinite(x) for x in given)
        ):
            position = np.array(given, dtype=float)
            return (position if key == "abc" else np.linalg.solve(matrix.T, position)).tolist()  # type: ignore[no-any-return]
        break
    raise UnreadableStructureError(f"site {number} has no position of three numbers", _WANTED)
