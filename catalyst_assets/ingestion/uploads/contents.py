"""The candidates of an upload: each file, block or line with its crystal, or why there is none."""

import csv
import io
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.compositions import Stoichiometry, read_composition
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.files import read_structure_data
from catalyst_assets.ingestion.uploads.bundle import Bundle, UploadedFile
from catalyst_assets.vocabulary.people import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_CANDIDATES: Final = 10_000
_LISTS: Final = (".txt", ".csv")
_ARCHIVE: Final = ".zip"
_FORMULA: Final = "formula"
_PROTOTYPE: Final = "prototype"
_COMPOSITION: Final = "composition"
# Once a file is decompressed.
_MOST_BYTES: Final = 200_000_000


_Found = Cell | Stoichiometry | UnreadableStructureError


@dataclass(frozen=True)
class Entry:
    """A candidate of an upload.

    Attributes
    ----------
    place
        The file, and the block or line in it.
    """

    place: str
    found: _Found


def read_entries(bundle: Bundle) -> list[Entry]:
    """Read every candidate of an upload; one that cannot be read keeps none of the others."""
    entries: list[Entry] = []
    places: Counter[str] = Counter()
    for file, opened in chain.from_iterable(map(_open, bundle.files)):
        parts = [("", opened)] if opened is not None else _read_file(file, bundle.prototype)
        for part, found in parts:
            if len(entries) == MOST_CANDIDATES:
                error = UnreadableStructureError(
                    f"is left out with all that follows: an upload has at most {MOST_CANDIDATES:,} candidates",
                    "Upload the rest by itself.",
                )
                return [*entries, Entry("the rest", error)]
            place = f"{file.name} {part}".strip()
            places[place] += 1
            times = f" ({places[place]})" if places[place] > 1 else ""
            entries.append(Entry(place + times, found))
    return entries


def _open(file: UploadedFile) -> "Iterator[tuple[UploadedFile, UnreadableStructureError | None]]":
    """Yield a file, or those in an archive, each with why it cannot be opened; nothing is extracted."""
    if not file.name.lower().endswith(_ARCHIVE):
        yield file, None
        return
    left = _MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
            members = [
                each
                for each in archive.infolist()
                if not each.filename.endswith("/") and not _is_hidden(each.filename)
            ]
            if not members:
                raise UnreadableStructureError("holds no file", "Put the structures into it.")
            if len(members) > MOST_CANDIDATES:
                raise UnreadableStructureError(
                    f"holds {len(members):,} files, and {MOST_CANDIDATES:,} are the most", "Send several."
                )
            for member in members:
                # What an archive says of its sizes need not be so.
                with archive.open(member) as stored:
                    data = stored.read(left + 1)
                left -= len(data)
                if left < 0:
                    raise UnreadableStructureError(
                        f"holds more than {_MOST_BYTES // 1_000_000} MB", "Send several."
                    )
                yield _member(file, member.filename, data)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        yield (
            file,
            UnreadableStructureError(f"cannot be read as ZIP: {error}", "Pack it again, without a password."),
        )
    except UnreadableStructureError as error:
        yield file, error


def _member(
    archive: UploadedFile, name: str, data: bytes
) -> tuple[UploadedFile, UnreadableStructureError | None]:
    try:
        return UploadedFile(f"{archive.name}/{check_text(name)}", data), None
    except ValueError as error:
        refused = UnreadableStructureError(f"has a name that {error}", "Rename it.")
        return UploadedFile(f"{archive.name}/{name!a}", data), refused


def _is_hidden(name: str) -> bool:
    """Tell whether a file is one that systems put beside others."""
    return any(part.startswith((".", "__MACOSX")) for part in name.split("/"))


def _read_file(file: UploadedFile, prototype: str) -> "list[tuple[str, _Found]]":
    try:
        if not file.data.strip():
            raise UnreadableStructureError("is empty", "Send a file that holds something.")
        if file.name.lower().endswith(_LISTS):
            return list(_read_list(decode_text(file.data), prototype))
        found = read_structure_data(file.name.rpartition("/")[2], file.data, _MOST_BYTES)
        return list(found) if len(found) > 1 else [("", found[0][1])]
    except UnreadableStructureError as error:
        return [("", error)]
    except csv.Error as error:
        return [
            ("", UnreadableStructureError(f"is no list of formulas: {error}", "Write one formula a line."))
        ]


def _read_list(text: str, prototype: str) -> "Iterator[tuple[str, _Found]]":
    """Yield what becomes of each line with a formula or composition; a header says which columns there are."""
    columns = {_FORMULA: 0}
    lines = csv.reader(text.splitlines())
    is_first = True
    for row in lines:
        cells = [cell.strip() for cell in row]
        if not any(cells) or cells[0].startswith("#"):
            continue
        names = [cell.lower() for cell in cells]
        if is_first and {_FORMULA, _COMPOSITION} & set(names):
            columns = {
                name: names.index(name) for name in (_FORMULA, _PROTOTYPE, _COMPOSITION) if name in names
            }
            is_first = False
            continue
        is_first = False
        yield f"line {lines.line_num}", _build(cells, columns, prototype)
    if is_first:
        raise UnreadableStructureError("holds no formula", "Write one a line, such as SrTiO3.")


def _build(cells: list[str], columns: dict[str, int], prototype: str) -> _Found:
    def cell(name: str) -> str:
        place = columns.get(name, len(cells))
        return cells[place] if place < len(cells) else ""

    try:
        if _COMPOSITION in columns and not cell(_FORMULA):
            return read_composition(cell(_COMPOSITION))
        named = cell(_PROTOTYPE) or prototype
        if not named:
            raise UnreadableStructureError(
                f"no prototype is named for the formula {cell(_FORMULA)[:80]!r}",
                "Give `prototype`, or a column of that name.",
            )
        return build_from_formula(cell(_FORMULA), named)
    except UnreadableStructureError as error:
        return error
