"""Which operators a data block means: those it lists, or those of the setting it names.

What it names is compared with what it lists. Where a symbol leaves open which of several settings is meant, all that
suit the cell are returned: which one it is, the crystal has to tell.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cif.operators import parse_operators, require_group
from catalyst_assets.ingestion.reading.cif.settings import (
    Operator,
    OperatorKey,
    Setting,
    find_settings,
    is_standard_symbol,
    key_of,
    operators_of_hall,
    settings_of,
)
from catalyst_assets.ingestion.reading.cif.values import Block, parse_number

_SYMBOL: Final = (
    "_space_group_name_h-m_alt", "_symmetry_space_group_name_h-m", "_space_group_name_h-m_full",
    "_space_group_name_h-m_ref", "_space_group_name_h-m", "_symmetry_space_group_name_h_m",
    "_symmetry_space_group_name_h-m_", "_space_group_name_h-m_",
)  # fmt: skip
_HALL: Final = (
    "_space_group_name_hall", "_symmetry_space_group_name_hall", "_symmetry_space_group_name_hall_",
)  # fmt: skip
_NUMBER: Final = ("_space_group_it_number", "_symmetry_int_tables_number")
_LISTED: Final = (
    "_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz", "_symmetry_equiv_pos_as_xyz_",
    "_space_group_symop_operation_xyz_",
)  # fmt: skip
# Symbols of the group that has the identity only, as most files that list every atom write them.
_PLAIN: Final = frozenset({"P 1", "P1", "p 1", "p1", "P_1"})
# Edges and angles in few digits: half a hundredth of an edge, half a degree.
_METRIC_TOLERANCE: Final = 0.01


@dataclass(frozen=True)
class Symmetry:
    """Operators on fractional coordinates.

    Attributes
    ----------
    name
        The setting, for messages.
    rotations
        Shape: (n_operators, 3, 3)
    translations
        In edges. Shape: (n_operators, 3)
    """

    name: str
    rotations: np.ndarray
    translations: np.ndarray


@dataclass(frozen=True)
class _Claim:
    """What a block names: groups by number, and their settings where it tells them.

    Attributes
    ----------
    settings
        By what is the same for the same operators.
    binds
        The operators must be of one of these settings, not only of this group.
    """

    text: str
    numbers: frozenset[int]
    settings: dict[frozenset[OperatorKey], Setting]
    binds: bool


def read_symmetry(block: Block, matrix: np.ndarray) -> list[Symmetry]:
    """Return the operators of a block, once for each setting that it may mean.

    Parameters
    ----------
    matrix
        Lattice vectors as rows, in Å. Shape: (3, 3)

    Raises
    ------
    UnreadableStructureError
        It gives no symmetry, lists or names none that exists, contradicts itself, or its cell has another symmetry.
    """
    listed = _listed(block)
    symbols, halls = block.texts(*_SYMBOL), block.texts(*_HALL)
    numbers = [number for number in block.texts(*_NUMBER) if number != "0"]
    is_plain = _PLAIN.issuperset([*symbols, *halls]) and {"1"}.issuperset(numbers)
    if is_plain and (listed is None or len(listed) == 1) and (symbols or halls or numbers or listed):
        return [_identity()]
    claims, unknown = _claims(symbols, halls, numbers)
    named = ", ".join(claim.text for claim in claims)
    possible = frozenset.intersection(*(claim.numbers for claim in claims)) if claims else frozenset()
    if claims and not possible:
        raise UnreadableStructureError(f"names space groups that are not the same: {named}", "Correct one.")
    if listed is None:
        settings = _named_settings(claims, possible, named, unknown)
        return _suiting([(setting.name, setting.operators()) for setting in settings], matrix, named)
    if len(listed) == 1:
        reason = f"names space group {named or ', '.join(unknown)}, but lists the operator x,y,z only"
        raise UnreadableStructureError(reason, "List all its operators, or every atom under the name P 1.")
    found = frozenset(key_of(listed))
    bound = [claim for claim in claims if claim.binds]
    if not all(found in claim.settings for claim in bound) or (
        not bound and claims and _number_of(listed, found, matrix, claims) not in possible
    ):
        reason = f"names space group {named}, but lists the {len(listed)} operators of another or of another setting"
        raise UnreadableStructureError(reason, "Correct the name, or the operators.")
    if not any(found in claim.settings for claim in claims):
        require_group(found)
    return _suiting([(named or f"{len(listed)} operators", listed)], matrix, named)


def _named_settings(
    claims: Collection[_Claim], possible: frozenset[int], named: str, unknown: Collection[str]
) -> list[Setting]:
    if not claims:
        if unknown:
            raise UnreadableStructureError(
                f"names a space group that is not known: {', '.join(unknown)}",
                "Write a Hermann-Mauguin symbol of International Tables, or list the operators.",
            )
        raise UnreadableStructureError(
            "says nothing of symmetry: neither operators nor a space group",
            "Add the space group, or P 1 where every atom is listed.",
        )
    binding = [claim for claim in claims if claim.binds] or [claim for claim in claims if claim.settings]
    if not binding:
        return [setting for number in sorted(possible) for setting in settings_of(number)]
    shared = set.intersection(*(set(claim.settings) for claim in binding))
    if not shared:
        raise UnreadableStructureError(f"names settings that are not the same: {named}", "Correct one.")
    return [setting for key, setting in binding[0].settings.items() if key in shared]


def _claims(
    symbols: Iterable[str], halls: Iterable[str], numbers: Iterable[str]
) -> tuple[list[_Claim], list[str]]:
    """Return what a block names, and symbols that nobody knows."""
    claims, unknown = [], []
    for symbol in symbols:
        settings = find_settings(symbol)
        if not settings:
            unknown.append(symbol)
            continue
        found = {setting.key(): setting for setting in settings}
        groups = frozenset(setting.number for setting in settings)
        claims.append(_Claim(symbol, groups, found, not is_standard_symbol(symbol, settings)))
    for hall in halls:
        try:
            operators = operators_of_hall(hall.replace("_", " "))
        except (RuntimeError, UnicodeDecodeError):
            unknown.append(hall)
            continue
        key = key_of(operators)
        number = _number_in_tables(key, operators)
        claims.append(
            _Claim(hall, frozenset({number}), {key: Setting(number, hall, hall.replace("_", " "), "")}, True)
        )
    for text in numbers:
        number = int(parse_number(text, "the number of the space group"))
        if not 1 <= number <= 230:
            unknown.append(text)
            continue
        claims.append(_Claim(f"number {number}", frozenset({number}), {}, False))
    return claims, unknown


def _listed(block: Block) -> tuple[Operator, ...] | None:
    given = [column for column in (block.column(tag) for tag in _LISTED) if column is not None]
    if not given:
        return None
    lists = [parse_operators(tuple(text for text in column if text is not None)) for column in given]
    if any(key_of(other) != key_of(lists[0]) for other in lists[1:]):
        raise UnreadableStructureError(
            "lists operators twice, and differently", "Keep the ones that are right."
        )
    return lists[0]


@cache
def _identity() -> Symmetry:
    return Symmetry("P 1", np.eye(3)[None], np.zeros((1, 3)))


def _suiting(
    candidates: list[tuple[str, tuple[Operator, ...]]], matrix: np.ndarray, named: str
) -> list[Symmetry]:
    """Return the candidates whose rotations keep the lengths and angles of the cell.

    Where the unique axis of a monoclinic group is left open, it is b if that suits: so are the symbols meant.
    """
    suiting = [
        Symmetry(name, *_arrays(operators))
        for name, operators in candidates
        if _keeps(matrix, _arrays(operators)[0])
    ]
    if not suiting:
        raise UnreadableStructureError(
            f"its cell has not the symmetry of its space group {named}".rstrip(),
            "Correct the cell's lengths and angles, or the setting.",
        )
    along_b = [each for each in suiting if _is_along_b(each.rotations)]
    return along_b or suiting


@cache
def _arrays(operators: tuple[Operator, ...]) -> tuple[np.ndarray, np.ndarray]:
    rotations = np.array([operator.rot for operator in operators], dtype=float)
    translations = np.array([operator.tran for operator in operators], dtype=float)
    return rotations / 24, translations / 24


def _keeps(matrix: np.ndarray, rotations: np.ndarray) -> bool:
    metric = matrix @ matrix.T
    lengths = np.sqrt(np.diag(metric))
    turned = np.einsum("nji,jk,nkl->nil", rotations, metric, rotations)
    return bool((np.abs(turned - metric) <= _METRIC_TOLERANCE * np.outer(lengths, lengths)).all())


def _is_along_b(rotations: np.ndarray) -> bool:
    """Return whether all rotations are those of a monoclinic group along b, and one is not ±1."""
    diagonal = rotations[:, [0, 1, 2], [0, 1, 2]]
    is_diagonal = bool((np.abs(rotations).sum(axis=(1, 2)) == 3).all() and (np.abs(diagonal) == 1).all())
    along = (diagonal[:, 0] == diagonal[:, 2]) & (diagonal[:, 0] == -diagonal[:, 1])
    plain = (diagonal[:, 0] == diagonal[:, 1]) & (diagonal[:, 0] == diagonal[:, 2])
    return is_diagonal and bool((along | plain).all()) and bool(along.any())


def _number_of(
    listed: tuple[Operator, ...],
    key: frozenset[OperatorKey],
    matrix: np.ndarray,
    claims: Collection[_Claim],
) -> int:
    for claim in claims:
        if key in claim.settings:
            return claim.settings[key].number
    require_group(key)
    return _number_in_tables(key, listed, matrix)


def _number_in_tables(
    key: frozenset[OperatorKey], operators: tuple[Operator, ...], matrix: np.ndarray | None = None
) -> int:
    """Return the number of the group of some operators, in whatever setting; 0 when spglib finds none."""
    import spglib

    rotations, translations = _arrays(operators)
    kind = spglib.get_spacegroup_type_from_symmetry(
        np.rint(rotations).astype(np.intc), translations, lattice=np.eye(3) if matrix is None else matrix
    )
    return 0 if kind is None else int(kind.number)
