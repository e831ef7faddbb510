"""A site of a CIF is one whole atom of one element, or the file is refused with that site's label."""

import codecs
import re

import pytest

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_blocks, read_cif
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets_tests.cifs import cif, cubic, hexagonal

SALT = "_symmetry_space_group_name_H-M 'F m -3 m'"
PLAIN = "_symmetry_space_group_name_H-M 'P 1'"
ROCK_SALT = [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.5, 0.5, 0.5)]
POSITION = "label type_symbol fract_x fract_y fract_z"


def counts(cell: Cell) -> dict[str, int]:
    return {symbol: cell.symbols.count(symbol) for symbol in sorted(set(cell.symbols))}


def refuse(text: str, reason: str) -> None:
    with pytest.raises(UnreadableStructureError, match=reason):
        read_cif(text)


@pytest.mark.parametrize(
    "claims",
    [
        ("_chemical_formula_sum 'H2 Mg O2'", "_cell_formula_units_Z 1"),
        ("_chemical_formula_sum 'Mg O2 D2'",),
        ("_chemical_formula_structural Mg(OH)2", "_exptl_crystal_density_diffrn 2.9"),
        ("_chemical_formula_weight 58.32", "_cell_formula_units_Z 1"),
        ("_chemical_formula_structural MgO2H2",),
    ],
)
def test_hydrogen_that_was_not_located_is_missed(claims: tuple[str, ...]) -> None:
    sites = [("Mg1", "Mg", 0, 0, 0), ("O1", "O", 0.3333, 0.6667, 0.22)]
    named = "_symmetry_space_group_name_H-M 'P -3 m 1'"
    refuse(cif(hexagonal(3.142, 4.766), sites, named, *claims), "claims")


def test_ions_that_do_not_balance_are_refused_where_no_formula_is_given() -> None:
    sites = [("Mg1", "Mg2+", 0, 0, 0), ("O1", "O2-", 0.3333, 0.6667, 0.22)]
    refuse(cif(hexagonal(3.142, 4.766), sites, "_symmetry_space_group_name_H-M 'P -3 m 1'"), "do not balance")
    ions = [("Mg1", "Mg2+", 0, 0, 0), ("O1", "O2-", 0.5, 0.5, 0.5)]
    assert counts(read_cif(cif(cubic(4.212), ions, SALT))) == {"Mg": 4, "O": 4}


def test_brucite_with_its_hydrogen_is_read() -> None:
    sites = [
        ("Mg1", "Mg2+", 0, 0, 0),
        ("O1", "O2-", 0.3333, 0.6667, 0.22),
        ("H1", "H1+", 0.3333, 0.6667, 0.43),
    ]
    claims = ("_chemical_formula_sum 'H2 Mg O2'", "_cell_formula_units_Z 1", "_cell_volume 40.75(3)")
    named = "_symmetry_space_group_name_H-M 'P -3 m 1'"
    assert counts(read_cif(cif(hexagonal(3.142, 4.766), sites, named, *claims))) == {"H": 2, "Mg": 1, "O": 2}


def test_attached_hydrogen_is_refused_and_none_attached_is_not() -> None:
    columns = f"{POSITION} attached_hydrogens"
    refuse(cif(cubic(4.2), [(*ROCK_SALT[0], 0), (*ROCK_SALT[1], 1)], SALT, columns=columns), "site O1 has 1")
    for none in (0, ".", "?"):
        text = cif(cubic(4.2), [(*ROCK_SALT[0], 0), (*ROCK_SALT[1], none)], SALT, columns=columns)
        assert len(read_cif(text).symbols) == 8


@pytest.mark.parametrize("occupancy", [".", "?", "1", "1.0", "1.000(3)", "0.9995"])
def test_a_whole_occupancy_or_none_given(occupancy: str) -> None:
    text = cif(
        cubic(4.2), [(*ROCK_SALT[0], 1), (*ROCK_SALT[1], occupancy)], SALT, columns=f"{POSITION} occupancy"
    )
    assert counts(read_cif(text)) == {"Mg": 4, "O": 4}


