"""OC20's tables of energies and its mapping in JSON: what is taken, and what is set aside with which reason."""

import json
from typing import Any

import pytest

from catalyst_assets.ingestion.adsorption.records import (
    RELAXED,
    AdsorptionEnergy,
    AdsorptionSystem,
    check_energy,
    check_system,
)
from catalyst_assets.ingestion.oc20.label_tables import EnergyTableParser
from catalyst_assets.ingestion.oc20.mapping import MappingParser
from catalyst_assets.ingestion.records import Rejection
from catalyst_assets_tests.oc20_reading import read
from catalyst_assets_tests.oc20_samples import SAMPLES, mapping_entry


def test_the_validation_labels_are_read_to_the_last_digit() -> None:
    found = read(EnergyTableParser(), (SAMPLES / "oc20_val_adsorption_energies.csv").read_bytes())

    states = [o for o in found if isinstance(o, AdsorptionEnergy)]
    assert len(states) == len(found) == 1477
    assert [check_energy(state) for state in states] == [()] * 1477
    assert min(state.energy_ev for state in states) == -9.465824259999977
    assert (states[4].system_id, states[4].energy_ev) == ("random1285791", -1.2259964000000991)
    assert (states[4].bulk_formula, states[4].miller_index) == ("Nb4Pt12", (1, 1, -2))
    assert {state.frame for state in states} == {RELAXED}


def test_rows_that_cannot_be_used_say_why() -> None:
    rows = "a1,1e10,H,Pt4,1 1 1\na2,nan,H,Pt4,1 1 1\na3,0.1,H,Pt4,1 1\n,0.1,H,Pt4,1 1 1\na5,25,H,Pt4,1 1 1\na6,x,H,Pt4,\n"
    rows += "a7,0.5,*H,,\na7,0.6,H,,\na8,0.5,H-,,\n"
    found = read(EnergyTableParser(), f"id,target,ads,bulk_symbols,miller\n{rows}".encode())

    judged = {
        o.place: "; ".join(p.reason for p in check_energy(o)) if isinstance(o, AdsorptionEnergy) else o.reason
        for o in found
    }
    for row, reason in {
        2: "stands for no value",
        3: "not finite",
        4: "no facet",
        5: "no name of a system",
        6: "outside -20 to 20",
        7: "not a number",
        9: "already given",
        10: "no formula",
    }.items():
        assert reason in judged[f"row {row}"]
    assert judged["row 8"] == ""


def test_the_mapping_sample_becomes_a_system() -> None:
    (found,) = read(MappingParser(), (SAMPLES / "oc20_data_mapping_example.json").read_bytes())

    assert found == AdsorptionSystem(
        place="system 0",
        system_id="random2181546",
        adsorbate="N2",
        bulk_mpid="mp-22179",
        bulk_formula="Si2Ti2Y2",
        miller_index=(2, 0, 1),
        shift=0.145,
        top=True,
        adsorption_site=((4.5, 12.85, 16.13),),
        anomaly=0,
        material_class=1,
    )
    assert isinstance(found, AdsorptionSystem)
    assert check_system(found) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"anomaly": 5}, "anomaly"),
        ({"class": 4}, "class"),
        ({"miller_index": [1, 1]}, "miller_index"),
        ({"shift": 1e400}, "shift"),
        ({"adsorption_site": [["x", 0, 0]]}, "adsorption_site"),
        ({"ads_symbols": None}, "ads_symbols"),
        ({"bulk_mpid": "no id"}, "bulk_mpid"),
        ({"bulk_symbols": "what"}, "bulk_formula"),
    ],
)
def test_an_entry_that_is_wrong_says_where(changes: dict[str, Any], field: str) -> None:
    data = json.dumps({"random1": mapping_entry(**changes), "random2": mapping_entry()}).encode()

    bad, good = read(MappingParser(), data)

    assert isinstance(good, AdsorptionSystem)
    problems = bad.problems if isinstance(bad, Rejection) else check_system(bad)  # type: ignore[arg-type]
    assert field in problems[0].field
