"""Properties and methods of a deployment's own: what a file may declare, and what each mistake is answered."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from catalyst_assets.campaigns.library import check_known, load_campaign
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.errors import InvalidCampaignError, UsageError
from catalyst_assets.vocabulary.known import (
    SHIPPED_FILE,
    known_methods,
    known_properties,
    label_of,
    read_declarations,
    unit_of,
    vocabulary,
)
from catalyst_assets.vocabulary.units import find_unit_problem
from catalyst_assets_tests.places import PROJECT
from resources.settings import get_settings

Declare = Callable[[str], Path]


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Declare:
    """Write the installation's own file."""
    path = tmp_path / "properties.yaml"

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(path))
        get_settings.cache_clear()
        return path

    return write


def test_the_example_of_the_documentation_is_valid_and_joins_what_ships(monkeypatch):
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(PROJECT / "docs" / "examples" / "properties.yaml"))
    get_settings.cache_clear()

    known = vocabulary()

    assert known.properties["mass_activity"].unit == "A/g"
    assert label_of("mass_activity") == "Mass activity at 0.9 V"
    assert known.properties["faradaic_efficiency_CO"].zero_inflated
    assert known.methods["RDE in 0.1 M HClO4"].kind == "experiment"
    assert known.is_own("property", "mass_activity")
    assert not known.is_own("property", "band_gap")
    assert unit_of("band_gap") == "eV"


def test_what_ships_is_such_a_file_with_units_that_pint_knows():
    shipped = read_declarations(SHIPPED_FILE)
    assert dict(shipped.properties) == dict(known_properties())
    assert {"BEEF-vdW", "PBE", "experiment"} <= known_methods().keys()
    assert not [
        find_unit_problem(each.unit) for each in shipped.properties.values() if find_unit_problem(each.unit)
    ]
    assert all(each.typical_mean is not None for each in shipped.properties.values())


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("properties: {x: {unit: eV, lo: 0}}", r"properties\.x\.lo: unknown field; known are unit, low"),
        ("methods: {m: {kind: experiment, unit: eV}}", r"methods\.m\.unit: unknown field; known are kind"),
        ("campaigns: {}", "campaigns: unknown field; known are properties, methods"),
        ("properties: {x: {unit: V vs RHE}}", r"properties\.x\.unit: 'V vs RHE' is no unit that pint knows"),
        ("properties: {x: {unit: mA/cmm}}", r"properties\.x\.unit: 'mA/cmm' is no unit"),
        ("properties: {x: {low: 0}}", r"properties\.x\.unit: is missing"),
        (
            "properties: {x: {unit: eV, low: 3, high: 1}}",
            r"properties\.x: low \(3\) must be less than high \(1\)",
        ),
        ("properties: {x: {unit: eV, low: 2, high: 2}}", "must be less than"),
        ("properties: {x: {unit: eV, low: .nan}}", "must be less than"),
        (
            "properties: {x: {unit: A, low: 0, high: 1e-7}}",
            "0 to 1e-07 is lost in rounding: choose a smaller unit",
        ),
        ("properties: {x: {unit: eV, low: true}}", r"properties\.x\.low: is no number"),
        ("properties: {x: {unit: eV, high: 5 eV}}", r"properties\.x\.high: .* not '5 eV'"),
        ("properties: {x: {unit: eV, typical_mean: 1}}", "typical_mean and typical_std together"),
        (
            "properties: {x: {unit: eV, low: 2, typical_mean: 1, typical_std: 1}}",
            r"typical_mean \(1\) is outside 2 to ∞",
        ),
        ("properties: {x: {unit: eV, low: 2, zero_inflated: true}}", "zero_inflated needs `low: 0`, not 2"),
        ("properties: {x-y: {unit: eV}}", r"properties\.x-y: must be letters, digits and _"),
        ("properties: {band_gap: {unit: meV}}", r"properties\.band_gap\.unit: band_gap is shipped in eV"),
        ("properties: {energy_total: {unit: eV/atom}}", "energy_total is shipped in eV"),
        ("properties: {Band_Gap: {unit: eV}}", "'band_gap' is the same but for upper and lower case"),
        ("methods: {PBE: {kind: experiment}}", r"methods\.PBE\.kind: PBE is shipped as functional"),
        ("methods: {beef-vdw: {kind: functional}}", "'BEEF-vdW' is the same but for upper and lower case"),
        ("methods: {m: {kind: dft}}", r"methods\.m\.kind: .* not 'dft'"),
        ("methods: {2024: {kind: experiment}}", "put it in quotes"),
        ("properties: {x: {unit: eV}, x: {unit: V}}", "the key 'x' is given twice"),
        ("[mass_activity]", "holds no mapping"),
        ("properties: [mass_activity]", "properties: must be a mapping of fields"),
        ("name: my-campaign\npool: {source: mine}\nmethod: PBE\n", "name: unknown field"),
    ],
)
def test_a_mistake_is_answered_with_file_entry_and_field(declare: Declare, text: str, complaint: str):
    path = declare(text)
    with pytest.raises(UsageError, match=complaint) as refused:
        known_properties()
    assert str(path) in str(refused.value)
    assert refused.value.remedy


