"""Files of results as laboratories write them are read for what they say."""

import gzip
import io
import zipfile
from datetime import date, datetime

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.validation.submissions.reading.formulas import read_formula
from catalyst_assets.validation.submissions.reading.quantities import UnreadableCellError, read_quantity
from catalyst_assets_tests.unit.validation.submissions.reading_files import read

LONG = "formula{d}property{d}value{d}unit{d}method\nSrTiO3{d}band gap{d}3{c}25{d}eV{d}experiment\n"
GAP = ("SrTiO3", "band_gap", 3.25, "eV", None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
@pytest.mark.parametrize(
    ("delimiter", "decimal"), [(",", "."), (";", ","), (";", "."), ("\t", ","), ("|", ".")]
)
def test_dialects_of_spreadsheets(encoding: str, delimiter: str, decimal: str) -> None:
    text = LONG.format(d=delimiter, c=decimal) + delimiter.join(
        ("TiO2", "lattice_a", f"0{decimal}46", "nm", "experiment")
    )
    found = read("results.csv", text.encode(encoding))
    assert found.problems.count == 0, found.told
    assert found.values() == [GAP, ("TiO2", "lattice_a", pytest.approx(4.6), "Å", None)]


def test_excels_own_line_of_separators_and_windows_ends_of_lines() -> None:
    text = "sep=;\r\n" + LONG.format(d=";", c=",").replace("\n", "\r\n")
    assert read("results.csv", text).values() == [GAP]


def test_wide_sheet_with_preamble_deviations_replicates_and_conditions() -> None:
    text = (
        "# Instrument 7\nUser;Ann\n\n"
        "Formel;Band gap 1 / eV;SD;Band gap 2 / eV;a (nm);T / K;Bemerkung\n"
        "SrTiO₃;3,25;0,02;3,31 ± 0,03;0,3905(2);300;first\n"
        "TiO2;n.d.;;3,0;;;\n"
    ).replace("a (nm)", "lattice_a (nm)")
    found = read("sheet.csv", text, method="experiment")
    assert found.problems.count == 0, found.told
    assert [
        (*value[:4], entry.replicate) for value, entry in zip(found.values(), found.entries, strict=True)
    ] == [
        ("SrTiO₃", "band_gap", 3.25, "eV", 1),
        ("SrTiO₃", "band_gap", 3.31, "eV", 2),
        ("SrTiO₃", "lattice_a", pytest.approx(3.905), "Å", 1),
        ("TiO2", "band_gap", 3.0, "eV", 2),
    ]
    assert [entry.standard_deviation for entry in found.entries] == [0.02, 0.03, pytest.approx(0.002), None]
    assert found.entries[0].conditions == {"T / K": "300"}
    assert found.entries[0].note == "first"
    assert found.entries[2].given == "0.3905 nm"


def test_row_of_units_below_the_header() -> None:
    text = "formula,band_gap,lattice_a\n,meV,Å\nSrTiO3,3250,3.9\n"
    values = read("origin.csv", text, method="experiment").values()
    assert values == [GAP, ("SrTiO3", "lattice_a", 3.9, "Å", None)]


def test_workbook_with_typed_cells() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Results of Ann"])
    sheet.append(["candidate", "property", "value", "unit", "method", "sample", "date", "synthesis"])
    sheet.append([12, "band_gap", 3.25, "eV", "experiment", 7, datetime(2026, 3, 31), True])
    sheet.append([13, "band_gap", None, "eV", "experiment", None, None, "nein"])
    sheet.append([14, "band_gap", None, "eV", "experiment"])
    book.create_sheet("Notes").append(["anything"])
    stream = io.BytesIO()
    book.save(stream)
    found = read("results.xlsx", stream.getvalue())
    assert found.problems.count == 0, found.told
    first, second = found.entries
    assert (first.candidate, first.value, first.sample, first.measured_on, first.synthesis) == (
        12, 3.25, "7", date(2026, 3, 31), True,
    )  # fmt: skip
    assert first.place == "row 3 of sheet Sheet"
    assert (second.candidate, second.value, second.synthesis) == (13, None, False)
    assert found.unfilled == 1


def test_percentages_of_a_workbook_are_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["formula", "property", "value", "method"])
    sheet.append(["SrTiO3", "band_gap", 0.85, "experiment"])
    sheet["C2"].number_format = "0%"
    stream = io.BytesIO()
    book.save(stream)
    found = read("results.xlsx", stream.getvalue())
    assert "'%' is no unit of band_gap" in found.told


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.json",
            '[{"formula": "SrTiO3", "property": "band_gap", "value": 3.25, "unit": "eV", "method": "PBE"}]',
        ),
        ("b.json", '{"method": "PBE", "results": [{"formula": "SrTiO3", "band_gap [eV]": "3.25"}]}'),
        ("c.jsonl", '{"formula": "SrTiO3", "band_gap": "3250 meV", "method": "pbe"}\n\n'),
        (
            "d.json",
            '{"formula": "SrTiO3", "property": "Band gap", "value": 3.25, "unit": "eV", "method": "PBE"}',
        ),
    ],
)
def test_json(name: str, text: str) -> None:
    found = read(name, text)
    assert found.values() == [GAP], found.told
    assert found.entries[0].method == "PBE"


