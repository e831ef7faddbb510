"""Operators as a file lists them, such as ``-x+1/2,y,z``, and whether they are a group."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cif.settings import Operator, OperatorKey

_TERM = re.compile(r"([+-]?)(?:([xyz])|(\d*\.?\d+|\d+\.)(?:/(\d+))?)", re.ASCII)
# Of an edge, in 24ths: translations that are no simple fractions are written in three digits and more.
_SAME_TRANSLATION: Final = 0.05


@dataclass(frozen=True)
class _FreeOperator:
    """An operator whose origin is nowhere in particular: gemmi's have translations in 24ths only."""

    rot: list[list[int]]
    tran: Sequence[float]

    def __hash__(self) -> int:
        return hash((str(self.rot), tuple(self.tran)))


@cache
def parse_operators(texts: tuple[str, ...]) -> tuple[Operator, ...]:
    """Return the operators of a list, each once, the identity among them.

    Raises
    ------
    UnreadableStructureError
        One of them is none, or the identity is not there.
    """
    operators: dict[tuple[tuple[int, ...], tuple[float, ...]], Operator] = {}
    for text in texts:
        operator = _parse(text)
        if abs(round(np.linalg.det(np.array(operator.rot) / 24))) != 1:
            raise UnreadableStructureError(
                f"lists the operator {text!r}, which is no symmetry", "Correct it."
            )
        rotation = tuple(x for row in operator.rot for x in row)
        operators.setdefault((rotation, tuple(x % 24 for x in operator.tran)), operator)
    if ((24, 0, 0, 0, 24, 0, 0, 0, 24), (0, 0, 0)) not in operators:
        raise UnreadableStructureError("lists operators without x,y,z", "List all of them.")
    return tuple(operators.values())


def _parse(text: str) -> Operator:
    import gemmi

    try:
        operator: Operator = gemmi.Op(text).wrap()
        return operator
    except (RuntimeError, UnicodeDecodeError):  # gemmi cuts letters of several bytes in its messages
        pass
    parts = text.lower().replace(" ", "").split(",")
    rotation = [[0, 0, 0] for _ in parts]
    translation = [0.0 for _ in parts]
    for row, part in enumerate(parts):
        if not part or _TERM.sub("", part) or len(parts) != 3:
            raise UnreadableStructureError(f"lists the operator {text!r}, which is none", "Correct it.")
        for sign, axis, number, divisor in _TERM.findall(part):
            factor = -24 if sign == "-" else 24
            if axis:
                rotation[row]["xyz".index(axis)] += factor
            else:
                translation[row] += factor * float(number) / (int(divisor or 1) or 1)
    return _FreeOperator(rotation, tuple(x % 24 for x in translation))


def require_group(key: frozenset[OperatorKey]) -> None:
    """Refuse operators of which two, one after the other, are none of them.

    Raises
    ------
    UnreadableStructureError
        They are no group.
    """
    by_rotation: dict[tuple[int, ...], list[tuple[float, ...]]] = defaultdict(list)
    for rotation, translation in key:
        by_rotation[rotation].append(translation)
    moves = {name: np.array(translations, dtype=float) for name, translations in by_rotation.items()}
    if len({len(translations) for translations in moves.values()}) > 1 or not all(
        _is_held(first, second, moves) for first in moves for second in moves
    ):
        raise UnreadableStructureError(
            f"lists {len(key)} operators that are no group: some are missing",
            "List all of them, centring included.",
        )


def _is_held(
    first: tuple[int, ...], second: tuple[int, ...], moves: Mapping[tuple[int, ...], np.ndarray]
) -> bool:
    """Return whether the second rotation with each of its translations, then the first, are operators too."""
    rotation = np.array(first).reshape(3, 3) // 24
    product = tuple((rotation @ np.array(second).reshape(3, 3)).ravel().tolist())
    if product not in moves:
        return False
    found = (moves[second] @ rotation.T)[:, None] + moves[first][None]
    apart = found.reshape(-1, 1, 3) - moves[product][None]
    apart -= 24 * np.rint(apart / 24)
    return bool((np.abs(apart).max(axis=2).min(axis=1) < _SAME_TRANSLATION).all())
