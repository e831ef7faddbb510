"""Adsorption energies of chosen materials: computed by the real worker, stored once, and labels of their method alone."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from ase.calculators.emt import EMT
from pymatgen.core.structure import Structure

from catalyst_assets.build import build_defs
from catalyst_assets.documents import hash_document
from catalyst_assets.ingestion.derived.adsorption_labels import label_bulk_materials
from catalyst_assets.potentials.calculator import CalculatorPotential
from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.potentials.surface_settings import SurfaceSettings
from catalyst_assets.surfaces.adsorption import AdsorptionSettings, compute_adsorption
from catalyst_assets.surfaces.computed.choosing import Choice
from catalyst_assets.surfaces.computed.outcomes import Outcome, Refused, State
from catalyst_assets.surfaces.computed.planning import plan_adsorption
from catalyst_assets.surfaces.computed.storing import NUMBERS, Computation, measure_account, store_outcome
from catalyst_assets.surfaces.results import AdsorptionResult
from catalyst_assets_tests.integration.potentials.emt_installation import METHOD, fcc, load_crystals
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role

METALS = {"cu": fcc(3.6, "Cu"), "pt": fcc(3.9, "Pt")}
# EMT has no parameters of it.
IRON = Structure.from_spacegroup("Im-3m", fcc(2.87, "Fe").lattice, ["Fe"], [[0, 0, 0]])
ROWS = (
    "SELECT material_id, miller_index, termination, adsorbate, site, ended_at, energy_ev, reference_set, method, "
    "anomaly_kind, steps, largest_force, moved, source, bulk_formula FROM adsorption_energies ORDER BY material_id, system_id"
)
REFUSED = "SELECT record, raw_sha256, reason FROM quarantine WHERE source = 'adsorption' ORDER BY record"
STAMPS = "SELECT system_id, retrieved_at, energy_ev FROM adsorption_energies ORDER BY system_id"
BY = Computation(METHOD, "a recipe", "free")
OTHERWISE = Computation(METHOD, "thicker slabs", "free", by_default=False)


def adsorb(
    platform: Platform, instance: dg.DagsterInstance, raise_on_error: bool = True, **config: Any
) -> dg.ExecuteInProcessResult:
    """Materialize the energies and check them."""
    ops = {"materials_to_adsorb_on": {"config": config}}
    return (
        build_defs(platform=platform)
        .resolve_implicit_global_asset_job_def()
        .execute_in_process(
            run_config={"ops": {"adsorption_relaxations": {"ops": ops}}},
            instance=instance,
            asset_selection=[dg.AssetKey("adsorption_relaxations")],
            raise_on_error=raise_on_error,
        )
    )


def state(energy_ev: float, **changes: Any) -> State:
    """One state of hydrogen on copper."""
    return State.model_validate(
        {
            "formula": "Cu",
            "facet": (1, 1, 1),
            "termination": 0,
            "shift": 0.5,
            "top": True,
            "adsorbate": "H",
            "site": "fcc-Cu3",
            "ended_at": "fcc-Cu3",
            "energy_ev": energy_ev,
            "reference_energy_ev": 1.0,
            "references": "OC20: 1/2 H2",
            "anomaly": None,
            "steps": 3,
            "largest_force": 0.01,
            "binding": (0.0, 0.0, 9.0),
        }
        | changes
    )


def keep(platform: Platform, outcome: Outcome, by: Computation = BY, material: str = "crystals:cu") -> None:
    """Store what came of a material as it is now."""
    ((structure_hash,),) = query(
        platform, "SELECT structure_hash FROM materials WHERE material_id = :name", name=material
    )
    store_outcome(platform.database, by, material, structure_hash, ["H"], outcome)


def label(platform: Platform, material: str = "crystals:cu") -> list[dict[str, Any]]:
    """Derive labels, and return those of hydrogen on a material."""
    label_bulk_materials(platform.database)
    ((found,),) = query(
        platform,
        "SELECT coalesce(properties -> 'adsorption_energy_H', '[]') FROM materials WHERE material_id = :name",
        name=material,
    )
    return list(found)


def entry(value: float, method: str = METHOD, source: str = "potential") -> dict[str, Any]:
    """A label of hydrogen."""
    return {
        "value": pytest.approx(value, abs=1e-9),
        "unit": "eV",
        "method": method,
        "source": source,
        "derived": True,
    }


@pytest.mark.slow
def test_energies_are_those_of_the_path_in_this_process_and_a_bad_bulk_costs_itself(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, METALS | {"fe": IRON})

    adsorb(platform, instance, source="crystals", most=10)

    # Two minimisers of other making: what converges tightly is the same.
    tight = AdsorptionSettings(surface=Relaxation(cell=False, largest_force=0.01, most_steps=800))
    path = compute_adsorption(METALS, ["H"], CalculatorPotential(METHOD, EMT), tight)
    expected = {(each.bulk, each.site): each for each in path if isinstance(each, AdsorptionResult)}
    rows = query(platform, ROWS)
    assert {(row[0].partition(":")[2], row[4]) for row in rows} == set(expected)
    for material, facet, termination, adsorbate, site, _, energy, references, method, *rest in rows:
        anomaly, steps, force, moved, source, formula = rest
        known = expected[material.partition(":")[2], site]
        assert (facet, termination, adsorbate) == ([1, 1, 1], 0, "H")
        assert energy == pytest.approx(known.energy_ev, abs=0.02)
        assert (references, method, source) == ("OC20: 1/2 H2", METHOD, "potential")
        assert (anomaly, moved, formula) == (None, False, known.formula)
        assert steps > 0
        assert force < 0.05
    assert query(platform, REFUSED) == [("crystals:fe", METHOD, "the potential does not know Fe")]
    assert query(
        platform, "SELECT material_id, states, refused, reason FROM adsorption_outcomes ORDER BY 1"
    ) == [
        ("crystals:cu", 4, 0, ""),
        ("crystals:fe", 0, 1, "the crystal: the potential does not know Fe"),
        ("crystals:pt", 4, 0, ""),
    ]
    lowest = {
        material: min(row[6] for row in rows if row[0] == material)
        for material in ("crystals:cu", "crystals:pt")
    }
    for material, value in lowest.items():
        assert label(platform, material) == [entry(value)]

    before = query(platform, STAMPS), query(platform, REFUSED)
    again = adsorb(platform, instance, source="crystals", most=10)
    assert (query(platform, STAMPS), query(platform, REFUSED)) == before
    assert not [each for each in again.all_events if "adsorb_on_shard" in (each.step_key or "")]

    asked = adsorb(platform, instance, source="crystals", most=10, again=True)
    shards = {each.step_key for each in asked.all_events if "adsorb_on_shard" in (each.step_key or "")}
    assert len(shards) == 1
    assert (query(platform, STAMPS), query(platform, REFUSED)) == before


def test_nothing_is_computed_that_nobody_chose(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, METALS)

    assert adsorb(platform, instance).success

    assert query(platform, ROWS) == []
    assert query(platform, "SELECT 1 FROM adsorption_outcomes") == []


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"source": "crystals", "adsorbates": ["Q"]}, "'Q' is no adsorbate that is known"),
        ({"materials": ["crystals:au"]}, "There is no material crystals:au"),
        ({"campaign": "nobodys"}, "There is no campaign nobodys"),
        ({"source": "crystals", "potential": "sevennet-0"}, "The environment sevennet is not installed"),
        ({"source": "crystals", "facets": [[0, 0, 0]]}, "[0, 0, 0] is no facet"),
    ],
)
def test_what_cannot_be_asked_fails_in_plain_words(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    load_crystals(platform, tmp_path, METALS)

    result = adsorb(platform, instance, raise_on_error=False, **config)

    (failure,) = [each for each in result.all_events if each.is_step_failure]
    assert said in str(failure.step_failure_data.error)


def test_the_lowest_sound_state_is_the_label_and_anomalies_never_are(
    platform: Platform, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, METALS)
    anomalies = [
        state(-5.0 - number, site=f"hcp-{number}", ended_at=f"hcp-{number}", anomaly=kind)
        for number, kind in enumerate(NUMBERS)
    ]
    sound = [state(-0.2), state(-0.3, site="bridge-Cu2", ended_at="hcp-Cu3")]

    keep(platform, Outcome(states=(*sound, *anomalies)))
    assert label(platform) == [entry(-0.3)]
    assert {kind for (kind,) in query(platform, "SELECT DISTINCT anomaly_kind FROM adsorption_energies")} == {
        None,
        *NUMBERS,
    }
    assert query(platform, "SELECT site FROM adsorption_energies WHERE moved") == [("bridge-Cu2",)]

    keep(platform, Outcome(states=tuple(anomalies)))
    assert label(platform) == []
    ((reason,),) = query(platform, "SELECT reason FROM adsorption_outcomes")
    assert reason.startswith("5 states of H are none: ")
    assert not measure_account(platform.database).contradicted


def test_a_material_computed_again_has_the_new_rows_and_reasons_only(
    platform: Platform, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, METALS)
    lost = Refused(name="1,1,1/0/H/ontop-Cu", adsorbate="H", reason="It fell apart.")
    keep(platform, Outcome(states=(state(-0.2), state(-0.4, site="hcp-Cu3")), refused=(lost,)))
    assert query(platform, REFUSED) == [("crystals:cu/1,1,1/0/H/ontop-Cu", METHOD, "It fell apart.")]

    keep(platform, Outcome(states=(state(-0.1),)), Computation(METHOD, "another recipe", "free"))

    assert query(platform, "SELECT energy_ev, raw_sha256 FROM adsorption_energies") == [
        (-0.1, "another recipe")
    ]
    assert query(platform, REFUSED) == []
    assert label(platform) == [entry(-0.1)]


def test_other_settings_are_kept_apart_and_are_no_labels(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    lost = Refused(name="1,1,1/0/H/ontop-Cu", adsorbate="H", reason="It fell apart.")
    keep(platform, Outcome(states=(state(-0.2),), refused=(lost,)))
    for energy in (-0.8, -0.9):
        keep(platform, Outcome(states=(state(energy),), refused=(lost,)), OTHERWISE)

    rows = "SELECT energy_ev, raw_sha256, by_default FROM adsorption_energies ORDER BY energy_ev"
    assert query(platform, rows) == [(-0.9, "thicker slabs", False), (-0.2, "a recipe", True)]
    assert len(query(platform, REFUSED)) == 2
    assert label(platform) == [entry(-0.2)]
    account = measure_account(platform.database)
    assert (account.outcomes, account.contradicted) == (2, 0)

    load_crystals(platform, tmp_path, METALS | {"cu": fcc(3.7, "Cu")})
    keep(platform, Outcome(states=(state(-0.1),)))
    assert query(platform, rows) == [(-0.1, "a recipe", True)]


def test_what_comes_late_of_an_earlier_structure_replaces_nothing(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    ((earlier,),) = query(platform, "SELECT structure_hash FROM materials WHERE material_id = 'crystals:cu'")
    load_crystals(platform, tmp_path, METALS | {"cu": fcc(3.7, "Cu")})
    keep(platform, Outcome(states=(state(-0.1),)))

    store_outcome(platform.database, BY, "crystals:cu", earlier, ["H"], Outcome(states=(state(-0.2),)))

    assert label(platform) == [entry(-0.1)]


def test_energies_that_are_lost_are_told(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, METALS)
    keep(platform, Outcome(states=(state(-0.2), state(-0.4, site="hcp-Cu3"))))
    assert adsorb(platform, instance).success
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DELETE FROM adsorption_energies WHERE site = 'hcp-Cu3'"))

    result = adsorb(platform, instance, raise_on_error=False)

    (found,) = result.get_asset_check_evaluations()
    assert (found.check_name, found.passed) == ("adsorption_is_accounted_for", False)


def test_most_counts_those_that_wait(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    choice = Choice(source="crystals", most=1)

    first = plan_adsorption(platform, choice, METHOD, ["H"], SurfaceSettings())
    (shard,) = first.shards
    assert (shard["materials"], first.counts) == (["crystals:cu"], (1, 2, 1, 1))

    by = Computation(METHOD, hash_document(shard["recipe"]), "free")
    keep(platform, Outcome(states=(state(-0.2),)), by)
    second = plan_adsorption(platform, choice, METHOD, ["H"], SurfaceSettings())
    assert (second.shards[0]["materials"], second.beyond) == (["crystals:pt"], 0)


def test_methods_do_not_mix(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO material_sources VALUES ('materials_project', 'mp-30', 'crystals:cu', 'x', 'y', now())"
            )
        )
        for table, columns, values in (
            ("adsorption_systems", "", ""),
            ("adsorption_energies", ", frame, energy_ev, method", ", -1, -0.9, 'RPBE'"),
        ):
            connection.execute(
                sa.text(
                    f"INSERT INTO {table} (source, system_id, adsorbate, bulk_mpid, anomaly, raw_sha256, licence, "  # noqa: S608
                    f"retrieved_at{columns}) VALUES ('oc20', 'random1', 'H', 'mp-30', 0, 'x', 'y', now(){values})"
                )
            )
    keep(platform, Outcome(states=(state(-0.2),)))
    keep(platform, Outcome(states=(state(0.7),)), Computation("another", "a recipe", "free"))

    published = entry(-0.9, "RPBE", "oc20")
    assert label(platform) == [published, entry(0.7, "another"), entry(-0.2)]

    keep(platform, Outcome(), Computation("another", "a recipe", "free"))
    assert label(platform) == [published, entry(-0.2)]


def test_other_references_and_earlier_structures_give_no_label(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    keep(platform, Outcome(states=(state(-0.2, references="CH4: 1/2 H2"),)), OTHERWISE)
    assert label(platform) == []

    keep(platform, Outcome(states=(state(-0.2),)))
    assert label(platform) == [entry(-0.2)]
    load_crystals(platform, tmp_path, METALS | {"cu": fcc(3.7, "Cu")})
    assert label(platform) == []


def test_a_label_goes_to_the_material_that_the_crystal_is(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    keep(platform, Outcome(states=(state(-0.2),)))
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "UPDATE materials SET same_as = 'crystals:pt', deprecated = true WHERE material_id = 'crystals:cu'"
            )
        )

    assert label(platform, "crystals:pt") == [entry(-0.2)]
    assert label(platform) == []


def test_a_dropped_material_takes_its_energies_along(platform: Platform, tmp_path: Path) -> None:
    load_crystals(platform, tmp_path, METALS)
    keep(platform, Outcome(states=(state(-0.2),)))
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DELETE FROM material_sources WHERE material_id = 'crystals:cu'"))
        connection.execute(sa.text("DELETE FROM materials WHERE material_id = 'crystals:cu'"))

    assert query(platform, STAMPS) == []
    assert query(platform, "SELECT 1 FROM adsorption_outcomes") == []
    store_outcome(platform.database, BY, "crystals:cu", "x", ["H"], Outcome(states=(state(-0.2),)))
    assert query(platform, STAMPS) == []
