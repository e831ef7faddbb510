"""The pages without a database, and the API behind them: everything below `/api/` is passed on as it comes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
from pydantic import SecretStr

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import bearer, serving, sign_in_address
from catalyst_assets_tests.processes import eventually
from dash_app.server import create_api_server, create_pages
from resources.access.users import add_user
from resources.postgres.database import Database, Role
from resources.settings import Settings
from resources.web.guard import Hosts


@dataclass
class Pair:
    """Both servers.

    Attributes
    ----------
    pages, api
        Where they are.
    settings
        Of the pages.
    """

    pages: str
    api: str
    settings: Settings


@contextmanager
def pair(database: Database, settings: Settings) -> Iterator[Pair]:
    app_only = Database({Role.APP: database.url(Role.APP)})
    shared = settings.model_copy(
        update={"service_secret": SecretStr("known to both"), "trusted_proxy": "127.0.0.1"}
    )
    with serving(create_api_server(app_only, shared, Hosts())) as api:
        behind = shared.model_copy(update={"api_url": api})
        with serving(create_pages(behind, Hosts())) as pages:
            yield Pair(pages, api, behind)
    app_only.dispose()


def test_people_need_one_address_and_the_api_knows_who_and_from_where_they_are(
    database: Database, settings: Settings
) -> None:
    (candidate,) = ReviewedCampaign(database).start().rank(0, ["p:SrTiO3"])
    add_user(database, "Ada Lovelace", "reviewer", "correct horse battery")
    with pair(database, settings) as both:
        visitor = httpx.Client(
            base_url=both.pages, headers={"origin": both.pages}, trust_env=False, timeout=60
        )
        others = httpx.Client(
            base_url=both.pages, headers={"origin": both.pages}, trust_env=False, timeout=60
        )
        assert visitor.get(sign_in_address(database)).status_code == 200
        assert visitor.get("/api/v1/session").json()["name"] == "Ada Lovelace"
        assert [others.get(path).status_code for path in ("/", "/api/v1/session", "/sign-in")] == [
            401,
            401,
            200,
        ]
        flagged = visitor.post(f"/api/v1/candidates/{candidate}/flag", json={"reason": "stable"})
        assert flagged.json()["candidate"]["events"][-1]["actor"] == "Ada Lovelace"
        assert len(flagged.headers.get_list("date")) == 1
        headed = visitor.head(f"/api/v1/candidates/{candidate}")
        assert (headed.status_code, headed.content) == (200, b"")

        # Who guesses at one address keeps nobody at another one out.
        wrong = {"name": "Ada Lovelace", "password": "wrong"}
        here, there = {"x-forwarded-for": "192.0.2.1"}, {"x-forwarded-for": "192.0.2.2"}
        guesses = [others.post("/sign-in", data=wrong, headers=here).status_code for _ in range(6)]
        assert guesses == [401] * 5 + [429]
        right = wrong | {"password": "correct horse battery"}
        assert others.post("/api/v1/session", json=right, headers=here).status_code == 429
        assert others.post("/api/v1/session", json=right, headers=there).status_code == 201
        named = httpx.get(
            f"{both.pages}/api/v1/session", headers={"x-forwarded-user": "Vera"}, trust_env=False, timeout=60
        )
        assert (named.json()["name"], named.json()["role"]) == ("Vera", "viewer")


def test_bodies_and_streams_are_passed_on_and_what_is_too_large_is_refused(
    database: Database, settings: Settings
) -> None:
    campaign = ReviewedCampaign(database).start()
    (candidate,) = campaign.rank(0, ["p:SrTiO3"])
    small = settings.model_copy(update={"max_request_bytes": 2000})
    with pair(database, small) as both:
        headers = bearer(database, "Ada", "review")
        client = httpx.Client(base_url=f"{both.pages}/api/v1", headers=headers, trust_env=False, timeout=60)
        for content in (b" " * 3000, iter([b" " * 1000] * 3)):
            answer = client.post(
                "/candidates/1/flag", content=content, headers={"content-type": "application/json"}
            )
            assert (answer.status_code, answer.json()["type"]) == (413, "urn:catalyst:problem:too-large")
        chunks = iter([b'{"reason": ', b'"in parts"}'])
        answer = client.post(
            f"/candidates/{candidate}/flag", content=chunks, headers={"content-type": "application/json"}
        )
        assert answer.json()["candidate"]["events"][-1]["reason"] == "in parts"
        with client.stream("GET", "/events", params={"after": 0, "kind": "candidate.flagged"}) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            told = next(line for line in stream.iter_lines() if line.startswith("data:") and "actor" in line)
        assert json.loads(told.removeprefix("data:"))["actor"] == "Ada"
        assert eventually(lambda: client.get("/health").status_code == 200)


@pytest.mark.usefixtures("database")
def test_an_api_that_does_not_answer_is_said_everywhere(settings: Settings) -> None:
    gone = settings.model_copy(update={"api_url": "http://127.0.0.1:9"})
    with serving(create_pages(gone, Hosts())) as pages:
        headers = {"authorization": "Bearer x", "accept": "text/html"}
        asked = {
            path: httpx.get(f"{pages}{path}", headers=headers, trust_env=False, timeout=60)
            for path in ("/api/v1/campaigns", "/", "/sign-in")
        }
        assert {path: answer.status_code for path, answer in asked.items()} == dict.fromkeys(asked, 503)
        assert asked["/api/v1/campaigns"].json()["detail"] == "The API does not answer."
        assert "catalyst up" in asked["/sign-in"].text
