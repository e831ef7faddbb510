"""`catalyst bench discovery`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from catalyst_assets.commands.bench.reporting import AsJson, CampaignName, answer, numbers
from catalyst_assets.commands.stages import telling

if TYPE_CHECKING:
    from rich.table import Table

    from catalyst_assets.bench.discovery.report import DiscoveryReport
    from catalyst_assets.bench.discovery.workers import Told

_FIGURES = (".png", ".svg", ".pdf")
_Value = TypeVar("_Value")


def discovery(
    pool: Annotated[
        Path | None,
        typer.Option(
            help="CSV with property columns and A, B, anion (ideal cubic perovskites), cif, formula, prototype (ideal "
            "crystals of other prototypes), or composition (no crystal, fractions of elements); a checkout's table of "
            "perovskites if not given."
        ),
    ] = None,
    campaign: CampaignName = "solar-water-splitting",
    seeds: Annotated[int, typer.Option(min=1, help="Simulated campaigns, with the seeds 0 to N-1.")] = 1,
    strategies: Annotated[
        str, typer.Option(help="Strategies side by side, as in greedy,random; the campaign's by default.")
    ] = "",
    heads: Annotated[
        str,
        typer.Option(
            help="Heads side by side: stacked,deep_ensemble,gaussian_process; the campaign's by default."
        ),
    ] = "",
    predict_with: Annotated[
        str,
        typer.Option(
            help="What predicts, side by side: own,champion (see `learning` of a campaign); the campaign's by default."
        ),
    ] = "",
    exploration_weights: Annotated[str, typer.Option(help="Weights side by side, as in 0,0.3,1.")] = "",
    diversities: Annotated[
        str, typer.Option(help="Diversities of a batch side by side, as in 0,0.5,1.")
    ] = "",
    derive: Annotated[
        bool,
        typer.Option("--derive/--no-derive", help="Known physics as the campaign says, or learn it all."),
    ] = True,
    recalibrate: Annotated[
        bool,
        typer.Option(
            "--recalibrate/--no-recalibrate",
            help="Correct predicted quantiles on held-out data, as the assets do.",
        ),
    ] = True,
    plausible: Annotated[
        bool,
        typer.Option(
            "--plausible", help="The pool's numbers are right although they look like another unit."
        ),
    ] = False,
    best: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Hits are the best N of the pool by the campaign's objective, where its criteria hold.",
        ),
    ] = None,
    peer: Annotated[
        bool,
        typer.Option(
            "--peer",
            help="Beside them scikit-learn's Gaussian process by expected improvement, on the same features, or on the "
            "fractions of a composition library.",
        ),
    ] = False,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            help="FILE:COLUMN of a CSV with cheap answers of the pool, to learn on top of; rows are named as in the pool, or "
            "by formula. Repeatable, from the cheapest to the dearest."
        ),
    ] = None,
    max_evaluations: Annotated[
        int | None, typer.Option(min=1, help="End a run here instead of where the campaign does.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes at a time; as many as cores by default.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw hits against evaluations into this .png, .svg or .pdf file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Count the evaluations a campaign needs to find every hit of a pool whose answers are known.

    Trains and ranks with the functions of the platform, without Dagster or a database; heads on cached features
    only, the backbone is not fine-tuned. The property columns are taken as labels of the campaign's method; the
    campaign's stop rules are respected, and a run that they end before its last hit counts as longer than any
    number (null).

    Every combination of --strategies, --heads, --predict-with, --exploration-weights and --diversities is run with every seed. All
    of the same seed start from the same initial batch. Each run is a process of its own.
    """
    import os

    from catalyst_assets.bench.discovery.pools import read_pool
    from catalyst_assets.bench.discovery.report import draw_arms, summarize
    from catalyst_assets.bench.discovery.simulation import (
        add_prior,
        featurize_pool,
        make_arms,
        require_objective,
    )
    from catalyst_assets.bench.discovery.workers import run_arms
    from catalyst_assets.bench.tables import PEROVSKITES, published_table
    from catalyst_assets.campaigns.library import load_campaign

    if plot is not None:
        _require_figure(plot)
    arms = make_arms(
        load_campaign(campaign),
        strategies=_split(strategies, str, "--strategies"),
        heads=_split(heads, str, "--heads"),
        predict_with=_split(predict_with, str, "--predict-with"),
        exploration_weights=_split(exploration_weights, float, "--exploration-weights"),
        diversities=_split(diversities, float, "--diversities"),
        derive=derive,
        max_evaluations=max_evaluations,
        recalibrate=recalibrate,
    )
    if peer:
        require_objective(arms[0].campaign)
        arms.append(replace(arms[0], by_peer=True))
    table = published_table(pool, PEROVSKITES, "--pool")
    with telling(f"reading {table} …") as tell:
        members = read_pool(table, arms[0].campaign, plausible=plausible, best=best)
        tell(f"describing {len(members.material_ids)} candidates …")
        features = featurize_pool(members)
        if prior:
            tell(f"reading {' and '.join(prior)} …")
            features, arms = add_prior(members, features, arms, prior)
    with _progress(len(arms) * seeds) as told:
        results = run_arms(members, features, arms, seeds, jobs or len(os.sched_getaffinity(0)), told)
    report = summarize(members, arms, results)
    if plot is not None:
        draw_arms(report, plot)
    answer(report, as_json, _show)


