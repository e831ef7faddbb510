"""Tables as people have them: what is honestly readable loads, the rest is refused by row, column and remedy."""

import datetime
import io
import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.reference_tables.mapping import TableMapping
from catalyst_assets.ingestion.reference_tables.records import parse_table, survey_table
from catalyst_assets_tests.unit.ingestion.test_reference_tables import CIF

GAP = {"property": "band_gap", "unit": "eV", "method": "PBE"}
HULL = {"property": "energy_above_hull", "unit": "eV/atom", "method": "PBE"}
FORMATION = {"property": "formation_energy_per_atom", "unit": "eV/atom", "method": "PBE"}


def described(**changes: Any) -> TableMapping:
    basis = {"source": "t", "table": "table.csv", "licence": "CC0-1.0", "properties": {"gap": GAP}}
    return TableMapping.model_validate(basis | {"structure": {"prototype": "cubic_perovskite"}} | changes)


def read(mapping: TableMapping, data: str | bytes) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Return the values of each record that passes, and why the others do not."""
    content = data.encode() if isinstance(data, str) else data
    contents = survey_table(mapping, content)
    outcomes = list(parse_table(mapping, content, 0, contents.rows, contents.duplicates))
    accepted, refused = validate([each for each in outcomes if isinstance(each, Record)])
    refused = [each for each in outcomes if isinstance(each, Rejection)] + refused
    values = {
        record.source_id: {value.field: value.value for value in record.values} for record, _ in accepted
    }
    return values, [f"{each.place}: {each.reason}" for each in refused]


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def test_what_stands_for_no_number_leaves_the_row_without_that_value() -> None:
    optional = {**HULL, "required": False}
    mapping = described(properties={"gap": GAP, "hull": optional})
    markers = ("na", "N/A", "NaN", "null", "None", "-", "--", "", " #N/A ")
    elements = ("Ca", "Ba", "Pb", "Mg", "Cd", "La", "Y", "Bi", "Na")
    rows = [f"{element},Ti,O3,1.5,{marker}" for element, marker in zip(elements, markers, strict=True)]
    values, refused = read(mapping, "\n".join(["A,B,anion,gap,hull", *rows]))
    assert refused == []
    assert values == {f"{element}TiO3": {"gap": 1.5} for element in elements}


def test_a_marker_of_ones_own_is_named_and_a_required_value_is_missing() -> None:
    mapping = described(
        missing=["n.d.", -999], properties={"gap": GAP, "ef": {**FORMATION, "required": False}}
    )
    values, refused = read(
        mapping,
        "A,B,anion,gap,ef\nCa,Ti,O3,1.5,-999\nBa,Ti,O3,1.5,-999.0\nPb,Ti,O3,1.5,n.d.\nMg,Ti,O3,n.d.,-2\n"
        "La,Al,O3,na,-2\n",
    )
    assert values == {name: {"gap": 1.5} for name in ("CaTiO3", "BaTiO3", "PbTiO3")}
    assert refused == ["table.csv row 5: gap: is missing", "table.csv row 6: gap: is missing"]
    _, (sentinel,) = read(described(), "A,B,anion,gap\nCa,Ti,O3,-999\n")
    assert "-999 eV is outside 0 to 30" in sentinel


def test_names_and_formulas_are_never_taken_as_missing() -> None:
    mapping = described(structure={"cif": "cif"}, record=["id"])
    values, refused = read(mapping, f'id,cif,gap\nna,"{CIF}",1.5\nNone,"{CIF}",1.6\n')
    assert list(values) == ["na", "None"]
    assert refused == []


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ('"1,5"', "'1,5' is not a number: write it with a decimal point and without thousands separators"),
        ('"1,234.5"', "without thousands separators"),
        ('"1.234,5"', "without thousands separators"),
        ("1_000", "'1_000' is not a number"),
        ("0x1F", "'0x1F' is not a number"),
        ("1.5 eV", "'1.5 eV' is not a number"),
        ("No", "'No' is not a number"),
        ("True", "'True' is not a number"),
        ("inf", "'inf' is not finite"),
        ("1500", "1500 eV is outside 0 to 30: is it in meV?"),
        ("-3", "-3 eV is outside 0 to 30"),
    ],
)
def test_a_number_that_cannot_be_meant_costs_its_row_and_says_why(cell: str, reason: str) -> None:
    values, (refused,) = read(described(), f"A,B,anion,gap\nSr,Ti,O3,1.8\nCa,Ti,O3,{cell}\n")
    assert values == {"SrTiO3": {"gap": 1.8}}
    assert refused.startswith("table.csv row 3: gap: ")
    assert reason in refused


def test_decimal_commas_and_semicolons_are_read_where_the_mapping_says_so() -> None:
    mapping = described(delimiter=";", decimal=",")
    text = "A;B;anion;gap\nSr;Ti;O3;1,8\nCa;Ti;O3;2\nBa;Ti;O3;1,7e0\nPb;Ti;O3;1.9\nMg;Ti;O3;1.000,5\n"
    values, refused = read(mapping, text)
    assert values == {"SrTiO3": {"gap": 1.8}, "CaTiO3": {"gap": 2.0}, "BaTiO3": {"gap": 1.7}}
    assert refused == [
        "table.csv row 5: gap: '1.9' is not a number with a decimal comma",
        "table.csv row 6: gap: '1.000,5' is not a number with a decimal comma",
    ]
    quoted, _ = read(described(decimal=","), 'A,B,anion,gap\nSr,Ti,O3,"1,8"\n')
    assert quoted == {"SrTiO3": {"gap": 1.8}}


@pytest.mark.parametrize("sign", [";", "\t", "|"])
def test_a_header_divided_by_another_sign_says_what_the_mapping_lacks(sign: str) -> None:
    text = "A,B,anion,gap\nSr,Ti,O3,1.8\n".replace(",", sign)
    with pytest.raises(InvalidPoolError) as refused:
        read(described(), text)
    assert "say `delimiter: " in refused.value.remedy
    values, _ = read(described(delimiter=sign), text)
    assert values == {"SrTiO3": {"gap": 1.8}}


@pytest.mark.parametrize(
    "data",
    [
        "A, B, anion, gap\nSr, Ti, O3 , 1.8\n",
        "\ufeffA,B,anion,gap\r\nSr,Ti,O3,1.8\r\n",
        ' A , B ,"anion", "gap"\nSr,Ti,O3, "1.8"\n',
        "A,B,anion,gap\nSr,Ti,O3,+1.8\n\n,,,\n",
        ",A,B,anion,gap\n0,Sr,Ti,O3,1.8\n",
        "A,B,anion,gap,note,note\nSr,Ti,O3,1.8,a,b\n",
    ],
)
def test_blanks_byte_order_marks_and_columns_of_no_concern_change_nothing(data: str) -> None:
    expected = ({"SrTiO3": {"gap": 1.8}}, [])
    assert read(described(), data) == expected
    assert read(described(), data.lstrip("\ufeff").encode("utf-16")) == expected


def test_a_minus_sign_as_it_is_typeset_is_one() -> None:
    mapping = described(properties={"ef": FORMATION})
    values, _ = read(mapping, "A,B,anion,ef\nSr,Ti,O3,\N{MINUS SIGN}3.4\n")
    assert values == {"SrTiO3": {"ef": -3.4}}


@pytest.mark.parametrize("header", ["A,B,anion,gap,gap", "A,B,anion,gap, gap ", "A,A,B,anion,gap"])
def test_a_column_given_twice_is_refused(header: str) -> None:
    with pytest.raises(InvalidPoolError, match="more than once"):
        read(described(), f"{header}\nSr,Ti,O3,1.8,2.0\n")


def test_a_row_of_another_length_names_the_column_or_the_cell() -> None:
    _, refused = read(described(), "A,B,anion,gap\nSr,Ti,O3,1.8,\nCa,Ti,O3\nBa,Ti,O3,1.8,x\n")
    assert refused == [
        "table.csv row 2: row: has 5 cells where the header has 4: no column is named for '' after gap",
        "table.csv row 3: row: has 3 cells where the header has 4: gap would be missing",
        "table.csv row 4: row: has 5 cells where the header has 4: no column is named for 'x' after gap",
    ]


def test_the_same_name_with_blanks_around_it_is_the_same_record() -> None:
    values, (refused,) = read(described(), "A,B,anion,gap\nSr,Ti,O3,1.8\nSr ,Ti, O3 ,2.0\n")
    assert values == {"SrTiO3": {"gap": 1.8}}
    assert "SrTiO3 was already given by an earlier row" in refused


def _named(rows: Sequence[Sequence[str]], **changes: Any) -> tuple[list[str], list[str]]:
    mapping = described(structure={"cif": "cif"}, record=["formula", "number"], **changes)
    lines = [f'{formula},{number},"{CIF}",1.0' for formula, number in rows]
    values, refused = read(mapping, "\n".join(["formula,number,cif,gap", *lines]))
    return list(values), refused


@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([("FeO2", "1"), ("FeO", "21")], ["FeO2_1", "FeO_21"]),
        ([("a_b", "c"), ("a", "b_c")], [r"a\_b_c", r"a_b\_c"]),
        ([("a_", "b"), ("a", "_b")], [r"a\__b", r"a_\_b"]),
        ([("a\\", "b"), ("a\\\\", "b")], [r"a\\_b", r"a\\\\_b"]),
    ],
)
def test_other_cells_give_another_name(rows: Sequence[Sequence[str]], names: list[str]) -> None:
    assert _named(rows) == (names, [])


def test_a_separator_can_be_chosen_and_none_joins_as_before() -> None:
    assert _named([("FeO2", "1"), ("FeO", "21")], separator=":") == (["FeO2:1", "FeO:21"], [])
    names, (refused,) = _named([("FeO2", "1"), ("FeO", "21")], separator="")
    assert names == ["FeO21"]
    assert "FeO21 was already given by an earlier row" in refused


def test_parquet_columns_of_numbers_and_text_are_read_whatever_their_type() -> None:
    mapping = described(table="t.parquet", structure={"cif": "cif"}, record=["id"], missing=[-1])
    expected = {"1": {"gap": 1.85}, "2": {"gap": 2.0}}
    for ids in (
        pa.array([1, 2], pa.int64()),
        pa.array([1.0, 2.0], pa.float64()),
        pa.array([Decimal("1.00"), Decimal("2")], pa.decimal128(6, 2)),
        pa.array(["1", "2"], pa.large_string()),
        pa.array(["1", "2"]).dictionary_encode(),
        pa.array([b"1", b"2"], pa.binary()),
    ):
        for gaps in (
            pa.array([Decimal("1.85"), Decimal("2.00")], pa.decimal128(6, 2)),
            pa.array([1.85, 2.0]).dictionary_encode(),
            pa.array(["1.85", "2"], pa.large_string()),
        ):
            assert read(mapping, parquet(id=ids, cif=[CIF, CIF], gap=gaps)) == (expected, [])


def test_parquet_columns_are_found_without_blanks_and_not_twice() -> None:
    mapping = described(table="t.parquet")
    columns = {"A": ["Sr"], " B": ["Ti"], "anion ": ["O3"], " gap ": [1.8]}
    assert read(mapping, parquet(**columns)) == ({"SrTiO3": {"gap": 1.8}}, [])
    with pytest.raises(InvalidPoolError, match="the column 'gap' more than once"):
        read(mapping, parquet(**columns, gap=[2.0]))


def test_a_marker_is_found_however_it_is_written() -> None:
    optional = described(
        table="t.parquet", missing=["-999", "N.D."], properties={"gap": {**GAP, "required": False}}
    )
    cells = (
        pa.array([-999]),
        pa.array([-999.0]),
        pa.array(["-999.00"]),
        pa.array(["n.d."]),
        pa.array(["N.D. "]),
    )
    for gap in cells:
        assert read(optional, parquet(A=["Sr"], B=["Ti"], anion=["O3"], gap=gap)) == ({"SrTiO3": {}}, [])


def test_parquet_cells_that_are_no_number_or_name_cost_their_rows() -> None:
    mapping = described(table="t.parquet", structure={"cif": "cif"}, record=["id"])
    ids = pa.array([1.5, None, float("nan"), 2.0**60, 5.0])
    values, refused = read(mapping, parquet(id=ids, cif=[CIF] * 5, gap=[1.0] * 5))
    assert list(values) == ["5"]
    assert [line.partition("id: ")[2] for line in refused] == [
        "1.5 is neither text nor a whole number",
        "is missing",
        "is missing",
        "1.152921504606847e+18 is neither text nor a whole number",
    ]
    for odd, reason in (
        (pa.array([True]), "True is not a number"),
        (pa.array([[1.0]]), "is no single value"),
        (pa.array([{"value": 1.0}]), "is no single value"),
        (pa.array([datetime.datetime(2024, 1, 1)]), "is not a number"),
        (pa.array([None], pa.float64()), "is missing"),
        (pa.array([float("nan")]), "is missing"),
    ):
        _, (line,) = read(mapping, parquet(id=["a"], cif=[CIF], gap=odd))
        assert reason in line


IN_MEV = "A,B,anion,hull\nSr,Ti,O3,0\nCa,Ti,O3,2.1\nBa,Ti,O3,8.4\nLa,Al,O3,4.0\nK,Nb,O3,31.5\nNa,Ta,O3,57.0\n"


def _column(numbers: Sequence[float]) -> str:
    elements = ("Sr", "Ca", "Ba", "La", "K", "Na", "Pb", "Mg", "Cd", "Y", "Bi", "Rb")
    pairs = [(a, b) for a in elements for b in ("Ti", "Zr", "Hf", "Al", "Nb", "Ta", "Ga", "Sn", "V", "Cr")]
    rows = [f"{a},{b},O3,{number!r}" for (a, b), number in zip(pairs, numbers, strict=False)]
    return "\n".join(["A,B,anion,x", *rows])


def test_a_column_in_another_unit_is_asked_about_and_taken_when_it_is_said_to_be_right() -> None:
    with pytest.raises(InvalidPoolError) as asked:
        read(described(properties={"hull": HULL}), IN_MEV)
    assert (
        "hull does not look like energy_above_hull in eV/atom: the median of what is not zero is 8.4"
        in str(asked.value)
    )
    assert "is it in meV/atom?" in asked.value.message
    assert "`plausible: true`" in asked.value.remedy
    values, refused = read(described(properties={"hull": {**HULL, "plausible": True}}), IN_MEV)
    assert len(values) == 4
    assert len(refused) == 2


@pytest.mark.parametrize(
    ("known", "numbers"),
    [
        (GAP, [0, 0, 1500, 2300, 900, 4100, 3200]),
        (FORMATION, [-1800, -2100, -950, -3000, -40]),
        (FORMATION, [-0.0018, -0.0021, -0.0009, -0.003, -0.0011, -0.0025, -0.002, -0.0016, -0.001]),
        (HULL, [0.0, 12.0, 25.0, 3.0, 40.0, 9.0, 0.5]),
        ({"property": "lattice_a", "unit": "Å", "method": "PBE"}, [390, 400, 410, 395]),
    ],
)
def test_other_units_are_asked_about_too(known: dict[str, str], numbers: list[float]) -> None:
    with pytest.raises(InvalidPoolError, match="does not look like"):
        read(described(properties={"x": known}), _column(numbers))


@pytest.mark.parametrize(
    ("known", "numbers"),
    [
        (HULL, [5.0, 4.2, 3.9]),
        (HULL, [2.1, 8.4]),
        (HULL, [0.0, 0.0, 1e-5, 3e-4, 0.002]),
        (HULL, [0.0, 0.02, 0.05, 0.1, 0.2, 0.04, 999.0]),
        (HULL, [random.Random(1).uniform(0, 5) for _ in range(100)]),
        (HULL, [0.5, 1.5, 2.5, 3.5, 4.5, 5.0, 3.0, 4.0]),
        (GAP, [7.9, 8.6, 9.1, 13.6, 6.2]),
        (GAP, [0.0] * 30 + [0.02, 0.01]),
        (FORMATION, [0.0, 1e-6, -2e-7, 0.0, 3e-6, 1e-7, 5e-7, 1e-6, 2e-6, 1e-6]),
        (
            {"property": "energy_total", "unit": "eV", "method": "PBE"},
            [-81234.5, -90211.0, -70000.1, -65000.0],
        ),
    ],
)
def test_honest_columns_are_not_asked_about(known: dict[str, str], numbers: list[float]) -> None:
    values, _ = read(described(properties={"x": known}), _column(numbers))
    low, high = (0.0, 30.0) if known is GAP else (-1e6, 10.0)
    assert len(values) == sum(low <= number <= high for number in numbers)
