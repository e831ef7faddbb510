"""What came of crystals as records: one that breaks the path, or has no finite number, costs itself alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest
from ase import Atoms
from ase.calculators.emt import EMT

from catalyst_assets.errors import CatalystError
from catalyst_assets.ingestion.prototypes.formulas import build_from_formula
from catalyst_assets.potentials.calculator import CalculatorPotential
from catalyst_assets.potentials.interface import Answer, Relaxation
from catalyst_assets.surfaces.adsorbates import ADSORBATES
from catalyst_assets.surfaces.adsorption import AdsorptionSettings
from catalyst_assets.surfaces.computed.outcomes import Outcome, compute_outcomes
from catalyst_assets.surfaces.hubbard import metals_with_u, why_mixed
from catalyst_assets.surfaces.slabs import SlabSettings

SETTINGS = AdsorptionSettings(
    slab=SlabSettings(layers=2, thickness=0, free_depth=1.0, width=2.5),
    surface=Relaxation(cell=False, largest_force=0.1, most_steps=200),
)
METALS = {name: build_from_formula(name, "A1").to_structure() for name in ("Cu", "Ni")}


class Troubled(CalculatorPotential):
    """EMT, which goes wrong as soon as it meets copper."""

    def __init__(self, error: Exception | None = None, **changes: Any) -> None:
        super().__init__("EMT", EMT)
        self._error = error
        self._changes = changes

    def relax(self, structures: Mapping[str, Atoms], wanted: Relaxation) -> Iterator[Answer]:
        for answer in super().relax(structures, wanted):
            symbols = set(structures[answer.name].symbols)
            if self._error is not None and "Cu" in symbols:
                raise self._error
            is_covered = {"Cu", "H"} <= symbols
            yield replace(answer, **self._changes) if is_covered else answer


def test_a_crystal_that_breaks_the_path_costs_itself() -> None:
    outcomes = compute_outcomes(METALS, ["H"], Troubled(IndexError("no such atom")), SETTINGS)

    assert outcomes["Ni"].lowest("H") is not None
    assert outcomes["Cu"].explain("H") == "the crystal: IndexError: no such atom"


@pytest.mark.parametrize("error", [CatalystError("It cannot start."), OSError("The disk is full.")])
def test_what_is_no_crystals_fault_is_nobodys_answer(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        compute_outcomes(METALS, ["H"], Troubled(error), SETTINGS)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"largest_force": float("nan")}, "A number of it is not finite."),
        ({"energy": 1e6}, "Its energy of 1e+06 eV is outside -20 to 20 eV."),
    ],
)
def test_a_state_whose_numbers_are_none_is_refused(changes: dict[str, Any], reason: str) -> None:
    outcomes = compute_outcomes(METALS, ["H"], Troubled(**changes), SETTINGS)

    assert outcomes["Cu"].states == ()
    assert {each.adsorbate for each in outcomes["Cu"].refused} == {"H"}
    assert all(each.reason == reason for each in outcomes["Cu"].refused)
    assert outcomes["Ni"].refused == ()


def test_names_may_be_any_and_records_survive_json() -> None:
    name = "a/b: c"
    (outcome,) = compute_outcomes({name: METALS["Ni"]}, ["H"], Troubled(), SETTINGS).values()

    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome
    assert outcome.states[0].name.startswith("1,1,1/0/H/")


def test_what_would_mix_two_functionals_is_refused_before_it_is_relaxed() -> None:
    settings = replace(SETTINGS, with_u=metals_with_u("PBE+U"))

    outcomes = compute_outcomes(METALS, ["H", "O"], Troubled(), settings)

    nickel, copper = outcomes["Ni"], outcomes["Cu"]
    assert nickel.explain("O") == (
        "O: The potential learned Ni by PBE and, beside oxygen or fluorine, by PBE+U: the energy of O would hold the "
        "shift between the two."
    )
    assert {state.adsorbate for state in nickel.states} == {"H"}
    assert copper.refused == ()
    assert {state.adsorbate for state in copper.states} == {"H", "O"}
    assert metals_with_u("PBE") == metals_with_u("r2SCAN") == ()


@pytest.mark.parametrize(
    ("elements", "adsorbate", "is_mixed"),
    [
        ({"Mo"}, "O", True),
        ({"Mo", "Pt"}, "CO", True),
        ({"Mo"}, "NH", False),
        ({"Pt"}, "O", False),
        ({"Mo", "S"}, "OH", True),
        # An oxide has U on both sides.
        ({"Sr", "Fe", "O"}, "O", False),
    ],
)
def test_functionals_are_mixed_where_only_the_adsorbate_brings_oxygen(
    elements: set[str], adsorbate: str, is_mixed: bool
) -> None:
    assert bool(why_mixed(elements, ADSORBATES[adsorbate], metals_with_u("PBE+U"))) is is_mixed
