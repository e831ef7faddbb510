"""Files as users name them, in what is read for `catalyst models predict`, and what is refused in words of the file."""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Molecule, Structure

from catalyst_assets.ingestion.reading.files import read_structures
from catalyst_assets.ingestion.records import Record, validate
from catalyst_assets_tests.cifs import cif, cubic

SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.212), ["Mg", "O"], [[0, 0, 0], [0.5] * 3])
POSCAR = "x\n4.212\n0 0.5 0.5\n0.5 0 0.5\n0.5 0.5 0\nMg O\n1 1\nDirect\n0 0 0\n0.5 0.5 0.5\n"
ROCK_SALT = [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.5, 0.5, 0.5)]
NAMED = "_symmetry_space_group_name_H-M 'F m -3 m'"


def read(path: Path, content: str | bytes) -> list[tuple[str, Any]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_structures(path, path.name)


def refused(path: Path, content: str | bytes) -> str:
    ((_, reason),) = read(path, content)
    assert isinstance(reason, str)
    return reason


def structure(*sites: tuple[Any, Any], edge: float = 4.0) -> str:
    symbols, positions = zip(*sites, strict=True)
    return Structure(Lattice.cubic(edge), symbols, positions).to_json()


@pytest.mark.parametrize(
    "name",
    ["POSCAR", "poscar", "POSCAR_relaxed", "CONTCAR", "contcar-2", "POSCAR.vasp.txt", "x.poscar", "x.POSCAR", "x.vasp",
     "x.VASP", "x.contcar"],
)  # fmt: skip
def test_poscars_are_known_by_their_names(tmp_path: Path, name: str) -> None:
    ((entry, found),) = read(tmp_path / name, POSCAR)
    assert (entry, found.composition.formula) == (name, "Mg1 O1")


@pytest.mark.parametrize("name", ["x.cif", "X.CIF", "x.Cif"])
def test_cifs_are_known_by_their_names(tmp_path: Path, name: str) -> None:
    ((_, found),) = read(tmp_path / name, cif(cubic(4.212), ROCK_SALT, NAMED))
    assert found.composition.formula == "Mg4 O4"


@pytest.mark.parametrize(("suffix", "press"), [(".gz", gzip), (".bz2", bz2), (".xz", lzma)])
def test_compressed_files_are_read_and_broken_ones_refused(tmp_path: Path, suffix: str, press: Any) -> None:
    data = press.compress(SALT.to_json().encode())
    ((_, found),) = read(tmp_path / f"x.json{suffix}", data)
    assert found.composition == SALT.composition
    assert "cannot be read" in refused(tmp_path / f"y.json{suffix}", data[:40])


def test_blocks_and_records_are_numbered_and_fail_alone(tmp_path: Path) -> None:
    first = cif(cubic(4.212), ROCK_SALT, NAMED, name="first")
    second = cif(cubic(4.81), [("Ca1", "Ca", 0, 0, 0), ("O1", "O", "?", 0.5, 0.5)], NAMED, name="second")
    (one, salt), (two, reason) = read(tmp_path / "two.cif", first + second)
    assert (one, two) == ("two.cif#0", "two.cif#1")
    assert salt.composition.formula == "Mg4 O4"
    assert "data_second" in reason
    assert "site O1 has no x" in reason
    crushed = json.loads(structure(("H", [0, 0, 0]), edge=0.8))
    (_, kept), (_, reason) = read(tmp_path / "two.json", json.dumps([SALT.as_dict(), crushed]))
    assert kept.composition == SALT.composition
    assert "record 1, is no crystal: volume per atom" in reason


@pytest.mark.parametrize("wrap", [
    lambda one: one, lambda one: [one], lambda one: {"material_id": "mp-1", "structure": one},
    lambda one: [{"structure": one}], lambda one: {"data": [{"structure": one}], "meta": {}},
])  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_json_of_structures_and_documents(tmp_path: Path, wrap: Any, encoding: str) -> None:
    ((name, found),) = read(tmp_path / "x.json", json.dumps(wrap(SALT.as_dict())).encode(encoding))
    assert (name, found.composition.formula) == ("x.json", "Mg4 O4")


@pytest.mark.parametrize("verbosity", [0, 1])
def test_json_drops_charges_and_isotopes_and_keeps_the_crystal(tmp_path: Path, verbosity: int) -> None:
    ions = SALT.copy().add_oxidation_state_by_element({"Mg": 2, "O": -2})
    ((_, found),) = read(tmp_path / "x.json", json.dumps(ions.as_dict(verbosity=verbosity)))
    assert found == SALT
    heavy = structure(("Li", [0, 0, 0]), ("D", [0.5] * 3))
    ((_, found),) = read(tmp_path / "y.json", heavy)
    assert found.composition.formula == "Li1 H1"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "its list is empty"),
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "JSON"),
        ("{}", "neither sites nor a lattice"),
        ("3", "holds no structure, but int"),
        ('{"lattice": {"matrix": [[1, 0, 0]]}, "sites": [{}]}', "lattice that is no 3 vectors"),
        ('{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, NaN]]}, "sites": [{}]}', "lattice that is no"),
        ('{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 4, 0]]}, "sites": [{}]}', "without volume"),
        ('{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": []}', "has no sites"),
        ('{"lattice": {"matrix": [[4, 0, 0], [0, 4, 0], [0, 0, 4]]}, "sites": [{}]}', "site 1 has no species"),
        (Molecule(["O", "H", "H"], [[0, 0, 0], [0.8, 0.6, 0], [-0.8, 0.6, 0]]).to_json(), "a molecule"),
        (structure(("Sr", [0, 0, 0]), ({"Ti": 0.5, "Zr": 0.5}, [0.5] * 3)), "site 2 is not ordered"),
        (structure(("Sr", [0, 0, 0]), ({"O": 0.9}, [0.5] * 3)), "site 2 is not ordered: it holds O 0.9"),
        (structure(("Li", [0, 0, 0]), ("X", [0.5] * 3)), "site 2 is 'X', no chemical element"),
        (structure(("Sr", [0, 0, 0]), ("O", [0, 0, 0.01])), "shortest distance below"),
        (structure(("Pt", [0, 0, 0]), edge=30), "volume per atom outside"),
        (SALT.to_json().replace("true, true, true", "true, true, false"), "not periodic in all three"),
        (SALT.to_json().replace("[0.5, 0.5, 0.5]", '[0.5, "?", 0.5]'), "no position of three numbers"),
    ],
)  # fmt: skip
def test_json_that_is_no_crystal_says_why(tmp_path: Path, content: str, reason: str) -> None:
    assert reason in refused(tmp_path / "x.json", content)


