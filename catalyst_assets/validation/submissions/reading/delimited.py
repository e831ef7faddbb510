"""CSV in every dialect that spreadsheets and instruments write: `,` `;` tab or `|`, any encoding, a preamble."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from typing import Final

from catalyst_assets.validation.submissions.reading.columns import Column, is_header, read_header
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.sheets import Sheet, tell_no_header

_DELIMITERS: Final = (",", ";", "\t", "|")
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PREAMBLE_ROWS: Final = 40
_CHUNK: Final = 1 << 20
_MAY_BREAK: Final = ("structure", "note", "conditions", "correction")


def read_delimited(data: bytes, problems: Problems) -> Iterator[Sheet]:
    """Yield the one sheet of a text, unless it is none."""
    encoding = find_encoding(data, problems)
    if encoding is None:
        return
    given, skipped = _said_delimiter(data, encoding)
    best: tuple[int, str, int, Sequence[Column]] | None = None
    for delimiter in (given,) if given else _DELIMITERS:
        found = _find_header(data, encoding, delimiter, skipped)
        if found is not None and (best is None or len(found[1]) > len(best[3])):
            best = (len(found[1]), delimiter, found[0], found[1])
    if best is None:
        first = next(_rows(data, encoding, given or _commonest(data, encoding), skipped), (skipped + 1, []))
        tell_no_header(first[1], f"line {first[0]}", problems)
        return
    _, delimiter, line, columns = best
    rows = _checked(data, encoding, delimiter, line, columns, problems)
    yield Sheet(columns, rows, "line {}", f"line {line}", delimiter)


def find_encoding(data: bytes, problems: Problems) -> str | None:
    """Return how a text is encoded; None, with a problem, where no encoding explains all of it."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decoded(data, encoding, problems)
    if b"\0" in data[:4096]:
        for encoding, zeros in (("utf-16-le", data[1:200:2]), ("utf-16-be", data[0:200:2])):
            if zeros.count(0) > 0.8 * len(zeros):
                return _decoded(data, encoding, problems)
        problems.add(
            "", "", "", "it is no text: it holds bytes of value 0", "Save the table as CSV UTF-8 or .xlsx."
        )
        return None
    wrong = _decodes(data, "utf-8")
    if wrong is None:
        return "utf-8"
    # Excel's plain CSV on Windows; a text that is UTF-8 up to here was put together of two.
    if data[:wrong].isascii() and _decodes(data, "cp1252") is None:
        return "cp1252"
    return _decoded(data, "utf-8", problems)


def _decoded(data: bytes, encoding: str, problems: Problems) -> str | None:
    wrong = _decodes(data, encoding)
    if wrong is None:
        return encoding
    line = data.count(b"\n", 0, wrong) + 1
    piece = data[max(wrong - 10, 0) : wrong + 10].decode("latin-1")
    problems.add(
        f"line {line}",
        "",
        piece,
        f"holds characters that are not in the encoding of the rest of the file ({encoding.upper()})",
        "Open the file in a spreadsheet, see that all signs such as Å, ± and µ are right, and save it as CSV UTF-8.",
    )
    return None


def _decodes(data: bytes, encoding: str) -> int | None:
    """Return where bytes stop being text in an encoding; None where all of them are."""
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(data), _CHUNK):
        piece = data[start : start + _CHUNK]
        try:
            decoder.decode(piece, final=start + _CHUNK >= len(data))
        except UnicodeDecodeError as error:
            return max(start + error.start - (len(error.object) - len(piece)), 0)
    return None


def _said_delimiter(data: bytes, encoding: str) -> tuple[str, int]:
    """Return what a first line such as ``sep=;`` says, and how many lines it takes."""
    with _open(data, encoding) as text:
        first = text.readline(100).strip().strip('"')
    if first.lower().startswith("sep=") and len(first) <= 5:
        return (first[4:] or "\t"), 1
    return "", 0


def _open(data: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline="")


def _rows(data: bytes, encoding: str, delimiter: str, skipped: int) -> Iterator[tuple[int, list[str]]]:
    """Yield each row with the line it begins on; raise `csv.Error` where it is none."""
    text = _open(data, encoding)
    for _ in range(skipped):
        text.readline()
    reader = csv.reader(text, delimiter=delimiter, skipinitialspace=True)
    before = 0
    for cells in reader:
        yield skipped + before + 1, cells
        before = reader.line_num


def _find_header(data: bytes, encoding: str, delimiter: str, skipped: int) -> tuple[int, list[Column]] | None:
    try:
        for line, cells in islice(_rows(data, encoding, delimiter, skipped), _PREAMBLE_ROWS):
            columns = read_header(cells)
            if is_header(columns):
                return line, columns
    except csv.Error:
        return None
    return None


def _commonest(data: bytes, encoding: str) -> str:
    with _open(data, encoding) as text:
        first = text.readline(10_000)
    return max(_DELIMITERS, key=first.count)


def _checked(
    data: bytes, encoding: str, delimiter: str, header: int, columns: Sequence[Column], problems: Problems
) -> Iterator[tuple[int, Sequence[object]]]:
    named = columns[-1].index + 1
    short = [column for column in columns if column.name not in _MAY_BREAK]
    position = header
    try:
        rows = _rows(data, encoding, delimiter, header - 1)
        for position, cells in rows:
            if position == header:
                continue
            if len(cells) > named and any(map(str.strip, cells[named:])):
                decimal = delimiter == "," and any(_splits_decimal(cells))
                problems.add(
                    f"line {position}",
                    "",
                    delimiter.join(cells[named - 1 : named + 1]),
                    f"is one cell too many: the row has {len(cells)} where the header has {named}",
                    "A decimal comma divides cells here: write decimal points, or save with ; between cells."
                    if decimal
                    else f"Put a text that holds the sign {delimiter!r} into quotation marks.",
                )
                continue
            broken = next((c for c in short if c.index < len(cells) and "\n" in cells[c.index]), None)
            if broken is not None:
                _tell_unclosed(f"line {position}", broken.header, cells[broken.index], problems)
                return
            yield position, cells
    except csv.Error as error:
        if "field larger" in str(error):
            _tell_unclosed(f"after line {position}", "", "", problems)
        else:
            problems.add(f"after line {position}", "", "", f"it is no CSV: {error}", "Save the file again.")


def _splits_decimal(cells: Sequence[str]) -> Iterator[bool]:
    for first, second in pairwise(cells):
        yield first.strip().lstrip("+-").isdigit() and second.strip().isdigit()


def _tell_unclosed(place: str, column: str, cell: str, problems: Problems) -> None:
    problems.add(
        place,
        column,
        cell,
        "goes on over several lines: a quotation mark before it is not closed",
        'Close it, or write a quotation mark within a text twice: "".',
    )
