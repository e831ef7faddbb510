"""Whatever spelling of a space group a CIF has, its crystal is the right one, or it is refused."""

import pytest

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets_tests.cifs import cif, cubic, hexagonal, rhombohedral, tetragonal

RUTILE = [("Ti1", "Ti", 0, 0, 0), ("O1", "O", 0.3053, 0.3053, 0)]
RUTILE_CELL = tetragonal(4.594, 2.959)
RUTILE_CLAIMS = ("_chemical_formula_sum 'O2 Ti'", "_cell_formula_units_Z 2")
ROCK_SALT = [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.5, 0.5, 0.5)]
SPINEL_1 = [
    ("Mg1", "Mg", 0, 0, 0),
    ("Al1", "Al", 0.625, 0.625, 0.625),
    ("O1", "O", 0.3874, 0.3874, 0.3874),
]
SPINEL_2 = [("Mg1", "Mg", 0.125, 0.125, 0.125), ("Al1", "Al", 0.5, 0.5, 0.5), ("O1", "O", *[0.2624] * 3)]
SPINEL = ("_chemical_formula_sum 'Al2 Mg O4'", "_cell_formula_units_Z 8")


def counts(cell: Cell) -> dict[str, int]:
    return {symbol: cell.symbols.count(symbol) for symbol in sorted(set(cell.symbols))}


def shortest(cell: Cell) -> float:
    return float(cell.to_structure().get_neighbor_list(3.0)[3].min())


@pytest.mark.parametrize(
    "named",
    [
        "_symmetry_space_group_name_H-M 'P 42/m n m'",
        "_symmetry_space_group_name_H-M 'P 42/m 21/n 2/m'",
        "_symmetry_space_group_name_Hall '-P 4n 2n'",
        "_space_group_IT_number 136",
        "_space_group_name_H-M_alt P4_2/mnm",
        "_space_group_name_H-M_alt 'P 4(2)/m n m'",
        "_space_group.name_H-M_alt 'P 4~2~/m n m'",
        "_symmetry_Int_Tables_number 136\n_symmetry_space_group_name_H-M ?",
        "_SYMMETRY_SPACE_GROUP_NAME_H-M 'P42/MNM'",
        "_space_group_name_Hall '-P 4n 2n'\n_space_group_name_H-M_alt 'P 42/m n m'\n_space_group_IT_number 136",
    ],
)
def test_rutile_is_rutile_by_any_name(named: str) -> None:
    cell = read_cif(cif(RUTILE_CELL, RUTILE, named))
    assert counts(cell) == {"O": 4, "Ti": 2}
    assert shortest(cell) == pytest.approx(1.95, abs=0.02)