def test_limits_are_those_of_ingestion(tmp_path: Path) -> None:
    large = SALT.copy().make_supercell([8, 8, 5])
    crystals = {
        "large": large, "crushed": Structure(Lattice.cubic(0.8), ["H"], [[0, 0, 0]]), "salt": SALT,
        "far": Structure(Lattice.cubic(30), ["Sr", "O"], [[0, 0, 0], [0.5] * 3]),
    }  # fmt: skip
    for name, crystal in crystals.items():
        _, rejections = validate([Record("x", name, name, crystal)])
        ((_, found),) = read(tmp_path / f"{name}.json", crystal.to_json())
        reasons = [problem.reason for rejection in rejections for problem in rejection.problems]
        assert isinstance(found, str) == bool(reasons)
        assert all(reason in found for reason in reasons)
    assert "n sites outside 1 to 2000" in refused(tmp_path / "large.json", large.to_json())


def test_what_is_no_file_of_a_structure_says_so(tmp_path: Path) -> None:
    assert "is a folder" in str(read_structures(tmp_path, "x"))
    assert "There is no file" in str(read_structures(tmp_path / "none.cif", "x"))
    assert "Name it *.cif" in refused(tmp_path / "x.extxyz", "1\n\nH 0 0 0\n")
    for name in ("POSCAR", "x.cif", "x.json"):
        for content in (b"", b"\0\1\2", b"\xff\xfe\0", b"nothing"):
            assert "cannot be read as" in refused(tmp_path / name, content)
