"""A whole installation: services know their own passwords, and a page of another origin starts nothing in them."""

import http.server
import json
import os
import threading
import urllib.error
import urllib.request
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from catalyst_assets.campaigns.library import load_campaign
from catalyst_assets_tests.integration.resources.running import OWN, Running, running
from catalyst_assets_tests.processes import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
ADD_PARTITION = (
    'mutation { addDynamicPartition(partitionsDefName: "al_iteration", partitionKey: "%s", '
    'repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "catalyst_assets"}) '
    "{ __typename } }"
)
# Each way by which a page may send something to another origin unasked, as the browser's own words for it.
ATTEMPTS = """
async ({url, types, body}) => {
  const told = [];
  const attempt = async (name, work) => {
    try { told.push([name, await work()]); } catch (error) { told.push([name, `refused: ${error}`]); }
  };
  await attempt("picture", () => new Promise((done) => {
    const picture = new Image();
    picture.onload = picture.onerror = () => done("sent");
    picture.src = url;
  }));
  for (const type of types)
    for (const mode of ["no-cors", "cors"])
      await attempt(`${mode} ${type}`, async () =>
        (await fetch(url, {method: "POST", mode, body, headers: {"content-type": type}, credentials: "include"})).type);
  await attempt("beacon", async () => String(navigator.sendBeacon(url, body)));
  await attempt("form", () => new Promise((done) => {
    const frame = Object.assign(document.createElement("iframe"), {name: "sink"});
    frame.onload = () => done("sent");
    document.body.append(frame);
    const form = Object.assign(document.createElement("form"),
      {action: url, method: "POST", enctype: "text/plain", target: "sink"});
    form.append(Object.assign(document.createElement("input"), {name: body.slice(0, -1), value: body.slice(-1)}));
    document.body.append(form);
    form.submit();
  }));
  return told;
}
"""
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}
SOCKET = """
(url) => new Promise((done) => {
  const socket = new WebSocket(url, "graphql-ws");
  socket.onopen = () => done("open");
  socket.onerror = () => done("refused");
})
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Running]":
    """Everything on an embedded database, started from a shell that holds secrets."""
    shell = {"DAGSTER_PG_URL": "secret-of-the-shell", "PGPASSWORD": "secret-of-the-shell"}
    with running(tmp_path_factory.mktemp("home"), MP_API_KEY="key-of-a-user", **shell) as everything:
        yield everything


def test_each_service_knows_the_password_of_its_own_role(installation: Running) -> None:
    passwords = json.loads((installation.home / "postgres" / "passwords.json").read_text())
    assert installation.known(passwords) == OWN
    told = installation.known({"key": "key-of-a-user", "shell": "secret-of-the-shell"})
    assert told == {name: {"key"} if name == "dagster-daemon" else set() for name in OWN}


@contextmanager
def foreign_page() -> "Iterator[Page]":
    """A page of an origin of its own, in Chromium."""
    from playwright.sync_api import sync_playwright

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body></body>")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/")
        yield page
        browser.close()
    server.shutdown()


def ask(installation: Running, url: str, body: dict[str, Any]) -> Any:
    """Send JSON as an admin's program does."""
    headers = {"content-type": "application/json", "authorization": f"Bearer {admins_token(installation)}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - our own server
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return json.load(opener.open(request, timeout=60))


@cache
def admins_token(installation: Running) -> str:
    return installation.catalyst("tokens", "create", "a program", "--may", "admin")


def partitions(installation: Running) -> list[str]:
    query = '{ assetNodeOrError(assetKey: {path: ["predictions"]}) { ... on AssetNode { partitionKeys } } }'
    found = ask(installation, f"{installation.urls['DAGSTER']}/graphql", {"query": query})
    return list(found["data"]["assetNodeOrError"]["partitionKeys"])


def experiments(installation: Running) -> set[str]:
    found = ask(
        installation, f"{installation.urls['MLFLOW']}/api/2.0/mlflow/experiments/search", {"max_results": 100}
    )
    return {each["name"] for each in found.get("experiments", [])}


@pytest.mark.skipif(
    not CHROMIUM.exists() and "CI" not in os.environ, reason="install Debian's chromium to run this"
)
def test_a_page_of_another_origin_starts_nothing(installation: Running) -> None:
    types = ["text/plain", "application/x-www-form-urlencoded", "application/json"]
    with foreign_page() as page:
        dagster, mlflow, app = (installation.urls[name] for name in ("DAGSTER", "MLFLOW", "APP"))
        elsewhere = page.url
        page.goto(installation.link)
        page.get_by_text("Sign out").wait_for()
        page.goto(elsewhere)
        before = partitions(installation), experiments(installation)

        query = urllib.request.quote(ADD_PARTITION % "by_query")  # type: ignore[attr-defined]
        targets = {
            f"{dagster}/graphql?query={query}": {"query": ADD_PARTITION % "by_body"},
            f"{mlflow}/api/2.0/mlflow/experiments/create": {"name": "foreign"},
            f"{mlflow}/ajax-api/2.0/mlflow/experiments/create": {"name": "foreign"},
            f"{app}/api/v1/candidates/1/flag": {},
        }
        for url, body in targets.items():
            told = page.evaluate(ATTEMPTS, {"url": url, "types": types, "body": json.dumps(body)})
            answers = dict(told)
            assert len(answers) == 9, told
            # Nothing is shown to it either: what it may read is an opaque answer or none.
            assert all(
                "opaque" in said or "refused" in said for name, said in answers.items() if "cors" in name
            )
            with page.expect_response(lambda response, wanted=url: response.url == wanted) as refused:
                page.evaluate(
                    "(url) => fetch(url, {method: 'POST', mode: 'no-cors', body: '{}'}).catch(() => null)",
                    url,
                )
            assert refused.value.status == 403
        assert page.evaluate(SOCKET, dagster.replace("http", "ws") + "/graphql") == "refused"
        assert (partitions(installation), experiments(installation)) == before

        # The same is done for its own page, or these attempts would prove nothing.
        page.goto(f"{dagster}/server_info")
        own = page.evaluate(
            "async ({url, body}) => (await fetch(url, {method: 'POST', body, "
            "headers: {'content-type': 'application/json'}})).json()",
            {"url": f"{dagster}/graphql", "body": json.dumps({"query": ADD_PARTITION % "by_own_page"})},
        )
        assert own["data"]["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess", own
        assert page.evaluate(SOCKET, dagster.replace("http", "ws") + "/graphql") == "open"
        assert partitions(installation) == [*before[0], "by_own_page"]


def status_of(url: str, headers: dict[str, str], body: dict[str, Any] | None = None) -> int:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"} | headers)  # noqa: S310
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_strangers_get_nowhere_readers_read_and_dagster_is_for_admins(installation: Running) -> None:
    dagster, mlflow, app = (installation.urls[name] for name in ("DAGSTER", "MLFLOW", "APP"))
    reads = installation.catalyst("tokens", "create", "a reader", "--may", "review")
    reader = {"authorization": f"Bearer {reads}"}
    admin = {"authorization": f"Bearer {admins_token(installation)}"}
    search, create = (f"{mlflow}/api/2.0/mlflow/experiments/{verb}" for verb in ("search", "create"))
    asked: dict[str, tuple[dict[str, Any] | None, int, int]] = {
        f"{dagster}/server_info": (None, 200, 200),
        f"{mlflow}/health": (None, 200, 200),
        f"{app}/api/v1/health": (None, 200, 200),
        f"{dagster}/": (None, 401, 403),
        f"{dagster}/graphql": ({"query": "{ version }"}, 401, 403),
        f"{mlflow}/": (None, 401, 200),
        search: ({"max_results": 1}, 401, 200),
        create: ({"name": "by a reader"}, 401, 403),
        f"{app}/": (None, 401, 200),
        f"{app}/api/v1/campaigns": (None, 401, 200),
    }
    for url, (body, stranger, known) in asked.items():
        answers = [status_of(url, headers, body) for headers in ({}, reader)]
        assert answers == [stranger, known], url
        if url != create:
            assert status_of(url, admin, body) == 200, url
    assert "by a reader" not in experiments(installation)


def test_runs_are_launched_watched_and_stopped_and_requests_answered_by_the_daemon(
    installation: Running,
) -> None:
    headers = {"authorization": f"Bearer {admins_token(installation)}"}
    with httpx.Client(
        base_url=f"{installation.urls['APP']}/api/v1", headers=headers, timeout=60, trust_env=False
    ) as api:
        assert eventually(lambda: api.get("/runs").status_code == 200, 120)
        run = api.post("/runs", json={"job": "preparation"}).json()
        assert (run["job"], run["launched_by"]) == ("preparation", "a program")
        assert run["address"] == f"{installation.urls['DAGSTER']}/runs/{run['run_id']}"
        beside = api.post("/runs", json={"job": "preparation"})
        assert (beside.status_code, run["run_id"] in beside.json()["detail"]) == (409, True)
        goal = load_campaign("oxide-perovskites-demo").document | {"pool": {"source": "nowhere"}}
        asked = api.post("/campaigns", json=goal)
        stop = f"/runs/{run['run_id']}/stop"  # refused while its process is being started
        assert eventually(lambda: api.post(stop).status_code == 200, 120)

        def ended() -> bool:
            return api.get(f"/runs/{run['run_id']}").json()["status"] == "canceled"

        assert eventually(ended, 120)
        stopped = api.get("/runs", params={"job": "preparation", "status": "canceled"}).json()["items"]
        assert [(each["run_id"], each["stopped_by"]) for each in stopped] == [(run["run_id"], "a program")]
        assert api.get("/runs", params={"job": "preparation", "status": "success"}).json()["items"] == []
        asked_at = f"/campaign-requests/{asked.json()['request_id']}"
        assert eventually(lambda: api.get(asked_at).json()["status"] != "waiting", 120)
        answered = api.get(asked_at).json()
        assert answered["status"] == "refused"
        assert answered["answer"].startswith("The pool of campaign oxide-perovskites-demo is empty")
        unknown = api.get("/runs/00000000-0000-0000-0000-000000000000")
        assert unknown.status_code == 404


@pytest.mark.skipif(
    not CHROMIUM.exists() and "CI" not in os.environ, reason="install Debian's chromium to run this"
)
def test_pages_of_dagster_and_mlflow_load_nothing_from_elsewhere_and_work(installation: Running) -> None:
    from playwright.sync_api import sync_playwright

    token = {"authorization": f"Bearer {admins_token(installation)}"}
    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(extra_http_headers=token).new_page()
        page.on("console", lambda message: said.append(message.text))
        for server, path, shown in (
            ("DAGSTER", "/assets", "Assets"),
            ("MLFLOW", "/#/experiments", "Experiments"),
        ):
            answer = page.goto(f"{installation.urls[server]}{path}")
            assert answer is not None
            page.get_by_text(shown).first.wait_for(timeout=60_000)
            assert "content-security-policy" in answer.headers
            assert {name: answer.headers[name] for name in _HEADERS} == _HEADERS
        browser.close()
    assert [text for text in said if "Content Security Policy" in text] == []
