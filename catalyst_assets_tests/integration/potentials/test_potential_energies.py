"""Formation energies and hulls by a potential: those of pymatgen over ASE's own relaxations, and never mixed with others."""

import sys
from pathlib import Path

import dagster as dg
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core.lattice import Lattice
from pymatgen.core.structure import Structure

from catalyst_assets.ingestion.accounting import find_bad_properties
from catalyst_assets.ingestion.derived.update import update_derived
from catalyst_assets.potentials.relaxed.elements import lacking_elements
from catalyst_assets.potentials.relaxed.energies import energies_are_outstanding
from catalyst_assets.potentials.relaxed.judging import judge_energies, judge_relaxations
from catalyst_assets.potentials.relaxed.structures import any_waiting
from catalyst_assets_tests.integration.potentials.emt_installation import (
    METHOD,
    fcc,
    load_crystals,
    materialize,
    recipe,
    relax_directly,
    write_potentials,
)
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role, execute_many, fetch_all
from resources.settings import get_settings

ENTRIES = (
    "SELECT material_id, entry ->> 'source', entry ->> 'method', CAST(entry ->> 'value' AS double precision) "
    "FROM materials, jsonb_array_elements(properties -> '{name}') entry WHERE NOT deprecated ORDER BY 1, 2"
)


def l1_0(edge: float, first: str, second: str) -> Structure:
    return Structure(Lattice.tetragonal(edge / 2**0.5, edge), [first, second], [[0, 0, 0], [0.5, 0.5, 0.5]])


