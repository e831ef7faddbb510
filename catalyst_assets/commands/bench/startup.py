"""`catalyst bench startup`."""

from typing import TYPE_CHECKING, Annotated

import typer

from catalyst_assets.commands.bench.reporting import AsJson, answer, facts
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from catalyst_assets.bench.running.startup import StartupReport


def startup(
    repeats: Annotated[int, typer.Option(min=1, help="Fresh processes for each of the two locations.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Time the loading of the code location against that of one with a single empty asset.

    Every step process, the webserver and the daemon load the location, so it imports no heavy library.
    """
    from catalyst_assets.bench.running.startup import measure_startup

    with telling("loading …") as tell:
        report = measure_startup(repeats, lambda done: tell(f"round {done} of {repeats}"))
    answer(report, as_json, _show)


def _show(report: "StartupReport") -> "Iterator[Table]":
    yield facts(
        "Loading the code location",
        {
            "location": f"{report.location_load_s:.2f} s",
            "bare Dagster": f"{report.bare_s:.2f} s",
            "ratio": f"{report.ratio:.2f}",
            "heavy modules": ", ".join(report.heavy_modules_loaded) or "none",
        },
    )
