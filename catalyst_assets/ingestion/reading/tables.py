"""Bytes of a CSV or Parquet file, or an ASE database, as numbered rows of cells.

A row that cannot be read is still a row, with its problem; only what is no table at all is refused. What
the columns mean is `mapping`'s business.
"""

import codecs
import csv
import io
import itertools
import json
import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from catalyst_assets.errors import InvalidPoolError, SourceError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.untrusted.process import Form, read_untrusted

if TYPE_CHECKING:
    import _csv

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMAS = re.compile(r"[+-]?\d*(,\d+)+(\.\d*)?([eE][+-]?\d+)?|[+-]?\d+(\.\d{3})+,\d*", re.ASCII)
_NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)
_SHOWN = 60
# Whole numbers beyond are not told apart in double precision.
_EXACT_WHOLE: Final = 2**53
ASE_SUFFIXES = (".db", ".json")
ATOMS: Final = "(atoms)"  # no key of an ASE database can have this name
# What ASE knows of a row beside its key-value pairs.
_ASE_COLUMNS: Final = {
    "id", "unique_id", "ctime", "mtime", "user", "calculator", "energy", "free_energy", "magmom", "natoms", "fmax",
    "smax", "volume", "mass", "charge", "formula",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One row of a table.

    Attributes
    ----------
    number
        As a spreadsheet numbers it: a CSV's header is row 1; a Parquet file's first row is row 1. Of an ASE database
        the row's id.
    cells
        Value of each column: text of a CSV, typed values of Parquet, None where there is nothing.
    problem
        Why the row could not be split into cells; ``cells`` is then empty.
    """

    number: int
    cells: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""


def read_rows(
    name: str,
    data: bytes,
    columns: Collection[str],
    long_columns: Collection[str] = (),
    delimiter: str = ",",
) -> Iterator[Row]:
    """Return the rows of a table, in order.

    Parameters
    ----------
    name
        File name for messages; ``.parquet`` and ``ASE_SUFFIXES`` tell the format, anything else is read as CSV in
        UTF-8, or in UTF-16 where it begins with that byte-order mark. A CSV's row of empty cells is a blank line.
    columns
        Columns that the table must have.
    long_columns
        Those of them whose cells may hold line breaks; elsewhere one means a quote that was not closed.

    Raises
    ------
    InvalidPoolError
        The bytes are no table, hold no rows, lack a column or have it twice.
    """
    if name.endswith(".parquet"):
        rows = _parquet_rows(name, data, columns)
    elif name.endswith(ASE_SUFFIXES):
        rows = _ase_rows(name, data, columns)
    else:
        rows = _csv_rows(name, data, columns, set(columns) - set(long_columns), delimiter)
    first = next(rows, None)
    if first is None:
        raise InvalidPoolError(f"{name} holds no rows.", "Give a table with at least one row.")
    return itertools.chain((first,), rows)


def csv_columns(data: bytes, delimiter: str = ",") -> list[str]:
    """Return the names in a CSV's header, without surrounding blanks; none where there is no header."""
    return _header(_reader(_lines(data), 0, delimiter))


def parse_number(cell: object) -> float | None:
    """Read a cell as a finite number; None when it is empty.

    Raises
    ------
    ValueError
        The cell holds something else; the message says what.
    """
    if isinstance(cell, str):
        # Nearly every cell: what follows tells apart the others.
        if _NUMBER.fullmatch(cell) and math.isfinite(plain := float(cell)):
            return plain
        text = cell.strip().replace("\N{MINUS SIGN}", "-")
        if not text:
            return None
        if _COMMAS.fullmatch(text):
            raise ValueError(
                f"{shown(cell)} is not a number: write it with a decimal point and without thousands separators "
                '(of decimal commas a mapping file says `decimal: ","`)'
            )
        if _NOT_FINITE.fullmatch(text):
            raise ValueError(f"{shown(cell)} is not finite")
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{shown(cell)} is not a number")
        cell = float(text)
    if cell is None:
        return None
    _require_single(cell)
    if isinstance(cell, bool) or not isinstance(cell, int | float | Decimal):
        raise ValueError(f"{shown(cell)} is not a number")
    try:
        number = float(cell)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{shown(cell)} is not finite")
    return number


def parse_text(cell: object) -> str | None:
    """Read a cell as text without surrounding blanks; None when it is empty.

    Raises
    ------
    ValueError
        The cell holds neither text nor a whole number.
    """
    if isinstance(cell, float | Decimal):
        cell = _whole(cell)
    if cell is None:
        return None
    if isinstance(cell, bytes):
        cell = cell.decode("utf-8", errors="replace")
    _require_single(cell)
    if isinstance(cell, bool) or not isinstance(cell, str | int):
        raise ValueError(f"{shown(cell)} is not text")
    return str(cell).strip() or None


def _require_single(cell: object) -> None:
    if isinstance(cell, list | dict):
        raise ValueError(f"{shown(cell)} is no single value: write its parts as columns of their own")


def _whole(cell: float | Decimal) -> int | None:
    # Where a column of whole numbers lacks some, pandas makes all of them floating point.
    if math.isnan(cell):
        return None
    if abs(float(cell)) >= _EXACT_WHOLE or cell != int(cell):
        raise ValueError(f"{shown(cell)} is neither text nor a whole number")
    return int(cell)


def shown(cell: object) -> str:
    """Return a cell as messages may show it: short, and without control characters."""
    text = repr(cell)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _csv_rows(
    name: str, data: bytes, columns: Collection[str], short_columns: Collection[str], delimiter: str
) -> Iterator[Row]:
    lines = _lines(data)
    reader = _reader(lines, 0, delimiter)
    names = _header(reader)
    if not any(names):
        raise InvalidPoolError(f"{name} has no header.", "Give a table with a header and rows.")
    _require_columns(name, names, columns, "" if delimiter in lines[0] else lines[0])
    short = [index for index, column in enumerate(names) if column in short_columns]
    position = reader.line_num
    for number in itertools.count(2):
        start, before = position, reader.line_num
        try:
            cells = next(reader, None)
            problem = _shape_problem(cells, names, short) if cells else ""
        except csv.Error as error:
            cells, problem = [], f"is not CSV: {error}"
        if cells is None:
            return
        position = start + reader.line_num - before
        if problem:
            # A row that does not fit costs one line: an unclosed quote took the good rows after it along.
            position = start + 1
            reader = _reader(lines, position, delimiter)
            yield Row(number, problem=problem)
        elif any(map(str.strip, cells)):
            yield Row(number, dict(zip(names, cells, strict=True)))


def _lines(data: bytes) -> list[str]:
    # What is not UTF-8 becomes U+FFFD, so that it spoils its own cell and not the file.
    is_utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", errors="replace")
    return list(io.StringIO(text, newline=""))


def _header(reader: "_csv.Reader") -> list[str]:
    try:
        return [cell.strip() for cell in next(reader, [])]
    except csv.Error:
        return []


def _reader(lines: list[str], start: int, delimiter: str) -> "_csv.Reader":
    remaining: Any = iter(lines)
    remaining.__setstate__(start)  # a slice would copy all lines for every bad row
    return csv.reader(remaining, delimiter=delimiter, skipinitialspace=True)


def _shape_problem(cells: list[str], names: list[str], short: list[int]) -> str:
    if len(cells) != len(names):
        counts = f"has {len(cells)} cells where the header has {len(names)}"
        if len(cells) < len(names):
            return f"{counts}: {_written(names[len(cells) :])} would be missing"
        return f"{counts}: no column is named for {shown(cells[len(names)])} after {_written(names[-1:])}"
    broken = next((index for index in short if "\n" in cells[index] or "\r" in cells[index]), None)
    return "" if broken is None else f"has a line break in {_written([names[broken]])}: a quote is not closed"


def _written(names: Collection[str]) -> str:
    return ", ".join(name if name.isprintable() else shown(name) for name in names)


def _parquet_rows(name: str, data: bytes, columns: Collection[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(io.BytesIO(data))
        given = file.schema_arrow.names
        _require_columns(name, [column.strip() for column in given], columns)
        as_given = {column.strip(): column for column in given}
        numbers = itertools.count(1)
        for batch in file.iter_batches(columns=[as_given[column] for column in columns]):
            for cells in batch.rename_columns(list(map(str.strip, batch.schema.names))).to_pylist():
                yield Row(next(numbers), cells)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InvalidPoolError(
            f"{name} cannot be read as Parquet: {reason}.", "Write the file again."
        ) from None


def _ase_rows(name: str, data: bytes, columns: Collection[str]) -> Iterator[Row]:
    """Yield rows that ASE reads in a process of its own; each also has its ``ATOMS``: a cell, or why there is none."""
    form: Form = "ase-db" if name.endswith(".db") else "ase-json"
    missing, held = set(columns) - _ASE_COLUMNS, list[Row]()
    try:
        for row in map(_ase_row, read_untrusted(name, io.BytesIO(data), form, columns=columns)):
            missing -= {column for column, cell in row.cells.items() if cell is not None}
            held.append(row)
            if not missing:
                yield from held
                held = []
    except SourceError as error:
        raise InvalidPoolError(
            f"{name} cannot be read as an ASE database: {error.message}",
            "Write it again with ase.db.connect(…).write(…), or give a CSV or Parquet file.",
        ) from None
    if held:
        raise InvalidPoolError(
            f"No row of {name} has the key {', '.join(map(repr, sorted(missing)))}.",
            "Correct the columns that the table's mapping names.",
        )


def _ase_row(entry: Mapping[str, Any]) -> Row:
    if "problem" in entry:
        return Row(entry["id"], problem=entry["problem"])
    atoms = entry["atoms"]
    if isinstance(atoms, dict):
        positions = np.array(atoms["positions"], dtype=float)
        atoms = Cell(np.array(atoms["matrix"], dtype=float), tuple(atoms["symbols"]), positions)
    return Row(entry["id"], {**entry["cells"], ATOMS: atoms})


def _require_columns(name: str, found: Collection[str], wanted: Collection[str], undivided: str = "") -> None:
    missing = [column for column in wanted if column not in found]
    if missing:
        other = next((sign for sign in ";\t|" if sign in undivided), None)
        raise InvalidPoolError(
            f"{name} has no column {', '.join(map(repr, missing))}; it has {shown(', '.join(found))}.",
            "Correct the table's header or the columns its mapping names."
            if other is None
            else f"Its header is divided by {other!r}: say `delimiter: {json.dumps(other)}` in the mapping file.",
        )
    twice = [column for column, count in Counter(found).items() if count > 1 and column in wanted]
    if twice:
        raise InvalidPoolError(
            f"{name} has the column {', '.join(map(repr, twice))} more than once.", "Rename one of them."
        )
