"""Where Redis is, and how `catalyst up` runs one of the home's own."""

import secrets
import shutil
from typing import Final

from catalyst_assets.errors import CatalystError, UsageError
from resources.paths import make_private
from resources.settings import Settings
from resources.supervisor import Service

NAME: Final = "redis"
_PROBE_SECONDS: Final = 2.0


def broker_url(settings: Settings) -> str:
    """Return the address of Redis, with its password.

    Raises
    ------
    UsageError
        None is named, and the home has none.
    """
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    try:
        return (settings.home / "redis" / "url").read_text(encoding="utf-8")
    except OSError:
        raise UsageError(
            f"The executor celery needs Redis, and none runs on {settings.home}.",
            "Start `catalyst up --executor celery`, or name one in CATALYST_REDIS_URL.",
        ) from None


def own_redis(settings: Settings) -> Service:
    """Return the Redis of the home, which `prepare_redis` makes ready.

    Raises
    ------
    UsageError
        Redis is not installed.
    """
    program = shutil.which("redis-server")
    if program is None:
        raise UsageError(
            "The executor celery needs Redis, and redis-server is not installed.",
            "Install it (`apt-get install redis-server`), or name a running one in CATALYST_REDIS_URL.",
        )
    return Service(
        NAME,
        (program, str(settings.home / "redis" / "redis.conf")),
        port=settings.redis_port,
        port_option="--redis-port or CATALYST_REDIS_PORT",
        is_alive=lambda: answers_ping(broker_url(settings)),
    )


def prepare_redis(settings: Settings) -> None:
    """Write the configuration of the home's Redis: on the loopback, with a password and an append-only file.

    Raises
    ------
    CatalystError
        The home cannot be written.
    """
    folder = settings.home / "redis"
    try:
        make_private(settings.home)
        make_private(folder)
        password = _password(settings)
        _write_private(settings, "url", f"redis://:{password}@127.0.0.1:{settings.redis_port}/0")
        _write_private(
            settings,
            "redis.conf",
            f'bind 127.0.0.1\nport {settings.redis_port}\nrequirepass {password}\ndir "{folder}"\n'
            # What is queued outlives Redis: at most the last second is lost, and handed over again by the run.
            'appendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\n',
        )
    except OSError as error:
        raise CatalystError(
            f"Redis's folder {folder} cannot be written: {error.strerror or error}.", "Free disk space."
        ) from error


def answers_ping(url: str) -> bool:
    """Tell whether a Redis answers."""
    import redis

    try:
        with redis.Redis.from_url(
            url, socket_timeout=_PROBE_SECONDS, socket_connect_timeout=_PROBE_SECONDS
        ) as client:
            return bool(client.ping())
    except (redis.RedisError, OSError):
        return False


def _password(settings: Settings) -> str:
    path = settings.home / "redis" / "password"
    if not path.exists():
        _write_private(settings, "password", secrets.token_hex(24))
    return path.read_text(encoding="utf-8")


def _write_private(settings: Settings, name: str, text: str) -> None:
    path = settings.home / "redis" / name
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
