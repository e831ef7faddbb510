"""Who may send results: tokens, made and ended at the command line."""

import json
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from catalyst_assets.cli import app
from catalyst_assets.errors import UsageError
from catalyst_assets_tests.integration.dash_app.laboratory import laboratory
from catalyst_assets_tests.integration.dash_app.serving import api_client
from resources.postgres.database import Database, Role
from resources.settings import Settings

ROW = {"material_id": "p:X", "property": "band_gap", "value": 1, "unit": "eV", "method": "PBE"}


def catalyst(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.stdout


def send(api: httpx.Client, authorization: str | None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    return httpx.post(f"{api.base_url}results", json=ROW, headers=headers, trust_env=False)


@pytest.mark.usefixtures("own_environment")
def test_only_a_token_that_may_and_still_holds_writes(database: Database, settings: Settings) -> None:
    token = catalyst("tokens", "create", "Lab A").strip()
    reading = catalyst("tokens", "create", "Notebook", "--may", "read", "--expires", "90d").strip()
    old = catalyst("tokens", "create", "Old", "--expires", "2999-01-01").strip()
    with database.transaction(Role.OWNER) as connection:
        kept = connection.execute(sa.text("SELECT CAST(array_agg(t) AS text) FROM api_tokens t")).scalar_one()
        assert token.startswith("catalyst_")
        assert token.removeprefix("catalyst_") not in kept
        connection.execute(
            sa.text(
                "UPDATE api_tokens SET created_at = '2020-01-01', expires_at = '2020-02-01' WHERE name = 'Old'"
            )
        )
    with api_client(database, settings) as api:
        asked = {
            None: (401, "Nobody is signed in", 'Bearer realm="catalyst"'),
            "Basic YTpi": (401, "no bearer token", 'Bearer realm="catalyst"'),
            f"Bearer {token[:-1]}": (401, "not known", 'Bearer realm="catalyst", error="invalid_token"'),
            "Bearer \xff": (401, "not known", 'Bearer realm="catalyst", error="invalid_token"'),
            f"Bearer {old}": (401, "expired on 2020-02-01", 'Bearer realm="catalyst", error="invalid_token"'),
            f"Bearer {reading}": (403, "may only be read with", None),
            f"Bearer {token}": (422, "p:X", None),
        }
        for authorization, (status, text, challenge) in asked.items():
            answer = send(api, authorization)
            assert (answer.status_code, answer.headers.get("www-authenticate")) == (status, challenge)
            assert text in answer.json()["detail"]
            if status == 401:
                assert "catalyst tokens create" in answer.json()["remedy"]
        listed = {row["name"]: row for row in json.loads(catalyst("tokens", "list", "--json"))}
        assert listed["Lab A"]["last_used_at"] is not None
        assert listed["Old"]["last_used_at"] is None
        catalyst("tokens", "revoke", "Lab A")
        answer = send(api, f"Bearer {token}")
        assert (answer.status_code, "was revoked" in answer.json()["detail"]) == (401, True)
    assert "revoked already" in catalyst("tokens", "revoke", "Lab A")
    assert catalyst("tokens", "create", "Lab A").strip() != token
    with pytest.raises(UsageError, match="There is a token Lab A already"):
        catalyst("tokens", "create", " Lab  A ")
    for name in ("", "loop", "laboratory", "catalyst_app", "Ada\u200b", "\u202eadA", "\u3164"):
        with pytest.raises(UsageError):
            catalyst("tokens", "create", name)
    for end in ("2020-01-01", "soon", "0d", "99999w99"):
        with pytest.raises(UsageError, match="expires"):
            catalyst("tokens", "create", "New", "--expires", end)


def test_the_app_reads_tokens_and_makes_none(database: Database) -> None:
    for statement in (
        "INSERT INTO api_tokens (name, sha256, may) VALUES ('x', repeat('0', 64), '{results}')",
        "UPDATE api_tokens SET may = '{results}'",
        "DELETE FROM api_tokens",
    ):
        with pytest.raises(sa.exc.ProgrammingError), database.transaction(Role.APP) as connection:
            connection.execute(sa.text(statement))
    for role in (Role.PIPELINE, Role.VALIDATOR, Role.ANALYST):
        with pytest.raises(sa.exc.ProgrammingError), database.transaction(role) as connection:
            connection.execute(sa.text("SELECT * FROM api_tokens"))


def test_a_body_larger_than_its_limit_is_refused_before_it_is_read(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    small = settings.model_copy(update={"max_request_bytes": 2000, "max_upload_bytes": 5000})

    def chunks(size: int):  # type: ignore[no-untyped-def]
        for _ in range(size // 1000):
            yield b" " * 1000

    with laboratory(database, small) as lab:
        for path, size, kind in (
            ("/results", 3000, "application/json"),
            ("/results/files", 6000, "text/csv"),
            ("/candidates/1/flag", 3000, "application/json"),
        ):
            for content in (b" " * size, chunks(size)):
                answer = lab.api.post(path, content=content, headers={"Content-Type": kind})
                assert (answer.status_code, answer.json()["type"]) == (413, "urn:catalyst:problem:too-large")
        taken = lab.api.post("/results/files", content=b"x" * 4000, headers={"Content-Type": "text/csv"})
        assert taken.status_code == 422
