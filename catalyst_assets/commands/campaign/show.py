"""`catalyst campaign show`: one campaign in the terminal, its goal, iterations and best candidates."""

import itertools
import json
import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from catalyst_assets.commands.opening import AsJson, Home, open_platform
from catalyst_assets.commands.tables import MISCALIBRATION, MISCALIBRATION_EXPLAINED, narrow_table, number
from catalyst_assets.constants import decimals, in_sentence
from catalyst_assets.vocabulary.known import label_of, unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from catalyst_assets.campaigns.model import Campaign
    from catalyst_assets.report.statistics import Ratio
    from catalyst_assets.report.summary import CampaignSummary
    from resources.postgres.database import Row

_MOST_ROWS = 20
_LONGEST_NAME = 30


def show(
    name: Annotated[str, typer.Argument(help="A campaign that was started.")],
    home: Home = None,
    as_json: AsJson = False,
) -> None:
    """Show a campaign: its goal in words, what it waits for, its iterations, the hits, and what it suggests next.

    What is waited for is said with its beginning, why the last run failed where one did, and what to do.
    Errors are held out, on chemical systems left out of the fit, in the unit of the property.
    """
    from catalyst_assets.loop.notices.keeping import standing_notices
    from catalyst_assets.loop.waits import read_wait
    from catalyst_assets.report.collect import load_goal, summarize_campaign
    from resources.postgres.database import Role

    with open_platform(home) as platform:
        goal = load_goal(platform.database, name)
        summary = summarize_campaign(platform, name, with_map=False)
        with platform.database.transaction(Role.PIPELINE) as connection:
            waiting = read_wait(connection, name) if summary.status == "active" else None
            notices = standing_notices(connection, name)
    if as_json:
        stands = {"waiting": _as_json(waiting), "notices": [_as_json(notice) for notice in notices]}
        typer.echo(json.dumps(as_object(goal, summary) | stands, allow_nan=False))
    else:
        _print(goal, summary, waiting, notices)


def as_object(goal: "Campaign", summary: "CampaignSummary") -> dict[str, Any]:
    """Return the object that `--json` prints; what is not a number is null."""
    held: dict[str, Any] = _finite(asdict(summary))
    held.pop("space")
    held.pop("discovery")
    return held | {
        "goal": goal.document,
        "evaluated": summary.evaluated,
        "hits": summary.hits,
        "random_expected_hits": summary.random_expected_hits,
        "enrichment": _ratio(summary.enrichment),
        "acceleration": _ratio(summary.acceleration),
        "luck": summary.luck,
    }


def waiting_lines(waiting: "Row") -> list[str]:
    """Say what a campaign waits for, since when, what failed last, when it is tried again and what to do."""
    lines = [f"It waits since {_moment(waiting['since'])}: {waiting['reason']}."]
    if waiting["failure"]:
        when = f" at {_moment(waiting['failed_at'])}" if waiting["failed_at"] else ""
        lines.append(f"Run {waiting['failed_run_id'][:8]} failed{when}: {waiting['failure']}")
    if waiting["next_try_at"]:
        lines.append(f"It is tried again at {_moment(waiting['next_try_at'])}.")
    return [*lines, waiting["remedy"]] if waiting["remedy"] else lines


def superseded_lines(summary: "CampaignSummary") -> list[str]:
    """Say which iterations were ranked by labels that were corrected or retracted since, each label once."""
    affected = summary.superseded
    if not affected:
        return []
    lines = ["Labels that rankings were learned from and that were corrected or retracted since:"]
    lines += [f"  {said} (iteration {', '.join(labels)})" for said, labels in affected.items()]
    return [*lines, "Those rankings stay as they are; the next iteration learns from what holds now."]


def _as_json(waiting: "Row | None") -> dict[str, Any] | None:
    if waiting is None:
        return None
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in waiting.items()
        if name != "subject"
    }


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def notice_lines(notice: "Row") -> list[str]:
    """Say what a person should know, since when, and what to do."""
    whose = f"{notice['campaign']}: " if notice["campaign"] else ""
    line = f"Notice of {_moment(notice['raised_at'])}, {whose}{notice['message'].rstrip('.')}."
    return [line, notice["remedy"]] if notice["remedy"] else [line]


