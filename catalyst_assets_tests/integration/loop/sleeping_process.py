"""A process that drives a small campaign and falls asleep (SIGSTOP by its own hand) at a statement of choice.

Run as ``python -m catalyst_assets_tests.integration.loop.sleeping_process STATEMENT PARAMETER``: it stops before it
sends a statement that contains the one, with a parameter that contains the other.
"""

import os
import signal
import sys
from typing import Any

import sqlalchemy as sa

from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.commands.runs import open_instance
from catalyst_assets_tests.integration.loop.loop_process import CAMPAIGN
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import load_settings


def main(statement: str, parameter: str) -> None:
    slept = False

    # It stays registered: SQLAlchemy goes through its listeners while one of them is called.
    def sleep(_connection: Any, _cursor: Any, said: str, parameters: Any, *_: Any) -> None:
        nonlocal slept
        if not slept and statement in said and parameter in str(parameters):
            slept = True
            os.kill(os.getpid(), signal.SIGSTOP)

    sa.event.listen(sa.Engine, "before_cursor_execute", sleep)
    settings = load_settings()
    with connect(settings) as database, open_instance(settings, database) as instance:
        LoopDriver(Platform(settings, database), instance).drive(CAMPAIGN.name)


if __name__ == "__main__":
    main(*sys.argv[1:])
