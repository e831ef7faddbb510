"""The Celery application: what is promised about a message, and the task that every step is.

No results are kept: how a step ended stands in Dagster's event log, which is not lost with a message.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from catalyst_assets.constants import Queue
from catalyst_assets.errors import CatalystError
from resources.distributed.broker import broker_url
from resources.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

# A message that is not acknowledged comes again after this; it then finds its step's lease. The run hands over
# again, much sooner, what nobody holds.
_VISIBILITY_SECONDS: Final = 12 * 3600
_SOCKET_SECONDS: Final = 20.0
_RETRY_SECONDS: Final = 0.2


@cache
def celery_app(settings: Settings) -> "Celery":
    """Return the application of an installation.

    Raises
    ------
    UsageError
        There is no Redis.
    """
    from celery import Celery

    app = Celery("catalyst", broker=broker_url(settings), set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue=Queue.PREDICT.value,
        worker_prefetch_multiplier=1,
        # Dagster captures what a step prints by its file descriptors, which Celery's stand-ins do not have.
        worker_redirect_stdouts=False,
        worker_max_tasks_per_child=500,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_transport_options=_transport(),
    )
    return app


def _transport() -> dict[str, Any]:
    return {
        "visibility_timeout": _VISIBILITY_SECONDS,
        "socket_timeout": _SOCKET_SECONDS,
        "socket_connect_timeout": _SOCKET_SECONDS / 4,
        "socket_keepalive": True,
        "retry_on_timeout": True,
        "health_check_interval": 25,
    }


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    """Open a connection to Redis for one message or question; those that Celery keeps trip over a Redis started anew.

    Raises
    ------
    CatalystError
        Redis does not answer.
    """
    import redis
    from kombu.exceptions import OperationalError

    try:
        with celery_app(settings).connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, interval_start=_RETRY_SECONDS)
            yield connection
    except (OperationalError, redis.RedisError, OSError) as error:
        raise CatalystError(f"Redis does not answer: {error}.", "Start it again.") from error


@cache
def step_task(settings: Settings) -> Any:
    """Return the task that executes a step, under its lease."""
    from dagster_celery.tasks import create_task

    from resources.distributed.tasks import leased

    return create_task(celery_app(settings), base=leased(settings))  # type: ignore[no-untyped-call]
