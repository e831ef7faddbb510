"""What goes out as a work order comes back filled in, whatever spreadsheet it went through."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalyst_assets.errors import UsageError
from catalyst_assets.ingestion.reading.files import read_structures
from catalyst_assets.validation.work_orders.files import (
    as_text_cell,
    order_table,
    order_workbook,
    write_order,
)
from catalyst_assets.validation.work_orders.orders import Asked, OrderedCandidate, WorkOrder
from catalyst_assets.validation.work_orders.sheet import render_sheet
from catalyst_assets_tests.unit.validation.submissions.reading_files import read

CELL: dict[str, Any] = {
    "@module": "pymatgen.core.structure",
    "@class": "Structure",
    "lattice": {"matrix": [[3.9, 0, 0], [0, 3.9, 0], [0, 0, 3.9]]},
    "sites": [
        {"species": [{"element": symbol, "occu": 1}], "abc": position}
        for symbol, position in (
            ("Sr", [0.5, 0.5, 0.5]), ("Ti", [0, 0, 0]), ("O", [0.5, 0, 0]), ("O", [0, 0.5, 0]), ("O", [0, 0, 0.5]),
        )
    ],
}  # fmt: skip


def candidate(number: int) -> OrderedCandidate:
    predicted = {"band_gap": {"mean": 3.1, "std": 0.2, "unit": "eV"}}
    return OrderedCandidate(
        number, "oxides__0003", 3, number, f"demo:{number}", "SrTiO3", "flagged", 5, predicted, CELL
    )


ORDER = WorkOrder(
    "oxides",
    "",
    "experiment",
    (
        Asked("band_gap", "Band gap", "eV"),
        Asked("formation_energy_per_atom", "Formation energy", "eV/atom"),
    ),
    (candidate(11), candidate(12)),
)
VALUES = st.tuples(st.floats(0, 30), st.floats(-10, 10), st.none() | st.floats(0, 5))


def reads_as_utf_8(text: str) -> bool:
    """Tell whether bytes of cp1252 are another text in UTF-8, such as Å°: nobody can know which was meant; it is refused."""
    try:
        return text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False


def in_spreadsheet(number: float, decimal: str) -> str:
    return f"{number:.12f}".replace(".", decimal)


@settings(max_examples=30)
@given(
    values=st.lists(VALUES, min_size=2, max_size=2),
    delimiter=st.sampled_from(",;\t"),
    decimal=st.sampled_from(".,"),
    encoding=st.sampled_from(["utf-8-sig", "utf-8", "utf-16", "cp1252"]),
    end=st.sampled_from(["\n", "\r\n"]),
    note=st.text('abcÅäéß±µ° 5,;"()-=+@', max_size=12).filter(lambda text: not reads_as_utf_8(text)),
)
def test_table_filled_in_anywhere_gives_what_was_filled_in(
    values: list[tuple[float, float, float | None]],
    delimiter: str,
    decimal: str,
    encoding: str,
    end: str,
    note: str,
) -> None:
    note = f"x{note}".strip()  # a mark that a spreadsheet takes for "text" would be its own
    rows = list(csv.DictReader(io.StringIO(order_table(ORDER).decode("utf-8-sig"))))
    expected = []
    for row in rows:
        gap, energy, deviation = values[int(row["candidate"]) - 11]
        number = gap if row["property"] == "band_gap" else energy
        row |= {
            "value": in_spreadsheet(number, decimal),
            "date": "2026-03-31",
            "note": note,
            "synthesis": "yes",
        }
        row["standard_deviation"] = "" if deviation is None else in_spreadsheet(deviation, decimal)
        expected.append(
            (
                int(row["candidate"]),
                row["property"],
                round(number, 12) + 0.0,
                deviation and round(deviation, 12),
            )
        )
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, rows[0].keys(), delimiter=delimiter, lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    found = read("filled.csv", stream.getvalue().encode(encoding))
    assert found.problems.count == 0, found.told
    got = [(e.candidate, e.property, e.value, e.standard_deviation) for e in found.entries]
    assert got == [
        (*row[:2], pytest.approx(row[2], abs=1e-12), pytest.approx(row[3], abs=1e-12)) for row in expected
    ]
    assert {(e.note, e.measured_on, e.synthesis) for e in found.entries} == {(note, date(2026, 3, 31), True)}


def test_workbook_filled_in_gives_what_was_filled_in() -> None:
    book = openpyxl.load_workbook(io.BytesIO(order_workbook(ORDER)))
    sheet = book["Results"]
    headings = {cell.value: cell.column for cell in sheet[1]}
    for row in range(2, 6):
        sheet.cell(row, headings["value"], 1.25 * row)
        sheet.cell(row, headings["sample"], "S-1")
        sheet.cell(row, headings["date"], date(2026, 3, 31))
    stream = io.BytesIO()
    book.save(stream)
    found = read("filled.xlsx", stream.getvalue())
    assert found.problems.count == 0, found.told
    assert [(e.candidate, e.property, e.value, e.sample) for e in found.entries] == [
        (11, "band_gap", 2.5, "S-1"),
        (11, "formation_energy_per_atom", 3.75, "S-1"),
        (12, "band_gap", 5.0, "S-1"),
        (12, "formation_energy_per_atom", 6.25, "S-1"),
    ]


def test_what_was_not_filled_in_waits() -> None:
    for name, data in (("a.csv", order_table(ORDER)), ("a.xlsx", order_workbook(ORDER))):
        found = read(name, data)
        assert (found.problems.count, found.entries, found.unfilled) == (0, [], 4)


def test_structures_come_as_they_are_and_the_sheet_has_a_page_each(tmp_path: Path) -> None:
    paths = write_order(ORDER, tmp_path)
    ((_, structure),) = read_structures(paths["structures"] / "11_SrTiO3.cif", "one")
    assert not isinstance(structure, str)
    assert structure.composition.reduced_formula == "SrTiO3"
    page = render_sheet(ORDER)
    assert page.count("<article>") == 2
    assert "candidate<b>12</b>" in page
    assert "3.1" in page
    assert "183.49 g/mol" in page


def test_a_table_that_may_be_filled_in_is_not_replaced(tmp_path: Path) -> None:
    table = write_order(ORDER, tmp_path)["table"]
    with pytest.raises(UsageError, match="may have been filled in"):
        write_order(ORDER, tmp_path)
    table.write_text("filled in")
    write_order(ORDER, tmp_path, overwrite=True)
    assert table.read_bytes() == order_table(ORDER)


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd", "-x"])
def test_texts_that_spreadsheets_would_compute_survive_both_ways(text: str) -> None:
    safe = as_text_cell(text)
    assert safe == f"'{text}"
    found = read("a.csv", f"formula,band_gap [eV],method,note\nSrTiO3,3.2,experiment,{safe}\n")
    assert found.entries[0].note == text
