"""The settings of the 230 space groups by their symbols, as files write them.

gemmi's and spglib's tables are of International Tables for Crystallography, volume A (2016): of one group differ axes,
cell choice, origin. A symbol without a suffix may mean several; which one a file means is not judged here.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol

# Rotation in 24ths, row by row, and translation in 24ths of an edge.
OperatorKey = tuple[tuple[int, ...], tuple[float, ...]]


class Operator(Protocol):
    """A symmetry operator as gemmi's, rotation and translation in 24ths."""

    @property
    def rot(self) -> list[list[int]]:
        """Rows of the rotation."""

    @property
    def tran(self) -> Sequence[float]:
        """Translation in 24ths of an edge."""


_ORIGIN = re.compile(r"\(?\borigin(?:choice)?(?:at)?([12])\)?$|\(?([12])(?:st|nd)origin\)?$")
_SUFFIXES: Final = {"s": "1", "z": "2", "1": "1", "2": "2", "h": "H", "r": "R", "hr": "H"}
_CUBIC: Final = range(200, 231)
_FOUR_OVER_M: Final = range(123, 143)
_MONOCLINIC: Final = range(3, 16)


@dataclass(frozen=True)
class Setting:
    """A space group in one setting.

    Attributes
    ----------
    name
        Hermann-Mauguin symbol with the suffix of its origin or axes.
    choice
        ``1`` or ``2`` for the origin, ``H`` or ``R`` for the axes, empty where there is no choice.
    """

    number: int
    name: str
    hall: str
    choice: str

    def operators(self) -> tuple[Operator, ...]:
        """Return all operators, centring included."""
        return operators_of_hall(self.hall)

    def key(self) -> frozenset[OperatorKey]:
        """Return what is the same for the same operators."""
        return key_of(self.operators())


@cache
def operators_of_hall(hall: str) -> tuple[Operator, ...]:
    """Return the operators of a Hall symbol.

    Raises
    ------
    RuntimeError
        It is none.
    """
    import gemmi

    return tuple(gemmi.symops_from_hall(hall))


@cache
def key_of(operators: tuple[Operator, ...]) -> frozenset[OperatorKey]:
    """Return what is the same for the same operators, in whatever order."""
    return frozenset(
        (tuple(x for row in operator.rot for x in row), tuple(x % 24 for x in operator.tran))
        for operator in operators
    )


@cache
def settings_of(number: int) -> tuple[Setting, ...]:
    """Return the settings of a group that International Tables list, in their order."""
    return tuple(setting for setting, listed in _table() if setting.number == number and listed)


def find_settings(symbol: str) -> tuple[Setting, ...]:
    """Return the settings that a Hermann-Mauguin symbol may mean, short or full; none when it is unknown."""
    key = _squeeze(symbol)
    origin = _ORIGIN.search(key)
    if origin:
        return _chosen(key[: origin.start()].rstrip(":;,"), origin[1] or origin[2])
    stem, colon, suffix = key.rpartition(":")
    if colon:
        return _chosen(stem, _SUFFIXES.get(suffix, suffix))
    if key in _index():
        return _index()[key]
    for length in (2, 1):
        if key[-length:] in {"s", "z", "h", "r", "hr"}:
            found = _chosen(key[:-length], _SUFFIXES[key[-length:]])
            if found:
                return found
    return ()


def is_standard_symbol(symbol: str, settings: Iterable[Setting]) -> bool:
    """Return whether a symbol is the group's own, which files also write over another setting of it."""
    numbers = {setting.number for setting in settings}
    return any(_squeeze(symbol) in _standard_keys(number) for number in numbers)


def _chosen(stem: str, choice: str) -> tuple[Setting, ...]:
    return tuple(setting for setting in _index().get(stem, ()) if setting.choice == choice)


def _squeeze(symbol: str) -> str:
    """Return a symbol without what only the typesetting adds: ``P 2(1)/c``, ``P4~2~/m n m``, ``P 2_1/c``."""
    text = symbol.lower().replace("\u2212", "-").replace("\u2013", "-")
    return re.sub(r"[\s_~'\"]|\((?=[1-5]\))|(?<=\([1-5])\)", "", text)


@cache
def _standard_keys(number: int) -> frozenset[str]:
    names = {_squeeze(next(kind.international_short for kind in _kinds() if kind.number == number))}
    if number not in _MONOCLINIC:
        names.add(_squeeze(settings_of(number)[0].name.partition(":")[0]))
    return frozenset(alias for name in names for alias in _aliases(name, number))


@cache
def _table() -> tuple[tuple[Setting, bool], ...]:
    """Return every setting, and whether International Tables list it."""
    import gemmi

    listed = {key_of(operators_of_hall(kind.hall_symbol)) for kind in _kinds()}
    settings = [
        Setting(group.number, group.xhm(), group.hall, group.ext.strip("\0"))
        for group in gemmi.spacegroup_table()
    ]
    return tuple((setting, setting.key() in listed) for setting in settings)


@cache
def _kinds() -> tuple[Any, ...]:
    import spglib

    return tuple(map(spglib.get_spacegroup_type, range(1, 531)))


@cache
def _index() -> dict[str, tuple[Setting, ...]]:
    import gemmi

    full = {key_of(operators_of_hall(kind.hall_symbol)): kind for kind in _kinds()}
    found: dict[str, dict[Setting, None]] = defaultdict(dict)
    for group, (setting, _) in zip(gemmi.spacegroup_table(), _table(), strict=True):
        names = {group.hm, group.short_name()}
        if setting.number in _MONOCLINIC:
            centring, *parts = group.hm.split()
            names.add(centring + "".join(part for part in parts if part != "1"))
        kind = full.get(setting.key())
        if kind is not None:
            # spglib's table lacks the last axis of P 4/n 21/m 2/m and its like.
            names.update({kind.international_full, _with_axes(kind.international_full, setting.number)})
            names.update(_new_symbol(kind.international))
        for name in names:
            for alias in _aliases(_squeeze(name), setting.number):
                found[alias][setting] = None
    return {name: tuple(settings) for name, settings in found.items()}


def _with_axes(full: str, number: int) -> str:
    first, *parts = full.split()
    if number not in _FOUR_OVER_M:
        return full
    return " ".join([first, parts[0], *(part if "/" in part else f"2/{part}" for part in parts[1:])])


def _new_symbol(international: str) -> list[str]:
    """Return symbols with the glide e, such as C m c e, of spglib's ``C m c a = C m c e``."""
    return [] if "/" in international and "=" in international else international.split("=")


def _aliases(name: str, number: int) -> set[str]:
    """Return a symbol as it is, and as it was before the bar of cubic groups: ``F m 3 m``."""
    return {name, name.replace("-3", "3")} if number in _CUBIC else {name}