@pytest.mark.parametrize(
    ("lines", "operators", "reason"),
    [
        (RUTILE_CLAIMS, (), "says nothing of symmetry"),
        (("_symmetry_space_group_name_H-M ?",), (), "says nothing of symmetry"),
        (("_symmetry_space_group_name_H-M 'P 42/m n m'",), ("x,y,z",), "lists the operator x,y,z only"),
        (("_symmetry_Int_Tables_number 136",), ("x,y,z",), "lists the operator x,y,z only"),
        (("_space_group_name_Hall '-P 4n 2n'",), ("X, Y, Z",), "lists the operator x,y,z only"),
        (("_symmetry_space_group_name_H-M 'P 1'", *RUTILE_CLAIMS), (), "claims the formula O2 Ti1"),
        ((), ("x,y,z", "-x,-y,-z", "x+1/2,y,z"), "no group: some are missing"),
        (("_space_group_name_H-M_alt 'P 42/m n m'",), ("x,y,z", "-x,-y,-z"), "of another"),
        (("_space_group_name_H-M_alt 'P 42/m n m'", "_space_group_IT_number 225"), (), "not the same"),
        (("_space_group_name_H-M_alt 'F m -3 m'",), (), "its cell has not the symmetry"),
        (("_space_group_name_H-M_alt 'a name of mine'",), (), "not known"),
        ((), ("x,y,z", "x,y"), "which is none"),
        ((), ("x,y,z", "x,x,z"), "no symmetry"),
        ((), ("-x,-y,-z",), "without x,y,z"),
    ],
)
def test_symmetry_that_is_absent_or_contradicts_itself_is_refused(
    lines: tuple[str, ...], operators: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(UnreadableStructureError, match=reason):
        read_cif(cif(RUTILE_CELL, RUTILE, *lines, operators=operators))


def test_a_group_named_over_the_identity_alone_is_never_two_of_eight_atoms() -> None:
    named = ("_symmetry_space_group_name_H-M 'F m -3 m'", "_chemical_formula_sum 'Mg O'")
    with pytest.raises(UnreadableStructureError, match="x,y,z only"):
        read_cif(cif(cubic(4.212), ROCK_SALT, *named, operators=["x,y,z"]))
    assert counts(read_cif(cif(cubic(4.212), ROCK_SALT, *named))) == {"Mg": 4, "O": 4}


@pytest.mark.parametrize("suffix", [":1", " S", " :1", "S", " (origin choice 1)", ":S"])
def test_the_first_origin_of_spinel(suffix: str) -> None:
    text = cif(cubic(8.083), SPINEL_1, f"_symmetry_space_group_name_H-M 'F d -3 m{suffix}'", *SPINEL)
    cell = read_cif(text)
    assert counts(cell) == {"Al": 16, "Mg": 8, "O": 32}
    assert shortest(cell) == pytest.approx(1.92, abs=0.02)


@pytest.mark.parametrize("suffix", [":2", " Z", " :2", "Z", " (origin choice 2)"])
def test_the_second_origin_of_spinel(suffix: str) -> None:
    text = cif(cubic(8.083), SPINEL_2, f"_symmetry_space_group_name_H-M 'F d -3 m{suffix}'", *SPINEL)
    assert counts(read_cif(text)) == {"Al": 16, "Mg": 8, "O": 32}


@pytest.mark.parametrize("sites", [SPINEL_1, SPINEL_2])
@pytest.mark.parametrize("name", ["F d -3 m", "F d 3 m", "F 41/d -3 2/m"])
def test_an_origin_left_open_is_told_by_the_formula(sites: list[tuple[object, ...]], name: str) -> None:
    named = f"_symmetry_space_group_name_H-M '{name}'"
    cell = read_cif(cif(cubic(8.083), sites, named, *SPINEL))
    assert counts(cell) == {"Al": 16, "Mg": 8, "O": 32}
    assert shortest(cell) == pytest.approx(1.92, abs=0.02)


def test_an_origin_left_open_that_nothing_tells_is_refused() -> None:
    silicon = [("Si1", "Si", 0, 0, 0)]
    named = "_symmetry_space_group_name_H-M 'F d -3 m'"
    with pytest.raises(UnreadableStructureError, match="leaves the setting open"):
        read_cif(cif(cubic(5.431), silicon, named))
    for claim in ("_cell_formula_units_Z 8\n_chemical_formula_sum Si", "_exptl_crystal_density_diffrn 2.33"):
        assert len(read_cif(cif(cubic(5.431), silicon, named, claim)).symbols) == 8


@pytest.mark.parametrize("suffix", ["", ":R", " R", " :R", "R"])
def test_rhombohedral_axes(suffix: str) -> None:
    sites = [("Li1", "Li", 0.5, 0.5, 0.5), ("Co1", "Co", 0, 0, 0), ("O1", "O", 0.26, 0.26, 0.26)]
    text = cif(rhombohedral(4.96, 32.97), sites, f"_symmetry_space_group_name_H-M 'R -3 m{suffix}'")
    assert counts(read_cif(text)) == {"Co": 1, "Li": 1, "O": 2}


@pytest.mark.parametrize("suffix", ["", ":H", " H", "H", " HR"])
def test_hexagonal_axes_of_a_rhombohedral_group(suffix: str) -> None:
    sites = [("Li1", "Li", 0, 0, 0.5), ("Co1", "Co", 0, 0, 0), ("O1", "O", 0, 0, 0.26)]
    text = cif(hexagonal(2.816, 14.05), sites, f"_symmetry_space_group_name_H-M 'R -3 m{suffix}'")
    assert counts(read_cif(text)) == {"Co": 3, "Li": 3, "O": 6}


@pytest.mark.parametrize("suffix", [":R", " R"])
def test_rhombohedral_axes_over_a_hexagonal_cell_are_refused(suffix: str) -> None:
    sites = [("Bi1", "Bi", 0, 0, 0.2339)]
    with pytest.raises(UnreadableStructureError, match="its cell has not the symmetry"):
        read_cif(cif(hexagonal(4.546, 11.86), sites, f"_symmetry_space_group_name_H-M 'R -3 m{suffix}'"))


def test_listed_operators_are_those_of_the_setting_that_is_named() -> None:
    listed = ["x,y,z", "-x+1/2,y+1/2,-z+1/2", "-x,-y,-z", "x+1/2,-y+1/2,z+1/2"]  # P 1 21/n 1
    cell, sites = (5.1, 5.2, 5.3, 90, 99, 90), [("Zr", "Zr", 0.276, 0.041, 0.208)]
    for name in ("P 1 21/n 1", "P 21/n", "P 21/c"):
        named = f"_symmetry_space_group_name_H-M '{name}'"
        assert len(read_cif(cif(cell, sites, named, operators=listed)).symbols) == 4
    for name in ("P 1 21/c 1", "P 21/a", "P 1 2/n 1"):
        with pytest.raises(UnreadableStructureError, match="of another"):
            read_cif(cif(cell, sites, f"_symmetry_space_group_name_H-M '{name}'", operators=listed))


def test_operators_about_an_origin_that_is_nowhere_in_particular() -> None:
    operators = ["x,y,z", "-x+0.2468,-y+0.1357,-z+2/7"]
    site = [("Na1", "Na", 0.1234, 0.06785, 1 / 7), ("Cl1", "Cl", 0.6, 0.3, 0.9)]
    cell = read_cif(cif(cubic(5.2), site, "_symmetry_Int_Tables_number 2", operators=operators))
    assert counts(cell) == {"Cl": 2, "Na": 1}
    with pytest.raises(UnreadableStructureError, match="no group"):
        read_cif(cif(cubic(5.2), site, operators=[*operators, "x+0.31,y,z"]))


def test_thirds_in_few_digits_are_special_positions() -> None:
    for third, two_thirds in ((0.33, 0.67), (0.3333, 0.6667), (0.333333, 0.666667), (0.3334, 0.6666)):
        sites = [("Zn", "Zn", third, two_thirds, 0), ("O", "O", third, two_thirds, 0.375)]
        cell = read_cif(cif(hexagonal(3.25, 5.207), sites, "_space_group_name_H-M_alt 'P 63 m c'"))
        assert counts(cell) == {"O": 2, "Zn": 2}
        assert abs(cell.positions[0] - [1 / 3, 2 / 3, 0]).max() < 1e-9
