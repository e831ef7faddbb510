"""Secrets of services that run apart: each service finds its own in files, and no other's."""

import json
from pathlib import Path

import pytest
import yaml

from catalyst_assets.errors import UsageError
from resources.apart.secrets import write_secrets
from resources.dagster_instance import workspace_file
from resources.postgres.database import Role, Sibling
from resources.postgres.logins import read_logins
from resources.settings import load_settings


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_secrets(tmp_path / "secrets", "db.example", "queue.example")
    return tmp_path / "secrets"


def text_of(folder: Path) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def test_a_setting_is_read_from_the_file_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "catalyst_redis_url").write_text("redis://:word@queue/0")
    (tmp_path / "mp_api_key").write_text("key-of-mine")
    monkeypatch.setenv("CATALYST_SECRETS", str(tmp_path))
    settings = load_settings()
    assert settings.redis_url is not None
    assert settings.redis_url.get_secret_value() == "redis://:word@queue/0"
    assert settings.mp_api_key is not None
    assert settings.mp_api_key.get_secret_value() == "key-of-mine"
    monkeypatch.setenv("CATALYST_REDIS_URL", "redis://environment/0")
    overridden = load_settings().redis_url
    assert overridden is not None
    assert overridden.get_secret_value() == "redis://environment/0"


def test_a_folder_of_secrets_that_is_not_there_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALYST_SECRETS", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="absent, which is no folder"):
        load_settings()


def test_each_service_is_given_its_own_logins_only(folder: Path) -> None:
    every = read_logins(folder / "prepare" / "logins.json").logins
    holders = {
        name: sorted(
            service.name
            for service in folder.iterdir()
            if login.password.get_secret_value() in text_of(service)
        )
        for name, login in every.items()
    }
    assert holders == {
        Role.PIPELINE: ["prepare", "runs"],
        Role.VALIDATOR: ["prepare", "runs"],
        Role.APP: ["api", "prepare"],
        Sibling.DAGSTER.owner: ["dagster-webserver", "prepare", "runs"],
        Sibling.MLFLOW.owner: ["mlflow", "prepare", "runs"],
    }
    owner = (folder / "postgres" / "password").read_text()
    assert [each.name for each in sorted(folder.iterdir()) if owner in text_of(each)] == [
        "cli",
        "postgres",
        "prepare",
    ]


def test_each_service_has_a_key_of_its_own_to_the_bucket(folder: Path) -> None:
    identities = json.loads((folder / "bucket" / "s3.json").read_text())["identities"]
    keys = {each["name"]: each["credentials"][0]["secretKey"] for each in identities}
    assert len(set(keys.values())) == len(keys)
    for service in folder.iterdir():
        known = {name for name, key in keys.items() if key in text_of(service)}
        assert known == (set(keys) if service.name == "bucket" else {service.name} & set(keys))
    assert {
        each["name"]
        for each in identities
        if "Write" not in each["actions"] and "Admin" not in each["actions"]
    } == {
        "dagster-webserver",
        "mlflow",
    }


def test_others_of_the_host_read_none_and_no_password_is_made_twice(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    before = text_of(folder)
    with pytest.raises(UsageError, match="is there already"):
        write_secrets(folder, "db.example", "queue.example")
    assert text_of(folder) == before


def test_empty_folders_and_what_a_kill_left_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "secrets" / "api").mkdir(parents=True)  # as Docker makes of what it is to mount
    (tmp_path / ".secrets.partial").mkdir()
    (tmp_path / ".secrets.partial" / "half").write_text("")
    write_secrets(tmp_path / "secrets", "db.example", "queue.example")
    assert (tmp_path / "secrets" / "api" / "catalyst_app_database_url").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["secrets"]


@pytest.mark.parametrize(
    ("named", "server"),
    [
        ("code:4000", {"host": "code", "port": 4000}),
        ("unix:/run/catalyst/code", {"socket": "/run/catalyst/code"}),
    ],
)
def test_dagster_finds_code_that_is_served_apart(
    tmp_path: Path, named: str, server: dict[str, object]
) -> None:
    for _ in range(2):
        path = workspace_file(load_settings(home=tmp_path, code_location=named))
        assert yaml.safe_load(path.read_text()) == {
            "load_from": [{"grpc_server": {**server, "location_name": "catalyst_assets"}}]
        }
