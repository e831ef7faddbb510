"""Inputs as people have them, each by what it is: the right crystal, or a reason in words of the file."""

import csv
import io
from pathlib import Path

import pytest

from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.ingestion.reading.files import read_structures
from catalyst_assets.ingestion.records import Record, validate
from catalyst_assets.ingestion.reference_tables.mapping import TableMapping
from catalyst_assets.ingestion.reference_tables.records import parse_table
from catalyst_assets_tests.places import DATA

TRAPS = DATA / "traps"
CRYSTALS = {
    "cif": {
        "anatase_origin1": "Ti4 O8", "anatase_origin2": "Ti4 O8", "bismuth_rhombohedral": "Bi2",
        "lid_D": "Li4 H4", "lid_T": "Li4 H4", "lid_charge": "Li4 H4", "lih_H": "Li4 H4",
        "mgo_dot": "Mg4 O4", "mgo_question": "Mg4 O4",
        "rutile_full_symbol": "Ti2 O4", "rutile_good": "Ti2 O4", "rutile_hall_only": "Ti2 O4",
        "rutile_number_only": "Ti2 O4", "silicon_origin1": "Si8", "silicon_origin2": "Si8",
        "spinel_origin1_S": "Mg8 Al16 O32", "spinel_origin2_Z": "Mg8 Al16 O32",
        "ybco_like_rhombo_LiCoO2": "Li1 Co1 O2",
    },
    "poscar": {
        "CONTCAR": "Sr1 Ti1 O3", "POSCAR_hashes": "Sr1 Ti1 O3", "POSCAR_negative_scale": "Sr1 Ti1 O3",
        "POSCAR_repeated_species": "Sr1 Ti1 O3", "POSCAR_selective": "Sr1 Ti1 O3",
        "POSCAR_three_scales": "Sr1 Ti1 O3", "POSCAR_vasp4_species_in_title": "Sr1 Ti1 O3",
        "relaxed": "Sr1 Ti1 O3",
    },
    "json": {
        "bom": "Sr1 Ti1 O3", "deuterium": "Li1 H1", "francium": "Fr1", "helium": "He1", "lawrencium": "Lr1",
        "mp_docs": "Sr1 Ti1 O3", "neon": "Ne1", "oganesson": "Og1", "oxidation": "Sr1 Ti1 O3",
        "slab": "Sr1 Ti1 O3", "uranium": "U1",
    },
}  # fmt: skip
REASONS = {
    "cif": {
        "MgO_N": "site N1B is one of alternatives", "brucite": "claims the formula H2 Mg1 O2",
        "brucite_attached": "site O1 has 1 hydrogen attached", "gypsumlike": "site Wat1 is no chemical element",
        "mgo_centroid_P1": "site Cg1 is a dummy", "mgo_centroid_sym": "site Cg1 is a dummy",
        "mgo_negative": "site O1 is not ordered: occupied by -0.02",
        "rocksalt_only_identity": "names space group F m -3 m, number 225, but lists the operator x,y,z only",
        "rutile_nothing": "says nothing of symmetry",
        "rutile_only_identity": "names space group P 42/m n m, number 136, but lists the operator x,y,z only",
        "vacancy": "site O2 is not ordered: occupied by 0.9",
    },
    "poscar": {
        "POSCAR_vasp4_title": "no line of elements: line 6", "POSCAR_wrong_count": "line 13 should be the position",
    },
    "json": {
        "crushed": "volume per atom", "disordered": "site 2 is not ordered", "dummy": "site 2 is 'X'",
        "empty": "its list is empty", "isolated_atom": "volume per atom", "molecule": "it is a molecule",
        "overlap": "shortest distance", "two_far_atoms": "volume per atom", "vacuum_pbc": "not periodic in all three",
    },
}  # fmt: skip
MAPPING = TableMapping.model_validate(
    {
        "source": "traps",
        "table": "table.csv",
        "licence": "CC0-1.0",
        "structure": {"cif": "cif"},
        "record": ["id"],
        "properties": {"gap": {"property": "band_gap", "unit": "eV", "method": "PBE"}},
    }
)


def path_of(kind: str, name: str) -> Path:
    (path,) = [path for path in (TRAPS / kind).iterdir() if name in {path.name, path.stem}]
    return path


@pytest.mark.parametrize(
    ("kind", "name", "formula"),
    [(kind, name, formula) for kind, files in CRYSTALS.items() for name, formula in files.items()],
)
def test_what_can_be_read_is_read_as_what_it_is(kind: str, name: str, formula: str) -> None:
    ((_, found),) = read_structures(path_of(kind, name), name)
    assert not isinstance(found, str), found
    assert found.composition.formula == formula


@pytest.mark.parametrize(
    ("kind", "name", "reason"),
    [(kind, name, reason) for kind, files in REASONS.items() for name, reason in files.items()],
)
def test_what_cannot_be_read_for_certain_says_why(kind: str, name: str, reason: str) -> None:
    path = path_of(kind, name)
    ((entry, found),) = read_structures(path, path.name)
    assert entry == path.name
    assert isinstance(found, str)
    assert str(path) in found
    assert reason in found


def test_every_input_has_its_answer() -> None:
    for kind in CRYSTALS:
        names = {*CRYSTALS[kind], *REASONS[kind], *(["two_blocks"] if kind == "cif" else [])}
        assert len(names) == len(list((TRAPS / kind).iterdir()))


def test_two_blocks_are_two_structures_of_a_file() -> None:
    found = read_structures(TRAPS / "cif" / "two_blocks.cif", "two_blocks.cif")
    assert [
        (name, structure.composition.formula) for name, structure in found if not isinstance(structure, str)
    ] == [
        ("two_blocks.cif#0", "Mg4 O4"),
        ("two_blocks.cif#1", "Ca4 O4"),
    ]


def test_a_column_of_cifs_loads_the_same_and_sets_aside_the_same() -> None:
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(["id", "cif", "gap"])
    for path in sorted((TRAPS / "cif").iterdir()):
        writer.writerow([path.stem, path.read_text(), 1.0])
    parsed = list(parse_table(MAPPING, table.getvalue().encode()))
    accepted, refused = validate([record for record in parsed if isinstance(record, Record)])
    loaded = {record.source_id: crystal for record, crystal in accepted}
    assert set(loaded) == set(CRYSTALS["cif"])
    assert not refused
    for name, crystal in loaded.items():
        ((_, found),) = read_structures(path_of("cif", name), name)
        assert not isinstance(found, str)
        assert describe([found]) == [crystal]
    reasons = {item.payload["record"]: item.reason for item in parsed if not isinstance(item, Record)}
    expected = {**REASONS["cif"], "two_blocks": "holds 2 crystals (data_first, data_second)"}
    assert set(reasons) == set(expected)
    assert all(expected[name] in reason for name, reason in reasons.items())
