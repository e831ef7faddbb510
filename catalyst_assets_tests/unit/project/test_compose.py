"""compose.yaml as it stands: what each service may know and whom it may reach. `make compose-test` starts it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from catalyst_assets.constants import Queue
from catalyst_assets_tests.containers.connections import ALLOWED, OUTSIDE, PORTS
from resources.apart.health import NAMES
from resources.apart.names import ServiceName
from resources.apart.secrets import write_secrets
from resources.settings import Settings

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((PROJECT / "compose.yaml").read_text())
    return document


def networks_of(service: dict[str, Any]) -> set[str]:
    return set(service["networks"])


def test_the_three_networks_have_no_way_out_and_keep_pages_from_database_and_workers(
    compose: dict[str, Any],
) -> None:
    assert {name for name, network in compose["networks"].items() if network.get("internal")} == {
        "frontend",
        "backend",
        "ml",
    }
    services = compose["services"]
    assert networks_of(services["review-app"]) == {"frontend"}
    assert networks_of(services["postgres"]) == {"backend", "ml"}
    for queue in (Queue.INGEST, Queue.PREDICT, Queue.VALIDATE, Queue.GPU):
        assert "frontend" not in networks_of(services[f"worker-{queue}"])
    outside = {
        name
        for name, service in services.items()
        if networks_of(service) & {"door", "sources"} and name in ALLOWED
    }
    assert outside == {"proxy", "worker-ingest"} == {name for name, to in ALLOWED.items() if OUTSIDE in to}


def test_who_is_meant_to_reach_whom_is_what_the_networks_say(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(ALLOWED) == {name for name in services if name not in ("prepare", "cli")}
    for name, allowed in ALLOWED.items():
        shared = {
            other
            for other in PORTS
            if other != name and networks_of(services[name]) & networks_of(services[other])
        }
        assert shared == allowed - {OUTSIDE, name}


def test_every_service_runs_without_rights_on_a_file_system_that_is_not_written(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("image", "").startswith("${CATALYST_") or service["user"] not in (
            "",
            "root",
            "0",
        ), name
        assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "proxy" else [])
        assert "ports" not in service or name == "proxy"
        assert "healthcheck" in service or name in ("prepare", "cli"), name
    assert all(
        port.startswith("${CATALYST_BIND:-127.0.0.1}:") for port in compose["services"]["proxy"]["ports"]
    )


def test_a_bucket_elsewhere_brings_pages_and_workers_no_nearer(compose: dict[str, Any]) -> None:
    added = yaml.safe_load((PROJECT / "deploy" / "bucket-elsewhere.yaml").read_text())["services"]
    services = {
        name: networks_of(service) | set(added.get(name, {}).get("networks", []))
        for name, service in compose["services"].items()
    }
    asks = {
        name
        for name, service in compose["services"].items()
        if "AWS_ENDPOINT_URL" in service.get("environment", {})
    }
    assert set(added) == asks
    for name, networks in services.items():
        if name.startswith("worker-"):
            assert not networks & (services["review-app"] | services["proxy"] | {"outside"})
    assert services["review-app"] == {"frontend"}


def test_each_service_sees_the_secrets_of_its_own_folder(compose: dict[str, Any], tmp_path: Path) -> None:
    folders = {path.name for path in write_secrets(tmp_path / "secrets", "postgres", "redis")}
    seen = {
        name: [volume for volume in service["volumes"] if volume.startswith("./secrets/")]
        for name, service in compose["services"].items()
    }
    shared = {"code-location", "dagster-daemon", *(name for name in seen if name.startswith("worker-"))}
    assert seen == {
        name: [f"./secrets/{'runs' if name in shared else name}:/run/secrets:ro"] for name in seen
    }
    assert {"runs" if name in shared else name for name in seen} == folders


def test_what_compose_sets_and_asks_is_what_the_platform_knows(compose: dict[str, Any]) -> None:
    known = {"SECRETS", *(name.upper() for name in Settings.model_fields)}
    served = set()
    for name, service in compose["services"].items():
        ours = [
            key for key in service.get("environment", {}) if key.startswith("CATALYST_") and name != "proxy"
        ]
        assert {key.removeprefix("CATALYST_") for key in ours} <= known
        command = service.get("command", [])
        if command[:1] == ["serve"]:
            served.add(command[1])
        asked = service.get("healthcheck", {}).get("test", [])
        if "resources.apart.health" in asked:
            assert asked[-1] == name
            assert name in NAMES
    assert served == set(ServiceName)
