"""Runs in a table: how each stands, how far it is, why it failed; and the dialogs that stop and launch them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from dash import dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.controls import button
from dash_app.components.dialogs import native_dialog
from dash_app.components.tables import column, table
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, ago, aria, count, in_words, moment, took
from dash_app.dispatch_contract import Run, RunStatus, Steps

# As people filter them: the name in the address, what it says, and Dagster's states.
STATES: Final[Mapping[str, tuple[str, tuple[RunStatus, ...]]]] = {
    "": ("All", ()),
    "running": ("Running", tuple(status for status in RunStatus if not status.has_ended)),
    "failed": ("Failed", (RunStatus.FAILURE,)),
    "done": ("Done", (RunStatus.SUCCESS,)),
    "stopped": ("Stopped", (RunStatus.CANCELED,)),
}
_WORDS: Final[Mapping[RunStatus, tuple[str, str]]] = {
    RunStatus.SUCCESS: ("Done", "validated"),
    RunStatus.FAILURE: ("Failed", "rejected"),
    RunStatus.CANCELED: ("Stopped", "stopped"),
    RunStatus.CANCELING: ("Stopping", "flagged"),
    RunStatus.STARTED: ("Running", "in_validation"),
}
_UNDER_WAY_SHOWN: Final = 3


def runs_table(runs: Sequence[Run], launchable: Iterable[str], now: datetime) -> html.Div:
    """Lay out runs; those of jobs that may be launched can be launched again."""
    again = frozenset(launchable)
    is_plain = all(_outcome(run) is None for run in runs)
    titles = (
        "State",
        "Job",
        "Campaign",
        column("What came of it", "nothing" if is_plain else ""),
        "Began",
        "Took",
        column("Launched by", "spare"),
        "",
    )
    found = table(
        titles, [_row(run, run.job in again, now, is_plain) for run in runs], "figures listing runs"
    )
    return html.Div(found, className="table-frame")


def _row(run: Run, is_launchable: bool, now: datetime, is_plain: bool) -> list[Any]:
    began = run.started_at or run.created_at
    end = run.ended_at or (None if run.status.has_ended else now)
    return [
        html.Td(_state(run.status)),
        html.Th(title_of(run.job), scope="row"),
        html.Td(_campaign(run)),
        html.Td(_outcome(run) or MISSING, className="nothing" if is_plain else "outcome-cell"),
        html.Td(html.Time(ago(began, now), title=moment(began), dateTime=began.isoformat())),
        html.Td(took((end - run.started_at).total_seconds()) if end and run.started_at else MISSING),
        html.Td(run.launched_by or MISSING, className="spare"),
        html.Td(_actions(run, is_launchable), className="row-actions"),
    ]


def _state(status: RunStatus) -> html.Span:
    word, look = _WORDS.get(status, ("Queued", "ranked"))
    return badge(word, look=look)


def _campaign(run: Run) -> Any:
    if run.campaign is None:
        return MISSING
    path = f"/campaigns/{quote(run.campaign, safe='')}"
    number = run.partition.rpartition("__")[2] if run.partition else ""
    if not number.isdigit():
        return dcc.Link(run.campaign, href=path)
    iteration = dcc.Link(f"iteration {int(number)}", href=f"{path}?iteration={int(number)}")
    return [dcc.Link(run.campaign, href=path), " · ", iteration]


def _outcome(run: Run) -> Any:
    if run.failure:
        return html.Div(run.failure, className="cause", title=run.failure)
    if run.stopped_by:
        return f"Stopped by {run.stopped_by}"
    if run.steps is not None:
        return _progress(run.steps)
    if not run.status.has_ended:
        return html.Span("Waits for its turn, or for its process", className="soft")
    return None


def _progress(steps: Steps) -> html.Div:
    share = steps.done / steps.total if steps.total else 0.0
    names = [in_words(name) for name in steps.under_way[:_UNDER_WAY_SHOWN]]
    more = len(steps.under_way) - len(names)
    now = f" · {', '.join(names)}{f' and {more} more' if more > 0 else ''}" if names else ""
    meter = html.Span(html.Span(style={"width": f"{share:.1%}"}), className="meter", **aria(hidden="true"))
    return html.Div(
        [meter, html.Span(f"{steps.done} of {count(steps.total, 'step')}{now}")], className="run-progress"
    )


def _actions(run: Run, is_launchable: bool) -> list[Any]:
    marks: dict[str, Any] = {
        "data-run": run.run_id,
        "data-job": run.job,
        "data-partition": run.partition or "",
    }
    about = f"{title_of(run.job)} {run.partition or ''}".strip()
    actions: list[Any] = []
    if not run.status.has_ended and run.status is not RunStatus.CANCELING:
        actions.append(_act("Stop…", f"Stop {about}", marks | {"data-act": "stop"}))
    elif run.status in (RunStatus.FAILURE, RunStatus.CANCELED) and is_launchable:
        actions.append(_act("Again…", f"Launch {about} again", marks | {"data-act": "launch"}))
    log = html.A(
        "Log ↗", href=run.address, target="_blank", className="for-admins", title="Its page in Dagster"
    )
    return [*actions, log]


def _act(text: str, told: str, marks: dict[str, Any]) -> html.Button:
    return html.Button(text, type="button", className="link for-admins", **aria(label=told), **marks)


def stop_dialog() -> html.Dialog:
    """Lay out the question whether a run is to be stopped."""
    return native_dialog(
        "stop-run",
        "Stop the run?",
        html.P(id="stop-run-what", className="who"),
        html.P(
            "What it wrote in whole stays. The loop may ask for the rest again: stop the campaign to end that.",
            className="soft",
        ),
        html.P(id="stop-run-complaint", className="complaint", role="alert"),
        confirm=button("Stop it", "stop-run-confirm", "danger solid"),
    )


def launch_dialog() -> html.Dialog:
    """Lay out which job is launched, and for which iteration; the script fills in what there is."""
    return native_dialog(
        "launch-run",
        "Launch a run",
        html.Label("Job", htmlFor="launch-job"),
        html.Select(id="launch-job"),
        html.P(id="launch-told", className="soft small"),
        html.Div(
            [html.Label("Iteration", htmlFor="launch-partition"), html.Select(id="launch-partition")],
            id="launch-which",
            hidden=True,
        ),
        html.P(id="launch-run-complaint", className="complaint", role="alert"),
        confirm=button("Launch", "launch-run-confirm", "primary"),
    )
