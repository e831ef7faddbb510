"""`catalyst demo`: its options, and the bar it shows on the way."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.demo import live as live_demo
from catalyst_assets.commands.demo import review as review_demo
from catalyst_assets.commands.demo.goals import (
    LIVE_BATCH,
    LIVE_ITERATIONS,
    TABLES,
    Goal,
    goal_campaign,
    live_campaign,
    review_campaign,
)
from catalyst_assets.commands.demo.outcome import Outcome, as_object, show_outcome
from catalyst_assets.commands.opening import AsJson, Home
from catalyst_assets.commands.runs import open_driver, run_progress
from catalyst_assets.commands.tables import number
from catalyst_assets.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress, TaskID

    from catalyst_assets.campaigns.evaluations import Evaluation
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.commands.driver import LoopDriver
    from catalyst_assets.loop.advance import Advance
    from catalyst_assets.validation.pool_hits import Standing
    from resources.postgres.database import Database
    from resources.settings import Settings


def demo(
    goal: Annotated[Goal, typer.Argument(help="What to look for.")] = Goal.PEROVSKITES,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=9999,
            help="Iterations of the loop, the initial batch included (default 5 for perovskites, 10 for hydrogen, 8 for oxygen; "
            f"{LIVE_ITERATIONS} with --live).",
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
    """Run a campaign on shipped data whose answers are hidden, from data to discovery curve.

    perovskites: stable oxides with a gap for visible light, among 255 computed for this project.
    hydrogen: catalysts of hydrogen evolution, among 1,836 metals and alloys with published adsorption energies.
    oxygen: the lowest overpotential of oxygen evolution, among 2,121 measured mixed oxides without crystals.

    Starts the embedded PostgreSQL under the home folder, loads the shipped table and materializes the
    real assets, iteration after iteration. Run it again to go on after an interruption, or to see the
    result of a finished run. `catalyst up` then shows every run, lineage and check.

    With --live the pool is other perovskites, which nobody has computed, and GPAW (extra `dft`) answers in processes of its own.
    With --review the shipped perovskites answer, for what you have flagged.

    In the JSON, `evaluated` and `hits` of an iteration count from the campaign's start; `valid_mae` is
    the mean over the learned properties of the error on unseen chemical systems, in their unit, null
    in the first iteration, which has no labels to learn from. `objective` is null where criteria make hits; else the best value,
    its rank in the pool, and how many of the best hundredth were found, beside what random choice expects.
    """
    from rich.console import Console

    from resources.settings import load_settings

    if live and review:
        raise UsageError("--live and --review are two demos.", "Choose one of them.")
    if (live or review) and goal is not Goal.PEROVSKITES:
        raise UsageError(
            f"{'--live' if live else '--review'} is a demo of perovskites, not of {goal}.",
            f"Leave out the option or `{goal}`.",
        )
    started = time.monotonic()
    settings = load_settings(home=home)
    console = Console(stderr=True)
    if live:
        live_demo.require_gpaw(settings)
        campaign = live_campaign(iterations, batch, seed)
    elif review:
        campaign = review_campaign(iterations, batch, seed, manual=False)
    else:
        campaign = goal_campaign(goal, iterations, batch, seed)
    manual = review_campaign(iterations, batch, seed, manual=True) if review else None
    try:
        outcome, folder = _run(settings, campaign, console, manual, TABLES[goal], live=live)
    except review_demo.ReviewAwaitedError as awaited:
        if as_json:
            typer.echo(json.dumps({"campaign": campaign.name, "waiting": awaited.reason}))
        else:
            out = Console(soft_wrap=True, highlight=False)
            review_demo.tell_next(out, campaign.name, awaited.reason, settings, _home_option(settings))
        return
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        typer.echo(json.dumps(as_object(outcome, seconds), allow_nan=False))
    else:
        show_outcome(outcome, folder, _home_option(settings), seconds)


def _run(
    settings: "Settings",
    campaign: "Campaign",
    console: "Console",
    manual: "Campaign | None",
    tables: list[str],
    *,
    live: bool,
) -> tuple[Outcome, Path]:
    from rich.progress import MofNCompleteColumn, TextColumn

    from catalyst_assets.report.collect import summarize_campaign
    from catalyst_assets.report.pages import write_report

    found = TextColumn("evaluated{task.fields[found]}")
    with run_progress(console, MofNCompleteColumn(), found) as progress:
        bar = progress.add_task("starting PostgreSQL", total=campaign.stop.max_evaluations, found="")
        with open_driver(settings, progress, bar) as driver:
            if live:
                live_demo.announce(progress.console, campaign, settings, driver.platform.database)
            _complete_loop(driver, campaign, manual, tables, progress, bar, live=live)

            progress.update(bar, description="writing the report")
            summary = summarize_campaign(driver.platform, campaign.name)
            folder = settings.home / "reports" / campaign.name
            write_report(summary, folder)
            standing = _find_standing(driver.platform.database, campaign)
    return Outcome(summary, standing), folder


def _complete_loop(
    driver: "LoopDriver",
    campaign: "Campaign",
    manual: "Campaign | None",
    tables: list[str],
    progress: "Progress",
    bar: "TaskID",
    *,
    live: bool,
) -> None:
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.ingestion.reference_tables.spec import SPEC
    from catalyst_assets.loop.campaigns import start_campaign
    from catalyst_assets.loop.jobs import PREPARATION_JOB
    from resources.postgres.database import Role, fetch_one

    database = driver.platform.database

    def show(advance: "Advance") -> None:
        with database.transaction(Role.PIPELINE) as connection:
            done = load_evaluations(connection, campaign)
        progress.update(bar, completed=len(done), found=_say_found(campaign, done))
        if manual is not None:
            review_demo.hand_over(driver, advance, manual)

    with database.transaction(Role.PIPELINE) as connection:
        known = fetch_one(connection, "campaigns/one", name=campaign.name)
    if known is None or known["status"] != "finished":
        if live:
            live_demo.prepare(driver, driver.platform.settings)
        else:
            driver.execute(
                PREPARATION_JOB, ops={SPEC.asset: {"config": {"shipped": tables}}} if tables else None
            )
        if known is None or manual is None:
            start_campaign(database, campaign)
        driver.drive(campaign.name, on_advance=show)


def _say_found(campaign: "Campaign", done: "Sequence[Evaluation]") -> str:
    from catalyst_assets.report.collect import best_so_far

    if campaign.criteria:
        return f", {sum(one.is_hit for one in done)} hits"
    best = best_so_far(campaign, done)
    return f", best {number(best[-1])}" if best else ""


def _find_standing(database: "Database", campaign: "Campaign") -> "Standing | None":
    """Return how the best that was evaluated stands among the pool."""
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.campaigns.pool import load_pool
    from catalyst_assets.validation.pool_hits import rank_best
    from resources.postgres.database import Role

    with database.transaction(Role.PIPELINE) as connection:
        members = [row["material_id"] for row in load_pool(connection, campaign.pool)]
        evaluated = {one.material_id for one in load_evaluations(connection, campaign)}
    return rank_best(database, campaign, members, evaluated)


def _home_option(settings: "Settings") -> str:
    return "" if settings.home == Path(".catalyst").absolute() else f" --home '{settings.home}'"
