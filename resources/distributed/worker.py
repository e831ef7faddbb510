"""A worker's process: takes steps from one queue, in children that it forks; of the queue `gpu` one a device.

`catalyst worker` and `catalyst up` start it, with the environment of a service.
"""

import argparse
import os
import secrets

from catalyst_assets.constants import Queue
from resources.devices.leases import slots_of_host
from resources.devices.visible import VISIBLE
from resources.distributed.app import celery_app, step_task
from resources.distributed.asking import answer_for_devices
from resources.settings import get_settings


def main() -> None:
    """Work until a signal comes; what is under way then is finished first."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--queue", required=True, choices=[queue.value for queue in Queue])
    parser.add_argument("--concurrency", type=int)
    asked = parser.parse_args()
    settings = get_settings()
    if asked.queue != Queue.GPU:
        # What is not sent to a GPU computes beside it: it would wait for the one that a worker of `gpu` keeps.
        os.environ[VISIBLE] = ""
    answer_for_devices(settings)
    concurrency = asked.concurrency or max(1, slots_of_host(settings))
    step_task(settings)
    celery_app(settings).worker_main([
        "worker", "--queues", asked.queue, "--concurrency", str(concurrency), "--pool", "prefork",
        "--hostname", f"{asked.queue}-{secrets.token_hex(3)}@%h", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
