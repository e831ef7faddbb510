"""A known crystal in many spellings of CIF and POSCAR is read as itself or refused, and never as something else.

10,000 examples of each, with the shares of what was read and refused:
``pytest --hypothesis-profile=many --hypothesis-show-statistics catalyst_assets_tests/unit/ingestion/test_spellings.py``
"""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core.structure import Structure

from catalyst_assets.errors import UnreadableStructureError
from catalyst_assets.ingestion.reading.cells import Cell
from catalyst_assets.ingestion.reading.cif.reader import read_cif
from catalyst_assets.ingestion.reading.decoding import decode_text
from catalyst_assets.ingestion.reading.poscar import read_poscar
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


def read_or_refuse(text: str, read: Callable[[str], Cell]) -> Cell | str:
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


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_setting_is_the_same_crystal(name: str) -> None:
    known = structure_of(name)
    for hall in settings_of(name):
        crystal = in_setting(name, hall)
        found = Structure(crystal.matrix, crystal.symbols, crystal.positions)
        assert StructureMatcher(scale=False).fit(known, found)
