"""Tables into records: one bad row costs itself, whatever the bytes."""

import io
import math
from collections.abc import Iterable
from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.reference_tables.mapping import TableMapping, load_mapping
from catalyst_assets.ingestion.reference_tables.records import parse_table
from catalyst_assets.ingestion.reference_tables.source import SHIPPED_FOLDER, TableParser
from catalyst_assets.vocabulary.known import known_properties

GAP = {"property": "band_gap", "unit": "eV", "method": "PBE"}
MAPPING = TableMapping.model_validate(
    {
        "source": "test",
        "table": "table.csv",
        "licence": "CC0-1.0",
        "structure": {"prototype": "cubic_perovskite"},
        "properties": {"Eg": GAP},
    }
)
# Of numbers drawn at random some columns look as if they were in another unit.
ANY_GAP = MAPPING.model_copy(
    update={"properties": {"Eg": MAPPING.properties["Eg"].model_copy(update={"plausible": True})}}
)
CIF_MAPPING = TableMapping.model_validate(
    {
        "source": "test",
        "table": "table.csv",
        "licence": "CC0-1.0",
        "structure": {"cif": "cif"},
        "record": ["id"],
        "properties": {"Eg": GAP},
    }
)
CIF = """data_SrTiO3
_cell_length_a 3.9
_cell_length_b 3.9
_cell_length_c 3.9
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'P 1'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Sr1 Sr 0.5 0.5 0.5 1
Ti1 Ti 0 0 0 1
O1 O 0.5 0 0 1
O2 O 0 0.5 0 1
O3 O 0 0 0.5 1
"""


def read(text: str | bytes, mapping: TableMapping = MAPPING) -> tuple[list[Record], list[Rejection]]:
    """Survey, parse and validate a table as the pipeline does."""
    data = text.encode() if isinstance(text, str) else text
    raw = RawFile(
        1,
        mapping.source,
        "file:///table",
        {"kind": "reference_table", "parameters": {"mapping": mapping.model_dump(mode="json")}},
        "0" * 64,
        len(data),
        mapping.licence,
        None,  # type: ignore[arg-type]
        "pending",
        None,
    )
    contents = TableParser().survey(raw, io.BytesIO(data))
    outcomes = list(TableParser().parse(raw, io.BytesIO(data), 0, contents.rows, contents.duplicates))
    assert len(outcomes) == contents.rows
    accepted, unphysical = validate([item for item in outcomes if isinstance(item, Record)])
    refused = [item for item in outcomes if isinstance(item, Rejection)] + unphysical
    return [record for record, _ in accepted], refused


def ids(records: Iterable[Record]) -> list[str]:
    return [record.source_id for record in records]


def test_every_shipped_row_is_a_record_with_its_ideal_lattice_and_five_answers() -> None:
    folder = SHIPPED_FOLDER / "perovskite_pbe"
    mapping = load_mapping(folder / "mapping.yaml")
    records, refused = read((folder / "perovskites.csv").read_bytes(), mapping)
    assert not refused
    assert len(records) == 255
    first = records[0]
    assert first.material_id == "perovskite_pbe:AgAlO3"
    assert {value.property: value.value for value in first.values} == {
        "lattice_a": 3.7302,
        "energy_total": -16.6648,
        "formation_energy_per_atom": -1.0751,
        "band_gap_direct": 0.0,
        "band_gap_indirect": 0.0,
    }
    assert abs(first.structure.lattice.a - 3.7302) > 0.01


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        ("Ba,Ti,O3,", "Eg", "is missing"),
        ("Ba,Ti,O3,  ", "Eg", "is missing"),
        ("Ba,,O3,1.0", "B", "is missing"),
        ("Ba,Ti,O3,abc", "Eg", "'abc' is not a number"),
        ("Ba,Ti,O3,1_0", "Eg", "'1_0' is not a number"),
        ("Ba,Ti,O3,0x1", "Eg", "'0x1' is not a number"),
        ("Ba,Ti,O3,٣", "Eg", "'٣' is not a number"),
        ("Ba,Ti,O3,NaN", "Eg", "is missing"),
        ("Ba,Ti,O3,-inf", "Eg", "'-inf' is not finite"),
        ("Ba,Ti,O3,1e999", "Eg", "inf is not finite"),
        ("Ba,Ti,O3,99", "Eg", "99 eV is outside 0 to 30"),
        ("Ba,Ti,O3,-1", "Eg", "-1 eV is outside 0 to 30"),
        ("Xx,Ti,O3,1.0", "A, B, anion", "'Xx' is not an element"),
        ("Ba,Ti,O4,1.0", "A, B, anion", "'O4' is not a formula of three anions"),
        ("Ba,Ti,O3", "row", "has 3 cells where the header has 4"),
        ("Ba,Ti,O3,1.0,2.0", "row", "has 5 cells where the header has 4"),
        ("Sr,Ti,O3,2.0", "A, B, anion", "SrTiO3 was already given by an earlier row"),
        ("Ba\0,Ti,O3,1.0", "A, B, anion", "cannot name a record"),
        ("Ba Ba,Ti,O3,1.0", "A, B, anion", "cannot name a record"),
        ('"Ba,Ti,O3,1.0', "row", "has 1 cells where the header has 4"),
    ],
)
def test_a_bad_row_is_refused_by_file_row_and_field_and_its_neighbours_stay(
    row: str, field: str, reason: str
) -> None:
    records, refused = read(f"A,B,anion,Eg\nSr,Ti,O3,1.8\n{row}\nCa,Ti,O3,1.9\nLa,Al,O3,3.5\n")
    assert ids(records) == ["SrTiO3", "CaTiO3", "LaAlO3"]
    (rejection,) = refused
    assert rejection.place == "table.csv row 3"
    assert f"{field}: " in rejection.reason
    assert reason in rejection.reason


