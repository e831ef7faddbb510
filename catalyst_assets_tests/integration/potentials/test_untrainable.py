"""A potential as a backbone is not trained here: whoever asks for it is told before anything is computed."""

from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.campaigns.readiness import check_readiness, require_learnable
from catalyst_assets.errors import UsageError
from catalyst_assets.representation.backbones import Backbone, Origin, OriginKind
from catalyst_assets.representation.fitting.settings import FitSettings
from catalyst_assets.representation.foundation.choice import BackboneChoice
from catalyst_assets.representation.library import publish_backbone
from catalyst_assets.representation.networks.architectures import build_network
from catalyst_assets.representation.networks.configs import PotentialConfig
from catalyst_assets.representation.supply import supply_backbone
from catalyst_assets_tests.integration.potentials.emt_installation import METHOD, fcc, load_crystals
from resources.platform import Platform

SAID = "sevennet-l3i5 is computed in an environment of its own and cannot be trained here"


def goal(method: str = METHOD, **learning: Any) -> Campaign:
    return Campaign.model_validate(
        {
            "name": "stable-alloys",
            "pool": {"source": "crystals", "energy_above_hull": {"max": 0.1, "method": method}},
            "criteria": [{"property": "formation_energy_per_atom", "max": -0.1}],
            "method": "PBE",
            "validator": "laboratory",
            "learning": learning,
        }
    )


@pytest.fixture
def by_potential(platform: Platform) -> Platform:
    """An installation whose backbone is a potential."""
    config = PotentialConfig("sevennet-l3i5", "", "sevenn 0.13.0", 256)
    made = Backbone.of(config, build_network(config, 0), Origin(OriginKind.POTENTIAL, {"name": config.name}))
    publish_backbone(platform.objects, {"kind": "potential"}, lambda: made)
    return platform


def test_a_campaign_that_fine_tunes_cannot_run(by_potential: Platform) -> None:
    campaign = goal(fine_tune={})

    problems = check_readiness(by_potential.database, by_potential.objects, campaign).problems
    assert any(SAID in problem for problem in problems)
    with pytest.raises(UsageError, match=SAID):
        require_learnable(by_potential.objects, campaign)

    require_learnable(by_potential.objects, goal())
    problems = check_readiness(by_potential.database, by_potential.objects, goal()).problems
    assert not any(SAID in problem for problem in problems)


def test_without_a_backbone_nothing_is_refused(platform: Platform) -> None:
    require_learnable(platform.objects, goal(fine_tune={}))


def test_a_pretraining_is_refused_before_its_data_are_read(platform: Platform) -> None:
    choice = BackboneChoice.of(platform.settings, source="potential", name="sevennet-l3i5")
    with pytest.raises(UsageError, match=SAID):
        supply_backbone(platform, cast("Any", None), choice, FitSettings(max_epochs=1), "run")


def test_what_a_gate_leaves_out_is_told_by_what_its_method_is(
    platform: Platform, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    load_crystals(platform, tmp_path, {"cu": fcc(3.7, "Cu")})

    (by_emt,) = (
        each
        for each in check_readiness(platform.database, platform.objects, goal()).remarks
        if "left out" in each
    )
    (by_scan,) = (
        each
        for each in check_readiness(platform.database, platform.objects, goal("SCAN")).remarks
        if "left out" in each
    )

    assert "set CATALYST_POTENTIAL to emt, and materialize" in by_emt
    assert "ingest a source that gives it, or formation energies by SCAN" in by_scan
    assert "CATALYST_POTENTIAL" not in by_scan
