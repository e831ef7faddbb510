"""When records of different sources are one crystal, and what is known of it then."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.derived.identity import Identity, KnownRecord, identify
from catalyst_assets.ingestion.reading.crystals import hash_structure

ROCK_SALT = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.21), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
CAESIUM_CHLORIDE = Structure(Lattice.cubic(2.65), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def entry(value: float, source: str, method: str = "PBE") -> dict[str, Any]:
    return {"value": value, "unit": "eV", "method": method, "source": source}


def record(name: str, structure: Structure = ROCK_SALT, **changes: Any) -> KnownRecord:
    properties = changes.pop("properties", {})
    return KnownRecord(name, structure.as_dict(), hash_structure(structure), properties, **changes)


def same_as(*records: KnownRecord) -> dict[str, str | None]:
    return {identity.material_id: identity.same_as for identity in identify(records)}


def found(name: str, *records: KnownRecord) -> Identity:
    return next(identity for identity in identify(records) if identity.material_id == name)


def test_a_primitive_turned_and_slightly_larger_cell_is_the_same_crystal() -> None:
    primitive = ROCK_SALT.get_primitive_structure()
    primitive.apply_strain(0.01)
    assert same_as(record("aflow:1"), record("optimade_x:2", primitive)) == {
        "aflow:1": None,
        "optimade_x:2": "aflow:1",
    }


def test_polymorphs_stay_apart() -> None:
    assert same_as(record("a:1"), record("b:1", CAESIUM_CHLORIDE)) == {"a:1": None, "b:1": None}


def test_a_phase_that_is_much_denser_stays_apart() -> None:
    squeezed = ROCK_SALT.copy()
    squeezed.scale_lattice(ROCK_SALT.volume * 0.7)
    assert same_as(record("a:1"), record("b:1", squeezed)) == {"a:1": None, "b:1": None}


def test_what_one_source_keeps_apart_stays_apart_but_in_aflows_catalogs() -> None:
    assert same_as(record("mine:1"), record("mine:2")) == {"mine:1": None, "mine:2": None}
    assert same_as(record("aflow:1"), record("aflow:2")) == {"aflow:1": None, "aflow:2": "aflow:1"}


def test_the_materials_project_names_a_crystal_unless_a_campaign_uses_another_record() -> None:
    theirs, ours = record("materials_project:mp-1265"), record("aflow:1")
    assert same_as(ours, theirs) == {
        "aflow:1": "materials_project:mp-1265",
        "materials_project:mp-1265": None,
    }
    used = record("aflow:1", in_use=True)
    assert same_as(used, theirs) == {"aflow:1": None, "materials_project:mp-1265": "aflow:1"}


def test_records_that_campaigns_use_are_never_hidden() -> None:
    assert same_as(record("a:1", in_use=True), record("b:1", in_use=True)) == {"a:1": None, "b:1": None}


def test_a_withdrawn_record_gives_its_name_and_values_up() -> None:
    gone = record("a:1", withdrawn=True, properties={"band_gap": [entry(4.4, "a"), entry(4.5, "b")]})
    left = record("b:1", same_as="a:1", properties={"band_gap": [entry(4.5, "b")]})
    assert found("b:1", gone, left) == Identity("b:1", None, {"band_gap": [entry(4.5, "b")]})
    assert found("a:1", gone, left).properties == {"band_gap": [entry(4.4, "a")]}


def test_a_crystal_has_one_value_a_source_and_method_and_keeps_what_was_derived() -> None:
    first = record(
        "aflow:1",
        properties={
            "band_gap": [entry(4.4, "aflow"), entry(9.9, "b")],
            "energy_above_hull": [{**entry(0.0, "aflow_hull"), "derived": True}],
        },
    )
    again = record("aflow:2", properties={"band_gap": [entry(4.3, "aflow")]})
    other = record("b:1", properties={"band_gap": [entry(7.5, "b", "HSE06"), entry(4.6, "b")]})
    assert found("aflow:1", first, again, other).properties == {
        "band_gap": [entry(4.4, "aflow"), entry(7.5, "b", "HSE06"), entry(4.6, "b")],
        "energy_above_hull": [{**entry(0.0, "aflow_hull"), "derived": True}],
    }


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_records_does_not_matter(order: tuple[int, ...]) -> None:
    records = [
        record("a:1"),
        record("b:1"),
        record("c:1", CAESIUM_CHLORIDE),
        record("materials_project:mp-1", CAESIUM_CHLORIDE),
    ]
    assert same_as(*(records[index] for index in order)) == {
        "a:1": None,
        "b:1": "a:1",
        "c:1": "materials_project:mp-1",
        "materials_project:mp-1": None,
    }


@given(
    stretch=st.floats(0.995, 1.005),
    axis=st.lists(st.floats(-1, 1), min_size=3, max_size=3).filter(lambda v: math.hypot(*v) > 0.1),
    angle=st.floats(0, 360),
    shift=st.lists(st.floats(0, 1), min_size=3, max_size=3),
)
def test_identity_knows_no_orientation_origin_or_rounding(
    stretch: float, axis: list[float], angle: float, shift: list[float]
) -> None:
    from pymatgen.core.operations import SymmOp

    moved = ROCK_SALT.copy()
    moved.scale_lattice(moved.volume * stretch)
    moved.translate_sites(range(len(moved)), shift)
    moved.apply_operation(SymmOp.from_axis_angle_and_translation(axis, angle))
    assert same_as(record("a:1"), record("b:1", moved))["b:1"] == "a:1"


def test_what_was_decided_is_decided_again() -> None:
    records = [
        record("a:1", properties={"band_gap": [entry(4.4, "a")]}),
        record("b:1", properties={"band_gap": [entry(4.5, "b")]}),
    ]
    decided = identify(records)
    again = identify(
        [record(item.material_id, same_as=item.same_as, properties=dict(item.properties)) for item in decided]
    )
    assert again == decided