@pytest.mark.parametrize("occupancy", ["0.5", "-0.02", "1.2", "0", "0.98(1)", "some", "1/2", "0,5"])
def test_any_other_occupancy_is_refused(occupancy: str) -> None:
    text = cif(
        cubic(4.2), [(*ROCK_SALT[0], 1), (*ROCK_SALT[1], occupancy)], SALT, columns=f"{POSITION} occupancy"
    )
    refuse(text, "occup")


@pytest.mark.parametrize("flag", ["dum", "DUM", "'dum'"])
def test_dummies_are_refused(flag: str) -> None:
    sites = [*((*site, "d") for site in ROCK_SALT), ("Cg1", "C", 0.25, 0.25, 0.25, flag)]
    refuse(cif(cubic(4.212), sites, SALT, columns=f"{POSITION} calc_flag"), "Cg1 is a dummy")


@pytest.mark.parametrize(
    "kind",
    [
        "Wat",
        "Wat1",
        "X",
        "Cx",
        "M",
        "Va",
        "Q",
        "Du",
        "H2O",
        "OH",
        "NH4",
        "NO3-",
        "CO",
        "PO4",
        "CN-",
        "Fe3+:0.5",
        "Lp",
    ],
)
def test_what_is_no_element_is_refused(kind: str) -> None:
    refuse(cif(cubic(4.212), [ROCK_SALT[0], ("Site1", kind, 0.5, 0.5, 0.5)], SALT), "Site1 is of type")


@pytest.mark.parametrize("label", ["Wat1", "Cx1", "X1", "M1", "Om1", "CA1", "1O", "(O)"])
def test_a_label_that_is_no_element_for_certain_is_refused(label: str) -> None:
    sites = [("Mg1", 0, 0, 0), (label, 0.5, 0.5, 0.5)]
    refuse(cif(cubic(4.212), sites, SALT, columns="label fract_x fract_y fract_z"), re.escape(label))


def test_a_formula_tells_what_a_label_means() -> None:
    columns = "label fract_x fract_y fract_z"
    calcium = cif(
        cubic(4.81),
        [("CA1", 0, 0, 0), ("OW1", *[0.5] * 3)],
        SALT,
        "_chemical_formula_sum 'Ca O'",
        columns=columns,
    )
    assert counts(read_cif(calcium)) == {"Ca": 4, "O": 4}
    water = cif(
        cubic(6),
        [("Ca1", 0, 0, 0), ("Wat1", *[0.5] * 3)],
        SALT,
        "_chemical_formula_sum 'Ca H2 O'",
        columns=columns,
    )
    refuse(water, "Wat1 is no chemical element")


def test_type_and_label_that_disagree_need_a_formula() -> None:
    sites = [("Mg1", "Mg", 0, 0, 0), ("S1", "O", 0.5, 0.5, 0.5)]
    refuse(cif(cubic(4.212), sites, SALT), "site S1 is of type O")
    assert counts(read_cif(cif(cubic(4.212), sites, SALT, "_chemical_formula_sum 'Mg O'"))) == {
        "Mg": 4,
        "O": 4,
    }
    refuse(cif(cubic(4.212), sites, SALT, "_chemical_formula_sum 'Mg S'"), "claims the formula")


@pytest.mark.parametrize("kind", ["D", "T", "D1-", "H-", "H1-", "H", "2H"])
def test_heavy_hydrogen_is_hydrogen(kind: str) -> None:
    sites = [("Li1", "Li1+", 0, 0, 0), ("D1", kind, 0.5, 0.5, 0.5)]
    text = cif(cubic(4.06), sites, SALT, "_chemical_formula_sum 'Li D'")
    assert counts(read_cif(text)) == {"H": 4, "Li": 4}


