"""From the bulk to adsorption energies with ASE's EMT: those of a direct computation, and every failure its own."""

from dataclasses import replace

import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc111, molecule
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms
from ase.optimize import BFGS
from pymatgen.core import Lattice, Structure

from catalyst_assets.errors import CatalystError, UsageError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.potentials.calculator import CalculatorPotential
from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.surfaces.adsorption import AdsorptionSettings, compute_adsorption
from catalyst_assets.surfaces.computed.outcomes import gather
from catalyst_assets.surfaces.results import AdsorptionResult, Refusal
from catalyst_assets.surfaces.settled import settle_slabs
from catalyst_assets.surfaces.slabs import SlabSettings, cut_slabs
from catalyst_assets.surfaces.terminations import keep_easiest

POTENTIAL = CalculatorPotential("EMT", EMT)
SETTINGS = AdsorptionSettings(
    slab=SlabSettings(layers=3, thickness=0, width=4.9),
    surface=Relaxation(cell=False, largest_force=0.01, most_steps=500),
)
# Lattice constants at which EMT has no stress, in Å.
EDGES = {"Cu": 3.590, "Pt": 3.922}


def crystal(formula, prototype):
    return build_from_formula(formula, prototype).to_structure()


def results(said):
    return [each for each in said if isinstance(each, AdsorptionResult)]


def refusals(said):
    return [each for each in said if isinstance(each, Refusal)]


def rest(atoms):
    atoms.calc = EMT()
    BFGS(atoms, logfile=None).run(0.01, 300)
    return atoms.get_potential_energy()


def direct(metal, site):
    """Return H on a slab that ASE builds, relaxed by its own optimiser."""
    slab = fcc111(metal, (2, 2, 3), a=EDGES[metal], vacuum=7.5, periodic=True)
    slab.set_constraint(FixAtoms(mask=slab.get_tags() == 3))
    covered = slab.copy()
    add_adsorbate(covered, "H", 1.0, site)
    return rest(covered) - rest(slab) - rest(molecule("H2")) / 2


@pytest.mark.parametrize("metal", ["Cu", "Pt"])
def test_energies_are_those_of_a_direct_computation(metal):
    said = results(compute_adsorption({metal: crystal(metal, "A1")}, ["H"], POTENTIAL, SETTINGS))

    assert {each.site for each in said} == {
        f"{kind}-{metal}{n}" for kind, n in (("ontop", ""), ("bridge", 2), ("fcc", 3), ("hcp", 3))
    }
    for each in said:
        assert each.energy_ev == pytest.approx(direct(metal, each.site.split("-")[0]), abs=0.003)
        assert (each.facet, each.anomaly, each.moved) == ((1, 1, 1), None, False)
        assert (each.method, each.references) == ("EMT", "OC20: 1/2 H2")
        assert each.largest_force <= 0.01
        whole = each.slab_energy_ev + each.reference_energy_ev + each.energy_ev
        again = each.atoms.copy()
        again.calc = EMT()
        assert whole == pytest.approx(again.get_potential_energy(), abs=1e-6)


def test_the_crystal_is_relaxed_first():
    stretched = crystal("Cu", "A1")
    stretched.scale_lattice(stretched.volume * 1.1)

    each = results(compute_adsorption({"Cu": stretched}, ["H"], POTENTIAL, SETTINGS))[0]

    assert each.atoms.cell.lengths()[0] == pytest.approx(2 * EDGES["Cu"] / np.sqrt(2), abs=0.01)


def test_a_bad_crystal_costs_itself_and_says_why():
    disordered = Structure(Lattice.cubic(3.7), [{"Cu": 0.5, "Au": 0.5}], [[0, 0, 0]])
    crystals = {"W": crystal("W", "A2"), "disordered": disordered, "Cu": crystal("Cu", "A1")}

    said = list(compute_adsorption(crystals, ["H"], POTENTIAL, SETTINGS))

    assert {each.bulk for each in results(said)} == {"Cu"}
    reasons = {each.bulk: each for each in refusals(said)}
    assert set(reasons) == {"W", "disordered"}
    assert reasons["W"].stage == reasons["disordered"].stage == "bulk"
    assert "No EMT-potential for W" in reasons["W"].reason
    assert "share a site" in reasons["disordered"].reason


def test_a_slab_that_is_too_large_is_refused_and_the_other_facets_are_not():
    settings = AdsorptionSettings(
        slab=SlabSettings(layers=3, thickness=4, width=4.9, most_atoms=12),
        facets=((1, 1, 1), (3, 2, 1)),
        bulk=None,
    )

    said = list(compute_adsorption({"Cu": crystal("Cu", "A1")}, ["H"], POTENTIAL, settings))

    assert {each.facet for each in results(said)} == {(1, 1, 1)}
    (refused,) = refusals(said)
    assert (refused.stage, refused.name) == ("slab", "Cu/3,2,1")
    assert "more than 12" in refused.reason


def test_what_is_not_at_rest_is_no_label():
    settings = AdsorptionSettings(
        slab=SETTINGS.slab, bulk=None, surface=Relaxation(cell=False, largest_force=0.05, most_steps=8)
    )
    copper = crystal("Cu", "A1")
    copper.scale_lattice(EDGES["Cu"] ** 3 / 4)

    said = list(compute_adsorption({"Cu": copper}, ["H"], POTENTIAL, settings))

    assert results(said)
    assert {each.anomaly for each in results(said)} == {"not_converged"}