def test_a_file_that_is_not_there_is_named_with_its_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("CATALYST_PROPERTIES_FILE", str(tmp_path / "nowhere.yaml"))
    get_settings.cache_clear()
    with pytest.raises(UsageError, match=r"nowhere\.yaml: No such file .* CATALYST_PROPERTIES_FILE"):
        known_methods()


def test_a_file_that_has_changed_is_read_again(declare: Declare):
    declare("properties: {x: {unit: eV}}")
    assert unit_of("x") == "eV"
    declare("properties: {x: {unit: A/g}}\n")
    assert unit_of("x") == "A/g"


def test_a_shipped_name_may_get_another_label_and_range_and_keeps_the_rest(declare: Declare):
    declare("properties: {band_gap: {unit: eV, high: 12, label: Gap}}\nmethods: {PBE: {kind: functional}}")
    gap = known_properties()["band_gap"]
    assert (gap.low, gap.high, gap.typical_mean, gap.zero_inflated) == (0, 12, 1, True)
    assert label_of("band_gap") == "Gap"


def test_open_ends_and_what_is_expected_without_labels(declare: Declare):
    declare(
        "properties:\n  open: {unit: A/g}\n  half: {unit: A/g, low: 5}\n  closed: {unit: percent, low: 0, high: 100}\n"
        "  told: {unit: V, typical_mean: 0.4, typical_std: 0.1}\nmethods:\n"
    )
    known = known_properties()
    assert known["open"].range_text == "−∞ to ∞"
    assert known["half"].range_json == (5, None)
    assert known["half"].expected == (5, 1)
    assert known["closed"].expected == pytest.approx((50, 100 / math.sqrt(12)))
    assert known["told"].expected == (0.4, 0.1)


def campaign(prop: str, method: str) -> Campaign:
    document = load_campaign("oxide-perovskites-demo").document
    return Campaign.model_validate(
        document | {"criteria": [{"property": prop, "min": 0}], "method": method, "derive": {}}
    )


def test_a_campaign_may_name_what_is_declared_and_nothing_else(declare: Declare):
    goal = campaign("mass_activity", "RDE")
    with pytest.raises(
        InvalidCampaignError, match=r"'mass_activity'.*method: unknown method 'RDE'"
    ) as refused:
        check_known(goal)
    assert "catalyst campaign properties" in str(refused.value)

    declare("properties: {mass_activity: {unit: A/g}}\nmethods: {RDE: {kind: experiment}}")
    check_known(goal)
    with pytest.raises(InvalidCampaignError, match="did you mean mass_activity"):
        check_known(campaign("Mass_Activty", "RDE"))


def test_a_file_of_properties_is_not_taken_for_a_campaign():
    with pytest.raises(InvalidCampaignError, match="declares properties and methods: it is no campaign"):
        load_campaign(PROJECT / "docs" / "examples" / "properties.yaml")