@pytest.mark.parametrize("kind", ["Mg2+", "Mg+2", "MG", "Mg2", "Mg0+"])
def test_charges_are_dropped(kind: str) -> None:
    text = cif(cubic(4.212), [("Mg1", kind, 0, 0, 0), ROCK_SALT[1]], SALT, "_chemical_formula_sum 'Mg O'")
    assert counts(read_cif(text)) == {"Mg": 4, "O": 4}


def test_alternatives_are_refused_and_a_single_group_is_not() -> None:
    columns = f"{POSITION} disorder_assembly disorder_group"
    first = (*ROCK_SALT[0], ".", ".")
    other = ("N1B", "N", 0.5, 0.5, 0.2, "A", 2)
    refuse(cif(cubic(4.2), [first, (*ROCK_SALT[1], "A", 1), other], PLAIN, columns=columns), "N1B is one of")
    refuse(cif(cubic(4.2), [first, (*ROCK_SALT[1], ".", -1)], PLAIN, columns=columns), "O1 is one of")
    assert (
        len(read_cif(cif(cubic(4.2), [first, (*ROCK_SALT[1], "A", 1)], PLAIN, columns=columns)).symbols) == 2
    )


@pytest.mark.parametrize("bad", ["?", ".", "0,5", "half", "nan"])
def test_a_coordinate_that_is_not_known_is_refused(bad: str) -> None:
    refuse(cif(cubic(4.2), [ROCK_SALT[0], ("O1", "O", 0.5, bad, 0.5)], SALT), "site O1 has no y|y of a site")


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("_cell_formula_units_Z 2\n_chemical_formula_sum 'Mg O'", "claims 2 formula units"),
        ("_chemical_formula_sum 'Mg O2'", "claims the formula"),
        ("_chemical_formula_sum 'Mg O0.97'", "claims the formula"),
        ("_exptl_crystal_density_diffrn 1.79", "claims a density"),
        ("_cell_volume 149.4", "claims a cell"),
    ],
)
def test_claims_that_do_not_hold_are_reasons(claim: str, reason: str) -> None:
    refuse(cif(cubic(4.212), ROCK_SALT, SALT, claim), reason)


def test_a_cell_that_holds_less_than_its_formula_lists_only_a_part() -> None:
    refuse(
        cif(cubic(4.212), ROCK_SALT, PLAIN, "_chemical_formula_sum 'Mg4 O4'"), "its cell holds less: Mg1 O1"
    )


def test_claims_that_hold_are_none() -> None:
    claims = (
        "_cell_volume 74.7(2)", "_cell_formula_units_Z 4", "_chemical_formula_sum 'Mg1.00 O1.00'",
        "_exptl_crystal_density_diffrn 3.58", "_chemical_formula_weight 40.30",
    )  # fmt: skip
    assert counts(read_cif(cif(cubic(4.212), ROCK_SALT, SALT, *claims))) == {"Mg": 4, "O": 4}


@pytest.mark.parametrize(("multiplicities", "is_read"), [((4, 4), True), ((48, 48), True), ((4, 8), False)])
def test_multiplicities_are_compared(multiplicities: tuple[int, int], is_read: bool) -> None:
    sites = [(*site, number) for site, number in zip(ROCK_SALT, multiplicities, strict=True)]
    text = cif(cubic(4.212), sites, SALT, columns=f"{POSITION} symmetry_multiplicity")
    if is_read:
        assert len(read_cif(text).symbols) == 8
    else:
        refuse(text, "multiplicity")


def test_atoms_listed_twice_need_a_formula() -> None:
    sites = [*ROCK_SALT, ("Mg2", "Mg", 0.5, 0.5, 0)]
    refuse(cif(cubic(4.212), sites, SALT), "two rows give the same atoms")
    assert len(read_cif(cif(cubic(4.212), sites, SALT, "_chemical_formula_sum 'Mg O'")).symbols) == 8


