"""An installation whose steps are done by workers."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from catalyst_assets.constants import Queue
from catalyst_assets_tests.integration.distributed.workers import Farm, farm, require_redis
from resources.platform import Platform
from resources.settings import Settings, get_settings, load_settings
from resources.supervisor import free_port


@pytest.fixture
def celery_settings(
    platform: Platform,
    shared_settings: Settings,
    dagster_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Settings:
    """Settings of the test's installation under Celery, set for child processes too."""
    require_redis()
    assert shared_settings.database_url is not None
    variables = {
        "CATALYST_DATABASE_URL": shared_settings.database_url.get_secret_value(),
        "CATALYST_HOME": str(shared_settings.home),
        "CATALYST_EXECUTOR": "celery",
        "CATALYST_REDIS_PORT": str(free_port()),
        "CATALYST_HEARTBEAT_SECONDS": "0.5",
        "CATALYST_SHARD_SIZE": "16",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    return load_settings()


@pytest.fixture
def workers(celery_settings: Settings, tmp_path: Path) -> Iterator[Farm]:
    """Redis, a worker for `ingest` and one for `predict`."""
    with farm(celery_settings, tmp_path, (Queue.INGEST, Queue.PREDICT)) as made:
        yield made
