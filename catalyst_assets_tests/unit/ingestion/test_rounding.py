"""Rounding noise is the end of the range in every reader, and what is really outside is refused in every one."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from catalyst_assets.ingestion.aflow.entries import AflowParser
from catalyst_assets.ingestion.records import Record, validate
from catalyst_assets_tests.unit.ingestion import test_optimade_entries as optimade
from catalyst_assets_tests.unit.ingestion import test_summary_documents as materials_project
from catalyst_assets_tests.unit.ingestion import test_table_traps as tables

AFLOW = {
    "auid": "aflow:0000000000000001",
    "dft_type": "PAW_PBE",
    "geometry": [4.0, 4.0, 4.0, 60, 60, 60],
    "species": ["Na", "Cl"],
    "composition": [1, 1],
    "positions_fractional": [[0, 0, 0], [0.5, 0.5, 0.5]],
    "enthalpy_formation_atom": -2.0,
    "aflowlib_date": "20200101_00:00:00_GMT-5",
}


def from_aflow(value: float) -> list[Any]:
    raw = optimade.raw()
    data = json.dumps([AFLOW | {"Egap": value}]).encode()
    return list(AflowParser().parse(raw, io.BytesIO(data), 0, 1, {}))


def from_optimade(value: float) -> list[Any]:
    known = {"property": "energy_above_hull", "unit": "eV/atom", "method": "PBE"}
    return optimade.parse(optimade.page(optimade.entry(_x_hull=value)), _x_hull=known)


def from_materials_project(value: float) -> list[Any]:
    return materials_project.parse(materials_project.document(energy_above_hull=value))


def from_a_table(value: float) -> list[Any]:
    mapping = tables.described(properties={"hull": tables.HULL})
    return list(tables.parse_table(mapping, f"A,B,anion,hull\nSr,Ti,O3,{value!r}\n".encode()))


@pytest.mark.parametrize("value", [-2.2e-16, -3e-16, -4e-7, -1e-12])
@pytest.mark.parametrize("read", [from_aflow, from_optimade, from_materials_project, from_a_table])
def test_a_value_below_its_range_by_rounding_is_zero(
    read: Callable[[float], list[Any]], value: float
) -> None:
    ((record, _),), refused = validate(read(value))
    assert refused == []
    assert 0.0 in [each.value for each in record.values]
    assert value not in [each.value for each in record.values]


@pytest.mark.parametrize("read", [from_aflow, from_optimade, from_materials_project, from_a_table])
def test_a_value_that_is_really_below_its_range_is_refused(read: Callable[[float], list[Any]]) -> None:
    outcomes = read(-0.004)
    accepted, refused = validate([each for each in outcomes if isinstance(each, Record)])
    assert accepted == []
    assert "-0.004 eV" in refused[0].reason
