"""`catalyst bench embed`."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import typer

from catalyst_assets.commands.bench.reporting import (
    AcceleratorOption,
    ArchitectureOption,
    AsJson,
    answer,
    facts,
)
from catalyst_assets.commands.stages import telling


def embed(
    data: Annotated[
        Path | None,
        typer.Option(help="CSV, or folder of them, with a column cif; otherwise perovskites are enumerated."),
    ] = None,
    structures: Annotated[int, typer.Option(min=100, help="How many.")] = 2_000,
    architecture: ArchitectureOption = "mace",
    dtype: Annotated[
        Literal["float32", "float64"], typer.Option(help="Precision of the network.")
    ] = "float64",
    accelerator: AcceleratorOption = "auto",
    rounds: Annotated[int, typer.Option(min=1, help="Medians and ranges are over so many.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Time the way from structures to stored features, beside MACE's calculator and the bare forward pass."""
    from catalyst_assets.bench.embed import enumerate_perovskites, measure_embedding, read_structures
    from catalyst_assets.representation.networks.configs import config_from_json

    config = config_from_json({"architecture": architecture, "dtype": dtype})
    with telling("reading structures") as tell:
        pool = enumerate_perovskites(structures) if data is None else read_structures(data, structures)
        report = measure_embedding(pool, config, rounds, tell, accelerator)
    answer(report, as_json, lambda told: [facts("From structures to features", dataclasses.asdict(told))])
