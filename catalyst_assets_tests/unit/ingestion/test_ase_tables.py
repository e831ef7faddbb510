"""ASE databases into records: what ASE writes is read, and no bytes do harm."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ase.db
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.tables import read_rows
from catalyst_assets.ingestion.records import Record, Rejection, validate
from catalyst_assets.ingestion.reference_tables.mapping import TableMapping, load_mapping
from catalyst_assets.ingestion.reference_tables.records import parse_table, survey_table
from catalyst_assets_tests.places import PROJECT

GAP = {"property": "band_gap", "unit": "eV", "method": "PBE", "required": False}
FORMATS = ["db", "json"]


def mapping(table: str, **changes: Any) -> TableMapping:
    described = {
        "source": "test",
        "table": table,
        "licence": "CC0-1.0",
        "structure": {"atoms": True},
        "record": ["unique_id"],
        "properties": {"gap": GAP},
    }
    return TableMapping.model_validate(described | changes)


def cmr_mapping(table: str) -> TableMapping:
    """Return what is said of CMR's cubic_perovskites.db."""
    example = load_mapping(PROJECT / "docs" / "examples" / "castelli" / "cmr.yaml")
    return example.model_copy(update={"table": table})


def database(folder: Path, suffix: str, fill: Callable[[Any], None]) -> bytes:
    path = folder / f"table.{suffix}"
    path.unlink(missing_ok=True)
    with ase.db.connect(path) as opened:
        fill(opened)
    return path.read_bytes()


def rocksalt(**changes: Any) -> Atoms:
    return bulk("NaCl", "rocksalt", a=5.6, **changes)


def read(data: bytes, table: TableMapping) -> tuple[list[Record], list[Rejection]]:
    contents = survey_table(table, data)
    outcomes = list(parse_table(table, data, 0, contents.rows, contents.duplicates))
    assert len(outcomes) == contents.rows
    accepted, unphysical = validate([item for item in outcomes if isinstance(item, Record)])
    refused = [item for item in outcomes if isinstance(item, Rejection)] + unphysical
    return [record for record, _ in accepted], refused


def values_of(record: Record) -> dict[str, float]:
    return {value.property: value.value for value in record.values}


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_become_records_with_their_own_atoms(tmp_path: Path, suffix: str) -> None:
    sheared = rocksalt().repeat((2, 1, 1))
    sheared.rattle(0.05, seed=1)
    sheared.set_constraint(FixAtoms([0]))

    def fill(opened: Any) -> None:
        calculated = rocksalt()
        calculated.calc = SinglePointCalculator(calculated, energy=-6.5, forces=np.zeros((2, 3)))
        opened.write(calculated, gap=5.0, label="salt", data={"anything": [1, 2]})
        opened.write(sheared, gap=4)

    energy = {"property": "energy_total", "unit": "eV", "method": "PBE", "required": False}
    table = mapping(f"table.{suffix}", record=["formula", "id"], properties={"gap": GAP, "energy": energy})
    records, refused = read(database(tmp_path, suffix, fill), table)

    assert refused == []
    assert [record.material_id for record in records] == ["test:NaCl_1", "test:Na2Cl2_2"]
    assert [record.place for record in records] == [f"table.{suffix} row 1", f"table.{suffix} row 2"]
    assert [values_of(record) for record in records] == [
        {"band_gap": 5.0, "energy_total": -6.5},
        {"band_gap": 4.0},
    ]
    cell = records[1].structure
    assert isinstance(cell, Cell)
    assert cell.symbols == ("Na", "Cl", "Na", "Cl")
    np.testing.assert_allclose(cell.matrix, sheared.cell.array)
    np.testing.assert_allclose(cell.positions @ cell.matrix, sheared.positions, atol=1e-12)


