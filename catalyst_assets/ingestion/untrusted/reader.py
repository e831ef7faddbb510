"""A program that reads files which can harm whoever reads them, and prints what they hold as lines of JSON.

Started by `untrusted` as a process of its own, isolated from the environment, with bounded memory and time, and
unable to write files. LMDB is memory-mapped: a damaged file kills its reader. Pickles are `pickles`' business.
"""

import json
import resource
import sqlite3
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from catalyst_assets.ingestion.untrusted.pickles import RefusedError, load_dictionary, load_graph, plain

# Exit status after a last line that says why the file is refused.
REFUSED: Final = 3
MOST_MEMORY_BYTES: Final = 6 * 1024**3
MOST_SECONDS: Final = 1800
MOST_ROW_BYTES: Final = 64 * 1024**2
_BOOKKEEPING: Final = frozenset({b"nextid", b"deleted_ids", b"metadata", b"length"})
# What a row of an ASE database says of itself beyond its atoms stands in one of these.
_ASE_FIELDS: Final = ("energy", "numbers", "tags", "key_value_pairs", "data")
_ASE_SCALARS: Final = ("sid", "system_id", "fid", "frame", "reference_energy", "ref_energy")
_MOST_ATOMS: Final = 2000
_DATA_FIELDS: Final = ("sid", "y_relaxed", "tags", "atomic_numbers")