def test_every_bad_field_of_a_row_is_named() -> None:
    _, (rejection,) = read("A,B,anion,Eg\n,Ti,O3,abc\n")
    assert [problem.field for problem in rejection.problems] == ["A", "Eg"]


def test_a_record_stands_when_only_its_earlier_namesake_was_bad() -> None:
    records, refused = read("A,B,anion,Eg\nSr,Ti,O3,abc\nSr,Ti,O3,1.8\n")
    assert ids(records) == ["SrTiO3"]
    assert [rejection.place for rejection in refused] == ["table.csv row 2"]


def test_stray_quotes_do_not_swallow_the_rows_between_them() -> None:
    records, refused = read('A,B,anion,Eg\nBa,Ti,O3,"1\nSr,Ti,O3,1.8\nBa,Ti,O3,"1\n')
    assert ids(records) == ["SrTiO3"]
    assert ["quote is not closed" in refused[0].reason, refused[1].place] == [True, "table.csv row 4"]


def test_blank_lines_are_no_rows_but_count_as_a_spreadsheet_counts() -> None:
    records, refused = read("A,B,anion,Eg\n\nSr,Ti,O3,1.8\n\n,,,\n")
    assert ids(records) == ["SrTiO3"]
    assert not refused
    _, (rejection,) = read("A,B,anion,Eg\n\nSr,Ti,O3,1.8\n\n,,,9\n")
    assert rejection.place == "table.csv row 5"


def test_what_is_not_utf8_costs_its_own_row() -> None:
    records, refused = read(
        b"\xef\xbb\xbfA,B,anion,Eg\r\nSr,Ti,O3,1.8\r\nB\xff,Ti,O3,1.0\r\nCa,Ti,O3,1.9\r\n"
    )
    assert ids(records) == ["SrTiO3", "CaTiO3"]
    assert [rejection.place for rejection in refused] == ["table.csv row 3"]


def test_an_optional_value_may_be_absent_but_not_wrong() -> None:
    optional = MAPPING.model_copy(
        update={"properties": {"Eg": MAPPING.properties["Eg"].model_copy(update={"required": False})}}
    )
    records, refused = read("A,B,anion,Eg\nSr,Ti,O3,\nBa,Ti,O3,nan\nCa,Ti,O3,inf\n", optional)
    assert ids(records) == ["SrTiO3", "BaTiO3"]
    assert [record.values for record in records] == [(), ()]
    assert len(refused) == 1


def test_a_row_of_answers_without_an_answer_is_refused() -> None:
    optional = MAPPING.properties["Eg"].model_copy(update={"required": False})
    answers = MAPPING.model_copy(update={"properties": {"Eg": optional}, "answers": True})
    records, (rejection,) = read("A,B,anion,Eg\nSr,Ti,O3,\nCa,Ti,O3,1.9\n", answers)
    assert ids(records) == ["CaTiO3"]
    assert "answers nothing" in rejection.reason