@pytest.mark.parametrize("suffix", FORMATS)
def test_keys_as_cmr_writes_them_make_prototypes_and_values(tmp_path: Path, suffix: str) -> None:
    def fill(opened: Any) -> None:
        shared = {"anion": "O3", "combination": "ABO3", "project": "cubic perovskites", "reference": "ABO3"}
        shared |= {"gllbsc_dir_gap": 3.6, "gllbsc_ind_gap": 3.3, "heat_of_formation_all": 0.12}
        edges = {"VB_dir": 7.5, "CB_dir": 3.9, "VB_ind": 7.2, "CB_ind": 3.9}
        opened.write(bulk("Sr"), A_ion="Sr", B_ion="Ti", **shared, **edges)
        opened.write(bulk("Ba"), A_ion="Ba", B_ion="Ti", **shared)
        opened.write(bulk("Ba"), A_ion="Ba", **shared)
        opened.write(bulk("Ca"), A_ion="Ca", B_ion="Ti", **shared | {"gllbsc_dir_gap": "wide"})

    records, refused = read(database(tmp_path, suffix, fill), cmr_mapping(f"table.{suffix}"))

    assert [record.source_id for record in records] == ["SrTiO3", "BaTiO3"]
    needed = {"band_gap_direct": 3.6, "band_gap_indirect": 3.3, "heat_of_formation": 0.12}
    assert values_of(records[0]) == needed | {
        "valence_band_direct": 7.5,
        "conduction_band_direct": 3.9,
        "valence_band_indirect": 7.2,
        "conduction_band_indirect": 3.9,
    }
    assert values_of(records[1]) == needed
    assert [(item.place, item.reason) for item in refused] == [
        (f"table.{suffix} row 3", "B_ion: is missing"),
        (f"table.{suffix} row 4", "gllbsc_dir_gap: 'wide' is not a number"),
    ]


BAD_ATOMS = {
    "not periodic in all three": rocksalt() * (1, 1, 1),
    "without volume": Atoms("Na", positions=[[0, 0, 0]], cell=[[1, 0, 0], [2, 0, 0], [0, 0, 3]], pbc=True),
    "of no element: [0]": Atoms("X", cell=[3, 3, 3], pbc=True),
    "not 1 to": Atoms(cell=[3, 3, 3], pbc=True),
    "not finite": Atoms("Na", positions=[[np.nan, 0, 0]], cell=[3, 3, 3], pbc=True),
}
BAD_ATOMS["not periodic in all three"].pbc = [True, True, False]


@pytest.mark.parametrize("suffix", FORMATS)
def test_bad_atoms_cost_their_row_only(tmp_path: Path, suffix: str) -> None:
    def fill(opened: Any) -> None:
        for atoms in BAD_ATOMS.values():
            opened.write(atoms, gap=1.0)
        opened.write(rocksalt(), gap=2.0)

    records, refused = read(database(tmp_path, suffix, fill), mapping(f"table.{suffix}"))

    assert [values_of(record) for record in records] == [{"band_gap": 2.0}]
    assert [item.place for item in refused] == [f"table.{suffix} row {row}" for row in range(1, 6)]
    for item, reason in zip(refused, BAD_ATOMS, strict=True):
        assert item.reason.startswith("atoms: ")
        assert reason in item.reason
        assert json.dumps(dict(item.payload))


TAMPERED = [
    ("positions = x'0011'", "row"),
    ("positions = zeroblob(24)", "atoms"),
    ("numbers = 'text'", "row"),
    ("cell = NULL", "atoms"),
    ("pbc = 'yes'", "row"),
    ("key_value_pairs = '{'", "row"),
    ("key_value_pairs = '[1]'", "row"),
    ("key_value_pairs = NULL", "row"),
    ("key_value_pairs = '{\"gap\": -Infinity}'", "gap"),
    ("key_value_pairs = '{\"gap\": 1e999}'", "gap"),
    ("unique_id = CAST(x'ff20ff' AS TEXT)", "unique_id"),
    ("unique_id = x'00'", "row"),
]


def test_a_row_that_was_tampered_with_costs_itself(tmp_path: Path) -> None:
    count = len(TAMPERED)
    database(
        tmp_path, "db", lambda opened: [opened.write(rocksalt(), gap=float(gap)) for gap in range(count + 1)]
    )
    with sqlite3.connect(tmp_path / "table.db") as connection:
        for row, (change, _) in enumerate(TAMPERED, 1):
            connection.execute(f"UPDATE systems SET {change} WHERE id = {row}")  # noqa: S608
    connection.close()

    records, refused = read((tmp_path / "table.db").read_bytes(), mapping("table.db"))

    assert [values_of(record) for record in records] == [{"band_gap": float(count)}]
    assert [item.reason.partition(": ")[0] for item in refused] == [field for _, field in TAMPERED]


