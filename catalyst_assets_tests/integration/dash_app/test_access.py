"""Who may do what: every operation as stranger, viewer, laboratory, reviewer and admin, and signing in."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import bearer, serving, sign_in_address
from dash_app.api.people.rights import OPEN, RIGHTS, Operations
from dash_app.server import create_app
from resources.access.users import add_user, set_role
from resources.postgres.database import Database, Role
from resources.settings import Settings
from resources.web.asking import HEADER, AskingFor

COOKIE = "catalyst_session_8050"
PASSWORD = "correct horse battery"


@contextmanager
def server(database: Database, settings: Settings, **changed: Any) -> Iterator[str]:
    """Serve the app with changed settings."""
    app_only = Database({Role.APP: database.url(Role.APP)})
    with serving(create_app(app_only, settings=settings.model_copy(update=changed))) as url:
        yield url
    app_only.dispose()


def browser(url: str) -> httpx.Client:
    """A browser with cookies of its own, on a page of the server."""
    return httpx.Client(base_url=url, headers={"origin": url}, timeout=60, trust_env=False)


def signed_in(url: str, database: Database, name: str, role: Any = "reviewer") -> httpx.Client:
    """A browser in which somebody is signed in by a link."""
    client = browser(url)
    assert client.get(sign_in_address(database, name, role)).status_code == 200
    return client


def test_every_operation_lets_in_whom_the_table_names_and_nobody_else(
    database: Database, settings: Settings
) -> None:
    ranks = {"read": 1, "results": 2, "review": 3, "admin": 4}
    with server(database, settings) as url:
        tokens = {may: bearer(database, f"{may} program", may) for may in ranks}  # type: ignore[arg-type]
        api = httpx.Client(base_url=f"{url}/api/v1", timeout=60, trust_env=False)
        document = api.get("/openapi.json", headers=tokens["read"]).json()
        operations = {
            f"{verb.upper()} {path}": operation
            for path, verbs in document["paths"].items()
            for verb, operation in verbs.items()
        }
        # Nothing is open, or everybody's, by being forgotten.
        assert set(operations) <= set(RIGHTS) | OPEN
        assert {name.partition(" ")[0] for name in OPEN} <= {"GET", "POST", "DELETE"}
        for name, operation in operations.items():
            verb, _, template = name.partition(" ")
            path = re.sub(r"\{[^}]+\}", "1", template)
            assert operation["security"] == ([] if name in OPEN else [{"token": []}, {"session": []}])
            stranger = api.request(verb, path)
            forged = api.request(verb, path, headers={"Authorization": "Bearer catalyst_forged"})
            if name in OPEN:
                assert stranger.status_code != 403, name
                continue
            assert (stranger.status_code, forged.status_code) == (401, 401), name
            assert stranger.headers["www-authenticate"] == 'Bearer realm="catalyst"'
            for may, rank in ranks.items():
                answer = api.send(api.build_request(verb, path, headers=tokens[may]), stream=True)
                answer.close()
                assert (answer.status_code == 403) is (rank < RIGHTS[name]), (name, may, answer.status_code)
                assert answer.status_code != 401, (name, may)


def test_an_operation_that_the_table_does_not_name_is_for_admins() -> None:
    from fastapi import FastAPI

    api = FastAPI()
    api.add_api_route("/forgotten", lambda: None, methods=["GET"])
    operations = Operations(api)
    assert operations.find("GET", "/forgotten").needs == 4
    assert operations.find("HEAD", "/forgotten").needs == 4
    assert operations.find("GET", "/nowhere").needs == 1


def test_a_browser_does_what_its_user_may_and_history_carries_the_name(
    database: Database, settings: Settings
) -> None:
    (candidate,) = ReviewedCampaign(database).start().rank(0, ["p:SrTiO3"])
    flag = f"/api/v1/candidates/{candidate}/flag"
    with server(database, settings) as url:
        viewer, reviewer = signed_in(url, database, "Vera", "viewer"), signed_in(url, database, "Rosa")
        refused = viewer.post(flag)
        assert refused.status_code == 403
        assert refused.json()["detail"] == "Vera is a viewer, and deciding about candidates is for reviewers."
        assert "`catalyst users role NAME reviewer`" in refused.json()["remedy"]
        assert viewer.get("/api/v1/session").json()["role"] == "viewer"
        event = reviewer.post(flag).json()["candidate"]["events"][-1]
        assert event["actor"] == "Rosa"
        set_role(database, "vera", "reviewer")
        assert viewer.post(flag).json()["changed"] is False


def test_a_cookie_alone_changes_nothing(database: Database, settings: Settings) -> None:
    (candidate,) = ReviewedCampaign(database).start().rank(0, ["p:SrTiO3"])
    with server(database, settings) as url:
        cookie = signed_in(url, database, "Rosa").cookies[COOKIE]
        for headers, refused in (
            ({}, True),
            ({"sec-fetch-site": "none"}, True),
            ({"sec-fetch-site": "same-site"}, True),
            ({"origin": "http://evil.example"}, True),
            ({"origin": "null"}, True),
            ({"sec-fetch-site": "same-origin"}, False),
        ):
            sent = headers | {"cookie": f"{COOKIE}={cookie}"}
            for path in (f"/api/v1/candidates/{candidate}/flag", "/_dash-update-component"):
                answer = httpx.post(url + path, headers=sent, json={}, trust_env=False, timeout=60)
                assert (answer.status_code == 403) is refused, (path, headers, answer.text)


def test_a_link_signs_in_once_and_not_where_it_is_only_fetched_ahead(
    database: Database, settings: Settings
) -> None:
    with server(database, settings) as url:
        link = sign_in_address(database)
        ahead, visitor = browser(url), browser(url)
        assert ahead.head(link).status_code == 204
        assert ahead.get(link, headers={"sec-purpose": "prefetch;prerender"}).status_code == 204
        answer = visitor.get(f"{link}&next=/campaigns/x")
        assert answer.status_code == 200
        assert 'content="0;url=/campaigns/x"' in answer.text
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert "Secure" not in cookie
        # What one browser was given no other one has.
        assert visitor.get("/api/v1/session").json()["name"] == "Ada Lovelace"
        assert ahead.get("/api/v1/session").status_code == 401
        assert ahead.get("/sign-in").status_code == 200
        assert visitor.get("/sign-in").status_code == 303
        again = ahead.get(link)
        assert again.status_code == 401
        assert "was used already" in again.text
        with database.transaction(Role.OWNER) as connection:
            connection.execute(sa.text("UPDATE sign_in_links SET used_at = NULL, expires_at = now()"))
        assert "has expired" in ahead.get(link).text
        assert "is not known here" in ahead.get("/sign-in?link=made-up").text


def test_signing_out_ends_the_session_wherever_its_cookie_is(database: Database, settings: Settings) -> None:
    with server(database, settings, session_lifetime=timedelta(seconds=5)) as url:
        visitor = signed_in(url, database, "Rosa")
        kept = {"cookie": f"{COOKIE}={visitor.cookies[COOKIE]}"}
        thief = httpx.Client(base_url=url, headers=kept, trust_env=False, timeout=60)
        assert thief.get("/api/v1/session").status_code == 200
        assert visitor.post("/sign-out").headers["location"] == "/sign-in"
        assert visitor.cookies.get(COOKIE) is None
        assert thief.get("/api/v1/session").status_code == 401
        made_up = kept["cookie"][:-3] + "abc"
        assert thief.get("/api/v1/session", headers={"cookie": made_up}).status_code == 401
        late = signed_in(url, database, "Rosa")
        with database.transaction(Role.OWNER) as connection:
            connection.execute(sa.text("UPDATE sessions SET expires_at = now() WHERE ended_at IS NULL"))
        assert late.get("/api/v1/session").status_code == 401


def test_passwords_sign_in_and_guessing_them_is_slowed_down(database: Database, settings: Settings) -> None:
    add_user(database, "Ada Lovelace", "admin", PASSWORD)
    with database.transaction(Role.OWNER) as connection:
        kept = connection.execute(sa.text("SELECT password_hash FROM users")).scalar_one()
    assert kept.startswith("$argon2id$")
    with server(database, settings) as url:
        visitor = browser(url)
        page = visitor.get("/campaigns/x", headers={"accept": "text/html"})
        assert page.headers["location"] == "/sign-in?next=%2Fcampaigns%2Fx"
        form = {"name": "ada lovelace", "password": "wrong", "next": "/campaigns/x"}
        refused = visitor.post("/sign-in", data=form)
        assert refused.status_code == 401
        assert "The name or the password is wrong." in refused.text
        assert 'value="ada lovelace"' in refused.text
        assert "wrong" not in refused.text.replace("password is wrong", "")
        done = visitor.post("/sign-in", data=form | {"password": PASSWORD})
        assert (done.status_code, "url=/campaigns/x" in done.text) == (200, True)
        assert visitor.get("/api/v1/session").json()["right"] == "admin"

        def guess(name: str) -> int:
            body = {"name": name, "password": "guess"}
            return httpx.post(f"{url}/api/v1/session", json=body, trust_env=False, timeout=60).status_code

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(guess, ["Ada Lovelace"] * 8)) == [401] * 5 + [429] * 3
        limited = browser(url).post("/sign-in", data=form | {"password": PASSWORD})
        assert limited.status_code == 429
        assert 0 < int(limited.headers["retry-after"]) <= 900
        assert "Try again in 15 minutes" in limited.text
        assert guess("Nobody") == 401
        with database.transaction(Role.OWNER) as connection:
            connection.execute(sa.text("UPDATE sign_in_attempts SET at = now() - interval '16 minutes'"))
        assert browser(url).post("/sign-in", data=form | {"password": PASSWORD}).status_code == 200


def test_signing_in_leads_to_no_page_of_others(database: Database, settings: Settings) -> None:
    with server(database, settings) as url:
        for target in (
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "http://127.0.0.1:9/",
            "http://127.0.0.1:3000@evil.example/",
        ):
            link = sign_in_address(database).partition("link=")[2]
            answer = browser(url).get("/sign-in", params={"link": link, "next": target})
            assert (answer.status_code, 'content="0;url=/"' in answer.text) == (200, True), target
        link = sign_in_address(database).partition("link=")[2]
        dagster = "http://127.0.0.1:3000/runs?q=1"
        answer = browser(url).get("/sign-in", params={"link": link, "next": dagster})
        assert f"url={dagster}" in answer.text


def test_a_trusted_proxy_says_who_somebody_is_and_nobody_else_does(
    database: Database, settings: Settings
) -> None:
    (candidate,) = ReviewedCampaign(database).start().rank(0, ["p:SrTiO3"])
    add_user(database, "Ada Lovelace", "reviewer")
    ada, eve = {"x-forwarded-user": "ada lovelace"}, {"x-forwarded-user": "Eve"}
    with server(database, settings, trusted_proxy="127.0.0.1") as url:
        ask = httpx.Client(base_url=url, trust_env=False, timeout=60)
        known = ask.get("/api/v1/session", headers=ada).json()
        assert known == {
            "name": "Ada Lovelace", "role": "reviewer", "right": "review", "by": "proxy", "expires_at": None,
        }  # fmt: skip
        assert ask.get("/api/v1/session", headers=eve).json()["role"] == "viewer"
        assert ask.get("/", headers=ada).status_code == 200
        assert ask.get("/api/v1/session", headers={"x-forwarded-user": "loop"}).status_code == 401
        flag = f"/api/v1/candidates/{candidate}/flag"
        assert ask.post(flag, headers=ada).status_code == 403
        assert ask.post(flag, headers=ada | {"origin": url}).status_code == 200
        assert ask.post(flag, headers=eve | {"origin": url}).status_code == 403
        link = sign_in_address(database, "Bob")
        cookie = ask.get(link, headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
        assert "Secure" in cookie
    others = {"trusted_proxy": "10.0.0.0/8,192.168.7.1"}
    with server(database, settings, **others) as url:
        for headers in (ada, ada | {"x-forwarded-for": "10.0.0.1"}):
            assert httpx.get(f"{url}/api/v1/session", headers=headers, trust_env=False).status_code == 401


def test_only_servers_of_the_installation_say_for_whom_they_ask(
    database: Database, settings: Settings
) -> None:
    own = settings.model_copy(update={"service_secret": SecretStr("known to both")})
    with server(database, own) as url:
        from resources.web.asking import Asking

        told = AskingFor(own).headers(Asking("192.0.2.7", "Ada"))
        assert httpx.get(f"{url}/api/v1/session", headers=told, trust_env=False).json()["name"] == "Ada"
        forged = AskingFor(settings).headers(Asking("192.0.2.7", "Ada"))
        for header in (forged[HEADER], "made up", ""):
            answer = httpx.get(f"{url}/api/v1/session", headers={HEADER: header}, trust_env=False)
            assert answer.status_code == 401


@pytest.mark.usefixtures("own_environment")
def test_users_are_made_changed_and_removed_at_the_command_line(
    database: Database, settings: Settings
) -> None:
    def catalyst(*arguments: str, said: str = "") -> str:
        done = CliRunner().invoke(app, list(arguments), input=said)
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.stdout

    assert "may sign in as reviewer" in catalyst(
        "users", "add", "Ada  Lovelace", "--role", "reviewer", "--password-stdin", said=f"{PASSWORD}\n"
    )
    assert "catalyst users link Vera" in catalyst("users", "add", "Vera", "--no-password")
    for name, said, reason in (
        ("ada lovelace", PASSWORD, "There is a user Ada Lovelace already"),
        ("Bob", "short", "has 5 characters"),
        ("Robert Tables", "robert tables", "is the user's name"),
        ("loop", PASSWORD, "acts under that name"),
        ("Ada\u200b", PASSWORD, "nobody sees"),
    ):
        with pytest.raises(UsageError, match=reason):
            catalyst("users", "add", name, "--password-stdin", said=f"{said}\n")
    assert "admin, no more reviewer" in catalyst("users", "role", "ada lovelace", "admin")
    with server(database, settings) as url:
        visitor, other = browser(url), signed_in(url, database, "Vera")
        sign_in = {"name": "Ada Lovelace", "password": PASSWORD}
        assert visitor.post("/api/v1/session", json=sign_in).status_code == 201
        catalyst("users", "password", "Ada Lovelace", "--password-stdin", said="another horse\n")
        assert visitor.get("/api/v1/session").status_code == 401
        assert visitor.post("/api/v1/session", json=sign_in).status_code == 401
        assert (
            visitor.post("/api/v1/session", json=sign_in | {"password": "another horse"}).status_code == 201
        )
        assert "Ada Lovelace" in catalyst("users", "list")
        link = catalyst("users", "link", "Vera").strip()
        assert link.startswith("http://127.0.0.1:8050/sign-in?link=")
        assert browser(url).get(link.removeprefix("http://127.0.0.1:8050")).status_code == 200
        catalyst("users", "remove", "Vera")
        assert other.get("/api/v1/session").status_code == 401
        with pytest.raises(UsageError, match="There is no user Vera"):
            catalyst("users", "link", "Vera")


def test_the_app_signs_people_in_and_makes_none(database: Database) -> None:
    for statement in (
        "INSERT INTO users (name, role) VALUES ('x', 'admin')",
        "UPDATE users SET role = 'admin'",
        "UPDATE sessions SET user_id = 1",
        "INSERT INTO sign_in_links (sha256, user_id, expires_at) VALUES (repeat('0', 64), 1, now())",
        "UPDATE signing_keys SET secret = 'x'",
    ):
        with pytest.raises(sa.exc.ProgrammingError), database.transaction(Role.APP) as connection:
            connection.execute(sa.text(statement))
    for role in (Role.PIPELINE, Role.VALIDATOR, Role.ANALYST):
        for table in ("users", "sessions", "sign_in_links", "signing_keys"):
            with pytest.raises(sa.exc.ProgrammingError), database.transaction(role) as connection:
                connection.execute(sa.text(f"SELECT * FROM {table}"))  # noqa: S608 - names of ours