def alloys() -> dict[str, Structure]:
    """A ternary system; copper and gold are among the crystals, platinum is not."""
    return {
        "cu": fcc(3.7, "Cu"),
        "au": fcc(4.2, "Au"),
        "cuau": l1_0(3.9, "Cu", "Au"),
        "cu3au": fcc(3.8, "Au", "Cu", "Cu", "Cu"),
        "cuau3": fcc(4.0, "Cu", "Au", "Au", "Au"),
        "cupt": l1_0(3.8, "Cu", "Pt"),
        "cu3pt": fcc(3.7, "Pt", "Cu", "Cu", "Cu"),
        "aupt": l1_0(4.0, "Au", "Pt"),
        "cu2aupt": fcc(3.9, "Cu", "Au", "Cu", "Pt"),
        # the same composition, stretched out: it stays above the hull
        "cuau_chain": Structure(Lattice.cubic(3.05), ["Cu", "Au"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    }


def fail_gold(platform: Platform) -> None:
    row = {"method": METHOD, "element": "Au", "energy_per_atom": None, "state": None}
    failed = row | {"recipe_sha256": recipe(platform).sha256, "problem": "fcc: it fell apart"}
    with platform.database.transaction(Role.PIPELINE) as connection:
        execute_many(connection, "potentials/keep_element", [failed])


def entries(platform: Platform, name: str, source: str) -> dict[str, float]:
    rows = query(platform, ENTRIES.format(name=name))
    assert {row[2] for row in rows if row[1] == source} <= {METHOD}
    return {row[0].partition(":")[2]: row[3] for row in rows if row[1] == source}


def test_energies_are_those_of_a_phase_diagram_of_direct_relaxations(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    crystals = alloys()
    load_crystals(platform, tmp_path, crystals)

    assert materialize(platform, instance).success

    direct = {name: relax_directly(each) for name, each in crystals.items()}
    phases = {name: PDEntry(crystals[name].composition, energy) for name, (_, energy) in direct.items()}
    _, energy = relax_directly(fcc(3.99, "Pt"))
    diagram = PhaseDiagram([*phases.values(), PDEntry("Pt4", energy)])
    formation = entries(platform, "formation_energy_per_atom", "potential")
    hull = entries(platform, "energy_above_hull", "potential_hull")
    assert formation.keys() == hull.keys() == crystals.keys()
    for name, phase in phases.items():
        assert formation[name] == pytest.approx(diagram.get_form_energy_per_atom(phase), abs=1e-3)
        assert hull[name] == pytest.approx(diagram.get_e_above_hull(phase), abs=1e-3)
    assert hull["cuau_chain"] > 0.005
    assert min(hull.values()) == 0
    states = query(platform, "SELECT element, state, problem FROM element_references ORDER BY 1")
    assert [(element, problem) for element, _, problem in states] == [
        ("Au", None), ("Cu", None), ("Pt", None),
    ]  # fmt: skip
    assert find_bad_properties(platform.database) == []


def test_methods_stay_apart(platform: Platform, instance: dg.DagsterInstance, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, alloys())
    by_density_functional = {
        name: query(platform, ENTRIES.format(name=name))
        for name in ("formation_energy_per_atom", "energy_above_hull")
    }

    materialize(platform, instance)
    update_derived(platform.database)

    for name, before in by_density_functional.items():
        after = [row for row in query(platform, ENTRIES.format(name=name)) if row[2] != METHOD]
        assert after == before
    ours = [row for row in query(platform, ENTRIES.format(name="energy_above_hull")) if row[2] == METHOD]
    assert {row[1] for row in ours} == {"potential_hull"}
    # a network is not taught what a potential says of structures that it relaxed
    with platform.database.transaction(Role.PIPELINE) as connection:
        taught = fetch_all(connection, "representation/formation_energies")
    assert {row["method"] for row in taught} == {"PBE"}


def test_a_lower_crystal_of_an_element_moves_all_that_hold_it(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    crystals = alloys()
    without = {name: each for name, each in crystals.items() if name not in {"cu", "au"}}
    load_crystals(platform, tmp_path, without)
    materialize(platform, instance)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(
            "UPDATE element_references SET energy_per_atom = energy_per_atom + 0.4 WHERE element = 'Cu'"
        )
    before = entries(platform, "formation_energy_per_atom", "potential")

    load_crystals(platform, tmp_path, crystals)
    assert not energies_are_outstanding(platform.database, recipe(platform))  # it is to be relaxed first
    materialize(platform, instance, "relaxed_structures")
    assert energies_are_outstanding(platform.database, recipe(platform))
    materialize(platform, instance, "potential_energies")

    after = entries(platform, "formation_energy_per_atom", "potential")
    assert after["cu"] == 0
    assert after["cu3au"] == pytest.approx(before["cu3au"], abs=1e-3)
    assert not energies_are_outstanding(platform.database, recipe(platform))


def test_what_no_state_of_an_element_is_known_of_has_a_reason_in_place_of_a_number(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cuau": l1_0(3.9, "Cu", "Au")})
    fail_gold(platform)

    assert materialize(platform, instance).success

    assert query(platform, "SELECT formation_energy, formation_problem FROM relaxed_structures") == [
        (None, "there is no reference of Au (fcc: it fell apart)")
    ]
    assert entries(platform, "formation_energy_per_atom", "potential") == {}
    # asked again by itself it stays as it is; where a person asks for it, it is tried again
    materialize(platform, instance, "potential_energies")
    assert entries(platform, "formation_energy_per_atom", "potential") == {}
    assert not energies_are_outstanding(platform.database, recipe(platform))


def test_an_element_that_failed_is_tried_again_where_it_is_asked_for(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cuau": l1_0(3.9, "Cu", "Au")})
    materialize(platform, instance, "relaxed_structures")
    fail_gold(platform)
    assert lacking_elements(platform.database, recipe(platform)) == ["Cu"]
    again = {"potential_energies": {"ops": {"relax_elements": {"config": {"again": True}}}}}

    materialize(platform, instance, "potential_energies", ops=again)

    assert query(platform, "SELECT problem FROM element_references") == [(None,), (None,)]
    assert entries(platform, "formation_energy_per_atom", "potential")["cuau"] < 0


def test_an_energy_above_hull_beyond_the_range_is_not_demanded(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low = tmp_path / "properties.yaml"
    load_crystals(platform, tmp_path, alloys())
    low.write_text(
        "properties:\n  energy_above_hull: {unit: eV/atom, low: 0, high: 0.001, typical_mean: 0.0005, typical_std: 0.001, description: cut}\n",
        "utf-8",
    )
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(low))
    get_settings.cache_clear()

    assert materialize(platform, instance).success

    hull = entries(platform, "energy_above_hull", "potential_hull")
    assert 0 < len(hull) < len(alloys())
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(
            "UPDATE materials SET properties = properties - 'energy_above_hull' WHERE material_id = 'crystals:cu'"
        )
    (problem,), _ = judge_energies(platform.database, recipe(platform))
    assert problem.startswith("1 materials have a formation energy and no energy above hull")


def test_what_came_after_the_last_writing_is_no_loss(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})
    materialize(platform, instance)
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu"), "au": fcc(4.2, "Au")})
    materialize(platform, instance, "relaxed_structures")

    assert judge_energies(platform.database, recipe(platform))[0] == []
    assert energies_are_outstanding(platform.database, recipe(platform))


def test_energies_by_other_weights_are_forgotten_and_never_on_one_hull(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    crystals = alloys()
    load_crystals(platform, tmp_path, crystals)
    materialize(platform, instance)
    before = recipe(platform)
    assert len(entries(platform, "formation_energy_per_atom", "potential")) == len(crystals)

    # the same name, another calculator
    write_potentials(tmp_path, sys.executable, options={"asap_cutoff": True})
    get_settings.cache_clear()
    assert recipe(platform).sha256 != before.sha256
    assert any_waiting(platform.database, recipe(platform))
    problems, counts = judge_relaxations(platform.database, recipe(platform))
    assert (counts["waiting"], len(problems)) == (len(crystals), 1)
    kept = "SELECT DISTINCT recipe_sha256 FROM "
    # energies alone find nothing of the new one to compare, and leave nothing of the old one
    materialize(platform, instance, "potential_energies")
    assert entries(platform, "formation_energy_per_atom", "potential") == {}
    assert entries(platform, "energy_above_hull", "potential_hull") == {}

    assert materialize(platform, instance).success

    for table in ("relaxed_structures", "element_references"):
        assert query(platform, kept + table) == [(recipe(platform).sha256,)]
    assert len(entries(platform, "energy_above_hull", "potential_hull")) == len(crystals)


def test_a_lost_energy_is_a_problem_and_comes_back(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})
    materialize(platform, instance)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.exec_driver_sql(
            "UPDATE materials SET properties = properties - 'formation_energy_per_atom'"
        )
    problems, _ = judge_energies(platform.database, recipe(platform))
    (problem,) = problems
    assert problem.startswith("1 materials have no formation energy and no reason for it: materialize")
    assert energies_are_outstanding(platform.database, recipe(platform))

    assert materialize(platform, instance, "potential_energies").success
    assert judge_energies(platform.database, recipe(platform))[0] == []
    assert entries(platform, "formation_energy_per_atom", "potential") == {"cu": pytest.approx(0, abs=1e-3)}
