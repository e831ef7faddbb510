"""The crystal that a row gives: as CIF, POSCAR or JSON, in the cell itself or in a file beside the table."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.crystals import Crystal, describe
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.limits import structure_problems
from catalyst_assets.ingestion.reading.poscar import read_poscar
from catalyst_assets.ingestion.reading.structure_json import read_records
from catalyst_assets.validation.submissions.reading.quantities import UnreadableCellError

Beside = Callable[[str], bytes | None]
_MOST_BYTES: Final = 20_000_000
_REMEDY: Final = (
    "Give CIF or POSCAR text, or the path of such a file beside the table or in the archive with it."
)


@dataclass(frozen=True, eq=False)
class GivenCrystal:
    """A crystal of a file of results, measured and found to be one."""

    cell: Cell
    crystal: Crystal


def in_folder(folder: Path) -> Beside:
    """Return what finds files in the folder of a table, and nowhere else."""
    root = folder.resolve()

    def find(name: str) -> bytes | None:
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return path.read_bytes()

    return find


def in_archive(files: Mapping[str, bytes]) -> Beside:
    """Return what finds files in the archive that the table came in."""
    return lambda name: files.get(str(PurePosixPath(name.replace("\\", "/"))))


def read_structure(given: object, beside: Beside) -> GivenCrystal:
    """Return the crystal of a cell.

    Raises
    ------
    UnreadableCellError
        There is none, or it is none that can be used.
    """
    text = json.dumps(given) if isinstance(given, Mapping) else str(given)
    if not isinstance(given, Mapping) and not _is_text_of_one(text):
        found = None if text.startswith(("/", "~")) or ".." in text else beside(text)
        if found is None:
            raise UnreadableCellError(
                "is no structure, and no file of this name lies beside the table", _REMEDY
            )
        text = _decoded(found)
    try:
        cell = _first(text)
    except UnreadableStructureError as error:
        raise UnreadableCellError(
            f"cannot be read as a structure: {error.message}", error.remedy or _REMEDY
        ) from None
    (crystal,) = describe([cell])
    problems = [reason for _, reason in structure_problems([crystal])]
    if problems:
        raise UnreadableCellError(f"is no crystal: {'; '.join(problems)}", "Check the structure.")
    return GivenCrystal(cell, crystal)


def _is_text_of_one(text: str) -> bool:
    return "\n" in text or text.lstrip().startswith(("{", "["))


def _decoded(data: bytes) -> str:
    try:
        return decode_text(data)
    except UnreadableStructureError as error:
        raise UnreadableCellError(error.message, error.remedy or _REMEDY) from None


def _first(text: str) -> Cell:
    start = text.lstrip()
    if "_cell_length_a" in text.casefold() or start.casefold().startswith("data_"):
        return read_cif(text)
    if not start.startswith(("{", "[")):
        return read_poscar(text)
    found = read_records(text)
    if len(found) != 1:
        raise UnreadableStructureError(f"it holds {len(found)} structures", "Give one.")
    if isinstance(found[0], UnreadableStructureError):
        raise found[0]
    return found[0]
