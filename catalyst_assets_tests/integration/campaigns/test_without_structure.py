"""Stages that need a structure leave out a material that is only a composition, and say why."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from catalyst_assets.constants import NO_STRUCTURE
from catalyst_assets.errors import LoopError, UsageError
from catalyst_assets.ingestion.reading.compositions import read_composition
from catalyst_assets.potentials.interface import Relaxation
from catalyst_assets.potentials.relaxed.structures import relax_shard
from catalyst_assets.representation.structures import find_graphs, read_graphs
from catalyst_assets.surfaces.computed.choosing import load_structures
from catalyst_assets.surfaces.computed.stage import adsorb_shard
from catalyst_assets.validation.answering import validate_iteration
from catalyst_assets.validation.jobs.validators import JobValidator
from catalyst_assets.validation.work_orders.files import write_order
from catalyst_assets.validation.work_orders.messages import describe_order
from catalyst_assets.validation.work_orders.orders import read_order
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.validation.calculations import MATERIAL, add_crystal
from catalyst_assets_tests.loading import query
from resources.platform import Platform
from resources.postgres.database import Role

BARE = "plate:Fe9Ni"
HASH = read_composition("Fe9Ni").hash
CAMPAIGN = "oxide-perovskites-demo"


@pytest.fixture
def loaded(platform: Platform) -> Platform:
    """A platform with magnesium oxide, and with a composition."""
    add_crystal(platform)
    with platform.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text(
                "INSERT INTO materials (material_id, reduced_formula, chemical_system, elements, structure_hash) VALUES"
                " (:name, 'Fe9Ni', 'Fe-Ni', '{Fe,Ni}', :hash)"
            ),
            {"name": BARE, "hash": HASH},
        )
    return platform


class NeverAsked:
    """A potential that nothing is to reach."""

    method = "emt"

    def relax(self, *_: Any) -> Any:
        raise AssertionError("there is no structure to relax")


def test_a_potential_is_not_asked_to_relax_it_and_quarantine_says_why(loaded: Platform) -> None:
    keys = {"method": "emt", "recipe": "1" * 64}
    recipe: Any = SimpleNamespace(method="emt", sha256="1" * 64, keys=keys, wanted=Relaxation())

    counts = relax_shard(loaded.database, NeverAsked(), recipe, 500, [HASH])  # type: ignore[arg-type]

    assert counts == {"converged": 0, "not_converged": 0, "failed": 1, "known": 0}
    assert query(loaded, "SELECT record, reason FROM quarantine WHERE source = 'relaxed_structures'") == [
        (HASH, NO_STRUCTURE)
    ]


def test_no_adsorption_energy_is_computed_of_it_and_the_outcome_says_why(loaded: Platform) -> None:
    shard = {
        "recipe": {}, "adsorbates": ["H"], "materials": [BARE], "licence": "MIT", "by_default": True, "again": False
    }  # fmt: skip

    counts = adsorb_shard(loaded.database, NeverAsked(), shard)  # type: ignore[arg-type]

    assert (counts["computed"], counts["states"], counts["refused"]) == (1, 0, 1)
    ((reason,),) = query(loaded, "SELECT reason FROM adsorption_outcomes")
    assert NO_STRUCTURE in reason
    with pytest.raises(UsageError, match=NO_STRUCTURE):
        load_structures(loaded.database, [MATERIAL, BARE])


def test_a_network_that_reads_structures_is_told_why_it_has_no_graph(loaded: Platform) -> None:
    ((crystal,),) = query(
        loaded, "SELECT structure_hash FROM materials WHERE material_id = :name", name=MATERIAL
    )

    graphs, reasons = find_graphs(loaded.database, [HASH, crystal, "gone"], 5.0)

    assert list(graphs) == [crystal]
    assert reasons == {HASH: NO_STRUCTURE, "gone": "It has been replaced since."}
    with pytest.raises(LoopError, match=NO_STRUCTURE) as refused:
        read_graphs(loaded.database, [crystal, HASH], 5.0)
    assert "n_sites_min" in refused.value.remedy


def test_a_validator_that_computes_refuses_it_and_asks_for_the_others(loaded: Platform) -> None:
    database = loaded.database
    document = ReviewedCampaign(database).document | {"validator": "command"}
    campaign = ReviewedCampaign(database, document=document).start()
    numbers = campaign.rank(0, [BARE, MATERIAL])
    for number in numbers:
        campaign.move(number, "flagged")

    answered = validate_iteration(database, campaign.key(0), JobValidator("command"))

    assert (answered.submitted, answered.waiting) == (2, 1)
    assert query(loaded, "SELECT material_id FROM validation_jobs") == [(MATERIAL,)]
    results = query(loaded, "SELECT DISTINCT material_id, outcome, note FROM validation_results")
    assert results == [(BARE, "failed", NO_STRUCTURE)]
    states = (
        "SELECT material_id, CAST(status AS text), CAST(rejection_kind AS text) FROM candidates ORDER BY rank"
    )
    settled = [(BARE, "rejected", "infeasible"), (MATERIAL, "in_validation", None)]
    assert query(loaded, states) == settled

    # Who asks again is told the same again.
    campaign.move(numbers[0], "rejected", actor="ada", reason="a second look", kind="withdrawn")
    campaign.move(numbers[0], "ranked", "flagged", actor="ada", reason="it may work now")
    again = validate_iteration(database, campaign.key(0), JobValidator("command"))
    assert (again.submitted, again.waiting) == (1, 1)
    assert query(loaded, states) == settled


def test_a_work_order_has_no_file_of_its_structure_and_the_rest_of_it(
    loaded: Platform, tmp_path: Path
) -> None:
    database = loaded.database
    document = ReviewedCampaign(database).document | {"validator": "laboratory"}
    campaign = ReviewedCampaign(database, document=document).start()
    numbers = campaign.rank(0, [BARE, MATERIAL])
    for number in numbers:
        campaign.move(number, "flagged")
    with database.transaction() as connection:
        order = read_order(connection, CAMPAIGN)

    paths = write_order(order, tmp_path)

    assert [path.name for path in (tmp_path / "structures").iterdir()] == [f"{numbers[1]}_MgO.cif"]
    table = Path(str(paths["table"])).read_text(encoding="utf-8-sig").splitlines()
    assert [row.split(",")[2] for row in table[1:]] == [BARE, BARE, MATERIAL, MATERIAL]
    sheet = Path(str(paths["sheet"])).read_text(encoding="utf-8")
    assert sheet.count(NO_STRUCTURE) == 1
    assert "Fe 90.00 %, Ni 10.00 % by atoms" in sheet
    message = describe_order("1", order, campaign.key(0), set(numbers))
    assert [each["cif"] is None for each in message["candidates"]] == [True, False]
    json.dumps(message)
