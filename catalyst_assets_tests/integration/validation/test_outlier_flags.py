"""Outliers are named by the iteration's check and in the list of results, and learned from all the same."""

import json

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.validation.audit import find_outliers
from catalyst_assets.validation.results.ledger import retract
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database, Role


def test_a_result_far_from_its_prediction_is_flagged_and_counts(
    database: Database, own_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = ReviewedCampaign(database).start()
    campaign.rank(0, ["p:A", "p:B"])
    far = submit_results(database, campaign.key(0), "p:A", {"band_gap_direct": 4.9}).added[0]
    near = submit_results(database, campaign.key(0), "p:B", {"band_gap_direct": 1.4}).added[0]
    (said,) = find_outliers(database, campaign.key(0))
    assert said.startswith(f"band_gap_direct of A (p:A), result {far}: 4.9 eV is ")
    with database.transaction() as connection:
        truths = sa.text("SELECT material_id, value FROM campaign_truths(:name) ORDER BY 1")
        assert connection.execute(truths, {"name": campaign.name}).all() == [("p:A", 4.9), ("p:B", 1.4)]

    monkeypatch.setenv("COLUMNS", "250")
    shown = CliRunner().invoke(app, ["validation", "list", "--results"])
    assert f"! {said}" in shown.output, shown.output
    assert "4.9 !" in shown.output
    with database.transaction(Role.VALIDATOR) as connection:
        retract(connection, far, by="ada", reason="of the wrong sample")
    assert find_outliers(database, campaign.key(0)) == []
    rows = json.loads(CliRunner().invoke(app, ["validation", "list", "--results", "--json"]).output)
    assert [(row["result_id"], row["stands"], row["flags"]) for row in rows] == [
        (near + 1, "retracted", []),
        (near, "counts", []),
        (far, f"retracted by {near + 1}", []),
    ]
