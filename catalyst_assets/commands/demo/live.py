"""`catalyst demo --live`: perovskites that nobody has computed, and GPAW that computes them while one watches."""

from statistics import median
from typing import TYPE_CHECKING, Final

from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.commands.driver import LoopDriver
    from resources.postgres.database import Database
    from resources.settings import Settings

# Of five atoms with the default settings on one core that does nothing else, the references of its elements included.
_MINUTES: Final = (4, 15)


def require_gpaw(settings: "Settings") -> None:
    """Make sure that calculations can be started.

    Raises
    ------
    UsageError
        GPAW is not installed, or a setting of it is wrong.
    """
    from catalyst_assets.validation.jobs.programs import GPAW, why_unavailable

    problem = why_unavailable(GPAW, settings)
    if problem:
        said, _, remedy = problem.partition(". ")
        raise UsageError(f"The live demo cannot compute: {said}.", remedy)


def prepare(driver: "LoopDriver", settings: "Settings") -> None:
    """Enumerate the perovskites and compute their features."""
    from catalyst_assets.commands.demo.goals import write_enumeration
    from catalyst_assets.ingestion.prototypes.spec import SPEC
    from catalyst_assets.loop.state import FEATURES_JOB

    file = write_enumeration(settings.home / "demo")
    driver.execute(SPEC.job, ops={SPEC.asset: {"config": {"files": [str(file)]}}})
    driver.execute(FEATURES_JOB)


def announce(console: "Console", campaign: "Campaign", settings: "Settings", database: "Database") -> None:
    """Say what will be computed, how long it probably takes, and that it goes on after an interruption."""
    most = campaign.stop.max_evaluations or 0
    done = finished_minutes(database, campaign)
    left = most - len(done)
    if left <= 0:
        return
    low, high = (median(done), median(done)) if done else _MINUTES
    each = f"about {low:.0f} min each, as those before" if done else f"{low} to {high} min each on one core"
    console.print(
        f"GPAW computes {left} of {most} perovskites that the shipped set does not contain: lattice constant, formation "
        f"energy and gaps, by {campaign.method}; {each}, probably {_hours(left * low, left * high)} in all. "
        f"Started by `{settings.dft_command}` (CATALYST_DFT_COMMAND).\n"
        "Ctrl-C stops the demo, not the calculation that runs: the same command goes on with it; "
        "`catalyst validation list` shows it, `catalyst validation cancel` ends it.",
        highlight=False,
    )


def _hours(low: float, high: float) -> str:
    """Return a range of minutes as people say it."""
    if high < 90:
        return f"{low:.0f} min" if round(low) == round(high) else f"{low:.0f} to {high:.0f} min"
    return f"{low / 60:.1f} h" if round(low) == round(high) else f"{low / 60:.1f} to {high / 60:.1f} h"


def finished_minutes(database: "Database", campaign: "Campaign") -> list[float]:
    """Return how long each finished calculation of the campaign's pool took, in minutes."""
    from resources.postgres.database import Role, fetch_all

    with database.transaction(Role.PIPELINE) as connection:
        rows = fetch_all(
            connection,
            "validation/jobs/durations",
            validator=campaign.validator,
            method=campaign.method,
            source=next(iter(campaign.pool.sources), None),
        )
    return [float(row["minutes"]) for row in rows]
