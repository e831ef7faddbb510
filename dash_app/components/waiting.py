"""What a campaign waits for, since when, and what to do about it; and what a person should know of it besides."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from dash import dcc, html

from dash_app.components.wording import lasting, moment
from dash_app.contract import CampaignDetail, Notice, Waiting
from dash_app.dispatch_contract import CampaignWait

# Of whom or what it waits, as `waits_on` names it.
_LEADS: Final = {
    "review": "Waiting for review",
    "answers": "Waiting for answers",
    "features": "Waiting for features",
    "repair": "Waiting until it is mended",
    "run": "At work",
}


def waiting_panel(campaign: str, waiting: Waiting) -> html.Div:
    """Show what is waited for; what failed last, in its own words; what a person can do."""
    return html.Div(
        _explain(campaign, waiting),
        className=f"waiting band {_look(waiting)}",
        role="status",
        id="campaign-waiting",
    )


def wait_card(wait: CampaignWait) -> html.Div:
    """Show what a campaign waits for, among those of others."""
    name = dcc.Link(wait.campaign, href=f"/campaigns/{quote(wait.campaign, safe='')}")
    return html.Div(
        [html.H3(name), *_explain(wait.campaign, wait)],
        className=f"waiting {'notice' if wait.failure else ''}",
    )


def campaign_lines(campaign: CampaignDetail) -> list[Any]:
    """Show in a line each what a person should know of a campaign, and what it waits for.

    A run that goes on is no line: it ends by itself, and the page would move with every one.
    """
    lines: list[Any] = [
        html.Details(
            [html.Summary(notice.message), html.P(notice.remedy or "Nothing needs doing.")],
            className="band warning",
        )
        for notice in campaign.notices
    ]
    waiting = campaign.waiting
    if waiting is None or waiting.waits_on == "run":
        return lines
    if waiting.failure or waiting.remedy:
        said = f"The last run failed: {waiting.failure}" if waiting.failure else _said(waiting)
        opened = [html.Summary(said), waiting_panel(campaign.name, waiting)]
        lines.append(html.Details(opened, className=f"band {_look(waiting)}"))
    else:
        lines.append(waiting_panel(campaign.name, waiting))
    return lines


def notice_banner(notice: Notice) -> html.Div:
    """Show what a person should know."""
    return html.Div(
        [
            html.P([html.Strong("Notice"), f" of {moment(notice.raised_at)}: {notice.message}"]),
            html.P(notice.remedy, className="soft") if notice.remedy else None,
        ],
        className="waiting notice",
        role="alert",
    )


def _explain(campaign: str, waiting: Waiting) -> list[html.P]:
    parts = [html.P(_sentence(campaign, waiting))]
    if waiting.failure:
        parts.append(_failed(waiting))
    if waiting.next_try_at:
        parts.append(html.P(f"Tried again at {moment(waiting.next_try_at)}."))
    if waiting.remedy:
        parts.append(html.P(waiting.remedy, className="soft"))
    return parts


def _look(waiting: Waiting) -> str:
    if waiting.failure:
        return "problem"
    return "warning" if waiting.remedy or waiting.waits_on == "review" else "told"


def _said(waiting: Waiting) -> str:
    return f"{_LEADS.get(waiting.waits_on, 'Waiting')}: {waiting.reason}"


def _sentence(campaign: str, waiting: Waiting) -> list[Any]:
    """Say what is waited for, where one goes on, and for how long it has been so."""
    lead, _, rest = _said(waiting).partition(": ")
    lasts = f"for {lasting(waiting.since, datetime.now(UTC))}"
    return [
        html.Strong(f"{lead}:"),
        f" {rest}. ",
        _next_step(campaign, waiting.waits_on),
        html.Span(f" {lasts}", className="soft small", title=f"Since {moment(waiting.since)}"),
    ]


def _next_step(campaign: str, waits_on: str) -> dcc.Link:
    path = f"/campaigns/{quote(campaign, safe='')}"
    text, href = {
        "review": ("Review what is ranked", f"{path}?status=ranked"),
        "answers": ("See what is out", f"{path}/validation"),
    }.get(waits_on, ("See the runs", f"/runs?{urlencode({'campaign': campaign})}"))
    return dcc.Link(text, href=href, className="next-step")


def _failed(waiting: Waiting) -> html.P:
    when = f" at {moment(waiting.failed_at)}" if waiting.failed_at else ""
    run = f"Run {waiting.failed_run_id[:8]}" if waiting.failed_run_id else "The last run"
    return html.P(f"{run} failed{when}: {waiting.failure}")
