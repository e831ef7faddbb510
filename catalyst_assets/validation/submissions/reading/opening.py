"""Bytes of a file of results, whatever program wrote them, as sheets: unpacked, told apart, their columns judged.

What a cell means is `entries`' business.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final, Literal

from catalyst_assets.validation.submissions.reading.columns import FIELDS, Column, suggest
from catalyst_assets.validation.submissions.reading.delimited import read_delimited
from catalyst_assets.validation.submissions.reading.documents import read_json, read_json_lines, read_parquet
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.sheets import Sheet
from catalyst_assets.validation.submissions.reading.workbooks import read_workbook

MOST_BYTES: Final = 512 * 1024**2
TABLE_SUFFIXES: Final = (
    ".csv",
    ".tsv",
    ".tab",
    ".txt",
    ".xlsx",
    ".xlsm",
    ".json",
    ".jsonl",
    ".ndjson",
    ".parquet",
)
_MOST_MEMBERS: Final = 20_000
_MOST_UNPACKED: Final = 2 * 1024**3
_OTHERS: Final[Mapping[bytes, tuple[str, str]]] = {
    b"\xd0\xcf\x11\xe0": (
        "is an Excel workbook of the old kind (.xls), or one with a password",
        "Save it in Excel as .xlsx without a password, or as CSV UTF-8.",
    ),
    b"%PDF": ("is a PDF", "Give the table that it was made from, as CSV or .xlsx."),
    b"<": ("is a web page or XML", "Open it in a spreadsheet program and save it as CSV UTF-8 or .xlsx."),
    b"{\\rtf": (
        "is a text document (RTF)",
        "Copy its table into a spreadsheet and save that as CSV or .xlsx.",
    ),
}
Format = Literal["csv", "json", "jsonl", "parquet", "xlsx"]
_READERS: Final[Mapping[Format, Callable[[bytes, Problems], Iterator[Sheet]]]] = {
    "csv": read_delimited,
    "json": read_json,
    "jsonl": read_json_lines,
    "parquet": read_parquet,
    "xlsx": read_workbook,
}


@dataclass(frozen=True)
class Opened:
    """A file of results, unpacked.

    Attributes
    ----------
    table
        Bytes of the table.
    format
        How it is to be read.
    companions
        What else an archive holds, by its path beside the table.
    """

    name: str
    table: bytes
    format: Format
    companions: Mapping[str, bytes] = field(default_factory=dict)


def open_file(name: str, data: bytes, problems: Problems) -> Opened | None:
    """Unpack a file and tell what kind it is; None with a problem where it is none that can be read."""
    if len(data) > MOST_BYTES:
        problems.add(
            "", "", "", f"it has {len(data):,} bytes, more than {MOST_BYTES:,}", "Divide it into several."
        )
        return None
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        problems.add("", "", "", "it is empty", "Save it again, and submit it when it is complete.")
        return None
    if data.startswith(b"\x1f\x8b"):
        unpacked = _gunzip(data)
        if unpacked is None:
            problems.add(
                "",
                "",
                "",
                "it is compressed, but damaged or too large",
                "Compress it again, or submit it as it is.",
            )
            return None
        return open_file(name.removesuffix(".gz"), unpacked, problems)
    if data.startswith(b"PK\x03\x04"):
        return _open_zip(name, data, problems)
    for magic, (reason, remedy) in _OTHERS.items():
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(magic):
            problems.add("", "", "", f"it {reason}", remedy)
            return None
    return Opened(name, data, _text_format(name, data))


def read_sheets(opened: Opened, problems: Problems) -> Iterator[Sheet]:
    """Yield the sheets of a file that hold results; what cannot be read becomes a problem."""
    for sheet in _READERS[opened.format](opened.table, problems):
        _judge_columns(sheet, problems)
        yield sheet


def _judge_columns(sheet: Sheet, problems: Problems) -> None:
    seen: dict[tuple[str, str, int | None], Column] = {}
    for column in sheet.columns:
        if column.kind == "unknown" and (close := suggest(column.header)):
            problems.add(
                sheet.header_place,
                column.header,
                column.header,
                f"is no known heading{close.removesuffix('?')}",
                f"Correct it; known are {', '.join(FIELDS)}, the properties and conditions. "
                "A column that is no result is called `condition: …`.",
            )
        if column.kind in ("unknown", "ignored"):
            continue
        key = (column.kind, column.name, column.replicate)
        if key in seen:
            problems.add(
                sheet.header_place,
                column.header,
                column.header,
                f"means the same as the column {seen[key].header}",
                "Keep one of them; number the columns of replicates: `band_gap 1 [eV]`, `band_gap 2 [eV]`.",
            )
        seen.setdefault(key, column)


def _text_format(name: str, data: bytes) -> Format:
    if data.startswith(b"PAR1"):
        return "parquet"
    suffix = PurePosixPath(name.lower()).suffix
    start = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if suffix in (".jsonl", ".ndjson"):
        return "jsonl"
    if start.startswith(b"[") and suffix not in (".csv", ".tsv", ".tab", ".txt"):
        return "json"
    if start.startswith(b"{"):
        lines = data.strip().split(b"\n", 2)
        is_lines = len(lines) > 1 and lines[0].rstrip().endswith(b"}") and lines[1].lstrip().startswith(b"{")
        return "jsonl" if is_lines else "json"
    return "json" if suffix == ".json" else "csv"


def _gunzip(data: bytes) -> bytes | None:
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return None
    return None if len(unpacked) > MOST_BYTES else unpacked


def _open_zip(name: str, data: bytes, problems: Problems) -> Opened | None:
    damaged = "it is a damaged archive or workbook", "Save or copy it again."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            names = {info.filename for info in infos}
            if len(infos) > _MOST_MEMBERS or sum(info.file_size for info in infos) > _MOST_UNPACKED:
                problems.add(
                    "", "", "", "it holds too many files, or too large ones", "Divide it into several."
                )
                return None
            if "[Content_Types].xml" in names:
                if any(member.startswith("xl/") for member in names):
                    return Opened(name, data, "xlsx")
                problems.add("", "", "", "it is no table but another Office document", "Give CSV or .xlsx.")
                return None
            if "mimetype" in names:
                problems.add(
                    "",
                    "",
                    "",
                    "it is an OpenDocument file, which is not read",
                    "Save it as .xlsx or CSV UTF-8.",
                )
                return None
            return _open_archive(archive, infos, problems)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        problems.add("", "", "", *damaged)
        return None


def _open_archive(
    archive: zipfile.ZipFile, infos: Sequence[zipfile.ZipInfo], problems: Problems
) -> Opened | None:
    kept = [
        info
        for info in infos
        if not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(info.filename).parts)
    ]
    tables = [info for info in kept if info.filename.lower().endswith(TABLE_SUFFIXES)]
    # Structures in JSON lie deeper than the table, or beside one of another kind.
    shallow = min((info.filename.count("/") for info in tables), default=0)
    tables = [info for info in tables if info.filename.count("/") == shallow]
    if len(tables) > 1:
        tables = [info for info in tables if not info.filename.lower().endswith(".json")] or tables
    if len(tables) != 1:
        found = ", ".join(info.filename for info in tables[:5]) or "none"
        problems.add(
            "", "", found, "is what the archive holds of tables, where one is expected",
            "Put one table of results into it, and the structures it names beside it.",
        )  # fmt: skip
        return None
    table = tables[0]
    folder = PurePosixPath(table.filename).parent
    companions: dict[str, bytes] = {}
    for info in kept:
        path = PurePosixPath(info.filename)
        if info is not table and path.is_relative_to(folder) and info.file_size <= MOST_BYTES:
            companions[str(path.relative_to(folder))] = archive.read(info)
    inner = open_file(
        path.name if (path := PurePosixPath(table.filename)) else "", archive.read(table), problems
    )
    return None if inner is None else Opened(inner.name, inner.table, inner.format, companions)
