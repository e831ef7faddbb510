"""Tables of benchmarks, by the same rules as tables that are loaded: refused by file, row and column, or read as meant."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from catalyst_assets.bench.discovery.pools import BenchmarkPool, read_pool
from catalyst_assets.bench.shift import read_sample
from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.cli import app
from catalyst_assets.errors import InvalidPoolError
from catalyst_assets.ingestion.reading.files import read_csv, read_csv_parts
from catalyst_assets_tests.places import DATA
from catalyst_assets_tests.unit.ingestion.test_reference_tables import CIF

GOAL = """name: few
pool: {source: x}
method: PBE
validator: laboratory
criteria:
  - {property: %s, min: %s}
"""
ROWS = "Ca,Ti,O3,0.00\nCa,Zr,O3,0.20\nSr,Ti,O3,0.50\nBa,Ti,O3,1.00\nBa,Zr,O3,1.20\n"


def read(
    folder: Path, text: str | bytes, name: str = "pool.csv", named: str = "band_gap", **options: bool
) -> BenchmarkPool:
    data = text.encode() if isinstance(text, str) else text
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    (folder / "goal.yaml").write_text(GOAL % (named, 0.5))
    return read_pool(folder / name, load_campaign(folder / "goal.yaml"), **options)


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("K,Nb,O3,1500", "row 7, band_gap: 1500 eV is outside 0 to 30: is it in meV?"),
        ("K,Nb,O3,-3", "row 7, band_gap: -3 eV is outside 0 to 30"),
        ("K,Nb,O3,inf", "row 7, band_gap: 'inf' is not finite"),
        ("K,Nb,O3,0x1F", "row 7, band_gap: '0x1F' is not a number"),
        ("K,Nb,O3,1_0", "row 7, band_gap: '1_0' is not a number"),
        ('K,Nb,O3,"1,234"', "row 7, band_gap: '1,234' is not a number: write it with a decimal point"),
        ("K,Nb,O3,No", "row 7, band_gap: 'No' is not a number"),
        ("K,Nb,O3", "row 7 has 3 cells where the header has 4: band_gap would be missing"),
        (
            "K,Nb,O3,1.0,",
            "row 7 has 5 cells where the header has 4: no column is named for '' after band_gap",
        ),
        ("K,,O3,1.0", "row 7, B: is missing"),
        ("Sr,Ti,O3 ,1.0", "row 7 is the same material as row 4"),
        ("Kq,Nb,O3,1.0", "row 7, A/B/anion: 'Kq' is not an element"),
        ('K,Nb,O3,"1.0\nRb,Nb,O3,1.0', "row 7"),
    ],
)
def test_a_bad_row_is_named_with_file_row_and_column(tmp_path: Path, last: str, said: str) -> None:
    with pytest.raises(InvalidPoolError) as refused:
        read(tmp_path, f"A,B,anion,band_gap\n{ROWS}{last}\n")
    assert "pool.csv" in refused.value.message
    assert said in refused.value.message


@pytest.mark.parametrize(
    "header", ["A,B,anion,band_gap,band_gap", "A,B,anion,band_gap, band_gap", "A,B,B,anion,band_gap"]
)
def test_a_column_given_twice_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(InvalidPoolError, match="more than once"):
        read(tmp_path, f"{header}\nCa,Ti,O3,1.0,9\n")


@pytest.mark.parametrize("name", ["pool.csv", "pool.csv.gz"])
@pytest.mark.parametrize(
    "header",
    [
        "A,B,anion,band_gap",
        "\ufeffA,B,anion,band_gap",
        "A, B, anion, band_gap",
        '"A","B","anion"," band_gap "',
    ],
)
def test_what_is_honestly_readable_is_read(tmp_path: Path, header: str, name: str) -> None:
    pool = read(tmp_path, f"{header}\n{ROWS}K ,Nb,O3, 2.0\nRb,Nb,O3,-1e-12\n\n", name)
    assert pool.material_ids[-2:] == ("K-Nb-O3", "Rb-Nb-O3")
    assert list(pool.values["band_gap"])[-3:] == [1.2, 2.0, 0.0]
    assert pool.is_hit.sum() == 4


def test_a_pool_of_cif_texts_is_read_and_a_text_given_twice_is_refused(tmp_path: Path) -> None:
    pool = read(tmp_path, f'cif,band_gap\n"{CIF}",1.8\n')
    assert pool.formulas == ("SrTiO3",)
    with pytest.raises(InvalidPoolError, match="row 3 is the same material as row 2"):
        read(tmp_path, f'cif,band_gap\n"{CIF}",1.8\n"{CIF}",1.9\n')


def test_a_column_that_looks_like_another_unit_is_asked_about(tmp_path: Path) -> None:
    text = "A,B,anion,energy_above_hull\n" + "".join(
        f"{a},Ti,O3,{value}\n"
        for a, value in zip(("Ca", "Sr", "Ba", "Pb", "Cd"), (0, 8.1, 8.4, 7.0, 9.5), strict=True)
    )
    with pytest.raises(InvalidPoolError, match=r"does not look like eV/atom: .* is it in meV/atom\?"):
        read(tmp_path, text, named="energy_above_hull")
    assert len(read(tmp_path, text, named="energy_above_hull", plausible=True).material_ids) == 5


def test_the_published_table_is_a_pool() -> None:
    pool = read_pool(DATA / "castelli" / "perovskites.csv", load_campaign("solar-water-splitting"))
    assert (len(pool.material_ids), int(pool.is_hit.sum())) == (18928, 20)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b,a\n1,2,3\n", "has the column 'a' more than once"),
        ("a,b, a \n1,2,3\n", "has the column 'a' more than once"),
        ("a,b\n1,2,x\n3,4,y\n", "more cells than its header has names, the last of which is 'b'"),
        ("a,b\n1,2\n3,4,5\n", "Expected 2 fields in line 3"),
        ("", "cannot be read as CSV"),
    ],
)
def test_tables_that_pandas_would_rename_or_shift_are_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    for read_it in (read_csv, lambda path: read_csv_parts(path, ["a"])):
        with pytest.raises(InvalidPoolError) as refused:
            read_it(tmp_path / "t.csv")
        assert said in refused.value.message


def test_a_comma_at_the_end_of_every_row_shifts_no_column(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a, b\n1,2,\n3,4,\n")
    assert read_csv(tmp_path / "t.csv").to_dict("list") == {"a": [1, 3], "b": [2, 4]}


def test_the_measure_of_shift_names_the_row_of_a_bad_number(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("A,B,anion,band_gap\nCa,Ti,O3,1.0\nSr,Ti,O2N,1500\n")
    with pytest.raises(InvalidPoolError, match="row 3, band_gap: 1500 eV is outside"):
        read_sample(tmp_path / "t.csv", "band_gap", 1, seed=0)


def test_the_command_refuses_the_table_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "goal.yaml").write_text(GOAL % ("band_gap", 0.5))
    (tmp_path / "pool.csv").write_text(f"A,B,anion,band_gap\n{ROWS}K,Nb,O3,1500\n")
    options = ["--pool", str(tmp_path / "pool.csv"), "--campaign", str(tmp_path / "goal.yaml")]
    outcome = CliRunner().invoke(app, ["bench", "discovery", *options])
    assert outcome.exit_code != 0
    assert "row 7, band_gap: 1500 eV" in str(outcome.exception)
