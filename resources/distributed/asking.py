"""What workers say of themselves: which queues they take from, and how many of their devices compute at a time."""

import socket
from typing import Any, Final

from catalyst_assets.constants import Queue
from catalyst_assets.errors import CatalystError
from resources.devices.leases import slots_of_host
from resources.settings import Settings

_ANSWER_SECONDS: Final = 1.5
_SLOTS: Final = "device_slots"


def answer_for_devices(settings: Settings) -> None:
    """Let the worker of this process tell how many of its steps can compute on a device at a time."""
    from celery.worker.control import inspect_command

    slots = slots_of_host(settings)

    def device_slots(_: Any) -> int:
        return slots

    inspect_command(name=_SLOTS)(device_slots)


def gpu_is_served(settings: Settings) -> bool:
    """Tell whether networks can be run on a GPU: of this host, or of one that a worker of `gpu` answers for."""
    if settings.accelerator == "cpu":
        return False
    if settings.accelerator == "gpu" or slots_of_host(settings) > 0:
        return True
    answers = _ask(
        settings,
        lambda control, connection: control.broadcast(
            _SLOTS,
            reply=True,
            timeout=_ANSWER_SECONDS,
            pattern=f"{Queue.GPU}-*",
            matcher="glob",
            connection=connection,
        ),
    )
    return any(slots > 0 for answer in answers or () for slots in answer.values())


def served_queues(settings: Settings) -> set[str]:
    """Return the queues that a worker takes from; those of which none answers are left out."""
    answers = _ask(
        settings,
        lambda control, connection: control.inspect(
            timeout=_ANSWER_SECONDS, connection=connection
        ).active_queues(),
    )
    return {queue["name"] for queues in (answers or {}).values() for queue in queues}


def worker_of_host_answers(settings: Settings, queue: Queue) -> bool:
    """Tell whether a worker of a queue answers that runs on this host."""
    answers = _ask(
        settings,
        lambda control, connection: control.broadcast(
            "ping",
            reply=True,
            timeout=_ANSWER_SECONDS,
            limit=1,
            pattern=f"{queue}-*@{socket.gethostname()}",
            matcher="glob",
            connection=connection,
        ),
    )
    return bool(answers)


def _ask(settings: Settings, question: Any) -> Any:
    """Return what workers answer; None where Redis does not."""
    from resources.distributed.app import celery_app, opened

    try:
        with opened(settings) as connection:
            return question(celery_app(settings).control, connection)
    except CatalystError:
        return None
