"""Files that users name: tables as frames, and structures in CIF, POSCAR or JSON.

Untrusted bytes of a source are not read here: `tables` reads those row by row, whatever they hold.
"""

import bz2
import gzip
import io
import lzma
import warnings
import zlib
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from catalyst_assets.errors import InvalidPoolError, UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_blocks
from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.limits import structure_problems
from catalyst_assets.ingestion.reading.poscar import read_poscar
from catalyst_assets.ingestion.reading.structure_json import read_records

if TYPE_CHECKING:
    import pandas as pd
    from pymatgen.core.structure import Structure

READABLE: Final = "CIF, POSCAR, or JSON of one or several pymatgen structures"
NAMES: Final = "*.cif, POSCAR*, CONTCAR*, *.poscar, *.vasp or *.json"
_VASP_NAMES: Final = ("poscar", "contcar")
_VASP_SUFFIXES: Final = (".poscar", ".contcar", ".vasp")
_COMPRESSED: Final[dict[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_DAMAGE: Final = (OSError, EOFError, lzma.LZMAError, zlib.error)
_MOST_BYTES: Final = 1_000_000_000
# Where in a file a structure stands, and what is there.
_Part = tuple[str, Cell | UnreadableStructureError]


def read_csv(path: Path, **options: Any) -> "pd.DataFrame":
    """Read a CSV file, compressed or not, with names without surrounding blanks; ``options`` are those of pandas.

    Raises
    ------
    InvalidPoolError
        There is none, it is no CSV, names a column twice, or has a row with more cells than names.
    """
    import pandas as pd

    try:
        with warnings.catch_warnings():
            # pandas would take what is too much as an index, or drop it.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            header = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False)
            names = [str(name).strip() for name in header.iloc[0]]
            table: pd.DataFrame = pd.read_csv(path, index_col=False, **options)
    except FileNotFoundError:
        raise InvalidPoolError(f"There is no file {path}.", "Give the path of a CSV file.") from None
    except pd.errors.ParserWarning:
        raise InvalidPoolError(
            f"{path} has rows with more cells than its header has names, the last of which is {names[-1]!r}.",
            "Name every column, or remove what is too much, such as a comma at the end of the rows.",
        ) from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InvalidPoolError(
            f"{path} cannot be read as CSV: {' '.join(str(error).split())}.", "Give a comma-separated table."
        ) from None
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InvalidPoolError(
            f"{path} has the column {', '.join(map(repr, twice))} more than once.", "Rename one of them."
        )
    return table.rename(columns=lambda name: str(name).strip())


def read_table_bytes(path: Path) -> bytes:
    """Return the bytes of a table, decompressed where its suffix says that they are not.

    Raises
    ------
    InvalidPoolError
        There is none, or it is not compressed as its suffix says.
    """
    try:
        with _opened(path) as file:
            return file.read()
    except FileNotFoundError:
        raise InvalidPoolError(f"There is no file {path}.", "Give the path of a CSV file.") from None
    except _DAMAGE as error:
        raise InvalidPoolError(
            f"{path} cannot be read: {' '.join(str(error).split())}.", "Give a comma-separated table."
        ) from None


def read_csv_parts(place: Path, columns: Collection[str]) -> "pd.DataFrame":
    """Read a CSV file, or all ``*.csv`` and ``*.csv.gz`` of a folder as one table.

    Raises
    ------
    InvalidPoolError
        There is none, one cannot be read, or lacks one of ``columns``.
    """
    import pandas as pd

    parts = sorted([*place.glob("*.csv"), *place.glob("*.csv.gz")]) if place.is_dir() else [place]
    if not parts:
        raise InvalidPoolError(
            f"{place} holds no table.", "Name a table, or a folder with *.csv or *.csv.gz."
        )
    frames = []
    for part in parts:
        frames.append(read_csv(part))
        missing = [column for column in columns if column not in frames[-1]]
        if missing:
            raise InvalidPoolError(
                f"{part} has no column {', '.join(missing)}.", f"Needed are {', '.join(columns)}."
            )
    return pd.concat(frames, ignore_index=True)


def read_structures(path: Path, name: str) -> "list[tuple[str, Structure | str]]":
    """Return the structures of a file by name, or why there is none; several are numbered from 0.

    What ingestion would set aside is refused here for the same reason.
    """
    if path.is_dir():
        return [(name, f"{path} is a folder: name the files in it.")]
    if not path.is_file():
        return [(name, f"There is no file {path}.")]
    kind = _kind(path.name)
    if kind is None:
        return [(name, f"{path} cannot be read as {READABLE}: it is of another kind. Name it {NAMES}.")]
    try:
        found = _READERS[kind](decode_text(_read_bytes(path)))
    except UnreadableStructureError as error:
        return [(name, f"{path} cannot be read as {kind}: {error}")]
    cells = [cell for _, cell in found if isinstance(cell, Cell)]
    reasons: dict[int, list[str]] = {id(cell): [] for cell in cells}
    for index, reason in structure_problems(describe(cells)):
        reasons[id(cells[index])].append(reason)
    entries: list[tuple[str, Structure | str]] = []
    for number, (part, cell) in enumerate(found):
        is_one = len(found) == 1
        entry, where = (name, f"{path}") if is_one else (f"{name}#{number}", f"{path}, {part},")
        if isinstance(cell, UnreadableStructureError):
            entries.append((entry, f"{where} cannot be read as {kind}: {cell}"))
        elif reasons[id(cell)]:
            entries.append((entry, f"{where} is no crystal: {'; '.join(reasons[id(cell)])}."))
        else:
            entries.append((entry, cell.to_structure()))
    return entries


def read_structure_data(
    name: str, data: bytes, most_bytes: int = _MOST_BYTES
) -> "list[tuple[str, Cell | UnreadableStructureError]]":
    """Return the crystals of a file's bytes, each with where in the file it stands, or why there is none.

    Parameters
    ----------
    name
        Of the file: it says what the bytes are.
    most_bytes
        A file that holds more once it is decompressed is refused.

    Raises
    ------
    UnreadableStructureError
        The file is of another kind, or cannot be read as what its name says.
    """
    kind = _kind(name)
    if kind is None:
        raise UnreadableStructureError(f"cannot be read as {READABLE}", f"Name it {NAMES}.")
    opener = _COMPRESSED.get(Path(name).suffix.lower())
    try:
        with opener(io.BytesIO(data), "rb") if opener else io.BytesIO(data) as file:
            return _READERS[kind](decode_text(_read_at_most(file, most_bytes)))
    except UnreadableStructureError as error:
        raise UnreadableStructureError(f"cannot be read as {kind}: {error.message}", error.remedy) from None


def _cif(text: str) -> "list[_Part]":
    return [(f"data_{block.name}", block.found) for block in read_blocks(text)]


def _json(text: str) -> "list[_Part]":
    return [(f"record {number}", cell) for number, cell in enumerate(read_records(text))]


def _poscar(text: str) -> "list[_Part]":
    return [("", read_poscar(text))]


_READERS: Final = {"CIF": _cif, "JSON": _json, "POSCAR": _poscar}


def _kind(name: str) -> str | None:
    """Return what a file is by its name, as VASP and people name files, in small letters or capitals."""
    lowered = name.lower()
    lowered = lowered.removesuffix(next(filter(lowered.endswith, _COMPRESSED), ""))
    if lowered.endswith((".cif", ".json")):
        return lowered.rpartition(".")[2].upper()
    return "POSCAR" if lowered.startswith(_VASP_NAMES) or lowered.endswith(_VASP_SUFFIXES) else None


def _opened(path: Path) -> BinaryIO:
    """Open a file, decompressed where its suffix says that it is not."""
    file: BinaryIO = _COMPRESSED.get(path.suffix.lower(), open)(path, "rb")
    return file


def _read_bytes(path: Path) -> bytes:
    try:
        file = _opened(path)
    except _DAMAGE as error:
        raise UnreadableStructureError(f"cannot be read: {error}", "Check the file.") from None
    with file:
        return _read_at_most(file, _MOST_BYTES)


def _read_at_most(file: BinaryIO, most_bytes: int) -> bytes:
    try:
        data = file.read(most_bytes + 1)
    except _DAMAGE as error:
        raise UnreadableStructureError(f"cannot be read: {error}", "Check the file.") from None
    if len(data) > most_bytes:
        raise UnreadableStructureError(
            f"holds more than {most_bytes // 1_000_000} MB", "Give fewer structures a file."
        )
    return data
