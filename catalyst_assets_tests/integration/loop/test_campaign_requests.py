"""What people ask of campaigns by the API is carried out once, in its order, whoever is killed or does the same."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

from catalyst_assets.loop.asked import answering
from catalyst_assets.loop.asked.answering import answer_requests
from catalyst_assets.report import pages
from catalyst_assets.report.requested import reports_to_write, write_requested
from catalyst_assets_tests.integration.loop.following import LABORATORY, Followed
from resources.platform import Platform
from resources.postgres.database import Database, Role, Row, fetch_all, fetch_one


def ask(database: Database, kind: str, campaign: str, document: dict[str, Any] | None = None) -> int:
    """Ask as the API does, by its role."""
    with database.transaction(Role.APP) as connection:
        added = fetch_one(
            connection,
            "app/requests/add",
            kind=kind,
            campaign=campaign,
            document=json.dumps(document) if document else None,
            reason="enough",
            actor="Ada",
        )
    assert added is not None
    return int(added["request_id"])


def answer_of(database: Database, request_id: int) -> Row:
    with database.transaction(Role.APP) as connection:
        found = fetch_one(connection, "app/requests/one", request_id=request_id)
    assert found is not None
    return found


def campaigns(database: Database) -> dict[str, tuple[str, str | None]]:
    with database.transaction(Role.APP) as connection:
        rows = fetch_all(connection, "app/campaigns", name=None)
    return {row["name"]: (row["status"], row["stop_reason"]) for row in rows}


@pytest.fixture
def followed(platform: Platform, dagster_instance: dg.DagsterInstance) -> Followed:
    """A campaign with a ranked iteration, one of whose candidates is to be answered."""
    made = Followed(platform, dagster_instance)
    made.rank(0, ["p:A", "p:B"], flag=1)
    return made


def test_requests_are_carried_out_in_their_order_and_say_what_became_of_them(
    platform: Platform, followed: Followed
) -> None:
    database = platform.database
    new = LABORATORY | {"name": "new"}
    asked = [
        ask(database, "start", "new", new),
        ask(database, "validate", "new", new),
        ask(database, "next", "new"),
        ask(database, "next", "followed"),
        ask(database, "stop", "followed"),
        ask(database, "stop", "followed"),
        ask(database, "retry", "nowhere"),
        ask(database, "start", "new", new | {"method": "PBE0", "pool": {"element": ["Ag"]}}),
        ask(database, "start", "new", new | {"initial_batch": 7}),
    ]
    assert len(answer_requests(platform)) == len(asked)
    answers = [answer_of(database, number) for number in asked]
    unknown = (
        "unknown field 'element': did you mean elements or only_elements or exclude_elements? known are source, elements, "
        "only_elements, exclude_elements, chemical_system, n_sites_min, n_sites_max, lacks, "
        "energy_above_hull, relaxed_by"
    )
    assert [(each["status"], each["answer"]) for each in answers] == [
        ("done", "Campaign new is active: its test set is frozen."),
        ("refused", "Campaign new is valid, and cannot run here yet: No member of the pool has features: materialize "
                    "`backbone` and `structure_embeddings`."),
        ("refused", "The first iteration of new is not ranked yet: there is nothing to go on from."),
        ("done", "Campaign followed opens its next iteration; 1 candidate is still to be answered."),
        ("done", "Campaign followed has ended."),
        ("refused", "Campaign followed has ended already: stopped by Ada: enough."),
        ("refused", "There is no campaign nowhere."),
        ("refused", f"Campaign new is not valid: pool.element: {unknown}."),
        ("refused", "Campaign new exists with another initial_batch."),
    ]  # fmt: skip
    assert answers[1]["details"]["home"]["pool_size"] == 3
    assert answers[3]["details"] == {"pending": 1}
    assert answers[7]["details"]["problems"] == [{"field": "pool.element", "message": unknown}]
    assert "Give the new goal a new name" in answers[8]["remedy"]
    assert campaigns(database) == {
        "new": ("active", None),
        "followed": ("finished", "stopped by Ada: enough"),
    }
    assert answer_requests(platform) == []


def test_what_was_cut_off_before_its_answer_was_not_done(
    platform: Platform, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = ask(platform.database, "stop", "followed")

    def killed(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(answering, "record_answer", killed)
        with pytest.raises(KeyboardInterrupt):
            answer_requests(platform)
    assert answer_of(platform.database, number)["status"] == "waiting"
    assert campaigns(platform.database)["followed"] == ("active", None)
    answer_requests(platform)
    assert answer_of(platform.database, number)["status"] == "done"


def test_of_two_daemons_one_answers(platform: Platform, followed: Followed) -> None:
    numbers = [ask(platform.database, "next", "followed") for _ in range(8)]
    with ThreadPoolExecutor(2) as daemons:
        told = [*daemons.map(lambda _: answer_requests(platform), range(2))]
    told += [answer_requests(platform)]
    assert sorted(line.split()[1] for lines in told for line in lines) == sorted(map(str, numbers))


def test_a_mistake_of_ours_holds_up_no_other_request(
    platform: Platform, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = ask(platform.database, "next", "followed"), ask(platform.database, "stop", "followed")

    def broken(_: Platform, connection: sa.Connection, request: Row) -> None:
        connection.exec_driver_sql("SELECT 1 / 0")

    monkeypatch.setattr(answering, "_DONE_BY", {**answering._DONE_BY, "next": broken})
    assert len(answer_requests(platform)) == 2
    assert answer_of(platform.database, first)["answer"] == "It failed unexpectedly (DataError)."
    assert answer_of(platform.database, second)["status"] == "done"


def test_a_report_is_written_by_a_run_and_given_up_where_runs_fail(
    platform: Platform, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "render_page", lambda summary: f"Report of {summary.campaign}")
    database = platform.database
    number, other = ask(database, "report", "followed"), ask(database, "report", "nowhere")
    with dg.DagsterInstance.ephemeral() as instance:
        first, second = reports_to_write(database, instance)
        assert (first.request_id, first.attempt, second.request_id) == (number, 1, other)
        for attempt in range(3):
            assert reports_to_write(database, instance)[-1].attempt == attempt + 1
            run = instance.create_run_for_job(_failing, tags=second.tags)
            instance.report_run_failed(run, "The machine went away.")
        assert write_requested(platform, number) == "The report of campaign followed is written."
        assert [each.request_id for each in reports_to_write(database, instance)] == []
    done, refused = answer_of(database, number), answer_of(database, other)
    assert done["status"] == "done"
    assert (refused["status"], refused["answer"]) == ("refused", "The machine went away.")
    assert platform.objects.get_bytes(done["details"]["key"]) == b"Report of followed"
    assert write_requested(platform, number) == "nobody waits for it any more"


@dg.job
def _failing() -> None:
    pass


def test_a_request_stays_as_it_was_asked_and_is_answered_once(platform: Platform, followed: Followed) -> None:
    number = ask(platform.database, "stop", "followed")
    answer_requests(platform)
    for role, statement in (
        (Role.APP, "UPDATE campaign_requests SET status = 'waiting'"),
        (Role.APP, "INSERT INTO campaign_requests (kind, campaign, actor, status, answered_at) VALUES"
                   " ('stop', 'x', 'x', 'done', now())"),
        (Role.PIPELINE, "UPDATE campaign_requests SET actor = 'somebody else'"),
        (Role.PIPELINE, "UPDATE campaign_requests SET status = 'refused'"),
        (Role.PIPELINE, "DELETE FROM campaign_requests"),
        (Role.PIPELINE, "INSERT INTO campaign_requests (kind, campaign, actor) VALUES ('stop', 'x', 'x')"),
        (Role.OWNER, "UPDATE campaign_requests SET answer = 'other'"),
        (Role.OWNER, "DELETE FROM campaign_requests"),
        (Role.VALIDATOR, "SELECT * FROM campaign_requests"),
    ):  # fmt: skip
        with pytest.raises(sa.exc.DBAPIError), platform.database.transaction(role) as connection:
            connection.exec_driver_sql(statement)
    assert answer_of(platform.database, number)["actor"] == "Ada"