def test_the_lowest_site_is_the_lowest_without_anomalies():
    said = results(compute_adsorption({"Pt": crystal("Pt", "A1")}, ["H", "OH"], POTENTIAL, SETTINGS))

    (outcome,) = gather(said).values()

    # EMT knows no bond between O and H: every OH falls apart.
    assert {each.anomaly for each in said if each.adsorbate == "OH"} == {"dissociated"}
    assert outcome.lowest("OH") is None
    assert outcome.lowest("H").energy_ev == min(each.energy_ev for each in said if each.adsorbate == "H")


def test_a_state_that_moved_counts_for_the_site_where_it_ended():
    said = results(compute_adsorption({"AuNi": crystal("AuNi", "L1_0")}, ["N"], POTENTIAL, SETTINGS))

    by_site = {each.site: each for each in said}
    moved, stayed = by_site["hcp-AuNi2"], by_site["bridge-Ni2"]
    assert (moved.ended_at, moved.moved, moved.anomaly) == ("bridge-Ni2", True, None)
    assert (stayed.ended_at, stayed.moved) == ("bridge-Ni2", False)
    assert moved.energy_ev == pytest.approx(stayed.energy_ev, abs=0.01)
    assert gather([moved])["AuNi"].lowest("N").energy_ev == moved.energy_ev


@pytest.mark.parametrize(("formula", "prototype"), [("PtAl", "B2"), ("AlNi", "B2")])
def test_the_slabs_own_relaxation_is_no_adsorption(formula, prototype):
    # Cut as symmetric as the crystal, their surfaces come to rest on saddles, up to 0.4 eV above minima.
    said = results(compute_adsorption({formula: crystal(formula, prototype)}, ["H"], POTENTIAL, SETTINGS))

    (clean,) = {each.slab_energy_ev for each in said}
    lowest = min((each for each in said if each.anomaly is None), key=lambda each: each.energy_ev)
    bare = lowest.atoms[:-1]
    assert clean == pytest.approx(rest(bare), abs=0.03)


def test_no_energy_is_told_anew_of_a_slab_that_was_at_its_lowest():
    said = results(compute_adsorption({"Pt": crystal("Pt", "A1")}, ["H"], POTENTIAL, SETTINGS))

    settled = settle_slabs(said, POTENTIAL, SETTINGS.surface)
    assert [each.energy_ev for each in settled] == [each.energy_ev for each in said]

    raised = [
        replace(each, energy_ev=each.energy_ev - 0.5, slab_energy_ev=each.slab_energy_ev + 0.5)
        for each in said
    ]
    settled = settle_slabs(raised, POTENTIAL, SETTINGS.surface)
    assert [each.energy_ev for each in settled] == pytest.approx([each.energy_ev for each in said], abs=0.02)
    anomalous = [replace(each, anomaly="desorbed") for each in raised]
    kept = settle_slabs(anomalous, POTENTIAL, SETTINGS.surface)
    assert [each.energy_ev for each in kept] == [each.energy_ev for each in anomalous]


def test_of_a_facet_the_terminations_stay_whose_cut_costs_least():
    # Stacked Cu Au Au: cut between two layers of gold, or between gold and copper.
    layered = Structure(
        Lattice.tetragonal(2.8, 10.9),
        ["Cu", "Au", "Au"] * 2,
        [[0, 0, 0], [0.5, 0.5, 1 / 6], [0, 0, 1 / 3], [0.5, 0.5, 0.5], [0, 0, 2 / 3], [0.5, 0.5, 5 / 6]],
    )
    slabs = cut_slabs("Au2Cu", layered, (0, 0, 1), SETTINGS.slab)
    assert len({slab.shift for slab in slabs}) == 2

    kept = list(keep_easiest(slabs, {"Au2Cu": layered}, POTENTIAL))

    costs = {}
    for slab in slabs:
        atoms = slab.atoms.copy()
        atoms.calc = EMT()
        area = np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1]))
        costs[slab.name] = atoms.get_potential_energy() / area
    assert {len(slab.atoms) for slab in slabs} == {len(slabs[0].atoms)}
    cheapest = min(costs.values())
    assert {slab.name for slab in kept} == {name for name, cost in costs.items() if cost < cheapest + 1e-6}
    assert 0 < len(kept) < len(slabs)


def test_terminations_of_one_cut_stay_both():
    slabs = cut_slabs("NiAl", crystal("NiAl", "B2"), (1, 0, 0), SETTINGS.slab)

    kept = list(keep_easiest(slabs, {"NiAl": crystal("NiAl", "B2")}, POTENTIAL))

    assert [slab.name for slab in kept] == ["NiAl/1,0,0/0", "NiAl/1,0,0/1"]


def test_unknown_names_are_refused_with_those_that_are_known():
    copper = {"Cu": crystal("Cu", "A1")}
    with pytest.raises(UsageError, match=r"'Xe' is no adsorbate that is known. Known are H, O, OH"):
        list(compute_adsorption(copper, ["Xe"], POTENTIAL))
    with pytest.raises(UsageError, match=r"'air' is no set of gas references"):
        list(compute_adsorption(copper, ["H"], POTENTIAL, AdsorptionSettings(references="air")))


def test_a_potential_without_the_gas_reference_ends_it_at_once():
    class Grounded(EMT):
        def calculate(self, atoms=None, properties=None, system_changes=()):
            raise NotImplementedError("nothing")

    with pytest.raises(
        CatalystError, match="ground has no energy of the gas reference H2: NotImplementedError"
    ):
        list(compute_adsorption({"Cu": crystal("Cu", "A1")}, ["H"], CalculatorPotential("ground", Grounded)))


def test_emt_has_the_lattice_constants_that_the_direct_computation_uses():
    for metal, edge in EDGES.items():
        (answer,) = POTENTIAL.relax({metal: bulk(metal, cubic=True)}, Relaxation(largest_force=0.001))
        assert answer.relaxed.cell.lengths()[0] == pytest.approx(edge, abs=0.003)
