"""`catalyst bench potentials`."""

import dataclasses
from typing import Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, facts
from catalyst_assets.commands.opening import Home
from catalyst_assets.commands.stages import telling


def potentials(
    potential: Annotated[str, typer.Option(help="As `catalyst potentials list` names it.")] = "sevennet-l3i5",
    structures: Annotated[int, typer.Option(min=8, help="Five-atom cells that are evaluated.")] = 64,
    relaxed: Annotated[int, typer.Option(min=1, help="How many of them are relaxed.")] = 8,
    rounds: Annotated[int, typer.Option(min=1, help="Medians and ranges are over so many.")] = 3,
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Time a potential beside its package's own calculator, beside the bare pass of its network, and beside ASE's FIRE."""
    from catalyst_assets.bench.potentials.speed import measure_speed
    from resources.settings import load_settings

    with telling("reading structures") as tell:
        report = measure_speed(potential, load_settings(home=home), structures, relaxed, rounds, tell)
    answer(report, as_json, lambda told: [facts("From structures to energies", dataclasses.asdict(told))])
