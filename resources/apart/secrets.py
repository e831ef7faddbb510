"""The secrets of an installation whose services run apart: for each a folder with what it may know, and no more."""

import json
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from catalyst_assets.errors import CatalystError, UsageError
from resources.postgres.database import Role, Sibling
from resources.postgres.logins import Logins, plan_logins

_OWNER: Final = "catalyst"
_RUNS: Final = (Role.PIPELINE, Role.VALIDATOR, Sibling.DAGSTER.owner, Sibling.MLFLOW.owner)
LOGINS: Final = "logins.json"
CREDENTIALS: Final = "aws-credentials"
# What each may do in the bucket, in SeaweedFS's words: https://github.com/seaweedfs/seaweedfs/wiki/Amazon-S3-API.
_BUCKET_ACTIONS: Final = {
    "prepare": ("Admin",),
    "cli": ("Admin",),
    "runs": ("Read", "Write", "List", "Tagging"),
    "api": ("Read", "Write", "List", "Tagging"),
    "dagster-webserver": ("Read", "List"),
    "mlflow": ("Read", "List"),
}


def write_secrets(folder: Path, database_host: str, redis_host: str) -> list[Path]:
    """Make up all passwords and return the folders of the services, which are written at once or not at all.

    The folder itself is closed to other users of the host. What lies in it is not: in a container it is mounted, and
    its reader is another user there.

    Raises
    ------
    UsageError
        The folder is there already.
    CatalystError
        It cannot be written.
    """
    # Docker makes empty folders of those that it is to mount and does not find.
    if any(path.is_file() for path in folder.rglob("*")):
        raise UsageError(f"{folder} is there already.", "Name another folder: no password is made anew.")
    partial = folder.with_name(f".{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of one that was killed
        partial.mkdir(mode=0o700, parents=True)
        _write(partial, database_host, redis_host)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    except OSError as error:
        raise CatalystError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Free disk space, or name another folder.",
        ) from error
    return sorted(folder.iterdir())


def _write(folder: Path, database_host: str, redis_host: str) -> None:
    owner_password, redis_password, servers = (secrets.token_hex(24) for _ in range(3))
    owner = sa.URL.create("postgresql", _OWNER, owner_password, database_host, 5432, _OWNER)
    logins = plan_logins(folder / "prepare" / LOGINS, owner)
    redis_url = f"redis://:{redis_password}@{redis_host}:6379/0"
    app = logins.open().url(Role.APP)
    keys = {service: (secrets.token_hex(10).upper(), secrets.token_hex(20)) for service in _BUCKET_ACTIONS}
    owning = {"catalyst_database_url": owner.render_as_string(hide_password=False)}
    asking = {"catalyst_service_secret": servers}
    files: dict[str, dict[str, str]] = {
        "proxy": {},
        "bucket": {"s3.json": _s3_config(keys)},
        "postgres": {"password": owner_password},
        "redis": {"redis.conf": _redis_conf(redis_password)},
        "prepare": owning,
        "cli": owning | {"catalyst_redis_url": redis_url},
        "api": asking | {"catalyst_app_database_url": app},
        "review-app": asking,
        "dagster-webserver": asking
        | {"catalyst_dagster_database_url": logins.open().sibling_url(Sibling.DAGSTER)},
        "mlflow": asking | {LOGINS: _some(logins, Sibling.MLFLOW.owner)},
        "runs": {LOGINS: _some(logins, *_RUNS), "catalyst_redis_url": redis_url},
    }
    for service, (key, secret) in keys.items():
        files[service] |= {
            CREDENTIALS: f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"
        }
    for service, contents in files.items():
        (folder / service).mkdir(exist_ok=True)
        for name, text in contents.items():
            (folder / service / name).write_text(text, encoding="utf-8")
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def _some(logins: Logins, *names: str) -> str:
    """Return the file of logins with those of some roles."""
    known = {name: logins.logins[name] for name in names}
    document = {
        name: {"user": login.user, "password": login.password.get_secret_value(), "role": login.role}
        for name, login in known.items()
    }
    return json.dumps({"address": logins.address, "logins": document}, indent=1)


def _s3_config(keys: Mapping[str, tuple[str, str]]) -> str:
    identities = [
        {
            "name": service,
            "credentials": [{"accessKey": key, "secretKey": secret}],
            "actions": _BUCKET_ACTIONS[service],
        }
        for service, (key, secret) in keys.items()
    ]
    return json.dumps({"identities": identities}, indent=1)


def _redis_conf(password: str) -> str:
    return f'requirepass {password}\ndir /data\nappendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n'
