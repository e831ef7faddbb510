"""A program that reads files which can harm whoever reads them, and prints what they hold as lines of JSON.

Started by `untrusted` as a process of its own, isolated from the environment, with bounded memory and time, and
unable to write files. LMDB is memory-mapped: a damaged file kills its reader. Pickles are `pickles`' business.
"""

import json
import resource
import sys
import zlib
from collections.abc import Callable, Iterator
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


READERS: Final = {
    "pickled-mapping": read_pickled_mapping,
    "pickled-lmdb": read_pickled_lmdb,
    "ase-lmdb": read_ase_lmdb,
}


def main(form: str, path: str, start: int, stop: int) -> int:
    """Print the entries of a file in ``[start, stop)``; one that cannot be read has a problem instead."""
    _confine()
    try:
        for index, read in enumerate(READERS[form](path)):
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
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
