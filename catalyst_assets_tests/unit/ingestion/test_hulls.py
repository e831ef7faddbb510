"""Energies above the hull of what was ingested."""

import pytest

from catalyst_assets.ingestion.derived.hulls import FormationEnergy, energies_above_hull


def energy(name: str, formula: str, system: str, value: float, has_hull: bool = False) -> FormationEnergy:
    return FormationEnergy(name, formula, system, value, has_hull)


def test_a_compound_is_measured_from_the_tie_line_below_it() -> None:
    entries = [
        energy("mgo", "MgO", "Mg-O", -3.0),
        energy("mgo2", "MgO2", "Mg-O", -1.5),
        energy("mgo_other", "MgO", "Mg-O", -2.9),
    ]
    # Two thirds oxygen lie at a third of the way from MgO to O2, at -2 eV/atom.
    assert energies_above_hull("Mg-O", entries) == {
        "mgo": 0.0,
        "mgo2": pytest.approx(0.5),
        "mgo_other": pytest.approx(0.1),
    }


def test_without_competitors_the_elements_are_the_hull() -> None:
    entries = [energy("bad", "MgO2", "Mg-O", 0.25), energy("good", "Mg2O", "Mg-O", -1.0)]
    assert energies_above_hull("Mg-O", entries) == {
        "bad": pytest.approx(0.25 + 0.5),
        "good": 0.0,
    }


def test_phases_of_smaller_systems_compete_and_are_not_measured_again() -> None:
    entries = [
        energy("mgo", "MgO", "Mg-O", -3.0),
        energy("tio2", "TiO2", "O-Ti", -3.5),
        energy("mgtio3", "MgTiO3", "Mg-O-Ti", -3.2),
    ]
    # 2/5 of the atoms in MgO and 3/5 in TiO2.
    assert energies_above_hull("Mg-O-Ti", entries) == {"mgtio3": pytest.approx(-3.2 + 0.4 * 3.0 + 0.6 * 3.5)}


def test_what_its_source_has_measured_only_competes() -> None:
    entries = [energy("a", "MgO", "Mg-O", -3.0, has_hull=True), energy("b", "MgO", "Mg-O", -2.0)]
    assert energies_above_hull("Mg-O", entries) == {"b": pytest.approx(1.0)}
