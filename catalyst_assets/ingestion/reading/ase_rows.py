"""ASE databases (SQLite `.db`, or `.json`) as numbered rows of cells, without ASE's own reader.

That one upgrades old files in place and makes objects of what a file names; here a copy is opened read-only and
nothing but numbers and text is taken from it. Its formats are those of `ase.db` (ASE 3.29, also written by CMR).
"""

import itertools
import json
import sqlite3
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.reading.ase_atoms import Atoms, formula_of
from catalyst_assets.ingestion.reading.tables import Row

ATOMS: Final = "(atoms)"  # no key of an ASE database can have this name
_ATOM_COLUMNS: Final = ("numbers", "positions", "cell", "pbc")
# What ASE keeps of each row beside its key-value pairs, by the name ASE's users know.
_OWN_COLUMNS: Final = {
    "id": "id",
    "unique_id": "unique_id",
    "ctime": "ctime",
    "mtime": "mtime",
    "user": "username",
    "calculator": "calculator",
    "energy": "energy",
    "free_energy": "free_energy",
    "magmom": "magmom",
    "natoms": "natoms",
    "fmax": "fmax",
    "smax": "smax",
    "volume": "volume",
    "mass": "mass",
    "charge": "charge",
}
_LARGEST_CELL_BYTES: Final = 64 * 1024**2


def read_database(name: str, data: bytes, columns: Collection[str]) -> Iterator[Row]:
    """Return the rows of a database in the order of their ids, which are their numbers.

    Columns are keys of key-value pairs, ASE's own, and ``formula``; each row also has :class:`Atoms` under ``ATOMS``.

    Raises
    ------
    InvalidPoolError
        The bytes are no ASE database, or none of its rows has one of ``columns``.
    """
    rows = _sqlite_rows(name, data) if name.endswith(".db") else _json_rows(name, data)
    missing = set(columns) - {*_OWN_COLUMNS, "formula"}
    first: list[Row] = []
    while missing:
        row = next(rows, None)
        if row is None:
            break
        first.append(row)
        missing -= set(row.cells)
    if missing and first:
        raise InvalidPoolError(
            f"No row of {name} has the key {', '.join(map(repr, sorted(missing)))}.",
            "Correct the columns that the table's mapping names.",
        )
    for row in itertools.chain(first, rows):
        if row.problem:
            yield row
            continue
        formula = {"formula": formula_of(row.cells[ATOMS])} if "formula" in columns else {}
        found = {**row.cells, **formula}
        yield Row(row.number, {column: found.get(column) for column in (*columns, ATOMS)})


def _sqlite_rows(name: str, data: bytes) -> Iterator[Row]:
    # SQLite itself misses only the pages that it happens to need.
    page_bytes, pages = int.from_bytes(data[16:18]), int.from_bytes(data[28:32])
    if data[24:28] == data[92:96] and len(data) < (65536 if page_bytes == 1 else page_bytes) * pages:
        raise _no_database(name, "it was cut off")
    with tempfile.NamedTemporaryFile(suffix=".db") as copy:
        copy.write(data)
        copy.flush()
        address = f"{Path(copy.name).as_uri()}?mode=ro&immutable=1"
        try:
            with closing(sqlite3.connect(address, uri=True)) as connection:
                yield from _select(name, connection)
        except (sqlite3.Error, OverflowError, UnicodeDecodeError) as error:
            raise _no_database(name, str(error)) from None


def _select(name: str, connection: sqlite3.Connection) -> Iterator[Row]:
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_CELL_BYTES)
    # What is not UTF-8 spoils its own cell and not the file.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    # A view or virtual table of that name would have the file decide what is executed.
    found = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'systems'"
    ).fetchone()
    if found is None or not str(found[0]).upper().startswith("CREATE TABLE"):
        raise _no_database(name, "it has no table 'systems'")
    there = {str(row[1]) for row in connection.execute("PRAGMA table_info(systems)")}
    lacking = {"id", "key_value_pairs", *_ATOM_COLUMNS} - there
    if lacking:
        raise _no_database(name, f"its table has no column {', '.join(sorted(lacking))}")
    own = {column: stored for column, stored in _OWN_COLUMNS.items() if stored in there}
    selected = ", ".join([*own.values(), *_ATOM_COLUMNS, "key_value_pairs"])
    last = None
    for row in connection.execute(f"SELECT {selected} FROM systems ORDER BY id"):  # noqa: S608 (our names)
        cells = dict(zip(own, row, strict=False))
        number = cells["id"]
        if not isinstance(number, int) or (last is not None and number <= last):
            raise _no_database(name, f"{number!r} is no id of a row")
        last = number
        *atoms, pairs = row[len(own) :]
        yield _row(number, pairs, cells, Atoms(*atoms))


def _json_rows(name: str, data: bytes) -> Iterator[Row]:
    try:
        document = json.loads(data)
        ids = document["ids"]
        rows = [(number, document[str(number)]) for number in sorted(ids)]
        usable = all(type(number) is int for number in ids) and len(set(ids)) == len(ids)
    except (ValueError, TypeError, KeyError, RecursionError):
        usable, rows = False, []
    if not usable:
        raise _no_database(name, "it is not JSON with rows by their 'ids'")
    for number, row in rows:
        if not isinstance(row, dict):
            yield Row(number, problem="has no fields")
            continue
        cells = {column: row.get(column) for column in _OWN_COLUMNS} | {"id": number}
        cell = row.get("cell")
        matrix = cell.get("array") if isinstance(cell, dict) and "array" in cell else cell
        atoms = [_unpack(part) for part in (row.get("numbers"), row.get("positions"), matrix, row.get("pbc"))]
        if cells["natoms"] is None and isinstance(atoms[0], list):
            cells["natoms"] = len(atoms[0])
        yield _row(number, row.get("key_value_pairs", {}), cells, Atoms(*atoms))


def _row(number: int, pairs: object, own: Mapping[str, object], atoms: Atoms) -> Row:
    try:
        pairs = json.loads(pairs) if isinstance(pairs, str | bytes) else pairs
    except (ValueError, RecursionError):
        return Row(number, problem="has key-value pairs that are not JSON")
    if not isinstance(pairs, dict):
        return Row(number, problem="has no key-value pairs")
    return Row(number, {**pairs, **own, ATOMS: atoms})


def _unpack(part: Any) -> Any:
    """Return the numbers of ASE's JSON form of an array: shape, type, and all of them in one list."""
    packed = part.get("__ndarray__") if isinstance(part, dict) else None
    return packed[2] if isinstance(packed, list) and len(packed) == 3 else part


def _no_database(name: str, reason: str) -> InvalidPoolError:
    return InvalidPoolError(
        f"{name} cannot be read as an ASE database: {reason.rstrip('.')}.",
        "Write it again with ase.db.connect(…).write(…), or give a CSV or Parquet file.",
    )