def _print(
    goal: "Campaign", summary: "CampaignSummary", waiting: "Row | None", notices: "Sequence[Row]"
) -> None:
    from rich.console import Console

    from catalyst_assets.report.goal import describe_goal

    console = Console(highlight=False)
    console.print(f"[bold]{summary.campaign}[/] ({summary.status})")
    for line in ([summary.description] if summary.description else []) + describe_goal(goal):
        console.print(f"  {line}", markup=False)
    if summary.stop_reason:
        console.print(f"It ended: {summary.stop_reason}.", markup=False)
    for line in itertools.chain.from_iterable(map(notice_lines, notices)):
        console.print(line, markup=False)
    for line in waiting_lines(waiting) if waiting else ():
        console.print(line, markup=False)
    console.print(_found(summary), markup=False)
    if summary.iterations:
        console.print(iterations_table(summary))
        console.print(MISCALIBRATION_EXPLAINED)
    for line in superseded_lines(summary):
        console.print(line, markup=False)
    if summary.found:
        console.print(_materials(summary))
    if summary.next_batch:
        console.print(_suggestions(summary))
    if summary.model is not None and summary.model.version is not None:
        champion = f", champion is version {summary.model.champion}" if summary.model.champion else ""
        console.print(f"Latest model: {summary.model.name}@{summary.model.version}{champion}.", markup=False)
    if summary.model is not None and summary.model.predictor:
        console.print(f"What predicts: {summary.model.predictor}", markup=False)


def _found(summary: "CampaignSummary") -> str:
    if summary.objective:
        best = decimals(summary.best[-1]) if summary.best and not math.isnan(summary.best[-1]) else "none"
        return f"Best value {best} after {summary.evaluated} evaluations of {summary.pool_size} candidates."
    of_all = f" of {summary.hits_in_pool}" if summary.hits_in_pool is not None else ""
    hits = "1 hit" if summary.hits == 1 and not of_all else f"{summary.hits}{of_all} hits"
    text = f"{hits} after {summary.evaluated} evaluations of {summary.pool_size} candidates"
    if not summary.random_expected_hits:
        return f"{text}."
    text += f"; random choice expects {summary.random_expected_hits:.2f}"
    if summary.acceleration is not None:
        text += f" and takes {summary.acceleration.value:.1f} times as long for as many"
    return f"{text}."


def iterations_table(summary: "CampaignSummary") -> "Table":
    """Return the table of a campaign's iterations, with the error of each learned property."""
    learned = sorted({name for one in summary.iterations for name in one.valid_mae_by_property})
    errors = [f"error of {_heading(name)}" for name in learned]
    table = narrow_table(
        "Iterations", ["iteration", "status"], ["labels", "evaluated", "hits", *errors, MISCALIBRATION]
    )
    for one in summary.iterations:
        maes = [number(one.valid_mae_by_property.get(name)) for name in learned]
        counts = [str(one.labels), str(one.evaluated), str(one.hits)]
        table.add_row(one.label, one.status, *counts, *maes, number(one.miscalibration_area))
    return table


def _materials(summary: "CampaignSummary") -> "Table":
    measured = sorted({name for hit in summary.found for name in hit.values})
    title = "Best materials" if summary.objective else "Hits"
    table = narrow_table(
        _cut(title, len(summary.found)), ["formula", "material"], ["iteration", *map(_heading, measured)]
    )
    for hit in summary.found[:_MOST_ROWS]:
        values = [number(hit.values.get(name)) for name in measured]
        table.add_row(hit.formula, hit.material_id, str(hit.iteration), *values)
    return _with_whole_names(table)


def _suggestions(summary: "CampaignSummary") -> "Table":
    names = sorted({name for one in summary.next_batch for name in one.predicted})
    title = _cut("Next batch", len(summary.next_batch))
    table = narrow_table(
        title, ["formula", "material", "status"], ["rank", "feasibility", *map(_heading, names)]
    )
    for one in summary.next_batch[:_MOST_ROWS]:
        values = [
            " ± ".join(decimals(each, 2) for each in one.predicted[name]) if name in one.predicted else "-"
            for name in names
        ]
        table.add_row(
            one.formula, one.material_id, one.status, str(one.rank), number(one.feasibility), *values
        )
    return _with_whole_names(table)


def _with_whole_names(table: "Table") -> "Table":
    """Let headings, which have words, be broken rather than the names of materials."""
    names = table.columns[1]
    names.no_wrap = all(len(str(name)) <= _LONGEST_NAME for name in names.cells)
    return table


def _heading(name: str) -> str:
    return f"{in_sentence(label_of(name))} ({unit_of(name)})"


def _cut(title: str, count: int) -> str:
    return title if count <= _MOST_ROWS else f"{title}: the first {_MOST_ROWS} of {count} (--json has all)"


def _ratio(ratio: "Ratio | None") -> dict[str, float | None] | None:
    return None if ratio is None else _finite(asdict(ratio))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
