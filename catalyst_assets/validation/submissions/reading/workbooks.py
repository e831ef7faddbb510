"""Workbooks of Excel: every visible sheet that has a header of results."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

from catalyst_assets.validation.submissions.reading.columns import is_header, read_header
from catalyst_assets.validation.submissions.reading.problems import Problems
from catalyst_assets.validation.submissions.reading.sheets import Sheet, tell_no_header

_PREAMBLE_ROWS: Final = 40
# More columns than this is a sheet with something in its last one by mistake.
_MOST_COLUMNS: Final = 500


def read_workbook(data: bytes, problems: Problems) -> Iterator[Sheet]:
    """Yield the sheets that hold results; values that formulas gave are those that were saved with them."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        problems.add(
            "",
            "",
            "",
            f"it cannot be read as a workbook ({error})",
            "Save it again as .xlsx, or as CSV UTF-8.",
        )
        return
    visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    found = False
    nearest: tuple[str, list[object]] = ("", [])
    for sheet in visible:
        sheet.reset_dimensions()  # what other programs write there cuts rows off
        where = f" of sheet {sheet.title}" if len(visible) > 1 else ""
        for number, cells in islice(_rows(sheet), _PREAMBLE_ROWS):
            columns = read_header(cells)
            if is_header(columns):
                found = True
                rows = islice(_rows(sheet), number, None)
                yield Sheet(columns, rows, f"row {{}}{where}", f"row {number}{where}")
                break
            if not nearest[0] and any(cell is not None for cell in cells):
                nearest = (f"row {number}{where}", list(cells))
    if not found:
        tell_no_header(nearest[1], nearest[0], problems)


def _rows(sheet: Any) -> Iterator[tuple[int, Sequence[object]]]:
    for number, row in enumerate(sheet.iter_rows(max_col=_MOST_COLUMNS), 1):
        yield number, [_value(cell) for cell in row]


def _value(cell: Any) -> object:
    value = cell.value
    # What is shown as 85 % is kept as 0.85.
    if type(value) in (int, float) and "%" in (cell.number_format or ""):
        return f"{value * 100:.15g} %"
    return value
