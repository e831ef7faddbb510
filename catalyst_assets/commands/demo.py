"""`catalyst demo`: the whole loop on the shipped first-principles data, in one command."""

import json
import time
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.campaigns.model import Campaign
from catalyst_assets.commands.opening import AsJson, Home
from catalyst_assets.commands.runs import open_driver, run_progress
from catalyst_assets.commands.tables import MISCALIBRATION, MISCALIBRATION_EXPLAINED, narrow_table, number

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from catalyst_assets.commands.driver import LoopDriver
    from catalyst_assets.loop.advance import Advance
    from catalyst_assets.report.summary import CampaignSummary
    from resources.settings import Settings

_CAMPAIGN = "oxide-perovskites-demo"
_ITERATIONS = 5
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
        int, typer.Option(min=1, max=9999, help="Iterations of the loop, the initial batch included.")
    ] = _ITERATIONS,
    batch: Annotated[
        int | None,
        typer.Option(min=1, help="Candidates validated in each iteration after the initial batch."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the initial batch, test set and models.")
    ] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Run a campaign on 255 perovskites computed for this project, from data to discovery curve.

    Starts the embedded PostgreSQL under the home folder, loads the shipped set and materializes the
    real assets, iteration after iteration. Run it again to go on after an interruption, or to see the
    result of a finished run. `catalyst up` then shows every run, lineage and check.

    In the JSON, `evaluated` and `hits` of an iteration count from the campaign's start; `valid_mae` is
    the mean over the learned properties of the error on unseen chemical systems, in eV (eV/atom), null
    in the first iteration, which has no labels to learn from.
    """
    from rich.console import Console

    from catalyst_assets.campaigns.library import load_campaign
    from resources.settings import load_settings

    started = time.monotonic()
    settings = load_settings(home=home)
    campaign = adapt_campaign(load_campaign(_CAMPAIGN), iterations, batch, seed)
    summary, folder = _run(settings, campaign, Console(stderr=True))
    seconds = round(time.monotonic() - started, 2)
    if as_json:
        typer.echo(json.dumps(as_object(summary, seconds), allow_nan=False))
    else:
        _show(summary, folder, settings, seconds)


def adapt_campaign(campaign: Campaign, iterations: int, batch: int | None, seed: int | None) -> Campaign:
    """Return the demo's campaign with other options, under a name of its own so that results never mix."""
    batch = campaign.acquisition.batch_size if batch is None else batch
    seed = campaign.seed if seed is None else seed
    suffixes = [
        (f"n{iterations}", iterations != _ITERATIONS),
        (f"b{batch}", batch != campaign.acquisition.batch_size),
        (f"s{seed}", seed != campaign.seed),
    ]
    budget = campaign.initial_batch + (iterations - 1) * batch
    return Campaign.model_validate(
        campaign.document
        | {
            "name": "-".join([campaign.name, *(text for text, differs in suffixes if differs)]),
            "acquisition": campaign.document["acquisition"] | {"batch_size": batch},
            "seed": seed,
            "stop": campaign.document["stop"] | {"max_evaluations": budget, "max_iterations": iterations},
        }
    )


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
    table = narrow_table(
        f"{summary.campaign}: {summary.hits} of {summary.hits_in_pool} hits", ["iteration"], numbers
    )
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


def _run(settings: "Settings", campaign: Campaign, console: "Console") -> tuple["CampaignSummary", Path]:
    from rich.progress import MofNCompleteColumn, TextColumn

    from catalyst_assets.report.collect import summarize_campaign
    from catalyst_assets.report.pages import write_report

    hits = TextColumn("evaluated, {task.fields[hits]} hits")
    with run_progress(console, MofNCompleteColumn(), hits) as progress:
        bar = progress.add_task("starting PostgreSQL", total=campaign.stop.max_evaluations, hits=0)
        with open_driver(settings, progress, bar) as driver:
            _complete_loop(driver, campaign, progress, bar)

            progress.update(bar, description="writing the report")
            summary = summarize_campaign(driver.platform, campaign.name)
            folder = settings.home / "reports" / campaign.name
            write_report(summary, folder)
    return summary, folder


def _complete_loop(driver: "LoopDriver", campaign: Campaign, progress: "Progress", bar: "TaskID") -> None:
    from catalyst_assets.campaigns.evaluations import load_evaluations
    from catalyst_assets.loop.campaigns import start_campaign
    from catalyst_assets.loop.jobs import PREPARATION_JOB
    from resources.postgres.database import Role, fetch_one

    database = driver.platform.database

    def show(advance: "Advance") -> None:
        with database.transaction(Role.PIPELINE) as connection:
            done = load_evaluations(connection, campaign)
        progress.update(bar, completed=len(done), hits=sum(e.is_hit for e in done))

    with database.transaction(Role.PIPELINE) as connection:
        known = fetch_one(connection, "campaigns/one", name=campaign.name)
    if known is None or known["status"] != "finished":
        driver.execute(PREPARATION_JOB)
        start_campaign(database, campaign)
        driver.drive(campaign.name, on_advance=show)


def _show(summary: "CampaignSummary", folder: Path, settings: "Settings", seconds: float) -> None:
    from rich.console import Console

    console = Console(soft_wrap=True, highlight=False)
    console.print(iterations_table(summary), soft_wrap=False)
    console.print(_LEGEND)
    console.print(
        f"{summary.hits} hits after {summary.evaluated} evaluations of {summary.pool_size} candidates; "
        f"random choice expects {summary.random_expected_hits:.2f}. {seconds:.0f} s."
    )
    console.print(f"Discovery curve: {folder / 'discovery-curve.png'}")
    console.print(f"Report:          {folder / 'report.html'}")
    option = "" if settings.home == Path(".catalyst").absolute() else f" --home '{settings.home}'"
    console.print(
        f"Next: `catalyst up{option}` shows every run in Dagster and the candidates in the review app."
    )
