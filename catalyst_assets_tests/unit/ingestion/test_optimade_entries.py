"""Whatever a provider sends becomes a record or a rejection, never a crash and never a bad row."""

import io
import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalyst_assets.errors import SourceError
from catalyst_assets.ingestion.optimade.entries import FIELDS, OptimadeParser
from catalyst_assets.ingestion.raw_cache import RawFile
from catalyst_assets.ingestion.records import Record, Rejection, validate

GAP = {"property": "band_gap", "unit": "eV", "method": "PBE", "required": False}

ENERGY = GAP | {"property": "formation_energy_per_atom", "unit": "kJ/mol_atom"}


def page(*entries: Any) -> bytes:
    return json.dumps({"data": list(entries)}).encode()


def raw(**properties: Any) -> RawFile:
    request = {"kind": "optimade_page", "answers": False, "parameters": {"properties": properties}}
    return RawFile(1, "optimade_x", "u", request, "0" * 64, 1, "l", datetime.now(UTC), "pending", None)


def parse(data: bytes, **properties: Any) -> list[Record | Rejection]:
    parser = OptimadeParser()
    contents = parser.survey(raw(**properties), io.BytesIO(data))
    return list(parser.parse(raw(**properties), io.BytesIO(data), 0, contents.rows, contents.duplicates))


def entry(**changes: Any) -> dict[str, Any]:
    attributes = {
        "lattice_vectors": [[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]],
        "cartesian_site_positions": [[0, 0, 0], [2, 2, 2]],
        "species_at_sites": ["Cs", "Cl"],
    }
    return {"id": "one", "attributes": attributes | changes}


def test_an_entry_becomes_a_crystal_with_the_values_that_are_named():
    (record,) = parse(page(entry(_x={"gap": 5, "other": 1})), **{"_x.gap": GAP, "_x.none": GAP})

    assert isinstance(record, Record)
    assert record.material_id == "optimade_x:one"
    assert record.structure.reduced_formula == "CsCl"
    assert record.structure.volume == pytest.approx(64)
    assert [(value.property, value.value, value.field) for value in record.values] == [
        ("band_gap", 5.0, "_x.gap")
    ]


def test_values_are_stored_in_the_unit_of_their_property():
    (record,) = parse(page(entry(gap=1100, ef=-96.48533212331)), gap=GAP | {"unit": "meV"}, ef=ENERGY)

    assert isinstance(record, Record)
    assert [(value.value, value.unit) for value in record.values] == [
        (1.1, "eV"),
        (pytest.approx(-1.0), "eV/atom"),
    ]
    (rejection,) = parse(page(entry(ef=-1.0)), ef=ENERGY | {"unit": "kJ/mol"})
    assert isinstance(rejection, Rejection)
    assert "ef: 'kJ/mol' cannot be converted to 'eV/atom'" in rejection.reason


