"""CIF text into crystals: each data block with atoms is read for certain, or refused with the reason.

Nothing is mended by a guess: what a block lists is compared with what it claims, and where its space group leaves the
setting open, exactly one setting must agree with the claims.
"""

import math
from dataclasses import dataclass
from typing import Final

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.claims import find_contradiction, read_formula
from catalyst_assets.ingestion.reading.cif.orbits import expand
from catalyst_assets.ingestion.reading.cif.sites import Sites, lists_atoms, read_sites
from catalyst_assets.ingestion.reading.cif.symmetry import Symmetry, read_symmetry
from catalyst_assets.ingestion.reading.cif.values import Block, parse_blocks
from catalyst_assets.ingestion.reading.crystals import hash_structure
from catalyst_assets.ingestion.reading.distances import relative_distance
from catalyst_assets.ingestion.reading.species import without_isotope

_LENGTHS: Final = ("_cell_length_a", "_cell_length_b", "_cell_length_c")
_ANGLES: Final = ("_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma")
# Of the sum of covalent radii: atoms of another setting's operators overlap, those of the right one do not.
_OVERLAP: Final = 0.5
_NEAR: Final = 0.6
_APART: Final = 0.75
# Charges of mixed valence are written in two digits.
_CHARGE_TOLERANCE: Final = 0.02


@dataclass(frozen=True)
class BlockCell:
    """What is read of a data block: its crystal, or why there is none."""

    name: str
    found: Cell | UnreadableStructureError


def read_blocks(text: str) -> list[BlockCell]:
    """Read every data block that lists atoms.

    Raises
    ------
    UnreadableStructureError
        The text is no CIF, or no block of it lists atoms.
    """
    found = []
    for block in parse_blocks(text):
        if lists_atoms(block):
            try:
                found.append(BlockCell(block.name, _read(block)))
            except UnreadableStructureError as error:
                found.append(BlockCell(block.name, error))
    if not found:
        raise UnreadableStructureError("holds no structure: no data block of it lists atoms")
    return found


def read_cif(text: str) -> Cell:
    """Return the only crystal of a CIF.

    Raises
    ------
    UnreadableStructureError
        The text is no CIF, holds none or several crystals, or one that cannot be read for certain.
    """
    blocks = read_blocks(text)
    if len(blocks) > 1:
        names = ", ".join(f"data_{block.name}" for block in blocks[:3])
        raise UnreadableStructureError(
            f"holds {len(blocks)} crystals ({names}{', …' if len(blocks) > 3 else ''}), not one",
            "Give each a record of its own.",
        )
    (block,) = blocks
    if isinstance(block.found, UnreadableStructureError):
        raise block.found
    return block.found


def _read(block: Block) -> Cell:
    if block.problem:
        raise UnreadableStructureError(block.problem, "Keep the right one.")
    if (block.number("_cell_modulation_dimension") or 0) > 0:
        raise UnreadableStructureError(
            "is a modulated crystal: its atoms are not where they are listed",
            "Give a commensurate approximation.",
        )
    parameters = [_parameter(block, tag) for tag in (*_LENGTHS, *_ANGLES)]
    volume = _volume(parameters)
    if volume <= 0:
        raise UnreadableStructureError("its lengths and angles span no cell", "Correct them.")
    bare = Cell.from_parameters(parameters, (), [])
    formula = read_formula(block)
    sites = read_sites(block, frozenset(formula or ()))
    candidates = read_symmetry(block, bare.matrix)
    if len(candidates) == 1:
        return _build(block, bare, volume, sites, candidates[0], formula)
    return _choose(block, bare, volume, sites, candidates, formula)


def _parameter(block: Block, tag: str) -> float:
    number = block.number(tag)
    if number is None:
        raise UnreadableStructureError(f"has no {tag}", "Give all three lengths and angles of the cell.")
    if not 0 < number < (180 if "angle" in tag else math.inf):
        raise UnreadableStructureError(f"has a {tag} of {number:g}", "Correct it.")
    return number


def _volume(parameters: list[float]) -> float:
    a, b, c, *angles = parameters
    x, y, z = (math.cos(math.radians(angle)) for angle in angles)
    square = 1 - x * x - y * y - z * z + 2 * x * y * z
    return a * b * c * math.sqrt(square) if square > 1e-9 else 0.0


def _build(
    block: Block,
    bare: Cell,
    volume: float,
    sites: Sites,
    symmetry: Symmetry,
    formula: dict[str, float] | None,
) -> Cell:
    """Return the crystal of one setting, if all that the block claims holds for it."""
    owners, positions, again = expand(sites, symmetry, bare.matrix)
    symbols = [sites.symbols[owner] for owner in owners]
    problem = find_contradiction(block, formula, symbols, volume)
    if not problem and formula is None:
        problem = _doubt(sites, owners, again)
    if problem:
        raise UnreadableStructureError(problem, "List every atom, hydrogen too, or correct the claim.")
    cell = Cell(bare.matrix, tuple(map(without_isotope, symbols)), positions)
    if len(symmetry.rotations) > 1 and relative_distance(cell) < _OVERLAP:
        raise UnreadableStructureError(
            f"the operators of {symmetry.name} put atoms into each other",
            "Correct the setting or the positions.",
        )
    return cell


def _doubt(sites: Sites, owners: list[int], again: bool) -> str:
    """Return what only a formula could settle."""
    if sites.doubts or again:
        return f"{sites.doubts or 'two rows give the same atoms'}, and no formula says what is right"
    if sites.charges is not None:
        charge = sum(sites.charges[owner] for owner in owners)
        if abs(charge) > _CHARGE_TOLERANCE * len(owners):
            return f"its ions do not balance: together they have the charge {charge:+g}"
    return ""


def _choose(
    block: Block,
    bare: Cell,
    volume: float,
    sites: Sites,
    candidates: list[Symmetry],
    formula: dict[str, float] | None,
) -> Cell:
    """Return the crystal of the only setting for which everything holds."""
    crystals: dict[str, tuple[Cell, str]] = {}
    problems = []
    for symmetry in candidates:
        try:
            cell = _build(block, bare, volume, sites, symmetry, formula)
        except UnreadableStructureError as error:
            problems.append(error)
            continue
        crystals.setdefault(hash_structure(cell), (cell, symmetry.name))
    if not crystals:
        raise problems[0]
    found = [cell for cell, _ in crystals.values()]
    if len(found) > 1:
        distances = {id(cell): relative_distance(cell) for cell in found}
        found = [cell for cell in found if distances[id(cell)] >= _NEAR]
        if len(found) != 1 or distances[id(found[0])] < _APART:
            names = ", ".join(name for _, name in crystals.values())
            raise UnreadableStructureError(
                f"its space group leaves the setting open: {names} would be different crystals",
                "Name the setting, or list the operators.",
            )
    return found[0]
