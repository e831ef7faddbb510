"""A work order as files: a table that comes back filled in, structures, and a sheet to print."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.validation.work_orders.sheet import render_sheet

if TYPE_CHECKING:
    from upath import UPath

    from catalyst_assets.validation.work_orders.orders import OrderedCandidate, WorkOrder

# Those that are filled in already come first; `catalyst validation submit` reads all of them.
COLUMNS: Final = (
    "candidate", "campaign", "material_id", "formula", "property", "method", "value", "unit", "standard_deviation",
    "synthesis", "outcome", "sample", "batch", "replicate", "date", "operator", "conditions", "attachment", "note",
)  # fmt: skip
_CHOICES: Final = {"synthesis": "yes,no", "outcome": "measured,failed"}
_WIDTHS: Final = {
    "candidate": 11,
    "material_id": 28,
    "property": 28,
    "note": 40,
    "conditions": 24,
    "attachment": 24,
}
# A spreadsheet computes what begins so.
_COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")


def write_order(
    order: "WorkOrder",
    folder: Path | str,
    *,
    delimiter: Literal[",", ";", "\t"] = ",",
    overwrite: bool = False,
) -> "dict[str, UPath]":
    """Write a work order's files into a folder, or below a URL, each whole or not at all.

    Returns
    -------
    dict
        Paths by what they are: ``table``, ``workbook``, ``sheet``, ``structures``.

    Raises
    ------
    UsageError
        A table is there already, which may have been filled in.
    CatalystError
        The folder cannot be written.
    """
    from resources.object_store import ObjectStore

    name = f"{order.campaign}-results"
    names = {"table": f"{name}.csv", "workbook": f"{name}.xlsx", "sheet": f"{order.campaign}-work-order.html"}
    store = ObjectStore(str(folder))
    held = [file for kind, file in names.items() if kind != "sheet" and store.exists(file)]
    if held and not overwrite:
        raise UsageError(
            f"{store.path(held[0])} is there already, and may have been filled in.",
            "Choose another folder with --output, or --overwrite it.",
        )
    contents = {
        names["table"]: order_table(order, delimiter),
        names["workbook"]: order_workbook(order),
        names["sheet"]: render_sheet(order).encode(),
        **{
            f"structures/{each.cif_name}": cif.encode()
            for each in order.candidates
            if (cif := structure_as_cif(each)) is not None
        },
    }
    try:
        for file, data in contents.items():
            store.put_bytes(file, data)
    except CatalystError as error:
        raise CatalystError(
            f"The work order cannot be written to {folder}: {error.message}",
            error.remedy
            if "://" in str(folder)
            else "Free disk space or make the folder writable, then run again.",
        ) from error
    return {kind: store.path(file) for kind, file in (*names.items(), ("structures", "structures"))}


def order_table(order: "WorkOrder", delimiter: str = ",") -> bytes:
    """Return the table as CSV that spreadsheets open as it is, with empty cells for what is measured."""
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in order_rows(order):
        writer.writerow([as_text_cell(str(row.get(column, ""))) for column in COLUMNS])
    # Excel takes a text without this mark for its own old encoding.
    return b"\xef\xbb\xbf" + stream.getvalue().encode()


def order_rows(order: "WorkOrder") -> Iterator[Mapping[str, Any]]:
    """Yield the filled-in cells of each row: one for each property of each candidate."""
    for each in order.candidates:
        for asked in order.asked:
            yield {
                "candidate": each.candidate,
                "campaign": order.campaign,
                "material_id": each.material_id,
                "formula": each.formula,
                "property": asked.property,
                "method": order.method,
                "unit": asked.unit,
            }


def order_workbook(order: "WorkOrder") -> bytes:
    """Return the same table as a workbook: decimals as each computer writes them, choices to pick from."""
    from openpyxl import Workbook
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    book = Workbook()
    sheet = book.active
    sheet.title = "Results"
    sheet.append(COLUMNS)
    rows = list(order_rows(order))
    for row in rows:
        sheet.append([_cell(row.get(column)) for column in COLUMNS])
    filled, given = PatternFill("solid", fgColor="FFF7D6"), Font(color="5B6675")
    for index, column in enumerate(COLUMNS, 1):
        letter = get_column_letter(index)
        sheet[f"{letter}1"].font = Font(bold=True)
        sheet.column_dimensions[letter].width = _WIDTHS.get(column, 14)
        is_given = bool(rows) and column in rows[0]
        for cell in sheet[letter][1:]:
            if is_given:
                cell.font = given
            else:
                cell.fill = filled
            if column in ("sample", "batch", "note", "attachment", "conditions", "operator"):
                cell.number_format = "@"  # a spreadsheet would make dates of some names
            elif column == "date":
                cell.number_format = "yyyy-mm-dd"
        if column in _CHOICES:
            choice = DataValidation(type="list", formula1=f'"{_CHOICES[column]}"', allow_blank=True)
            sheet.add_data_validation(choice)
            choice.add(f"{letter}2:{letter}{len(rows) + 1}")
    sheet.freeze_panes = "E2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def as_text_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet computes; reading it back takes the sign away."""
    return f"'{text}" if text.startswith(_COMPUTED) else text


def _cell(value: object) -> object:
    return as_text_cell(value) if isinstance(value, str) else value


def structure_as_cif(each: "OrderedCandidate") -> str | None:
    """Return a candidate's structure as CIF that says whose it is; None where only the composition is known."""
    from pymatgen.core.structure import Structure
    from pymatgen.io.cif import CifWriter

    if each.structure is None:
        return None
    text = str(CifWriter(Structure.from_dict(dict(each.structure))))
    return f"# candidate {each.candidate}, material {each.material_id}\n{text}"
