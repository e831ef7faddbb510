"""Rejections by kind: what the database allows, and what a later iteration learns and suggests again."""

import json
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets.campaigns.evaluations import load_evaluations
from catalyst_assets.campaigns.history import read_history
from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.loop.campaigns import open_iteration
from catalyst_assets.partitions import IterationKey
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role, fetch_all
from resources.postgres.migrations import read_migrations

SEEN = {"reason": "seen"}


def reject(api: httpx.Client, candidate: int, kind: str) -> httpx.Response:
    return api.post(f"/candidates/{candidate}/reject", json={**SEEN, "kind": kind})


def history(campaign: ReviewedCampaign, iteration: int) -> dict[str, list[str]]:
    goal = Campaign.model_validate(campaign.document)
    with campaign.database.transaction() as connection:
        return read_history(connection, goal, iteration).to_json()


def test_a_rejection_keeps_its_kind_with_who_and_why(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    one, two = campaign.rank(0, ["p:A", "p:B"])
    rejected = reject(api, one, "infeasible").json()
    assert rejected["candidate"]["rejection_kind"] == "infeasible"
    assert rejected["candidate"]["events"][-1] | {"event_id": 0, "at": ""} == {
        "event_id": 0,
        "from_status": "ranked",
        "to_status": "rejected",
        "actor": "Ada Lovelace",
        "reason": "seen",
        "rejection_kind": "infeasible",
        "at": "",
    }
    assert reject(api, one, "infeasible").json()["changed"] is False
    by_default = api.post(f"/candidates/{two}/reject", json=SEEN).json()
    assert by_default["candidate"]["rejection_kind"] == "withdrawn"
    assert api.post(f"/candidates/{two}/reject", json={**SEEN, "kind": "ugly"}).status_code == 422


def test_another_kind_corrects_the_first_and_only_some_are_restored(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:A"])
    reject(api, candidate, "infeasible")
    refused = api.post(f"/candidates/{candidate}/restore", json=SEEN)
    assert refused.status_code == 409
    assert refused.json()["detail"] == f"Candidate {candidate} was rejected as infeasible, which is final."
    assert reject(api, candidate, "withdrawn").json()["changed"] is True
    assert api.post(f"/candidates/{candidate}/restore", json={}).status_code == 422
    restored = api.post(f"/candidates/{candidate}/restore", json=SEEN).json()
    assert (restored["candidate"]["status"], restored["candidate"]["rejection_kind"]) == ("ranked", None)
    steps = [(event["to_status"], event["rejection_kind"]) for event in restored["candidate"]["events"]]
    assert steps == [
        ("ranked", None),
        ("rejected", "infeasible"),
        ("rejected", "withdrawn"),
        ("ranked", None),
    ]
    assert api.post(f"/candidates/{candidate}/flag", json=SEEN).json()["candidate"]["status"] == "flagged"
    refused = api.post(f"/candidates/{candidate}/restore", json=SEEN)
    assert "cannot go from flagged to ranked" in refused.json()["detail"]


def test_what_was_not_tried_has_not_failed_and_what_was_not_measured_is_not_poor(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:A"])
    refused = reject(api, candidate, "failed")
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"Candidate {candidate} was never sent to validation, so it has not failed there.",
    )
    assert reject(api, candidate, "withdrawn").status_code == 200
    assert reject(api, candidate, "failed").status_code == 409
    assert api.post(f"/candidates/{candidate}/restore", json=SEEN).status_code == 200
    campaign.move(candidate, "flagged", "in_validation")
    refused = reject(api, candidate, "poor")
    assert "has no measured value" in refused.json()["detail"]
    campaign.answer(0, "p:A", 0.1, -1.0)
    assert reject(api, candidate, "poor").json()["candidate"]["rejection_kind"] == "poor"


def test_the_database_refuses_a_rejection_without_a_kind(campaign: ReviewedCampaign) -> None:
    (candidate,) = campaign.rank(0, ["p:A"])
    with pytest.raises(sa.exc.IntegrityError, match="needs a kind"):
        campaign.move(candidate, "rejected", reason="no")
    with (
        pytest.raises(sa.exc.IntegrityError, match="candidates_rejection_kind"),
        campaign.database.transaction(Role.OWNER) as connection,
    ):
        connection.execute(sa.text("UPDATE candidates SET rejection_kind = 'poor'"))


def tried(campaign: ReviewedCampaign) -> dict[str, int]:
    """One candidate of each kind of end, each measured in part before."""
    names = ["validated", "poor", "infeasible", "failed", "withdrawn", "pending", "undecided"]
    ids = dict(zip(names, campaign.rank(0, [f"p:{name}" for name in names]), strict=True))
    for name in names[:-1]:
        campaign.move(ids[name], "flagged", "in_validation")
        campaign.answer(0, f"p:{name}", 1.5, None if name == "failed" else -1.0)
    campaign.move(ids["validated"], "validated")
    for kind in names[1:5]:
        campaign.move(ids[kind], "rejected", reason="so", kind=kind)
    return ids


def test_only_kinds_that_train_leave_labels(campaign: ReviewedCampaign) -> None:
    tried(campaign)
    key = IterationKey(campaign.name, 1)
    with campaign.database.transaction() as connection:
        open_iteration(connection, Campaign.model_validate(campaign.document), key)
        rows = fetch_all(connection, "loop/iteration_labels", partition_key=str(key))
    labelled: dict[str, list[str]] = {}
    for row in rows:
        labelled.setdefault(row["material_id"], []).append(row["property"])
    both = ["band_gap_direct", "formation_energy_per_atom"]
    assert labelled == {
        "p:failed": ["band_gap_direct"],
        "p:pending": both,
        "p:poor": both,
        "p:validated": both,
    }


def test_what_is_no_label_is_no_hit_either(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    campaign.document["criteria"] = [
        {"property": "band_gap_direct", "max": 2.0},
        {"property": "formation_energy_per_atom", "max": -0.5},
    ]
    with campaign.database.transaction(Role.OWNER) as connection:
        connection.execute(
            sa.text("UPDATE campaigns SET document = CAST(:document AS jsonb)"),
            {"document": json.dumps(campaign.document)},
        )
    tried(campaign)
    with campaign.database.transaction() as connection:
        found = load_evaluations(connection, Campaign.model_validate(campaign.document))
    assert {one.material_id: one.is_hit for one in found} == {
        "p:failed": False,
        "p:infeasible": False,
        "p:pending": True,
        "p:poor": True,
        "p:validated": True,
        "p:withdrawn": False,
    }
    shown = api.get(f"/campaigns/{campaign.name}").json()
    assert (shown["evaluated"], shown["hits"]) == (6, 3)
    items = {item["material_id"]: item for item in api.get("/candidates").json()["items"]}
    assert {name: item["hit"] for name, item in items.items()} == {
        "p:failed": False,
        "p:infeasible": None,
        "p:pending": True,
        "p:poor": True,
        "p:undecided": None,
        "p:validated": True,
        "p:withdrawn": None,
    }
    withdrawn = items["p:withdrawn"]
    assert {answer["value"] for answer in withdrawn["validated"]} == {1.5, -1.0}  # still shown
    api.post(f"/candidates/{withdrawn['candidate_id']}/restore", json=SEEN)
    assert api.get(f"/candidates/{withdrawn['candidate_id']}").json()["hit"] is True


def test_each_kind_has_its_rule_for_being_suggested_again(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    ids = tried(campaign)
    never = ["p:infeasible", "p:pending", "p:poor", "p:validated", "p:withdrawn"]
    told = {
        "pending": ["p:pending"],
        "failed": ["p:failed"],
        "answered": ["p:poor", "p:validated"],
        "waiting": [],
    }
    assert history(campaign, 3) == {"withheld": sorted([*never, "p:failed"]), **told, "waiting": ["p:failed"]}
    assert history(campaign, 4) == {"withheld": never, **told}  # three iterations in between have passed

    for name in ("withdrawn", "failed"):
        assert api.post(f"/candidates/{ids[name]}/restore", json=SEEN).status_code == 200
    never.remove("p:withdrawn")
    assert history(campaign, 1) == {"withheld": never, **told, "failed": []}


def test_rejections_from_before_kinds_are_told_apart_by_their_author(database: Database) -> None:
    """The migration, on a schema as it was before it."""
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE; CREATE SCHEMA public"))
    earlier = [step for step in read_migrations() if step.version < 7]
    with database.transaction(Role.OWNER) as connection:
        cursor: Any = connection.connection.cursor()
        for step in earlier:
            cursor.execute(step.path.read_text())
        cursor.execute(
            "INSERT INTO materials VALUES ('p:A', 'A', 'A', '{A}', 1, '{}', ''), ('p:B', 'B', 'B', '{B}', 1, '{}', '');"
            "INSERT INTO campaigns (name, document, sha256) VALUES ('c', '{}', '');"
            "INSERT INTO active_learning_runs (partition_key, campaign, iteration, campaign_sha256, document,"
            " label_count, label_sha256) VALUES ('c__0000', 'c', 0, '', '{}', 0, '');"
            "INSERT INTO prediction_versions (partition_key, model_sha256, pool_sha256, properties, n_draws)"
            " VALUES ('c__0000', '', '', '{}', 1);"
            "INSERT INTO rankings SELECT 'c__0000', version, 'random', 0, 1, 0, '', '', '' FROM prediction_versions;"
            "INSERT INTO candidates (partition_key, material_id, rank, acquisition, predicted) VALUES"
            " ('c__0000', 'p:A', 1, 0, '{}'), ('c__0000', 'p:B', 2, 0, '{}');"
            "SELECT transition_candidate(candidate_id, 'rejected', 'x', 'y') FROM candidates;"
            "INSERT INTO validation_results (partition_key, material_id, property, method, outcome, unit, validator)"
            " VALUES ('c__0000', 'p:A', 'band_gap', 'PBE', 'failed', 'eV', 'gpaw')"
        )
        (seventh,) = [step for step in read_migrations() if step.version == 7]
        cursor.execute(seventh.path.read_text())
        cursor.execute(
            "SELECT c.material_id, c.rejection_kind, e.rejection_kind FROM candidates c"
            " JOIN candidate_events e USING (candidate_id) WHERE e.to_status = 'rejected' ORDER BY 1"
        )
        assert cursor.fetchall() == [("p:A", "failed", "failed"), ("p:B", "withdrawn", "withdrawn")]
