"""A known crystal in many spellings of CIF and POSCAR is read as itself or refused, and never as something else.

10,000 examples of each, with the shares of what was read and refused:
``pytest --timeout 0 --hypothesis-profile=many --hypothesis-show-statistics catalyst_assets_tests/unit/ingestion/test_spellings.py``
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core.structure import Structure

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.crystals import describe
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.poscar import read_poscar
from catalyst_assets.ingestion.reading.structure_json import read_records
from catalyst_assets_tests.settings_of_crystals import KNOWN, in_setting, settings_of, structure_of
from catalyst_assets_tests.spellings import Spelling, cifs, poscars

MANY = settings(
    max_examples=max(300, settings.default.max_examples if settings.default else 0),
    suppress_health_check=list(HealthCheck),
)


def judge(spelling: Spelling, read: Callable[[str], Cell]) -> None:
    found = read_or_refuse(decode_text(spelling.data), read)
    outcome = "read" if isinstance(found, Cell) else "refused"
    event(f"{spelling.kind}, {outcome}: {spelling.about}")
    if isinstance(found, Cell):
        volume = np.linalg.det(found.matrix) / np.linalg.det(spelling.crystal.matrix)
        assert abs(volume) == pytest.approx(1, abs=0.01)
        assert spelling.crystal.holds(found.symbols, found.positions)
    if spelling.kind != "open":
        assert outcome == ("read" if spelling.kind == "complete" else "refused"), found


def read_or_refuse(text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except UnreadableStructureError as error:
        return str(error)


@MANY
@given(cifs())
def test_a_cif_is_read_as_its_crystal_or_refused(spelling: Spelling) -> None:
    judge(spelling, read_cif)


@MANY
@given(poscars())
def test_a_poscar_is_read_as_its_crystal_or_refused(spelling: Spelling) -> None:
    judge(spelling, read_poscar)


@MANY
@given(st.one_of(cifs(), poscars()), st.data())
def test_no_damage_ends_in_anything_but_a_crystal_or_a_reason(
    spelling: Spelling, data: st.DataObject
) -> None:
    text = decode_text(spelling.data)
    position = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 40))
    patch = data.draw(
        st.sampled_from(
            ["", "?", "0", "-", "'", "x", "\n", "_", "1e999", "nan", "loop_\n", ";", "é", "9" * 40]
        )
    )
    damaged = text[:position] + patch + text[position + length :]
    for read in (read_cif, read_poscar):
        found = read_or_refuse(damaged, read)
        if isinstance(found, Cell):
            describe([found])


@MANY
@given(st.text(max_size=60))
def test_no_text_ends_in_anything_but_a_crystal_or_a_reason(text: str) -> None:
    for read in (read_cif, read_poscar, read_records):
        read_or_refuse(text, read)
    read_or_refuse("data_x\n" + text, read_cif)
    read_or_refuse("data_x\nloop_\n_symmetry_equiv_pos_as_xyz\n" + text, read_cif)


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_setting_is_the_same_crystal(name: str) -> None:
    known = structure_of(name)
    for hall in settings_of(name):
        crystal = in_setting(name, hall)
        found = Structure(crystal.matrix, crystal.symbols, crystal.positions)
        assert StructureMatcher(scale=False).fit(known, found)
