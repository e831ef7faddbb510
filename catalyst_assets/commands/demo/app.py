"""`catalyst demo`: its options, the bar it shows on the way, and what it says in the end."""

import json
import time
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.demo import live as live_demo
from catalyst_assets.commands.demo import review as review_demo
from catalyst_assets.commands.demo.goals import (
    CAMPAIGN,
    ITERATIONS,
    LIVE_BATCH,
    LIVE_ITERATIONS,
    adapt_campaign,
    live_campaign,
    review_campaign,
)
from catalyst_assets.commands.opening import AsJson, Home
from catalyst_assets.commands.runs import open_driver, run_progress
from catalyst_assets.commands.tables import MISCALIBRATION, MISCALIBRATION_EXPLAINED, narrow_table, number
from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.commands.driver import LoopDriver
    from catalyst_assets.loop.advance import Advance
    from catalyst_assets.report.summary import CampaignSummary
    from resources.settings import Settings

_TOLD = (
    "partition",
    "evaluated",
    "hits",
    "valid_mae",
    "valid_mae_by_property",
    "test_mae_by_property",
    "miscalibration_area",
    "seconds",
)
_LEGEND = f"""\
valid MAE is the mean absolute error on unseen chemical systems, test MAE that
on the campaign's test set, both in eV (eV/atom).
{MISCALIBRATION_EXPLAINED}"""


def demo(
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=9999,
            help=f"Iterations of the loop, the initial batch included (default {ITERATIONS}; {LIVE_ITERATIONS} with --live).",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Candidates validated in each iteration after the initial batch; "
            f"with --live in that too (default {LIVE_BATCH}).",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the initial batch, test set and models.")
    ] = None,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="Have GPAW compute perovskites that the shipped set does not contain: minutes each.",
        ),
    ] = False,
    review: Annotated[
        bool, typer.Option("--review", help="Stop with a batch for you to review, and say what to do next.")
    ] = False,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign on 255 perovskites computed for this project, from data to discovery curve.

    Starts the embedded PostgreSQL under the home folder, loads the shipped set and materializes the
    real assets, iteration after iteration. Run it again to go on after an interruption, or to see the
    result of a finished run. `catalyst up` then shows every run, lineage and check.

    With --live the pool is others, which nobody has computed, and GPAW (extra `dft`) answers in processes of its own.
    With --review the shipped set answers, for what you have flagged.

    In the JSON, `evaluated` and `hits` of an iteration count from the campaign's start; `valid_mae` is
    the mean over the learned properties of the error on unseen chemical systems, in eV (eV/atom), null
    in the first iteration, which has no labels to learn from.
    """
    from rich.console import Console

    from catalyst_assets.campaigns.library import load_campaign
    from resources.settings import load_settings

    if live and review:
        raise UsageError("--live and --review are two demos.", "Choose one of them.")
    started = time.monotonic()
    settings = load_settings(home=home)
    console = Console(stderr=True)
    if live:
        live_demo.require_gpaw(settings)
        campaign = live_campaign(iterations, batch, seed)
    elif review:
        campaign = review_campaign(iterations, batch, seed, manual=False)
    else:
        campaign = adapt_campaign(load_campaign(CAMPAIGN), iterations or ITERATIONS, batch, seed)
    manual = review_campaign(iterations, batch, seed, manual=True) if review else None
    try:
        summary, folder = _run(settings, campaign, console, manual, live=live)
    except review_demo.ReviewAwaitedError as awaited:
        if as_json:
            typer.echo(json.dumps({"campaign": campaign.name, "waiting": awaited.reason}))
        else:
            out = Console(soft_wrap=True, highlight=False)
            review_demo.tell_next(out, campaign.name, awaited.reason, settings, _home_option(settings))
        return
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        typer.echo(json.dumps(as_object(summary, seconds), allow_nan=False))
    else:
        _show(summary, folder, settings, seconds)


def as_object(summary: "CampaignSummary", seconds: float) -> dict[str, Any]:
    """Return the object that `--json` prints."""
    return {
        "campaign": summary.campaign,
        "pool_size": summary.pool_size,
        "hits_in_pool": summary.hits_in_pool,
        "iterations": [
            {name: getattr(iteration, name) for name in _TOLD} for iteration in summary.iterations
        ],
        "evaluated": summary.evaluated,
        "hits": summary.hits,
        "random_expected_hits": summary.random_expected_hits,
        "seconds": seconds,
    }


def iterations_table(summary: "CampaignSummary") -> "Table":
    """Return the table of a campaign's iterations."""
    numbers = ["evaluated", "hits", "valid MAE", "test MAE", MISCALIBRATION, "seconds"]
    # How many hits a pool holds is known where a table has all the answers.
    found = (
        f"{summary.hits} hits"
        if summary.hits_in_pool is None
        else f"{summary.hits} of {summary.hits_in_pool} hits"
    )
    table = narrow_table(f"{summary.campaign}: {found}", ["iteration"], numbers)
    for iteration in summary.iterations:
        tested = iteration.test_mae_by_property.values()
        table.add_row(
            iteration.label,
            str(iteration.evaluated),
            str(iteration.hits),
            number(iteration.valid_mae),
            number(fmean(tested) if tested else None),
            number(iteration.miscalibration_area),
            f"{iteration.seconds:.1f}",
        )
    return table