@pytest.mark.parametrize(
    "statements",
    [
        "CREATE TABLE other (id INTEGER)",
        "CREATE TABLE systems (id INTEGER PRIMARY KEY, numbers BLOB)",
        "CREATE TABLE t (x); CREATE VIEW systems AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT i AS id, '{}' AS key_value_pairs, '' AS numbers, '' AS positions, '' AS cell, 7 AS pbc FROM n",
        "CREATE TABLE systems (id TEXT, numbers, positions, cell, pbc, key_value_pairs);"
        "INSERT INTO systems VALUES ('a', '', '', '', 7, '{\"gap\": 1}')",
        "CREATE TABLE systems (id INTEGER, numbers, positions, cell, pbc, key_value_pairs);"
        "INSERT INTO systems VALUES (1, '', '', '', 7, '{\"gap\": 1}'), (1, '', '', '', 7, '{\"gap\": 1}')",
    ],
)
def test_a_database_that_is_none_of_ase_is_refused_as_a_whole(tmp_path: Path, statements: str) -> None:
    path = tmp_path / "table.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(statements)
    connection.close()

    with pytest.raises(InvalidPoolError, match="ASE database") as caught:
        survey_table(mapping("table.db"), path.read_bytes())
    assert caught.value.remedy


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_that_was_cut_off_is_refused_as_a_whole(tmp_path: Path, suffix: str) -> None:
    data = database(tmp_path, suffix, lambda opened: [opened.write(rocksalt(), gap=1.0) for _ in range(40)])

    for length in (0, len(data) // 2, len(data) - 3):
        with pytest.raises(InvalidPoolError):
            list(read_rows(f"table.{suffix}", data[:length], ["unique_id", "gap"]))


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_key_that_no_row_has_is_an_error_that_names_it(tmp_path: Path, suffix: str) -> None:
    data = database(tmp_path, suffix, lambda opened: opened.write(rocksalt(), gab=1.0))
    with pytest.raises(InvalidPoolError, match="'gap'"):
        survey_table(mapping(f"table.{suffix}"), data)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_database_without_rows_is_refused(tmp_path: Path, suffix: str) -> None:
    def fill(opened: Any) -> None:
        del opened[opened.write(rocksalt(), gap=1.0)]

    with pytest.raises(InvalidPoolError, match="no rows"):
        survey_table(mapping(f"table.{suffix}"), database(tmp_path, suffix, fill))


def test_a_name_that_comes_twice_is_refused_the_second_time(tmp_path: Path) -> None:
    data = database(
        tmp_path, "db", lambda opened: [opened.write(rocksalt(), label="one", gap=gap) for gap in (1.0, 2.0)]
    )
    records, (refused,) = read(data, mapping("table.db", record=["label"]))

    assert [record.source_id for record in records] == ["one"]
    assert refused.reason == "label: one was already given by an earlier row"


def test_only_a_database_has_atoms_and_its_rows_must_have_a_name() -> None:
    with pytest.raises(ValidationError, match="only an ASE database"):
        mapping("table.csv")
    with pytest.raises(ValidationError, match="name the columns that identify a row"):
        mapping("table.db", record=[])
    with pytest.raises(ValidationError, match="atoms"):
        mapping("table.db", structure={"atoms": False})


def _damage(data: bytes, changes: list[tuple[int, int]]) -> bytes:
    damaged = bytearray(data)
    for position, value in changes:
        damaged[position % len(damaged)] = value
    return bytes(damaged)


class _Quiet:
    """A file whose bytes do not fill the report of a failure."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name, self.data = name, data


@pytest.fixture(scope="module", params=FORMATS)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> "_Quiet":
    folder = tmp_path_factory.mktemp("small")
    data = database(
        folder, request.param, lambda opened: [opened.write(rocksalt(), gap=gap) for gap in (1.0, 2.0)]
    )
    return _Quiet(f"table.{request.param}", data)


@settings(max_examples=6, deadline=None)
@given(changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=20))
def test_damaged_bytes_are_refused_or_give_sound_records(
    small: "_Quiet", changes: list[tuple[int, int]]
) -> None:
    name, data = small.name, small.data
    try:
        records, _ = read(_damage(data, changes), mapping(name))
    except InvalidPoolError:
        return
    assert all(np.isfinite(value.value) for record in records for value in record.values)


def test_reading_leaves_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = database(tmp_path, "db", lambda opened: [opened.write(rocksalt(), gap=1.0) for _ in range(3)])
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))

    rows = read_rows("table.db", data, ["gap"])
    assert next(rows).number == 1
    del rows

    assert list(folder.iterdir()) == []
