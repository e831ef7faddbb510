"""A POSCAR is read by what it says of its elements, numbers and positions; what says too little is refused by line."""

from pathlib import Path

import numpy as np
import pytest

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.poscar import read_poscar
from catalyst_assets_tests.places import DATA

CELL = "3.92 0 0\n0 3.92 0\n0 0 3.92"
POSITIONS = ["0 0 0", "0.5 0.5 0.5", "0.5 0.5 0", "0.5 0 0.5", "0 0.5 0.5"]


def poscar(
    species: str = "Sr Ti O\n",
    title: str = "x",
    scale: str = "1.0",
    cell: str = CELL,
    counts: str = "1 1 3",
    mode: str = "Direct",
    positions: list[str] | None = None,
    tail: str = "",
) -> str:
    rows = "\n".join(POSITIONS if positions is None else positions)
    return f"{title}\n{scale}\n{cell}\n{species}{counts}\n{mode}\n{rows}\n{tail}"


def refuse(text: str, reason: str) -> None:
    with pytest.raises(UnreadableStructureError, match=reason):
        read_poscar(text)


@pytest.mark.parametrize(
    "text",
    [
        poscar(),
        poscar(species="Sr_sv/1a2b3c Ti_pv/44aa O/9f9f\n"),
        poscar(species="Sr_sv Ti_sv_GW O_s ! from POTCAR\n"),
        poscar(species="Sr2+ Ti4+ O2-\n"),
        poscar(species="Sr Ti O O\n", counts="1 1 1 2"),
        poscar(species="", title="Sr Ti O"),
        poscar(species="", positions=[f"{row} {name}" for row, name in zip(POSITIONS, ["Sr", "Ti", *"OOO"], strict=True)]),
        poscar(positions=[f"{row} T T F" for row in POSITIONS], mode="Selective dynamics\nDirect"),
        poscar(positions=[f"{row} T F T Sr1" if row == "0 0 0" else row for row in POSITIONS], mode="s\nd"),
        poscar(scale="-60.236288", cell="1 0 0\n0 1 0\n0 0 1"),
        poscar(scale="3.92 3.92 3.92", cell="1 0 0\n0 1 0\n0 0 1"),
        poscar(scale="1.96", cell="2 0 0\n0 2 0\n0 0 2", mode="Cartesian",
               positions=["0 0 0", "1 1 1", "1 1 0", "1 0 1", "0 1 1"]),
        poscar(scale="3.92 1.96 1.96", cell="1 0 0\n0 2 0\n0 0 2", mode="kartesisch",
               positions=["0 0 0", "0.5 1 1", "0.5 1 0", "0.5 0 1", "0 1 1"]),
        poscar(cell="3.92D+00 0 0\n0 3.92d0 0\n0 0 392E-2"),
        poscar(tail="\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n0 0 0\n"),
        poscar(tail="Lattice velocities and vectors\n1\n0 0 0\n"),
        poscar().replace("\n", "\r\n"),
        "\ufeff" + poscar(),
        poscar(title=""),
    ],
)  # fmt: skip
def test_one_perovskite_in_many_spellings(text: str) -> None:
    cell = read_poscar(text)
    assert sorted(cell.symbols) == ["O", "O", "O", "Sr", "Ti"]
    assert np.allclose(cell.matrix, np.eye(3) * 3.92, atol=1e-5)
    by_element = dict(zip(cell.symbols, cell.positions, strict=True))
    assert np.allclose(by_element["Sr"], 0)
    assert np.allclose(by_element["Ti"], 0.5)
    assert (
        sorted(map(sorted, cell.positions[np.array(cell.symbols) == "O"].round(4).tolist()))
        == [[0, 0.5, 0.5]] * 3
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (poscar(species="", title="perovskite, relaxed"), "no line of elements: line 6"),
        (poscar(species="", title="Li3HHe"), "no line of elements"),
        (poscar(species="", title="Sr Ti"), "no line of elements"),
        (poscar(species="", title="SrTiO3"), "no line of elements"),
        (poscar(positions=POSITIONS[:4]), "line 13 .* atom 5 of the 5"),
        (poscar(positions=[*POSITIONS, "0.1 0.1 0.1"]), "line 14 is a position too many"),
        (poscar(counts="1 1"), "line 7 has 2 numbers of atoms, but line 6 has 3 elements"),
        (poscar(counts="1 x 3"), "line 7 should be the number of atoms"),
        (poscar(counts="0 0 0"), "line 7 counts 0 atoms"),
        (poscar(species="Sr Xx O\n"), "line 6 names 'Xx'"),
        (poscar(species="H.5 Ti O\n"), "line 6 names 'H.5'"),
        (poscar(species="H1.25 Ti O\n"), "line 6 names 'H1.25'"),
        (poscar(species="SR TI O\n"), "line 6 names 'SR'"),
        (poscar(scale="0"), "line 2"),
        (poscar(scale="1 1"), "line 2"),
        (poscar(scale="1 -1 1"), "line 2"),
        (poscar(scale="one"), "line 2 should be the scale"),
        (poscar(cell="3.92 0\n0 3.92 0\n0 0 3.92"), "line 3"),
        (poscar(cell="1 0 0\n2 0 0\n0 0 1"), "line 5 .* without volume"),
        (poscar(mode=""), "line 8 should be Direct or Cartesian"),
        (poscar(mode="0 0 0"), "line 8 should be Direct or Cartesian"),
        (poscar(positions=["0 0", *POSITIONS[1:]]), "line 9"),
        (poscar(positions=["nan 0 0", *POSITIONS[1:]]), "line 9"),
        (poscar(positions=["0 0 0 Ti", *POSITIONS[1:]]), "line 9 names Ti, but by the number of atoms it is Sr"),
        (poscar(species="", positions=[f"{row} {name}" for row, name in zip(POSITIONS, ["Sr", "Ti", *"OON"], strict=True)]), "lines 10 to 12 are one kind"),
        (poscar(tail="Direct configuration=     2\n0 0 0\n"), "line 14 begins another configuration"),
        ("", "line"),
        ("x", "ends before line 2"),
    ],
)  # fmt: skip
def test_what_says_too_little_or_contradicts_itself_is_refused_with_its_line(text: str, reason: str) -> None:
    refuse(text, reason)


def test_deuterium_is_hydrogen() -> None:
    text = poscar(species="Li D\n", counts="1 1", positions=POSITIONS[:2])
    assert read_poscar(text).symbols == ("Li", "H")


@pytest.mark.parametrize("path", sorted((DATA / "jarvis").glob("POSCAR-*"))[::7], ids=lambda path: path.stem)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_published_files_are_read_in_any_encoding(path: Path, encoding: str) -> None:
    text = path.read_text()
    plain, other = read_poscar(text), read_poscar(decode_text(text.encode(encoding)))
    assert plain.symbols == other.symbols
    assert (plain.positions == other.positions).all()