def _split(text: str, kind: Callable[[str], _Value], option: str) -> list[_Value]:
    """Read a comma-separated list; the first of equal entries is kept."""
    try:
        return list(dict.fromkeys(kind(part.strip()) for part in text.split(",") if part.strip()))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _require_figure(path: Path) -> None:
    if path.suffix.lower() not in _FIGURES:
        raise typer.BadParameter(f"{path} ends in none of {', '.join(_FIGURES)}", param_hint="--plot")
    if not path.absolute().parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.absolute().parent}", param_hint="--plot")


@contextmanager
def _progress(n_runs: int) -> Iterator[Callable[["Told"], None]]:
    """Show what runs tell: one line for each that goes on, one for all."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())

    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        lines: dict[tuple[int, int], Any] = {}
        every = bar.add_task("runs finished", total=n_runs)

        def tell(told: "Told") -> None:
            run = told.arm, told.seed
            if told.finished:
                bar.advance(every)
                if run in lines:
                    bar.remove_task(lines.pop(run))
                return
            if run not in lines:
                lines[run] = bar.add_task("", total=told.limit)
            described = f"arm {told.arm + 1}, seed {told.seed}: {told.state}"
            bar.update(lines[run], completed=told.evaluated, description=described)

        yield tell


def _show(report: "DiscoveryReport") -> "Iterator[Table]":
    from catalyst_assets.bench.discovery.report import label_arms

    def text(value: float | None, how: str = "g") -> str:
        return "–" if value is None else f"{value:{how}}"

    learned = f"; {', '.join(report.derived)} derived" if report.derived else ""
    learned += f"; on top of {' and '.join(report.prior)}" if report.prior else ""
    learned += f"; {report.unanswered} rows without an answer left out" if report.unanswered else ""
    table = numbers(
        f"{report.campaign}: {report.hits} hits among {report.pool_size}, {report.seeds} seeds{learned}",
        *("", "found", "worst", "half", "worst", "all", "worst", "s"),
    )
    table.caption = "hits found, and evaluations to half and to all of them (– not found); seconds of an iteration, median"
    for label, arm in zip(label_arms(report.arms), report.arms, strict=True):
        counts = (
            arm.median_found,
            arm.worst_found,
            arm.median_to_half,
            arm.worst_to_half,
            arm.median_to_all,
            arm.worst_to_all,
        )
        table.add_row(label, *map(text, counts), text(arm.iteration_seconds, ".2f"))
    table.add_section()
    expected = ("", "", f"{report.random_expected_to_half:.0f}", "", f"{report.random_expected_to_all:.0f}")
    table.add_row("random order on average", *expected)
    yield table
