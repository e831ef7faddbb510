"""POSCAR and CONTCAR into a crystal: https://www.vasp.at/wiki/POSCAR.

Elements come from the line of VASP 5, else from the end of every position's line, else from a first line that is one
symbol for each number of atoms, as ASE writes it for VASP 4. No other first line is read for elements.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final

import numpy as np

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.decoding import clean_text
from catalyst_assets.ingestion.reading.species import element_of, element_of_potential, without_isotope

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][+-]?\d+)?", re.ASCII)
_COUNT = re.compile(r"\d+", re.ASCII)
_FLAGS: Final = frozenset({"T", "F", ".TRUE.", ".FALSE.", ".T.", ".F."})
# VASP itself counts atoms, whatever it is given; so many digits are a mistake.
_MOST_ATOMS: Final = 100_000


@dataclass
class _Lines:
    """The lines of a file and how far it was read; lines are numbered from 1."""

    lines: Sequence[str]
    number: int = 0

    def next(self, what: str) -> list[str]:
        """Return the words of the next line, without a comment behind ``!`` or ``#``."""
        self.number += 1
        if self.number > len(self.lines):
            raise UnreadableStructureError(f"ends before line {self.number}, {what}", "Write the whole file.")
        return re.split(r"[!#]", self.lines[self.number - 1], maxsplit=1)[0].split()

    def numbers(self, what: str, least: int = 3) -> list[float]:
        """Return the numbers that the next line begins with, at least so many of them."""
        words = self.next(what)
        numbers = []
        for word in words:
            if not _NUMBER.fullmatch(word):
                break
            numbers.append(float(word.replace("d", "e").replace("D", "e")))
        if len(numbers) < least or not np.isfinite(numbers).all():
            raise self.refuse(f"should be {what}, not {' '.join(words)!r}")
        return numbers

    def refuse(self, reason: str, remedy: str = "Correct that line.") -> UnreadableStructureError:
        """Return the error that says what is wrong with the line that was read last."""
        return UnreadableStructureError(f"line {self.number} {reason}", remedy)


def read_poscar(text: str) -> Cell:
    """Return the crystal of a POSCAR.

    Raises
    ------
    UnreadableStructureError
        It names no elements, or is otherwise no POSCAR; the message names the line.
    """
    lines = _Lines(clean_text(text).split("\n"))
    title = lines.next("a title")
    scales = _scales(lines)
    vectors = np.array([lines.numbers("a vector of the cell, three numbers")[:3] for _ in range(3)])
    factors = _factors(lines, vectors, scales)
    matrix = vectors * factors
    words = lines.next("the elements or their numbers of atoms")
    species, species_line = None, 0
    if not words or not _COUNT.fullmatch(words[0]):
        if not words:
            raise lines.refuse("is empty where the elements should stand")
        species, species_line = _species(lines, words), lines.number
        words = lines.next("the number of atoms of each element")
    counts = _counts(lines, words)
    if species is not None and len(species) != len(counts):
        raise lines.refuse(
            f"has {len(counts)} numbers of atoms, but line {species_line} has {len(species)} elements"
        )
    is_cartesian = _mode(lines)
    positions, tails = _positions(lines, sum(counts))
    first = lines.number - len(tails) + 1
    symbols = _symbols(title, species, counts, tails, first)
    if is_cartesian:
        positions = np.linalg.solve(matrix.T, (positions * factors).T).T
    return Cell(matrix, tuple(map(without_isotope, symbols)), positions)


def _scales(lines: _Lines) -> list[float]:
    scales = lines.numbers("the scale of the cell", least=1)
    if len(scales) == 3 and min(scales) > 0:
        return scales
    if len(scales) != 1 or scales[0] == 0:
        raise lines.refuse("should be one scale other than 0, or three above 0")
    return scales


def _factors(lines: _Lines, vectors: np.ndarray, scales: list[float]) -> np.ndarray:
    """Return what x, y and z are multiplied with; a negative scale is the volume of the cell in Å³."""
    volume = abs(float(np.linalg.det(vectors)))
    if not np.isfinite(volume) or volume < 1e-12:
        raise lines.refuse("is the last vector of a cell without volume")
    if len(scales) == 3:
        return np.array(scales)
    scale = scales[0] if scales[0] > 0 else (-scales[0] / volume) ** (1 / 3)
    return np.full(3, scale)