def _run(
    settings: "Settings", campaign: "Campaign", console: "Console", manual: "Campaign | None", *, live: bool
) -> tuple["CampaignSummary", Path]:
    from rich.progress import MofNCompleteColumn, TextColumn

    from catalyst_assets.report.collect import summarize_campaign
    from catalyst_assets.report.pages import write_report

    hits = TextColumn("evaluated, {task.fields[hits]} hits")
    with run_progress(console, MofNCompleteColumn(), hits) as progress:
        bar = progress.add_task("starting PostgreSQL", total=campaign.stop.max_evaluations, hits=0)
        with open_driver(settings, progress, bar) as driver:
            if live:
                live_demo.announce(progress.console, campaign, settings, driver.platform.database)
            _complete_loop(driver, campaign, manual, progress, bar, live=live)

            progress.update(bar, description="writing the report")
            summary = summarize_campaign(driver.platform, campaign.name)
            folder = settings.home / "reports" / campaign.name
            write_report(summary, folder)
    return summary, folder


def _complete_loop(
    driver: "LoopDriver",
    campaign: "Campaign",
    manual: "Campaign | None",
    progress: "Progress",
    bar: "TaskID",
    *,
    live: bool,
) -> None:
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.loop.campaigns import start_campaign
    from catalyst_assets.loop.jobs import PREPARATION_JOB
    from resources.postgres.database import Role, fetch_one

    database = driver.platform.database

    def show(advance: "Advance") -> None:
        with database.transaction(Role.PIPELINE) as connection:
            done = load_evaluations(connection, campaign)
        progress.update(bar, completed=len(done), hits=sum(e.is_hit for e in done))
        if manual is not None:
            review_demo.hand_over(driver, advance, manual)

    with database.transaction(Role.PIPELINE) as connection:
        known = fetch_one(connection, "campaigns/one", name=campaign.name)
    if known is None or known["status"] != "finished":
        if live:
            live_demo.prepare(driver, driver.platform.settings)
        else:
            driver.execute(PREPARATION_JOB)
        if known is None or manual is None:
            start_campaign(database, campaign)
        driver.drive(campaign.name, on_advance=show)


def _show(summary: "CampaignSummary", folder: Path, settings: "Settings", seconds: float) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(iterations_table(summary), soft_wrap=False)
    console.print(_LEGEND)
    expected = summary.random_expected_hits
    by_chance = "" if expected is None else f"; random choice expects {expected:.2f}"
    console.print(
        f"{summary.hits} hits after {summary.evaluated} evaluations of {summary.pool_size} candidates{by_chance}. "
        f"{seconds:.0f} s."
    )
    console.print(f"Discovery curve: {folder / 'discovery-curve.png'}")
    console.print(f"Report:          {folder / 'report.html'}")
    console.print(
        f"Next: `catalyst up{_home_option(settings)}` shows every run in Dagster and the candidates in the review app."
    )


def _home_option(settings: "Settings") -> str:
    return "" if settings.home == Path(".catalyst").absolute() else f" --home '{settings.home}'"
