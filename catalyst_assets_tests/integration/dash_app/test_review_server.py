"""How pages and API are served: from one socket, without the database on the pages' side, and ending cleanly."""

import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest

from catalyst_assets_tests.integration.dash_app.reviewed_campaign import ReviewedCampaign
from catalyst_assets_tests.integration.dash_app.serving import bearer, serving
from dash_app.server import create_app
from resources.postgres.database import Database
from resources.web.guard import Hosts

CAMPAIGN = "oxide-perovskites-demo"


def test_a_page_asked_for_first_is_complete_however_deep_it_lies(database: Database) -> None:
    with serving(create_app(database)) as url:
        headers = bearer(database, "Ada", "read")
        page = httpx.get(f"{url}/campaigns/some-campaign", headers=headers, trust_env=False).text
    assert "/assets/review.js" in page
    assert "/assets/review.css" in page


def test_nothing_of_the_pages_reaches_for_the_database() -> None:
    import ast
    from pathlib import Path

    import dash_app

    root = Path(dash_app.__file__).parent
    modules = [*root.glob("pages/*.py"), *root.glob("components/*.py"), root / "client.py"]
    assert len(modules) > 10
    imported = {
        name
        for module in modules
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        for name in (
            [node.module or ""] if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        )
    }  # fmt: skip
    assert not [name for name in imported if name.split(".")[0] in {"resources", "sqlalchemy", "psycopg2"}]


def test_the_pages_ask_the_api_at_the_socket_whatever_host_the_browser_names(
    database: Database, campaign: ReviewedCampaign
) -> None:
    callback = {
        "output": "..campaigns.children...campaigns-known.data..",
        "outputs": [
            {"id": "campaigns", "property": "children"},
            {"id": "campaigns-known", "property": "data"},
        ],
        "inputs": [
            {"id": "campaigns-clock", "property": "n_intervals", "value": 0},
            {"id": "changed", "property": "data", "value": None},
        ],
        "state": [{"id": "campaigns-known", "property": "data", "value": None}],
        "changedPropIds": [],
    }
    with serving(create_app(database, hosts=Hosts(further=frozenset({"catalyst.example"})))) as url:
        answer = httpx.post(
            f"{url}/_dash-update-component",
            json=callback,
            headers={"host": "catalyst.example:9"} | bearer(database, "Ada", "read"),
            timeout=60,
            trust_env=False,
        )
    assert answer.status_code == 200
    assert CAMPAIGN in answer.text
    assert "does not answer" not in answer.text


@pytest.mark.usefixtures("own_environment")
def test_uvicorn_starts_the_server_from_the_environment_and_sigterm_ends_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = ["uvicorn", "--factory", "dash_app.server:create_api_from_environment", "--port", str(port)]
    server = subprocess.Popen([sys.executable, "-m", *command])
    try:
        health = None
        while health is None and server.poll() is None:
            try:
                health = httpx.get(f"http://127.0.0.1:{port}/api/v1/health", trust_env=False, timeout=60)
            except httpx.ConnectError:
                time.sleep(0.1)
        assert health is not None
        assert health.json()["role"] == "catalyst_app"
    finally:
        server.terminate()
    assert server.wait(60) in (0, -signal.SIGTERM)
