"""`catalyst campaign`: start and stop discovery goals, check their files, see how they stand, write their reports."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.campaign.advance import advance
from catalyst_assets.commands.campaign.properties import properties
from catalyst_assets.commands.campaign.replay import replay
from catalyst_assets.commands.campaign.retry import retry
from catalyst_assets.commands.campaign.show import show
from catalyst_assets.commands.opening import AsJson, Home, open_platform
from catalyst_assets.commands.overview import campaigns_table, read_overview
from catalyst_assets.commands.tables import facts_table

if TYPE_CHECKING:
    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.campaigns.readiness import Readiness

app = typer.Typer(
    no_args_is_help=True,
    help="Start and stop campaigns, check their files, see how they stand, write their reports.",
)

_File = Annotated[str, typer.Argument(help="A YAML file, or the name of a shipped campaign.")]
_Name = Annotated[str, typer.Argument(help="A campaign that was started.")]


@app.command("start")
def start(campaign: _File, home: Home = None) -> None:
    """Store a campaign and freeze its test set; `catalyst up` then drives its loop.

    Its pool must be loaded: materialize `materials` first. A campaign that exists may change its stop
    rules, refresh, validation, acquisition, review, failures and description only; one that has ended goes on.
    """
    from catalyst_assets.campaigns.library import check_known, load_campaign
    from catalyst_assets.campaigns.readiness import require_learnable
    from catalyst_assets.loop.campaigns import start_campaign
    from catalyst_assets.validation.registry import check_answerable

    goal = load_campaign(campaign)
    check_known(goal)
    check_answerable(goal)
    with open_platform(home, upgrade=True) as platform:
        require_learnable(platform.objects, goal)
        start_campaign(platform.database, goal, reopen=True)
    typer.echo(f"Campaign {goal.name} is active. `catalyst up` drives its loop.")


@app.command("stop")
def stop(
    name: _Name,
    reason: Annotated[str, typer.Option(help="Why; kept with the campaign and shown in its report.")],
    home: Home = None,
) -> None:
    """End a campaign. What is being computed or validated still comes in; no further iteration opens.

    `catalyst campaign start` with its file lets it go on.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.loop.campaigns import stop_campaign

    if not reason.strip():
        raise UsageError("--reason is empty.", "Say why: it is kept with the campaign.")
    with open_platform(home) as platform:
        stop_campaign(platform.database, name, f"stopped: {reason.strip()}")
    typer.echo(f"Campaign {name} has ended.")


@app.command("list")
def list_(home: Home = None, as_json: AsJson = False) -> None:
    """List the campaigns of this home with their state, iterations, evaluations and hits."""
    from rich.console import Console

    with open_platform(home) as platform:
        rows = read_overview(platform.database)
    if as_json:
        typer.echo(json.dumps(rows))
        return
    if not rows:
        typer.echo("No campaign yet: `catalyst campaign start FILE`, or `catalyst demo`.")
        return
    console = Console(highlight=False, markup=False)
    console.print(campaigns_table(rows, console.width))


@app.command("validate")
def validate(
    campaign: _File,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Check a campaign file, and whether this home holds what it needs: pool, features, labels, answers.

    Exit code 0: it can run. 1: something it needs is missing. 2: the file is wrong. Nothing is written; a
    home that does not exist yet is not made, and only the file is checked.
    """
    from catalyst_assets.campaigns.library import check_known, load_campaign
    from catalyst_assets.campaigns.readiness import check_readiness
    from catalyst_assets.validation.registry import check_answerable, why_unavailable
    from resources.settings import load_settings

    goal = load_campaign(campaign)
    check_known(goal)
    check_answerable(goal)
    settings = load_settings(home=home)
    ready = None
    if not settings.embedded or settings.home.exists():
        with open_platform(home) as platform:
            ready = check_readiness(platform.database, platform.objects, goal)
            if lacking := why_unavailable(goal.validator, platform, goal.method):
                ready = replace(ready, problems=(*ready.problems, lacking))
    if as_json:
        held = asdict(ready) if ready else None
        typer.echo(json.dumps({"campaign": goal.name, "sha256": goal.sha256, "home": held}))
    else:
        _tell(goal, ready, settings.home)
    if ready is not None and ready.problems:
        raise typer.Exit(1)


@app.command("report")
def report(
    name: _Name,
    output: Annotated[
        Path | None, typer.Option(dir_okay=False, help="File to write (default NAME.html here).")
    ] = None,
    home: Home = None,
) -> None:
    """Write how a campaign stands as one HTML page that needs nothing else.

    Goal, hits beside random choice with acceleration and enrichment, errors and calibration by iteration, the
    map of the pool, the hits and the next batch, and the hashes of what it all comes from.
    """
    from catalyst_assets.report.collect import summarize_campaign
    from catalyst_assets.report.pages import write_page

    target = output or Path(f"{name}.html")
    with open_platform(home) as platform:
        write_page(summarize_campaign(platform, name), target)
    typer.echo(f"Report of {name}: {target.absolute()}")


@app.command("derivations")
def derivations(as_json: AsJson = False) -> None:
    """List the formulas that a campaign's `derive` may use, with units, papers and limits."""
    from rich.console import Console

    from catalyst_assets.campaigns.derivations import DERIVATIONS

    if as_json:
        known = {
            name: {key: value for key, value in asdict(formula).items() if key != "compute"}
            for name, formula in DERIVATIONS.items()
        }
        typer.echo(json.dumps(known, ensure_ascii=False))
        return
    for name, formula in DERIVATIONS.items():
        table = facts_table(name)
        takes = "; ".join(
            f"{argument.kind} in {argument.unit}: {' or '.join(argument.properties)}"
            for argument in formula.arguments
        )
        for label, text in (
            ("takes", takes),
            ("gives", f"{formula.gives} in {formula.unit}"),
            ("formula", formula.equation),
            ("paper", formula.paper),
            ("limits", formula.limits),
        ):
            table.add_row(label, text)
        Console(highlight=False).print(table)


def _tell(goal: "Campaign", ready: "Readiness | None", home: Path) -> None:
    from catalyst_assets.report.goal import describe_goal
    from catalyst_assets.vocabulary.known import known_methods

    typer.echo(f"Campaign {goal.name} is valid:")
    for line in describe_goal(goal):
        typer.echo(f"  {line}")
    if ready is None:
        typer.echo(f"{home} does not exist yet: only the file was checked.")
        return
    typer.echo(f"pool      {ready.pool_size:,} materials, {ready.with_features:,} with features")
    typer.echo(f"test set  {ready.test_set_size:,} of them held out")
    obtained = "measured" if known_methods()[goal.method].kind == "experiment" else "computed"
    for name, count in ready.labels.items():
        typer.echo(f"labels    {count:,} of {name} by {goal.method}, {obtained}")
    if ready.answerable is not None:
        typer.echo(f"answers   {ready.answerable:,} materials in the reference table")
    for remark in ready.remarks:
        typer.echo(f"note: {remark}")
    for problem in ready.problems:
        typer.echo(f"missing: {problem}")


app.command("show")(show)
app.command("retry")(retry)
app.command("advance")(advance)
app.command("properties")(properties)
app.command("replay")(replay)