def test_quarantine_does_not_repeat_the_good_values_of_a_bad_row() -> None:
    both = MAPPING.model_copy(
        update={
            "properties": MAPPING.properties
            | {"E": MAPPING.properties["Eg"].model_copy(update={"property": "band_gap_direct"})},
            "answers": True,
        }
    )
    _, (rejection,) = read("A,B,anion,Eg,E\nSr,Ti,O3,1.2345,abc\n", both)
    assert rejection.payload["cells"] == {"A": "'Sr'", "B": "'Ti'", "anion": "'O3'", "E": "'abc'"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no header"),
        (b"\n\n", "has no header"),
        (b"A,B,anion,Eg\n", "holds no rows"),
        (b"A,B,anion\nSr,Ti,O3\n", "has no column 'Eg'"),
        (b"A;B;anion;Eg\nSr;Ti;O3;1\n", "has no column 'A', 'B', 'anion', 'Eg'"),
        (b"A,B,anion,Eg,Eg\nSr,Ti,O3,1,2\n", "'Eg' more than once"),
        (b"<html><body>404</body></html>", "has no column"),
        (bytes(range(256)), "has no column"),
    ],
)
def test_what_is_no_table_is_refused_as_a_whole(data: bytes, message: str) -> None:
    with pytest.raises(InvalidPoolError, match=r"table\.csv") as caught:
        read(data)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("cif", "reason"),
    [
        ("not a cif", "is no crystal"),
        (CIF.replace("Ti1 Ti", "Qq1 Qq"), ""),
        (CIF.replace("Sr1 Sr 0.5 0.5 0.5 1", "Sr1 Sr 0.5 0.5 0.5 0.5"), "ordered"),
        (CIF.replace("Ti1 Ti 0 0 0", "Ti1 Ti 0.49 0.5 0.5"), "shortest distance below 0.5 Å"),
        (CIF.replace("3.9", "0.9"), "volume per atom outside"),
        (CIF.replace("3.9", "39"), "volume per atom outside"),
        (CIF.replace("gamma 90", "gamma 180"), ""),
        (CIF.replace("length_a 3.9", "length_a nan"), ""),
        (CIF.replace("Ti1 Ti 0 0 0 1", "Ti1 Ti nan 0 0 1"), ""),
    ],
)
def test_a_crystal_that_cannot_be_costs_its_row(cif: str, reason: str) -> None:
    records, (rejection,) = read(f'id,cif,Eg\ngood,"{CIF}",1\nbad,"{cif}",1\nlast,"{CIF}",1\n', CIF_MAPPING)
    assert ids(records) == ["good", "last"]
    assert rejection.place == "table.csv row 3"
    assert reason in rejection.reason


def test_an_unclosed_quote_before_crystals_of_many_lines_costs_no_good_row() -> None:
    records, refused = read(f'id,cif,Eg\n"broken,x,1\nfirst,"{CIF}",1\nsecond,"{CIF}",2\n', CIF_MAPPING)
    assert ids(records) == ["first", "second"]
    assert refused[0].place == "table.csv row 2"


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_parquet_rows_are_held_to_the_same_rules() -> None:
    mapping = MAPPING.model_copy(update={"table": "table.parquet"})
    data = parquet(
        A=["Sr", "Ca", None, "La"],
        B=["Ti", "Ti", "Ti", "Al"],
        anion=["O3"] * 4,
        Eg=pa.array([1.8, math.nan, 1.0, None]),
    )
    records, refused = read(data, mapping)
    assert ids(records) == ["SrTiO3"]
    assert [(rejection.place, rejection.problems[0].field) for rejection in refused] == [
        ("table.parquet row 2", "Eg"),
        ("table.parquet row 3", "A"),
        ("table.parquet row 4", "Eg"),
    ]


def test_parquet_columns_of_other_types_cost_their_rows_only() -> None:
    mapping = MAPPING.model_copy(update={"table": "table.parquet"})
    data = parquet(A=[True], B=[1.5], anion=[["O3"]], Eg=[True])
    _, (rejection,) = read(data, mapping)
    assert [problem.field for problem in rejection.problems] == ["A", "B", "anion", "Eg"]


@pytest.mark.parametrize("cut", [0, 10, 200])
def test_a_truncated_parquet_file_is_refused_as_a_whole(cut: int) -> None:
    whole = parquet(A=["Sr"], B=["Ti"], anion=["O3"], Eg=[1.0])
    with pytest.raises(InvalidPoolError, match=r"table\.parquet cannot be read"):
        read(whole[:cut], MAPPING.model_copy(update={"table": "table.parquet"}))


