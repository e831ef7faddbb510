"""Crystals as plain arrays are pymatgen's crystals."""

import math
from pathlib import Path

import ase.io
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure
from pymatgen.io.ase import AseAtomsAdaptor
from pymatgen.io.cif import CifWriter

from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.crystals import (
    SHORTEST_DISTANCE_ANGSTROM,
    VOLUME_PER_ATOM_ANGSTROM3,
    describe,
    hash_structure,
)
from catalyst_assets_tests.places import DATA

JARVIS = DATA / "jarvis"
POSCARS = sorted(JARVIS.glob("POSCAR-*"))


@pytest.mark.parametrize("path", POSCARS, ids=lambda path: path.name.split(".")[0])
def test_a_cell_is_what_pymatgen_makes_of_the_same_crystal(path: Path) -> None:
    structure = Structure.from_str(path.read_text(), fmt="poscar")
    cell = Cell.of(structure)
    (from_cell,), (from_structure,) = describe([cell]), describe([structure])

    assert from_cell == from_structure
    assert cell.as_dict() == structure.as_dict(verbosity=0)
    assert cell.to_structure() == structure
    assert from_cell.reduced_formula == structure.composition.reduced_formula
    assert from_cell.volume_per_atom == pytest.approx(structure.volume / len(structure))


@pytest.mark.parametrize("path", POSCARS, ids=lambda path: path.name.split(".")[0])
def test_a_listed_cif_is_read_as_pymatgen_reads_it(path: Path) -> None:
    structure = Structure.from_str(path.read_text(), fmt="poscar")
    text = str(CifWriter(structure))
    read = read_cif(text)

    assert sorted(read.symbols) == sorted(site.specie.symbol for site in structure)
    assert np.linalg.norm(read.matrix, axis=1) == pytest.approx(structure.lattice.abc, abs=1e-6)
    assert hash_structure(read) == hash_structure(read.to_structure())
    nearest = np.abs(read.positions[:, None] - structure.frac_coords[None] + 0.5) % 1.0 - 0.5
    assert np.abs(nearest).max(axis=2).min(axis=1).max() < 1e-6


@pytest.mark.parametrize("path", POSCARS[::3], ids=lambda path: path.name.split(".")[0])
def test_files_of_other_programs_are_the_same_crystal(path: Path, tmp_path: Path) -> None:
    structure = Structure.from_str(path.read_text(), fmt="poscar")
    (expected,) = describe([structure])
    ase.io.write(tmp_path / "ase.cif", AseAtomsAdaptor.get_atoms(structure))
    in_its_own_cell = str(CifWriter(structure, symprec=0.01, refine_struct=False))
    for text in ((tmp_path / "ase.cif").read_text(), vesta(structure), in_its_own_cell):
        (crystal,) = describe([read_cif(text)])
        assert (crystal.reduced_formula, crystal.n_sites) == (expected.reduced_formula, expected.n_sites)
        assert crystal.volume_per_atom == pytest.approx(expected.volume_per_atom, rel=1e-4)


def vesta(structure: Structure) -> str:
    """Return a structure as VESTA exports it."""
    lines = ["", "#" + "=" * 70, "# CRYSTAL DATA", "#" + "-" * 70, "data_VESTA_phase_1", ""]
    lines += [f"_chemical_name_common                  '{structure.composition.reduced_formula}'"]
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    for name, value in zip(names, structure.lattice.parameters, strict=True):
        lines.append(f"_cell_{name:32} {value:.6f}(0)")
    lines += [
        f"_cell_volume {structure.volume:.6f}",
        "_space_group_name_H-M_alt 'P 1'",
        "_space_group_IT_number 1",
    ]
    lines += ["", "loop_", "_space_group_symop_operation_xyz", "   'x, y, z'", "", "loop_"]
    columns = (
        "label",
        "occupancy",
        "fract_x",
        "fract_y",
        "fract_z",
        "adp_type",
        "U_iso_or_equiv",
        "type_symbol",
    )
    lines += [f"   _atom_site_{column}" for column in columns]
    for number, site in enumerate(structure, 1):
        place = " ".join(f"{x:.6f}" for x in site.frac_coords)
        lines.append(f"   {site.specie.symbol}{number} 1.0 {place} Uiso ? {site.specie.symbol}")
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("path", POSCARS, ids=lambda path: path.name.split(".")[0])
def test_a_cif_with_symmetry_gives_all_its_atoms(path: Path) -> None:
    structure = Structure.from_str(path.read_text(), fmt="poscar")
    read = read_cif(str(CifWriter(structure, symprec=0.01))).to_structure()
    assert read.composition.reduced_formula == structure.composition.reduced_formula
    assert read.volume / len(read) == pytest.approx(structure.volume / len(structure), rel=1e-3)


@given(
    lengths=st.lists(st.floats(1.5, 6), min_size=3, max_size=3),
    angles=st.lists(st.floats(50, 120), min_size=3, max_size=3).filter(
        lambda a: sum(a) < 350 and 2 * max(a) < sum(a) - 5
    ),
    positions=st.lists(st.tuples(*[st.floats(-2, 2)] * 3), min_size=1, max_size=6, unique=True),
    near=st.tuples(*[st.floats(-0.1, 0.1)] * 3),
)
def test_the_shortest_distance_is_that_of_a_full_search(
    lengths: list[float], angles: list[float], positions: list[tuple[float, ...]], near: tuple[float, ...]
) -> None:
    positions = [*positions, tuple(np.add(positions[0], near))]
    structure = Structure(Lattice.from_parameters(*lengths, *angles), ["Si"] * len(positions), positions)
    (crystal,) = describe([structure])
    sparse_or_crowded = (
        not VOLUME_PER_ATOM_ANGSTROM3[0] <= crystal.volume_per_atom <= VOLUME_PER_ATOM_ANGSTROM3[1]
    )
    if crystal.thickness < SHORTEST_DISTANCE_ANGSTROM or sparse_or_crowded:
        assert math.isnan(crystal.shortest_distance)
        return
    distances = structure.get_neighbor_list(SHORTEST_DISTANCE_ANGSTROM, exclude_self=True)[3]
    expected = distances.min() if len(distances) else math.inf
    assert crystal.shortest_distance == pytest.approx(expected, abs=1e-9)
