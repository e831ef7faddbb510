"""Every change reaches who listens, in the order of commits, and who was away misses none."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import sqlalchemy as sa

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.results import submit_results
from resources.postgres.database import Database, Role

CAMPAIGN = "oxide-perovskites-demo"
Event = dict[str, Any]


def read_events(lines: Iterator[str]) -> Iterator[Event]:
    event: Event = {}
    for line in lines:
        if not line:
            if "event" in event:
                yield {**event, "data": json.loads(event["data"])}
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name] = value


def told(api: httpx.Client, after: int, **query: Any) -> list[Event]:
    answer = api.get("/events", params={"after": after, "follow": False, **query})
    assert answer.headers["content-type"].startswith("text/event-stream")
    return list(read_events(iter(answer.text.split("\n"))))


def test_each_change_is_sent_as_it_is_committed_and_again_to_who_resumes(
    api: httpx.Client, database: Database, campaign: ReviewedCampaign
) -> None:
    first, second = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    got: list[Event] = []
    connected, enough = threading.Event(), threading.Event()

    def listen() -> None:
        with api.stream("GET", "/events", params={"kind": ["candidate.*", "result.submitted"]}) as stream:
            for event in read_events(stream.iter_lines()):
                got.append(event)
                connected.set()
                if len(got) == 4:
                    enough.set()
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert connected.wait(20)
    assert api.post(f"/candidates/{first}/flag", json={"reason": "stable"}).status_code == 200
    submit_results(database, None, "p:PbTiO3", {"band_gap_direct": 1.5})
    reason = {"reason": "lead"}
    assert api.post(f"/candidates/{second}/reject", json=reason).status_code == 200
    assert enough.wait(20)
    listener.join()

    assert [event["event"] for event in got] == [
        "connected", "candidate.flagged", "result.submitted", "candidate.rejected",
    ]  # fmt: skip
    flagged = got[1]["data"]
    assert (flagged["campaign"], flagged["candidate_id"], flagged["actor"]) == (
        CAMPAIGN,
        first,
        "Ada Lovelace",
    )
    assert (flagged["from"], flagged["to"], flagged["reason"]) == ("ranked", "flagged", "stable")
    numbers = [int(event["id"]) for event in got]
    assert numbers == sorted(set(numbers))

    missed = told(api, numbers[1], kind="candidate.*")
    assert [event["event"] for event in missed] == ["connected", "candidate.rejected"]
    assert (
        told(api, numbers[1], campaign="another")[1:]
        == [event for event in told(api, numbers[1]) if event["event"] != "candidate.rejected"][1:]
    )
    everything = {event["event"] for event in told(api, 0)}
    assert {"campaign.active", "iteration.ranked", "iteration.list"} <= everything
    assert told(api, numbers[-1] + 1000)[0]["event"] == "reset"
    assert api.get("/events", headers={"Last-Event-ID": "x"}).status_code == 422
    assert api.head("/events").status_code == 200


def test_who_read_a_campaign_and_follows_from_there_is_told_what_came_after_and_no_more(
    api: httpx.Client, campaign: ReviewedCampaign
) -> None:
    first, second = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    assert api.post(f"/candidates/{first}/flag").status_code == 200
    read = api.get(f"/campaigns/{CAMPAIGN}").json()
    assert api.post(f"/candidates/{second}/flag").status_code == 200

    came = told(api, read["last_event"], kind="candidate.*")

    assert [(event["event"], event["data"].get("candidate_id")) for event in came] == [
        ("connected", None),
        ("candidate.flagged", second),
    ]


def test_numbers_follow_commits_however_long_a_transaction_takes(
    database: Database, campaign: ReviewedCampaign
) -> None:
    first, second = campaign.rank(0, ["p:SrTiO3", "p:PbTiO3"])
    move = sa.text("SELECT transition_candidate(:id, 'flagged', 'Ann')")
    with database.transaction(Role.APP) as slow:
        slow.execute(move, {"id": first})
        with database.transaction(Role.APP) as quick:
            quick.execute(move, {"id": second})
    with database.transaction(Role.APP) as connection:
        flagged = sa.text(
            "SELECT data ->> 'candidate_id' FROM changes WHERE kind = 'candidate.flagged' ORDER BY change_id"
        )
        assert connection.execute(flagged).scalars().all() == [str(second), str(first)]


def test_a_note_is_told(api: httpx.Client, campaign: ReviewedCampaign) -> None:
    campaign.rank(0, ["p:SrTiO3"])
    note = api.post("/materials/p:SrTiO3/notes", json={"text": "Grown on glass."}).raise_for_status().json()
    (written,) = told(api, 0, kind="note.*")[1:]
    assert written["event"] == "note.written"
    assert {
        name: written["data"][name] for name in ("note_id", "material_id", "actor", "text", "campaign")
    } == {
        "note_id": note["note_id"],
        "material_id": "p:SrTiO3",
        "actor": "Ada Lovelace",
        "text": "Grown on glass.",
        "campaign": None,
    }
