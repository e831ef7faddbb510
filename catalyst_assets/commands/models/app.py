"""`catalyst models`: the registered versions of each campaign's model, which is champion, and predicting with them."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from catalyst_assets.commands.models.foundation import fetch, list_foundation
from catalyst_assets.commands.models.predict import predict
from catalyst_assets.commands.opening import AsJson, Home, open_platform

app = typer.Typer(no_args_is_help=True, help="See, compare, promote and use the models that were trained.")

_CAMPAIGN = typer.Option("--campaign", help="Only the model of this campaign.")


@app.command("list")
def list_(
    campaign: Annotated[str | None, _CAMPAIGN] = None,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """List the registered versions with their errors and calibration; * marks the champion.

    Errors are held out, on chemical systems left out of the fit; the relative error is a share of that of
    predicting the mean. Test errors are on the campaign's frozen test set. Versions that learned from labels
    which were corrected or retracted since are named. On narrow terminals columns are left out: --json has
    everything.
    """
    from catalyst_assets.commands.models.tables import explain_superseded, tabulate
    from catalyst_assets.learning.models.model_records import count_unregistered, list_models

    with open_platform(home) as platform:
        waiting = count_unregistered(platform, campaign)
        records = list_models(platform, campaign, must_exist=not waiting)
    if as_json:
        typer.echo(json.dumps([asdict(record) for record in records], indent=2))
        return
    if not records and not waiting:
        typer.echo("No model yet: the loop registers one each iteration (`catalyst demo`, `catalyst up`).")
        return
    console = _console()
    for name in dict.fromkeys(record.name for record in records):
        console.print(tabulate(name, [record for record in records if record.name == name], console.width))
    for champion in (record for record in records if record.is_champion and record.promotions):
        last = champion.promotions[-1]
        typer.echo(
            f"{champion.name}@{champion.version} is champion since {last['at']}, by {last['by']}: {last['reason']}"
        )
    for record in (record for record in records if record.superseded):
        typer.echo(explain_superseded(f"{record.name}@{record.version}", record.superseded))
    if waiting:
        typer.echo(f"{waiting} trained models are not registered: `catalyst models sync` does it.")


@app.command("compare")
def compare(
    first: Annotated[str, typer.Argument(help="NAME@VERSION or NAME@champion.")],
    second: Annotated[str, typer.Argument(help="Likewise; of the same model the version alone will do.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show two versions side by side: errors, calibration, and what they were fitted to.

    A property is predicted by the kind of head with the lowest CRPS (continuous ranked probability score, in the
    property's unit, on chemical systems left out), or by fine-tuned networks.
    """
    from catalyst_assets.commands.models.tables import tabulate_pair
    from catalyst_assets.learning.models.model_records import compare_models

    if "@" not in second and (second.isdigit() or second == "champion"):
        second = f"{first.partition('@')[0]}@{second}"
    with open_platform(home) as platform:
        comparison = compare_models(platform, first, second)
    if as_json:
        typer.echo(json.dumps(asdict(comparison), indent=2))
        return
    _console().print(tabulate_pair(comparison))
    for name, counts in comparison.labels.items():
        typer.echo(f"labels of {name}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    typer.echo(f"features: {comparison.features_added} added, {comparison.features_removed} removed")
    typer.echo(
        ", ".join(f"{'same' if is_same else 'other'} {name}" for name, is_same in comparison.same.items())
    )


@app.command("promote")
def promote(
    name: Annotated[str, typer.Argument(help="Model, which is named after its campaign.")],
    version: Annotated[int, typer.Argument(min=1, help="Version to make champion.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the version.")],
    force: Annotated[
        bool, typer.Option("--force", help="Although it is calibrated worse or has not learned.")
    ] = False,
    home: Home = None,
) -> None:
    """Make a version the champion: the one that `predict` uses when no version is named.

    Refused when its calibration is worse than the champion's or it has not learned. Who, when and
    why are kept with the version. The next version that the loop registers is compared with it again.
    """
    from catalyst_assets.errors import UsageError
    from catalyst_assets.learning.models import registry

    if not reason.strip():
        raise UsageError("--reason is empty.", "Say why: it is kept with the version.")
    with open_platform(home) as platform:
        registry.promote(platform, name, version, reason.strip(), force=force)
    typer.echo(f"{name}@{version} is the champion.")


@app.command("sync")
def sync(campaign: Annotated[str | None, _CAMPAIGN] = None, home: Home = None) -> None:
    """Register the trained models that are not yet, as after MLflow could not be reached."""
    from catalyst_assets.learning.models.registry import register_missing
    from resources.postgres.database import fetch_all

    with open_platform(home) as platform:
        with platform.database.transaction() as connection:
            trained = fetch_all(connection, "learning/models", campaign=campaign)
        for name in dict.fromkeys(row["campaign"] for row in trained):
            for entry in register_missing(platform, name):
                if entry.is_new:
                    typer.echo(f"{name}@{entry.version.version}: {entry.decision.reason}")
        n_campaigns = len({row["campaign"] for row in trained})
    typer.echo(f"{len(trained)} trained models of {n_campaigns} campaigns are registered.")


def _console() -> "Any":
    from rich.console import Console

    return Console(markup=False, highlight=False)


app.command("predict")(predict)
app.command("foundation")(list_foundation)
app.command("fetch")(fetch)
