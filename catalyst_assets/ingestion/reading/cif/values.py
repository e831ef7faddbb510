"""One data block as plain columns: tags of either dictionary, and what is given under them.

``.`` and ``?`` mean *not given* everywhere: Hall, Allen and Brown, Acta Cryst. A 47, 655 (1991).
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.decoding import clean_text

# Of other tags it does not matter if they are there twice.
_READ: Final = ("_atom_site_", "_cell_", "_chemical_formula", "_exptl_crystal", "_space_group", "_symmetry_")
_PLAIN_NUMBERS: Final = frozenset("0123456789.-")
# What begins a value that is not what it looks like: quoted, or not given.
_SPECIAL: Final = frozenset(".?'\";")
_LONG_STRING = re.compile(r"(?<=\s)('''|\"\"\")(.*?)\1(?=\s)", re.DOTALL)
_PLACE = re.compile(r"^string:(\d+)(?::\d+\(\d+\))?(?: in [^:]*)?: *")


class Block:
    """The values of a data block by tag.

    Tags are written as in version 2 of the dictionary: in small letters, and with ``_`` for the ``.`` of later ones.

    Attributes
    ----------
    problem
        Which tag is given twice, and differently; empty when none is.
    """

    def __init__(self, name: str, items: Any) -> None:
        """Keep what is read of a block of gemmi's."""
        self.name = name
        self.problem = ""
        self._columns: dict[str, list[str]] = {}
        for item in items:
            pair = item.pair
            if pair is not None:
                key = _key(pair[0])
                if key is not None:
                    self._add(key, [pair[1]])
                continue
            loop = item.loop
            if loop is not None:
                keys = list(map(_key, loop.tags))
                if any(keys):
                    values, width = list(loop.values), len(keys)
                    for index, key in enumerate(keys):
                        if key is not None:
                            self._add(key, values[index::width])

    def _add(self, key: str, values: list[str]) -> None:
        before = self._columns.setdefault(key, values)
        if before is not values and list(map(_given, before)) != list(map(_given, values)):
            self.problem = f"gives {key} twice, and differently"

    def column(self, *tags: str) -> list[str | None] | None:
        """Return the values of the first of some tags under which any is given."""
        for tag in tags:
            if tag in self._columns:
                raw = self._columns[tag]
                if _SPECIAL.isdisjoint("".join(raw)) and all(raw):
                    return raw  # type: ignore[return-value]
                values = [_given(value) for value in raw]
                if any(value is not None for value in values):
                    return values
        return None

    def lengths(self, *tags: str) -> set[int]:
        """Return how many values stand under each of some tags, as far as they are there."""
        return {len(self._columns[tag]) for tag in tags if tag in self._columns}

    def numbers(self, tag: str, what: str) -> list[float | None] | None:
        """Return the numbers given under a tag; ``what`` they are is for messages.

        Raises
        ------
        UnreadableStructureError
            Something else is given.
        """
        raw = self._columns.get(tag)
        if raw is None:
            return None
        if _PLAIN_NUMBERS.issuperset("".join(raw)):
            try:
                return list(map(float, raw))
            except ValueError:
                pass
        column = self.column(tag)
        if column is None:
            return None
        return [
            None if text is None else parse_number(text, f"{what} (row {row})")
            for row, text in enumerate(column, 1)
        ]

    def texts(self, *tags: str) -> list[str]:
        """Return the single values given under some tags, the same one only once."""
        found: dict[str, None] = {}
        for tag in tags:
            if tag in self._columns:
                value = _given(self._columns[tag][0])
                if value is not None:
                    found[value] = None
        return list(found)

    def text(self, *tags: str) -> str | None:
        """Return the first single value given under some tags."""
        return next(iter(self.texts(*tags)), None)

    def number(self, tag: str) -> float | None:
        """Return the number given under a tag, without its uncertainty.

        Raises
        ------
        UnreadableStructureError
            Something else is given.
        """
        raw = self._columns.get(tag)
        if not raw:
            return None
        try:
            if _PLAIN_NUMBERS.issuperset(raw[0]):
                return float(raw[0])
        except ValueError:
            pass
        given = self.text(tag)
        return None if given is None else parse_number(given, tag)


def parse_blocks(text: str) -> Iterator[Block]:
    """Yield the data blocks of a CIF.

    Raises
    ------
    UnreadableStructureError
        The text is no CIF; the message names the line.
    """
    import gemmi

    text = clean_text(text)
    if text.lstrip().startswith("#\\#CIF_2"):
        text = _LONG_STRING.sub(r"\n;\2\n;\n", text)
    try:
        # A tag without value elsewhere spoils nothing that is read here.
        document = gemmi.cif.read_string(text, check_level=0)
    except UnicodeDecodeError:
        raise UnreadableStructureError("is no crystal and no CIF", "Write it again.") from None
    except (RuntimeError, ValueError) as error:
        reason = _PLACE.sub(r"line \1: ", str(error))
        raise UnreadableStructureError(f"is no crystal and no CIF: {reason}", "Write it again.") from None
    for block in document:
        yield Block(block.name.strip(), block)


def parse_number(text: str, name: str) -> float:
    """Return a number without the uncertainty in brackets behind it.

    Raises
    ------
    UnreadableStructureError
        The text is something else; the message calls it ``name``.
    """
    import gemmi

    number: float = gemmi.cif.as_number(text)  # NaN for what is none
    if not math.isfinite(number):
        raise UnreadableStructureError(f"{name} is {text!r}, which is no number", "Correct it.")
    return number


@lru_cache(maxsize=4096)
def _key(tag: str) -> str | None:
    key = tag.lower().replace(".", "_")
    return key if key.startswith(_READ) else None


def _given(raw: str) -> str | None:
    if raw in {".", "?", ""}:
        return None
    if raw[0] in "'\";":
        import gemmi

        raw = gemmi.cif.as_string(raw)
        if len(raw) >= 4 and raw[:2] == raw[-2:] and raw[:2] in {"''", '""'}:
            raw = raw[2:-2]  # a triple quote of CIF 2
    return raw.strip() or None
