"""Known physics: what each formula gives, and what a campaign may not ask of it."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from catalyst_assets.campaigns.criteria import is_hit
from catalyst_assets.campaigns.derivations import DERIVATIONS
from catalyst_assets.campaigns.derived import derive_values, fill_derived
from catalyst_assets.campaigns.library import (
    check_known,
    list_campaigns,
    load_campaign,
    parse_campaign,
    read_stored,
)
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import InvalidCampaignError
from catalyst_assets.learning.predictor import Prediction
from catalyst_assets.prediction.members import append_derived
from catalyst_assets.vocabulary.known import known_properties


def campaign(derive: dict[str, Any], **bound: Any) -> Campaign:
    document = {
        "name": "test",
        "pool": {"source": "materials_project"},
        "criteria": [{"property": next(iter(derive)), "max": 0.5} | bound],
        "method": "RPBE",
        "derive": derive,
        "validator": "laboratory",
    }
    return parse_campaign(document, "test.yaml")


OER = campaign(
    {"oxygen_evolution_overpotential": "oer_overpotential(adsorption_energy_O, adsorption_energy_OH)"}
)


def overpotential(energy_o_ev: float, energy_oh_ev: float) -> float:
    values = {
        "adsorption_energy_O": np.array([energy_o_ev]),
        "adsorption_energy_OH": np.array([energy_oh_ev]),
    }
    return float(derive_values(OER, "oxygen_evolution_overpotential", values, ["RuO2"])[0])


def test_hydrogen_bound_by_a_quarter_of_an_electronvolt_is_a_hit() -> None:
    her = load_campaign("hydrogen-evolution")
    energies = np.array([-0.341, -0.339, -0.24, -0.141, -0.139, np.nan])
    frame = fill_derived(her, pd.DataFrame({"adsorption_energy_H": energies}), ["Pt"] * 6)
    np.testing.assert_allclose(frame["adsorption_free_energy_H"], energies + 0.24)
    assert is_hit(her, frame).tolist() == [False, True, True, True, False, False]


@pytest.mark.parametrize(
    ("energy_o", "energy_oh", "volts"),
    [
        (1.91, 0.0, 0.37),  # the top of the volcano: x = 1.6
        (2.31, 0.0, 0.77),  # too weak: the second step limits
        (1.31, 0.0, 0.97),  # too strong: the third does
        (2.81, 0.9, 0.37),  # only the difference counts
    ],
)
def test_oxygen_evolution_is_best_at_the_top_of_its_volcano(
    energy_o: float, energy_oh: float, volts: float
) -> None:
    assert overpotential(energy_o, energy_oh) == pytest.approx(volts)


def test_no_binding_energies_beat_the_scaling_relation() -> None:
    energies = np.random.default_rng(0).uniform(-5, 8, size=(500, 2))
    assert min(overpotential(*pair) for pair in energies) >= 0.37 - 1e-9
    assert math.isnan(overpotential(math.nan, 0.0))


def test_a_property_of_two_arguments_follows_from_each_joint_draw() -> None:
    assert OER.learned_properties == ("adsorption_energy_O", "adsorption_energy_OH")
    draws = np.random.default_rng(0).normal(1.0, 1.0, size=(2, 16, 2)).astype(np.float32)
    learned = Prediction(
        OER.learned_properties, draws.mean(axis=1).astype(np.float64), draws.std(axis=1), draws
    )
    whole = append_derived(OER, learned, ["RuO2", "IrO2"])
    assert whole.properties[-1] == "oxygen_evolution_overpotential"
    for material in range(2):
        for draw in range(16):
            expected = overpotential(*draws[material, draw].astype(np.float64))
            assert whole.draws[material, draw, 2] == pytest.approx(expected, rel=1e-6)


def test_a_derived_value_waits_for_all_of_its_arguments() -> None:
    known = pd.DataFrame({"adsorption_energy_O": [1.91, 1.91], "adsorption_energy_OH": [0.0, np.nan]})
    filled = fill_derived(OER, known, ["RuO2", "IrO2"])["oxygen_evolution_overpotential"]
    assert filled[0] == pytest.approx(0.37)
    assert math.isnan(filled[1])
    assert "oxygen_evolution_overpotential" not in fill_derived(
        OER, known[["adsorption_energy_O"]], ["RuO2", "IrO2"]
    )


@pytest.mark.parametrize(
    ("derive", "said"),
    [
        (
            {"oxygen_evolution_overpotential": "oer_overpotential(adsorption_energy_O)"},
            "derive.oxygen_evolution_overpotential: oer_overpotential takes 2 .* not 1",
        ),
        (
            {"adsorption_free_energy_H": "hydrogen_free_energy(adsorption_energy_O)"},
            r"takes the adsorption energy of \*H against ½ H2 \(adsorption_energy_H\), not adsorption_energy_O",
        ),
        (
            {
                "oxygen_evolution_overpotential": "oer_overpotential(adsorption_energy_OH, adsorption_energy_O)"
            },
            r"takes the adsorption energy of \*O .* not adsorption_energy_OH",
        ),
        (
            {"oxygen_evolution_overpotential": "hydrogen_free_energy(adsorption_energy_H)"},
            "gives the free energy of adsorbed hydrogen ΔG_H in eV, oxygen_evolution_overpotential is in V",
        ),
        (
            {"adsorption_free_energy_H": "hydrogen_energy(adsorption_energy_H)"},
            "did you mean hydrogen_free_energy",
        ),
        ({"band_gap": "butler_ginley_vb band_gap_direct"}, "not of the form"),
    ],
)
def test_a_derivation_of_the_wrong_kind_is_refused_by_name(derive: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidCampaignError, match=said):
        check_known(campaign(derive))


def test_every_formula_names_units_and_properties_that_the_platform_knows() -> None:
    for name, formula in DERIVATIONS.items():
        assert formula.paper.endswith(")") or "doi:" in formula.paper, name
        for argument in formula.arguments:
            assert {known_properties()[one].unit for one in argument.properties} == {argument.unit}
        arrays = [np.array([[1.0, np.nan]]) for _ in formula.arguments]
        computed = formula.compute(["SrTiO3"], *arrays)
        assert computed.shape == (1, 2)
        assert np.isfinite(computed[0, 0])
        assert np.isnan(computed[0, 1])


def test_shipped_campaigns_use_formulas_as_they_are_meant() -> None:
    for name in list_campaigns():
        check_known(load_campaign(name))


def test_a_campaign_reads_back_as_it_was_stored_and_an_older_form_is_refused() -> None:
    written = campaign({"adsorption_free_energy_H": "hydrogen_free_energy( adsorption_energy_H )"})
    older = written.document | {
        "derive": {
            "adsorption_free_energy_H": {
                "function": "hydrogen_free_energy",
                "argument": "adsorption_energy_H",
            }
        }
    }
    with pytest.raises(
        InvalidCampaignError, match=r"as it was stored by another version, .*arguments: is missing"
    ):
        read_stored(older)
    assert read_stored(written.document) == written
    assert written.document["derive"] == {
        "adsorption_free_energy_H": "hydrogen_free_energy(adsorption_energy_H)"
    }