def test_species_are_looked_up_by_their_name():
    species = [
        {"name": "A1", "chemical_symbols": ["Cs"], "concentration": [1.0]},
        {"name": "B1", "chemical_symbols": ["Cl"], "concentration": [1.0]},
    ]
    (record,) = parse(page(entry(species=species, species_at_sites=["A1", "B1"])))

    assert isinstance(record, Record)
    assert record.structure.reduced_formula == "CsCl"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"lattice_vectors": [[4.0, 0, 0], [0, 4.0, 0]]}, "lattice_vectors"),
        ({"lattice_vectors": [[4.0, 0, 0], [8.0, 0, 0], [0, 0, 4.0]]}, "lattice_vectors"),
        ({"cartesian_site_positions": [[0, 0, 0], [2, 2, math.nan]]}, "cartesian_site_positions"),
        ({"cartesian_site_positions": [[0, 0, 0], [2, 2, "2"]]}, "cartesian_site_positions"),
        ({"species_at_sites": []}, "species_at_sites"),
        ({"species_at_sites": ["Cs", "X"]}, "species"),
        ({"nsites": 3}, "nsites"),
        ({"dimension_types": [1, 1, 0]}, "dimension_types"),
        (
            {"species": [{"name": "Cl", "chemical_symbols": ["Cl", "Br"], "concentration": [0.5, 0.5]}]},
            "species",
        ),
        ({"species": [{"name": "Cl", "chemical_symbols": ["vacancy"], "concentration": [1.0]}]}, "species"),
        ({"_x": {"gap": "5 eV"}}, "_x.gap"),
    ],
)
def test_what_is_wrong_is_named(changes, field):
    outcomes = parse(page(entry(**changes)), **{"_x.gap": GAP})
    records = [outcome for outcome in outcomes if isinstance(outcome, Record)]
    _, refused = validate(records)
    (rejection,) = refused or outcomes

    assert isinstance(rejection, Rejection)
    assert rejection.reason.startswith(f"{field}: ")


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"data": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_page_is_refused_as_a_whole(data):
    with pytest.raises(SourceError):
        OptimadeParser().survey(raw(), io.BytesIO(data))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["O", "H"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(
    ["lattice_vectors", "cartesian_site_positions", "species_at_sites", "species", "nsites", "_x"]
)


@given(st.dictionaries(fields, json_values, max_size=3), json_values)
def test_no_entry_crashes_the_parser_or_passes_unfit(changes, identifier):
    broken = entry(**changes) | {"id": identifier}

    outcomes = parse(page(broken, identifier, entry()), **{"_x.gap": GAP})

    assert len(outcomes) == 3
    accepted, _ = validate([outcome for outcome in outcomes if isinstance(outcome, Record)])
    for record, crystal in accepted:
        assert record.source_id
        assert math.isfinite(crystal.volume_per_atom)
        assert all(math.isfinite(value.value) for value in record.values)


ONE_OF_TWO = {"sites_in_groups": [[0], [1]], "group_probabilities": [0.3, 0.7]}
ALWAYS = {"sites_in_groups": [[0, 1]], "group_probabilities": [1.0]}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        # OPTIMADE#342: alternatives of which one is there.
        (
            {"structure_features": ["assemblies"], "assemblies": [ONE_OF_TWO]},
            "structure_features: 'assemblies'",
        ),
        ({"structure_features": [], "assemblies": [ONE_OF_TWO]}, "assemblies: are given"),
        ({"assemblies": [ALWAYS, ONE_OF_TWO]}, "assemblies: are given"),
        ({"assemblies": {"sites_in_groups": [[0]]}}, "assemblies: are given"),
        ({"structure_features": ["assemblies"]}, "structure_features: 'assemblies'"),
        ({"structure_features": ["disorder"]}, "structure_features: 'disorder'"),
        ({"structure_features": ["implicit_atoms"]}, "structure_features: 'implicit_atoms'"),
        ({"structure_features": ["site_attachments"]}, "structure_features: 'site_attachments'"),
        ({"structure_features": ["quasicrystal"]}, "'quasicrystal': a feature that is not known here"),
        ({"structure_features": "disorder"}, "structure_features: 'disorder' is no list"),
        # optimade-python-tools#1212: a layer and a molecule, whose dimension_types are null.
        ({"nperiodic_dimensions": 2, "dimension_types": None}, "nperiodic_dimensions: is 2"),
        ({"nperiodic_dimensions": 0}, "nperiodic_dimensions: is 0"),
        ({"nperiodic_dimensions": 2, "dimension_types": [1, 1, 1]}, "nperiodic_dimensions: is 2"),
        ({"dimension_types": [1, 1, None]}, "dimension_types: "),
        (
            {"chemical_formula_reduced": "Cl2Cs"},
            "chemical_formula_reduced: is 'Cl2Cs', but the sites make CsCl",
        ),
        ({"chemical_formula_reduced": "CsClH"}, "chemical_formula_reduced: is 'CsClH'"),
        ({"chemical_formula_reduced": 17}, "chemical_formula_reduced: is 17"),
        ({"nelements": 3}, "nelements: is 3, but the sites hold 2"),
        ({"elements": ["Cl", "Cs", "H"]}, "elements: are ['Cl', 'Cs', 'H'], but the sites hold Cl, Cs"),
        ({"nsites": 4}, "nsites: is 4, but 2 sites are given"),
    ],
)
def test_what_is_no_plain_crystal_or_contradicts_its_sites_is_set_aside(changes, reason):
    (refused,) = parse(page(entry(**changes)))
    assert isinstance(refused, Rejection)
    assert reason in refused.reason


@pytest.mark.parametrize(
    "changes",
    [
        {
            "structure_features": [],
            "assemblies": None,
            "nperiodic_dimensions": 3,
            "dimension_types": [1, 1, 1],
        },
        {"structure_features": None, "assemblies": [], "nperiodic_dimensions": None, "dimension_types": None},
        {"structure_features": ["assemblies"], "assemblies": [ALWAYS]},
        {"structure_features": ["_exmpl_magnetic"]},
        {"chemical_formula_reduced": "ClCs", "elements": ["Cl", "Cs"], "nelements": 2, "nsites": 2},
        {"chemical_formula_reduced": "Cs2Cl2", "elements": None, "nelements": None, "nsites": None},
        {"chemical_formula_reduced": "ClCs", "nperiodic_dimensions": 3.0, "nsites": 2.0},
    ],
)
def test_what_says_nothing_else_of_the_sites_loads(changes):
    (record,) = parse(page(entry(**changes)))
    assert isinstance(record, Record)
    assert record.structure.reduced_formula == "CsCl"


def test_what_tells_a_plain_crystal_is_asked_for():
    assert {
        "structure_features",
        "assemblies",
        "nperiodic_dimensions",
        "dimension_types",
        "chemical_formula_reduced",
        "elements",
        "nelements",
        "nsites",
    } <= set(FIELDS)
