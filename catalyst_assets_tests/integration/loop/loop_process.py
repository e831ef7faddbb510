"""A process that runs a small campaign to its end, or is killed by its own hand at a statement of choice.

Run as ``python -m catalyst_assets_tests.integration.loop.loop_process HOME [STATEMENT]``; prints how many
statements it sent to PostgreSQL, Dagster's included.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.driver import LoopDriver
from catalyst_assets.loop.campaigns import start_campaign
from catalyst_assets.loop.jobs import PREPARATION_JOB
from catalyst_assets.loop.runs import reap_dead_runs
from resources.dagster_instance import prepare_dagster_home
from resources.platform import Platform
from resources.postgres.connection import connect
from resources.settings import get_settings, load_settings

# 40 of the 255 shipped compounds.
CAMPAIGN = Campaign.model_validate(
    {
        "name": "forty",
        "pool": {
            "source": "perovskite_pbe",
            "only_elements": [
                "O",
                "Ba",
                "Ca",
                "La",
                "Sr",
                "Al",
                "Ga",
                "Ge",
                "Hf",
                "In",
                "Nb",
                "Sc",
                "Ta",
                "Ti",
                "Zr",
            ],
        },
        "criteria": [
            {"property": "band_gap_direct", "min": 1.0, "max": 2.3},
            {"property": "formation_energy_per_atom", "max": -2.0},
        ],
        "method": "PBE",
        "acquisition": {"strategy": "probability_of_feasibility", "batch_size": 6},
        "initial_batch": 8,
        "validator": "reference_table",
        "review": "automatic",
        "stop": {"max_iterations": 3},
    }
)


def main(home: Path, kill_at: int | None) -> None:
    statements = 0

    def count(*_: Any) -> None:
        nonlocal statements
        statements += 1
        if statements == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = load_settings(home=home, shard_size=16)
    with connect(settings, upgrade=True) as database:
        os.environ.update(prepare_dagster_home(settings, database))
        get_settings.cache_clear()
        sa.event.listen(sa.Engine, "before_cursor_execute", count)
        with dg.DagsterInstance.get() as instance:
            reap_dead_runs(instance, database)
            driver = LoopDriver(Platform(settings, database), instance)
            driver.execute(PREPARATION_JOB)
            start_campaign(database, CAMPAIGN)
            driver.drive(CAMPAIGN.name)
    print(statements)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
