"""Methods of the gpaw validator: those that ship, a deployment's own, and what each mistake is answered."""

from collections.abc import Callable
from pathlib import Path

import pytest

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets.errors import UsageError
from catalyst_assets.validation.dft.methods import find_method, known_dft_methods
from catalyst_assets.validation.registry import check_answerable
from catalyst_assets.vocabulary.known import known_methods
from resources.settings import get_settings

Declare = Callable[[str], Path]


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Write the installation's own file."""
    path = tmp_path / "dft.yaml"

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("CATALYST_DFT_METHODS", str(path))
        get_settings.cache_clear()
        return path

    return write


def test_what_ships_are_methods_that_campaigns_can_name():
    assert set(known_dft_methods()) == {"PBE", "PBEsol", "GLLB-SC", "PBE+U"}
    assert set(known_dft_methods()) <= set(known_methods())
    assert find_method("GLLB-SC").settings()["functional"] == "PBE"
    assert find_method("GLLB-SC").settings()["gap_potential"] == "GLLBSC"
    assert find_method("PBE+U").settings()["hubbard_u_ev"]["V"] == ["d", 3.25]
    assert not find_method("PBE+U").formation_energies


def test_settings_say_all_that_determines_the_numbers():
    assert find_method("PBE").settings() == {
        "name": "PBE",
        "functional": "PBE",
        "gap_potential": "",
        "hubbard_u_ev": {},
        "cutoff_ev": 600.0,
        "kpoint_density": 3.4,
        "smearing_ev": 0.05,
        "spin": "auto",
        "energy_tolerance_ev_per_electron": 1e-5,
        "force_tolerance_ev_per_angstrom": 0.02,
        "max_relaxation_steps": 80,
        "formation_energies": True,
        "recipe": 1,
    }


def test_a_deployment_adds_its_own_beside_those_that_ship(declare):
    declare("RPBE:\n  functional: RPBE\n  cutoff_ev: 700\nPBE quick: {cutoff_ev: 350}\n")
    assert set(known_dft_methods()) == {"PBE", "PBEsol", "GLLB-SC", "PBE+U", "RPBE", "PBE quick"}
    assert find_method("RPBE").cutoff_ev == 700
    assert find_method("PBE quick").name == "PBE quick"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "RPBE: {cutoff: 700}",
            r"RPBE\.cutoff: unknown setting.*Settings of a method are functional, .*cutoff_ev",
        ),
        ("RPBE: {cutoff_ev: high}", r"RPBE\.cutoff_ev: .*valid number.*'high'"),
        ("RPBE: {cutoff_ev: 20}", r"RPBE\.cutoff_ev: .*greater than or equal to 150, not '20'"),
        ("RPBE: {spin: yes please}", r"RPBE\.spin: .*'auto', 'on' or 'off'"),
        ("RPBE: {hubbard_u_ev: {V: [d, 3]}}", "formation_energies must be false with hubbard_u_ev"),
        ("RPBE: {hubbard_u_ev: {v: [d, 3]}, formation_energies: false}", r"RPBE\.hubbard_u_ev\.v"),
        ("PBE: {cutoff_ev: 300}", "declares PBE, which ships with the platform. Give it another name"),
        ("- RPBE", "holds no mapping. Write the name of each method"),
        ("RPBE: 7", r"RPBE: .*"),
        ("RPBE: {", r"dft\.yaml"),
    ],
)
def test_a_mistake_is_answered_with_the_file_the_place_and_what_to_do(declare, text, said):
    path = declare(text)
    with pytest.raises(UsageError, match=f"(?s){said}") as refused:
        known_dft_methods()
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_named_with_the_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("CATALYST_DFT_METHODS", str(tmp_path / "nowhere.yaml"))
    get_settings.cache_clear()
    with pytest.raises(UsageError, match=r"nowhere\.yaml: No such file .* CATALYST_DFT_METHODS"):
        known_dft_methods()


def test_a_method_without_settings_is_answered_with_those_that_have_some():
    with pytest.raises(
        UsageError, match=r"HSE06; it has for PBE, PBEsol, GLLB-SC, PBE\+U.*CATALYST_DFT_METHODS"
    ):
        find_method("HSE06")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"method": "HSE06"}, "no settings for the method HSE06; it has for PBE, "),
        ({"method": "PBE+U"}, r"PBE\+U gives no formation_energy_per_atom"),
        (
            {"properties": "adsorption_energy_H"},
            "GPAW computes no adsorption_energy_H here; it computes lattice_a",
        ),
    ],
)
def test_a_campaign_that_gpaw_cannot_answer_is_refused_before_it_starts(tmp_path, changes, said):
    wanted = changes.get("properties", "formation_energy_per_atom")
    path = tmp_path / "campaign.yaml"
    path.write_text(
        f"name: oxides\nvalidator: gpaw\nmethod: {changes.get('method', 'PBE')}\n"
        f"pool: {{source: perovskite_pbe}}\ncriteria: [{{property: {wanted}, max: -1}}]\ninitial_batch: 4\n"
    )
    with pytest.raises(UsageError, match=said):
        check_answerable(load_campaign(path))
