"""Dagster's daemon, as `catalyst up` runs it: it looks for work every second and forks its runs from a warm process.

Arguments are those of `dagster-daemon run`.
"""

import sys
from typing import Final

from dagster._daemon import sensor
from dagster._daemon.cli import run_command

from resources.runs.launcher import warm_up

_LOOK_SECONDS: Final = 1


def main(arguments: list[str]) -> None:
    """Run until a signal comes."""
    # Dagster looks at its sensors every five seconds at most, whatever their interval; no setting changes that.
    sensor.MIN_INTERVAL_LOOP_TIME = _LOOK_SECONDS
    warm_up()
    run_command.main(arguments, prog_name="dagster-daemon run", standalone_mode=False)


if __name__ == "__main__":
    main(sys.argv[1:])
