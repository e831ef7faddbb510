"""What a campaign waits for, since when, and what to do about it; and what a person should know of it besides."""

from urllib.parse import quote

from dash import dcc, html

from dash_app.components.wording import moment
from dash_app.contract import CampaignDetail, Notice, Waiting
from dash_app.dispatch_contract import CampaignWait


def waiting_panel(waiting: Waiting) -> html.Div:
    """Show what is waited for; what failed last, in its own words; what a person can do."""
    return html.Div(_explain(waiting), className="waiting", role="status", id="campaign-waiting")


def wait_card(wait: CampaignWait) -> html.Div:
    """Show what a campaign waits for, among those of others."""
    name = dcc.Link(wait.campaign, href=f"/campaigns/{quote(wait.campaign, safe='')}")
    return html.Div([html.H3(name), *_explain(wait)], className=f"waiting {'notice' if wait.failure else ''}")


def _explain(waiting: Waiting) -> list[html.P]:
    parts = [html.P(f"Waits since {moment(waiting.since)}: {waiting.reason}.")]
    if waiting.failure:
        parts.append(_failed(waiting))
    if waiting.next_try_at:
        parts.append(html.P(f"Tried again at {moment(waiting.next_try_at)}."))
    if waiting.remedy:
        parts.append(html.P(waiting.remedy, className="soft"))
    return parts


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


def _failed(waiting: Waiting) -> html.P:
    when = f" at {moment(waiting.failed_at)}" if waiting.failed_at else ""
    run = f"Run {waiting.failed_run_id[:8]}" if waiting.failed_run_id else "The last run"
    return html.P(f"{run} failed{when}: {waiting.failure}")


def notices_line(campaign: CampaignDetail) -> list[html.Details]:
    """Show what a person should know of a campaign, each in one line that opens."""
    lines = [
        html.Details(
            [html.Summary(notice.message), html.P(notice.remedy or "Nothing needs doing.")],
            className="band warning",
        )
        for notice in campaign.notices
    ]
    if campaign.waiting and campaign.waiting.failure:
        lines.append(
            html.Details(
                [
                    html.Summary(f"The last run failed: {campaign.waiting.failure}"),
                    waiting_panel(campaign.waiting),
                ],
                className="band problem",
            )
        )
    return lines
