"""What the API answers where PostgreSQL gives a transaction up because another was in its way."""

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Database, Role

# A sequence stays counted when a transaction is taken back.
_MEETING = """
CREATE SEQUENCE met;
CREATE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    IF nextval('public.met') <= {times} THEN
        RAISE EXCEPTION 'met another transaction' USING ERRCODE = '{code}';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER meeting BEFORE UPDATE ON candidates FOR EACH ROW EXECUTE FUNCTION meet();
"""


def meet(database: Database, times: int, code: str) -> None:
    """Let the next so many transactions that move a candidate be given up."""
    with database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text(_MEETING.format(times=times, code=code)))


@pytest.mark.parametrize("code", ["40P01", "40001"])
def test_a_transaction_that_was_given_up_once_is_repeated(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign, code: str
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    meet(database, 1, code)
    flagged = api.post(f"/candidates/{candidate}/flag", json={"reason": "stable"})
    assert (flagged.status_code, flagged.json()["changed"]) == (200, True)
    events = flagged.json()["candidate"]["events"]
    assert [(event["to_status"], event["reason"]) for event in events][1:] == [("flagged", "stable")]


def test_one_that_is_given_up_again_is_answered_503_and_can_be_sent_again(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    meet(database, 2, "40P01")
    headers = {"Idempotency-Key": "once"}
    refused = api.post(f"/candidates/{candidate}/flag", json={}, headers=headers)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    problem = refused.json()
    assert problem["type"] == "urn:catalyst:problem:busy"
    assert problem["detail"] == (
        "Two transactions waited for each other, and PostgreSQL gave up this one: nothing of it was written "
        "(met another transaction)."
    )
    assert api.get(f"/candidates/{candidate}").json()["status"] == "ranked"
    assert api.post(f"/candidates/{candidate}/flag", json={}, headers=headers).json()["changed"] is True
