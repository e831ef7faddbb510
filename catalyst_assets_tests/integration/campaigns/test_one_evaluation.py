"""One material of a campaign is evaluated in one iteration at a time, whoever decides and however many at once."""

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from resources.postgres.database import Role

SEEN = {"reason": "seen"}


def decide(api: httpx.Client, verb: str, candidate: int) -> httpx.Response:
    return api.post(f"/candidates/{candidate}/{verb}", json=SEEN)


def suggested_twice(api: httpx.Client, campaign: ReviewedCampaign) -> tuple[int, int]:
    """Withdraw and restore a candidate, after which the next iteration suggests its material again."""
    (first,) = campaign.rank(0, ["p:A"])
    assert decide(api, "reject", first).status_code == 200
    assert decide(api, "restore", first).status_code == 200
    (second,) = campaign.rank(1, ["p:A"])
    return first, second


@pytest.mark.parametrize(
    ("steps", "standing"),
    [
        (["flagged"], "flagged"),
        (["flagged", "in_validation"], "in validation"),
        (["flagged", "in_validation", "validated"], "validated"),
    ],
)
def test_what_another_iteration_evaluates_is_not_flagged_again(
    api: httpx.Client, campaign: ReviewedCampaign, steps: list[str], standing: str
) -> None:
    first, second = suggested_twice(api, campaign)
    if "validated" in steps:
        campaign.answer(1, "p:A", 1.5, -2.5)
    campaign.move(second, *steps)
    refused = decide(api, "flag", first)
    assert refused.status_code == 409
    assert refused.json()["detail"] == (
        f"Candidate {first} cannot be flagged: its material p:A is {standing} in iteration 1 of {campaign.name} already."
    )
    assert "one iteration of a campaign at a time" in refused.json()["remedy"]
    shown = api.get(f"/candidates/{first}").json()
    assert [event["to_status"] for event in shown["events"]] == ["ranked", "rejected", "ranked"]


def test_what_another_iteration_evaluates_is_not_restored(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    (first,) = campaign.rank(0, ["p:A"])
    campaign.move(first, "flagged", "in_validation", "rejected", reason="diverged", kind="failed")
    (second,) = campaign.rank(1, ["p:A"])
    campaign.move(second, "flagged")
    refused = decide(api, "restore", first)
    assert refused.status_code == 409
    assert (
        f"cannot be restored: its material p:A is flagged in iteration 1 of {campaign.name}"
        in refused.json()["detail"]
    )
    assert decide(api, "reject", second).status_code == 200
    assert decide(api, "restore", first).status_code == 200
    assert decide(api, "flag", first).status_code == 200
    assert f"in iteration 0 of {campaign.name} already" in decide(api, "restore", second).json()["detail"]


def test_another_campaign_may_evaluate_the_same_material(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    (first,) = campaign.rank(0, ["p:A"])
    other = ReviewedCampaign(campaign.database, "another").start()
    (second,) = other.rank(0, ["p:A"])
    for candidate in (first, second):
        assert decide(api, "flag", candidate).status_code == 200


def test_of_two_reviewers_who_flag_it_in_two_iterations_at_once_one_is_refused(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    names = [f"p:M{place}" for place in range(20)]
    pairs = zip(campaign.rank(0, names), campaign.rank(1, names), strict=True)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda one: decide(api, "flag", one), [one for pair in pairs for one in pair])
        )
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [409] * 20
    flagged = api.get("/candidates?status=flagged&limit=100").json()["items"]
    assert sorted(item["material_id"] for item in flagged) == sorted(names)


def test_the_second_waits_for_the_first_to_commit(campaign: ReviewedCampaign) -> None:
    (first,), (second,) = campaign.rank(0, ["p:A"]), campaign.rank(1, ["p:A"])
    flag = sa.text("SELECT transition_candidate(:id, 'flagged', 'ada')")
    with ThreadPoolExecutor(1) as pool:
        with campaign.database.transaction(Role.PIPELINE) as connection:
            connection.execute(flag, {"id": first})
            later = pool.submit(campaign.move, second, "flagged")
            with pytest.raises(TimeoutError):
                later.result(timeout=0.5)
        with pytest.raises(sa.exc.IntegrityError, match=f"is flagged in iteration {campaign.key(0)} already"):
            later.result()


def test_what_two_iterations_had_flagged_before_may_still_be_answered(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    """As a database from before the rule holds it."""
    both = [*campaign.rank(0, ["p:A"]), *campaign.rank(1, ["p:A"])]
    with campaign.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("ALTER TABLE candidates DISABLE TRIGGER candidates_one_evaluation"))
    for candidate in both:
        campaign.move(candidate, "flagged")
    with campaign.database.transaction(Role.OWNER) as connection:
        connection.execute(sa.text("ALTER TABLE candidates ENABLE TRIGGER candidates_one_evaluation"))
    for iteration, candidate in enumerate(both):
        campaign.answer(iteration, "p:A", 1.5, -2.5)
        campaign.move(candidate, "in_validation", "validated")
    assert api.get("/candidates?status=validated").json()["total"] == 2