ELEMENT = st.sampled_from(["Sr", "Ba", "Ca", "Ti", "Zr", "Al", "La"])
GOOD_ROW = st.tuples(ELEMENT, ELEMENT, st.floats(0, 30))
LINE = st.one_of(
    GOOD_ROW.map(lambda row: f"{row[0]},{row[1]},O3,{row[2]!r}".encode()),
    st.binary(max_size=40),
    st.text(alphabet='ABaTiSrO3,"\r\n\0.e-19 ', max_size=40).map(str.encode),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(LINE, max_size=12))
@example([b'"', b"Sr,Ti,O3,1", b'"'])
@example([b"x" * 140_000])
def test_no_bytes_crash_the_parser_or_pass_a_bad_row(lines: list[bytes]) -> None:
    data = b"A,B,anion,Eg\n" + b"\n".join(lines)
    try:
        records, refused = read(data)
    except InvalidPoolError:
        return
    limits = known_properties()["band_gap"]
    assert len(set(ids(records))) == len(records)
    for record in records:
        (value,) = record.values
        assert limits.low <= value.value <= limits.high
        assert record.source_id.isprintable()
        assert len(record.structure) == 5
    assert all(rejection.reason and rejection.place for rejection in refused)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_crash_the_reader_of_a_whole_file(data: bytes) -> None:
    for table in ("table.csv", "table.parquet"):
        with suppress(InvalidPoolError):
            read(data, MAPPING.model_copy(update={"table": table}))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(CIF) - 1), st.integers(0, 30), st.text(max_size=6))
def test_no_damage_to_a_cif_crashes_the_parser(position: int, length: int, patch: str) -> None:
    damaged = (CIF[:position] + patch + CIF[position + length :]).replace('"', "'")
    records, refused = read(f'id,cif,Eg\nx,"{damaged}",1\n', CIF_MAPPING)
    assert len(records) + len(refused) >= 1
    for record in records:
        (crystal,) = describe([record.structure])
        assert crystal.ordered
        assert 2 <= crystal.volume_per_atom <= 500


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(GOOD_ROW, min_size=1, max_size=8, unique_by=lambda row: row[:2]), st.data())
def test_good_rows_come_back_exactly_whatever_stands_between_them(
    rows: list[tuple[str, str, float]], data: st.DataObject
) -> None:
    bad = st.sampled_from(["Ba,Ti,O3,x", ",,,", "short", '"Ba,Ti,O3,1', 'Ba,Ti,O3,"1', "Qq,Ti,O3,1"])
    lines = ["A,B,anion,Eg"]
    for a, b, gap in rows:
        lines += [*data.draw(st.lists(bad, max_size=2)), f"{a},{b},O3,{gap!r}"]
    records, _ = read("\n".join(lines), ANY_GAP)
    assert [(record.source_id, record.values[0].value) for record in records] == [
        (f"{a}{b}O3", gap) for a, b, gap in rows
    ]


def test_a_part_of_a_table_is_the_same_rows() -> None:
    text = "A,B,anion,Eg\nSr,Ti,O3,1\nbad\nCa,Ti,O3,2\nLa,Al,O3,3\n"
    whole = [item.place for item in parse_table(MAPPING, text.encode())]
    parts = [
        item.place
        for start, stop in [(0, 1), (1, 3), (3, 4)]
        for item in parse_table(MAPPING, text.encode(), start, stop)
    ]
    assert parts == whole == [f"table.csv row {number}" for number in (2, 3, 4, 5)]


def test_a_formula_on_a_prototype_is_its_ideal_crystal_and_what_does_not_fit_is_set_aside() -> None:
    mapping = TableMapping.model_validate(
        {
            "source": "alloys",
            "table": "alloys.csv",
            "licence": "own",
            "structure": {"formula": "formula", "prototype": "kind"},
            "separator": "-",
            "properties": {"Eg": GAP},
        }
    )
    text = "formula,kind,Eg\nCu3Pt,L1_2,0\nPtCu,L1_0,0\nCu3Pt,L1_0,0\nCu,A17,0\nCu3Pt,L1_2,1\n"

    accepted, refused = read(text, mapping)

    assert [(record.source_id, describe([record.structure])[0].n_sites) for record in accepted] == [
        ("Cu3Pt-L1_2", 4),
        ("PtCu-L1_0", 2),
    ]
    assert [(item.place, item.problems[0].field) for item in refused] == [
        ("alloys.csv row 4", "formula, kind"),
        ("alloys.csv row 5", "formula, kind"),
        ("alloys.csv row 6", "formula, kind"),
    ]
    assert "does not fit L1_0" in refused[0].problems[0].reason
