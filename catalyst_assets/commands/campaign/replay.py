"""`catalyst campaign replay`: compute a recorded ranking again and say whether it is the same list."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform

if TYPE_CHECKING:
    from catalyst_assets.acquisition.replay import Replay


def replay(
    key: Annotated[str, typer.Argument(help="The iteration, such as solar-water-splitting__0003.")],
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Compute an iteration's ranking again from what is stored, and compare it with the recorded one.

    Exit 0 when it is the same list; 1 when it is not, with the first place that differs and which hash changed.
    Nothing is written.
    """
    from catalyst_assets.acquisition import replay as replaying

    with open_platform(home) as platform:
        done = replaying.replay(platform.database, platform.objects, key)
    typer.echo(json.dumps(done.to_record(), indent=2, default=str) if as_json else _describe(done))
    if not done.is_same:
        raise typer.Exit(1)


def _describe(done: "Replay") -> str:
    was = done.recorded
    version = "not registered" if was["model_version"] is None else f"version {was['model_version']}"
    rows = {
        "labels": was["label_sha256"],
        "training set": was["training_set_sha256"],
        "pool": was["pool_sha256"],
        "features": was["features_sha256"],
        "model": f"{was['model_sha256']} ({version})",
        "predictions": f"version {was['prediction_version']}",
        "strategy": f"{was['strategy']}, exploration weight {was['exploration_weight']:g}",
        "batch": was["batch_size"],
        "seed": was["seed"],
        "code": was["code_version"] or "not recorded",
        "ranking": was["ranking_sha256"],
    }
    lines = [f"{name:<13} {value}" for name, value in rows.items()]
    if done.is_same:
        lines.append(
            f"\nThe same list again: {done.n_ranked:,} materials, the first {done.n_listed:,} of them candidates."
        )
    else:
        lines += ["\nNot the same.", *done.problems]
    return "\n".join(lines)