def read_pickled_mapping(path: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Yield the entries of a pickled dictionary."""
    with Path(path).open("rb") as file:
        held = load_dictionary(file)
    for key, entry in held.items():
        yield partial(_read_pair, key, entry)


def read_pickled_lmdb(path: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Yield the entries of an LMDB of pickled graphs."""
    for key, value in _entries(path):
        yield partial(_read_graph, key, value)


def read_ase_lmdb(path: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Yield the rows of an ASE database in LMDB: compressed JSON."""
    for key, value in _entries(path):
        yield partial(_read_row, key, value)


def read_ase_database(path: str, *columns: str, kind: str) -> Iterator[Callable[[], dict[str, Any]]]:
    """Yield the rows of a database that ASE reads, in order of their ids where it is SQLite.

    Of each: ``id``, the ``cells`` of some columns (keys, and what ASE knows of a row), and the ``atoms``.
    """
    import ase.db

    opened: Any = ase.db.connect(path, type=kind, use_lock_file=False)
    with opened as database:
        # ASE reads one row of JSON by reading all of them.
        held = {} if kind == "db" else {row.id: row for row in database.select()}
        ids = _list_ids(path, database.connection) if kind == "db" else list(held)
        if database.count() != len(set(ids)) or not all(isinstance(number, int) for number in ids):
            raise RefusedError("the ids of its rows are no numbers, or come twice")
        for number in ids:
            read = partial(database.get, id=number) if kind == "db" else partial(held.get, number)
            yield partial(_read_database_row, number, read, columns)


def _list_ids(path: str, connection: sqlite3.Connection) -> list[Any]:
    """Return the ids of a SQLite database, after a look at what ASE does not look at."""
    with Path(path).open("rb") as file:
        header, size = file.read(100), file.seek(0, 2)
    page_bytes, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    # SQLite itself misses only the pages that it happens to need.
    if header[24:28] == header[92:96] and size < (65536 if page_bytes == 1 else page_bytes) * pages:
        raise RefusedError("it was cut off")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_ROW_BYTES)
    # What is not UTF-8 spoils its own cell and not the file.
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    connection.execute("PRAGMA trusted_schema = OFF")
    # ASE would make the table where there is none; a view would have the file decide what is executed.
    tables = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'systems'"
    found = connection.execute(tables).fetchone()
    if found is None or not str(found[0]).upper().startswith("CREATE TABLE"):
        raise RefusedError("it has no table 'systems'")
    return [number for (number,) in connection.execute("SELECT id FROM systems ORDER BY id")]


def _read_database_row(number: int, read: Callable[[], Any], columns: Sequence[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": number}
    try:
        row = read()
        entry["cells"] = {column: plain(row.get(column)) for column in columns}
    except Exception as error:
        return entry | {"problem": f"cannot be read by ASE: {_describe(error)}"}
    try:
        return entry | {"atoms": _crystal(row)}
    except RefusedError as error:
        return entry | {"atoms": str(error)}


def _crystal(row: Any) -> dict[str, Any]:
    """Return lattice vectors in Å, symbols and fractional coordinates of a row's atoms."""
    import numpy as np
    from ase.data import chemical_symbols

    numbers = np.asarray(row.numbers)
    if not np.all(row.pbc):
        raise RefusedError("are not periodic in all three directions")
    if not 0 < numbers.size <= _MOST_ATOMS:
        raise RefusedError(f"are not 1 to {_MOST_ATOMS} atoms")
    unknown = sorted({int(number) for number in numbers} - set(range(1, len(chemical_symbols))))
    if unknown:
        raise RefusedError(f"have atomic numbers of no element: {unknown[:5]}")
    try:
        matrix = np.asarray(row.cell, dtype=float).reshape(3, 3)
        positions = np.asarray(row.positions, dtype=float).reshape(len(numbers), 3)
    except (ValueError, TypeError):
        raise RefusedError("have no cell of three vectors, or not three coordinates each") from None
    with np.errstate(all="ignore"):
        volume = float(np.linalg.det(matrix))
        fractional = np.linalg.solve(matrix.T, positions.T).T if volume else positions * np.nan
    if not np.isfinite(volume) or not np.isfinite(fractional).all():
        raise RefusedError("have a cell without volume, or positions that are not finite")
    symbols = [chemical_symbols[number] for number in numbers]
    return {"matrix": matrix.tolist(), "symbols": symbols, "positions": fractional.tolist()}


def _read_pair(key: object, entry: object) -> dict[str, Any]:
    return {"key": plain(key), "entry": plain(entry)}


def _read_graph(key: str, value: Callable[[], bytes]) -> dict[str, Any]:
    fields = load_graph(value())
    return {"key": key, **{name: plain(fields.get(name)) for name in _DATA_FIELDS}}


def _read_row(key: str, value: Callable[[], bytes]) -> dict[str, Any]:
    row = _inflate(value())
    if not isinstance(row, dict):
        raise RefusedError("it is no row")
    kept: dict[str, Any] = {"key": key}
    for name in _ASE_FIELDS:
        held = row.get(name)
        if isinstance(held, dict) and "__ndarray__" in held:
            held = held["__ndarray__"][2]
        elif isinstance(held, dict):
            held = {scalar: held[scalar] for scalar in _ASE_SCALARS if scalar in held}
        kept[name] = plain(held)
    return kept


def _entries(path: str) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the numbered keys of an LMDB in order, and what reads the value of each."""
    import lmdb

    with (
        lmdb.open(path, subdir=False, readonly=True, lock=False, readahead=False, max_readers=1) as database,
        database.begin() as transaction,
    ):
        deleted = transaction.get(b"deleted_ids")
        gone = {str(key) for key in _inflate(deleted)} if deleted else set()
        keys = [bytes(key) for key in transaction.cursor().iternext(keys=True, values=False)]
        numbered = {key for key in keys if key.isdigit() and len(key) < 20}
        for key in sorted(numbered, key=int):
            if key.decode() not in gone:
                yield key.decode(), partial(_value, transaction, key)
        for key in sorted(set(keys) - numbered - _BOOKKEEPING):
            yield ascii(key)[:60], _refuse_key


def _value(transaction: Any, key: bytes) -> bytes:
    return bytes(transaction.get(key))


def _refuse_key() -> bytes:
    raise RefusedError("its key is no number")


def _inflate(data: bytes) -> Any:
    decoder = zlib.decompressobj()
    text = decoder.decompress(data, MOST_ROW_BYTES)
    if decoder.unconsumed_tail:
        raise RefusedError(f"it holds more than {MOST_ROW_BYTES} bytes")
    return json.loads(text)


def _confine() -> None:
    # Not the address space: an LMDB maps as much of it as its writer once asked for.
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


READERS: Final[dict[str, Callable[..., Iterator[Callable[[], dict[str, Any]]]]]] = {
    "pickled-mapping": read_pickled_mapping,
    "pickled-lmdb": read_pickled_lmdb,
    "ase-lmdb": read_ase_lmdb,
    "ase-db": partial(read_ase_database, kind="db"),
    "ase-json": partial(read_ase_database, kind="json"),
}


def main(form: str, path: str, start: int, stop: int, *columns: str) -> int:
    """Print the entries of a file in ``[start, stop)``; one that cannot be read has a problem instead."""
    _confine()
    try:
        for index, read in enumerate(READERS[form](path, *columns)):
            if index >= stop:
                break
            if index < start:
                continue
            try:
                line = json.dumps({"row": index, **read()})
            except Exception as error:
                line = json.dumps({"row": index, "problem": _describe(error)})
            print(line)
    except BaseException as error:
        print(json.dumps({"refused": _describe(error)}))
        return REFUSED
    return 0


def _describe(error: BaseException) -> str:
    """Return an error's text without what a database or terminal cannot take: it may quote the file."""
    kind = "" if isinstance(error, RefusedError) else f"{type(error).__name__}: "
    return kind + ascii(str(error)[:200])[1:-1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
