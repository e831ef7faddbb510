"""How a table spells numbers, and what it writes where there is none; which columns hold numbers is a mapping's business."""

import re
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from catalyst_assets.ingestion.reading.tables import parse_number, shown

# In small letters; JARVIS writes na, spreadsheets #N/A, pandas and numpy nan, SQL null.
MISSING: Final = frozenset(
    {"na", "n/a", "#n/a", "<na>", "nan", "null", "none", "-", "--", "\N{EN DASH}", "\N{EM DASH}"}
)
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Spelling:
    """How the numbers of a table are written.

    Attributes
    ----------
    decimal
        The decimal sign of numbers that are text.
    missing
        What stands for no number, beside ``MISSING`` and an empty cell: text, or a number however it is written.
    """

    decimal: str = "."
    missing: tuple[str | float, ...] = ()

    @cached_property
    def _texts(self) -> frozenset[str]:
        return MISSING | {marker.lower() for marker in self.missing if isinstance(marker, str)}

    @cached_property
    def _numbers(self) -> frozenset[float]:
        found = set()
        for marker in self.missing:
            with suppress(ValueError):  # it is a text
                found.add(parse_number(marker))
        return frozenset(number for number in found if number is not None)

    def read_number(self, cell: object) -> float | None:
        """Read a cell as a finite number; None where there is none.

        Raises
        ------
        ValueError
            The cell holds something else; the message says what.
        """
        if isinstance(cell, float) and cell != cell:
            return None
        if isinstance(cell, str):
            text = cell.strip()
            if text.lower() in self._texts:
                return None
            if self.decimal == ",":
                text = text.replace("\N{MINUS SIGN}", "-")
                if text and not _DECIMAL_COMMA.fullmatch(text):
                    raise ValueError(f"{shown(cell)} is not a number with a decimal comma")
                cell = text.replace(",", ".")
        number = parse_number(cell)
        return None if number in self._numbers else number