def _species(lines: _Lines, words: list[str]) -> list[str]:
    species = []
    for word in words:
        element = element_of_potential(word)
        if element is None:
            raise lines.refuse(
                f"names {word!r}, no chemical element", "Write the elements as in the periodic table."
            )
        species.append(element)
    return species


def _counts(lines: _Lines, words: list[str]) -> list[int]:
    if not words or not all(_COUNT.fullmatch(word) for word in words):
        raise lines.refuse(f"should be the number of atoms of each element, not {' '.join(words)!r}")
    counts = list(map(int, words))
    if not 0 < sum(counts) <= _MOST_ATOMS:
        raise lines.refuse(f"counts {sum(counts)} atoms")
    return counts


def _mode(lines: _Lines) -> bool:
    """Return whether positions are in Å, not in edges of the cell."""
    words = lines.next("Direct or Cartesian")
    if words and words[0][0] in "sS":
        words = lines.next("Direct or Cartesian")
    letter = words[0][0].lower() if words else ""
    if letter not in {"c", "k", "d", "f"}:
        raise lines.refuse(f"should be Direct or Cartesian, not {' '.join(words)!r}")
    return letter in {"c", "k"}


def _positions(lines: _Lines, count: int) -> tuple[np.ndarray, list[list[str]]]:
    """Return the positions as written, and what stands behind each."""
    positions, tails = [], []
    for index in range(count):
        what = f"the position of atom {index + 1} of the {count} that are announced"
        positions.append(lines.numbers(what)[:3])
        tails.append(re.split(r"[!#]", lines.lines[lines.number - 1], maxsplit=1)[0].split()[3:])
    following = lines.lines[lines.number].split() if lines.number < len(lines.lines) else []
    if len(following) >= 3 and all(_NUMBER.fullmatch(word) for word in following[:3]):
        lines.number += 1
        raise lines.refuse(f"is a position too many: {count} atoms were announced")
    if following and "=" in " ".join(following) and following[0][0] in "dD":
        lines.number += 1
        raise lines.refuse("begins another configuration", "Give one structure a file.")
    return np.array(positions), tails


def _symbols(
    title: list[str], species: list[str] | None, counts: list[int], tails: list[list[str]], first: int
) -> list[str]:
    """Return the element of every atom; what the file says of it twice must agree."""
    named = [_named(tail) for tail in tails]
    if species is None:
        titled = list(map(element_of, title))
        if len(titled) == len(counts) and all(titled):
            species = [symbol for symbol in titled if symbol]
        elif all(named):
            symbols = [name or "" for name in named]
            start = 0
            for count in counts:
                if len(set(symbols[start : start + count])) > 1:
                    raise UnreadableStructureError(
                        f"lines {first + start} to {first + start + count - 1} are one kind of atom by their "
                        f"number, but name {', '.join(sorted(set(symbols[start : start + count])))}",
                        "Correct the numbers of atoms or the elements.",
                    )
                start += count
            return symbols
        else:
            raise UnreadableStructureError(
                "has no line of elements: line 6 gives numbers of atoms",
                "Write the elements above them, as VASP 5 does.",
            )
    symbols = list(chain.from_iterable(map(repeat, species, counts)))
    for index, (symbol, name) in enumerate(zip(symbols, named, strict=True)):
        if name and without_isotope(name) != without_isotope(symbol):
            raise UnreadableStructureError(
                f"line {first + index} names {name}, but by the number of atoms it is {symbol}",
                "Correct the numbers of atoms or the elements.",
            )
    return symbols


def _named(tail: list[str]) -> str | None:
    """Return the element that stands behind a position and its flags."""
    words = tail
    if len(words) >= 3 and all(word.upper() in _FLAGS for word in words[:3]):
        words = words[3:]
    return element_of(words[0]) if words else None