def test_tags_that_are_given_twice_are_refused() -> None:
    refuse(cif(cubic(4.2), ROCK_SALT, SALT, "_cell_length_A 4.3"), "_cell_length_a twice")
    assert len(read_cif(cif(cubic(4.2), ROCK_SALT, SALT, "_cell_length_a 4.2")).symbols) == 8


@pytest.mark.parametrize("missing", ["_cell_length_b", "_cell_angle_gamma"])
@pytest.mark.parametrize("value", ["?", ".", "-3", "0", "no"])
def test_a_cell_that_is_not_given_is_refused(missing: str, value: str) -> None:
    text = "\n".join(
        f"{missing} {value}" if line.startswith(missing) else line
        for line in cif(cubic(4.2), ROCK_SALT, SALT).splitlines()
    )
    refuse(text, missing)


def test_several_blocks_are_several_crystals_and_no_single_one() -> None:
    first = cif(cubic(4.212), ROCK_SALT, SALT, name="first")
    second = cif(cubic(4.81), [("Ca1", "Ca", 0, 0, 0), ROCK_SALT[1]], SALT, name="second")
    journal = "data_global\n_journal_name_full 'Acta Cryst.'\n_atom_site_label ?\n"
    blocks = read_blocks(journal + first + second)
    assert [block.name for block in blocks] == ["first", "second"]
    refuse(journal + first + second, r"holds 2 crystals \(data_first, data_second\)")
    assert counts(read_cif(journal + first)) == {"Mg": 4, "O": 4}
    refuse(journal, "holds no structure")
    spoilt = read_blocks(first + second.replace("0.5 0.5 0.5", "0.5 ? 0.5"))
    assert isinstance(spoilt[0].found, Cell)
    assert "site O1 has no y" in str(spoilt[1].found)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "utf-32"])
def test_encodings_and_line_endings(ending: str, encoding: str) -> None:
    text = "# édité à Genève\n" + cif(cubic(4.212), ROCK_SALT, SALT)
    data = text.replace("\n", ending).encode(encoding)
    assert counts(read_cif(decode_text(data))) == {"Mg": 4, "O": 4}


def test_bytes_that_are_no_text_are_refused() -> None:
    for data in (b"data_x\n\0\0\0", codecs.BOM_UTF16_LE + b"a", bytes(range(256))):
        with pytest.raises(UnreadableStructureError):
            read_cif(decode_text(data))


def test_version_2_of_the_format() -> None:
    lines = (
        "_space_group.name_H-M_alt '''F m -3 m'''",
        '_chemical_formula.sum """Mg O"""',
        "_publ.section '''a\nlong text'''",
    )
    text = "#\\#CIF_2.0\n" + cif(cubic(4.212), ROCK_SALT, *lines).replace("_atom_site_", "_atom_site.")
    assert counts(read_cif(text)) == {"Mg": 4, "O": 4}


@pytest.mark.parametrize("text", ["", "no cif", "data_x\nloop_\n_a\n_b\n1 2 3\n", "data_x\n_a 'open\n", "{}"])
def test_what_is_no_cif_says_so(text: str) -> None:
    refuse(text, "no CIF: line|holds no structure")


def test_a_modulated_crystal_is_refused() -> None:
    refuse(cif(cubic(4.2), ROCK_SALT, SALT, "_cell_modulation_dimension 1"), "modulated")
    assert len(read_cif(cif(cubic(4.2), ROCK_SALT, SALT, "_cell_modulation_dimension 0")).symbols) == 8


def test_more_atoms_than_are_ever_used_are_refused_before_they_are_counted() -> None:
    sites = [(f"Si{n}", "Si", 0.05 + n / 300, 0.11 + n / 500, 0.23 + n / 900) for n in range(1, 60)]
    refuse(cif(cubic(400), sites, SALT), "more than 2000 atoms")