def test_parquet_gzip_and_archives() -> None:
    stream = io.BytesIO()
    pq.write_table(
        pa.table({"formula": ["SrTiO3"], "band_gap [eV]": [3.25], "method": ["experiment"]}), stream
    )
    assert read("results.parquet", stream.getvalue()).values() == [GAP]
    text = LONG.format(d=",", c=".").encode()
    assert read("results.csv.gz", gzip.compress(text)).values() == [GAP]
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("batch/results.csv", text)
        file.writestr("batch/structures/1.cif", "data_x")
        file.writestr("__MACOSX/batch/._results.csv", b"\0")
    assert read("batch.zip", archive.getvalue()).values() == [GAP]


def test_text_that_would_be_a_formula_stays_text() -> None:
    text = "formula,band_gap [eV],method,note\nSrTiO3,3.25,experiment,\"=cmd|' /C calc'!A0\"\n"
    assert read("results.csv", text).entries[0].note == "=cmd|' /C calc'!A0"


def test_unfilled_rows_of_a_work_order_wait() -> None:
    text = "candidate,material_id,formula,property,value,unit,method\n1,x:1,SrTiO3,band_gap,,eV,experiment\n"
    found = read("order.csv", text)
    assert (found.entries, found.problems.count, found.unfilled) == ([], 0, 1)


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("CuSO4·5H2O", "CuH10SO9"),
        ("La0.5Sr0.5MnO3", "SrLaMn2O6"),
        ("Ca(NO₃)₂", "Ca(NO3)2"),
        ("O2Ti (s)", "TiO2"),
    ],
)
def test_hydrates_solid_solutions_and_subscripts_are_formulas(text: str, reduced: str) -> None:
    assert read_formula(text) == reduced


@given(value=st.floats(-1e12, 1e12, allow_nan=False), grouped=st.booleans(), minus=st.sampled_from("-−"))
def test_numbers_survive_any_locale(value: float, grouped: bool, minus: str) -> None:
    plain = f"{value:,.6f}" if grouped else repr(value)
    german = plain.translate(str.maketrans({",": ".", ".": ",", "-": minus}))
    found = read_quantity(german, ",", is_certain=True)
    assert found is not None
    assert found.value == float(plain.replace(",", ""))


@given(st.text(max_size=40))
def test_any_text_is_a_number_nothing_or_refused_in_words(text: str) -> None:
    try:
        found = read_quantity(text)
    except UnreadableCellError as refused:
        said = refused.reason, refused.remedy
        assert all(said)
    else:
        assert found is None or found.value == found.value
