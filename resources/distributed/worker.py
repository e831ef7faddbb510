"""A worker's process: takes steps from one queue, in children that it forks.

`catalyst worker` and `catalyst up` start it, with the environment of a service.
"""

import argparse
import secrets

from catalyst_assets.constants import Queue
from resources.distributed.app import celery_app, step_task
from resources.settings import get_settings


def main() -> None:
    """Work until a signal comes; what is under way then is finished first."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--queue", required=True, choices=[queue.value for queue in Queue])
    parser.add_argument("--concurrency", type=int, default=1)
    asked = parser.parse_args()
    settings = get_settings()
    step_task(settings)
    celery_app(settings).worker_main([
        "worker", "--queues", asked.queue, "--concurrency", str(asked.concurrency), "--pool", "prefork",
        "--hostname", f"{asked.queue}-{secrets.token_hex(3)}@%h", "--loglevel", "INFO",
        "--without-gossip", "--without-mingle",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
