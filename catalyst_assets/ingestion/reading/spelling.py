"""How a table spells numbers, and what it writes where there is none; which columns hold numbers is a mapping's business."""

import re
from collections.abc import Collection
from dataclasses import dataclass
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
    missing: Collection[str | float] = ()

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
            if text.lower() in MISSING or text in self.missing:
                return None
            if self.decimal == ",":
                text = text.replace("\N{MINUS SIGN}", "-")
                if text and not _DECIMAL_COMMA.fullmatch(text):
                    raise ValueError(f"{shown(cell)} is not a number with a decimal comma")
                cell = text.replace(",", ".")
        number = parse_number(cell)
        return None if number is not None and number in self.missing else number
