"""Every campaign in one line: how it stands, how far it is, what it waits for."""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from dash import dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.controls import button
from dash_app.components.tables import table
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, aria, count, data, moment, number
from dash_app.contract import CampaignSummary, CandidateStatus

_TITLES = (
    "Campaign",
    "State",
    "Found",
    "Evaluated",
    "To review",
    "Under way",
    "Next step, or why it ended",
)


def campaign_list(campaigns: Sequence[CampaignSummary]) -> html.Div:
    """Lay out the list, those that are active first."""
    ordered = sorted(campaigns, key=lambda each: each.status == "finished")
    counts = Counter(each.status for each in campaigns)
    chips: list[Any] = [_chip("", "All", len(campaigns))]
    chips += [_chip(status, title_of(status), n) for status, n in sorted(counts.items())]
    tools = html.Div(
        [html.Div(id="campaign-search-place"), html.Div(chips, className="statuses")], className="tools"
    )
    rows = table(_TITLES, [], "figures campaigns")
    rows.children[1].children = [_row(each) for each in ordered]
    none = html.P("No campaign is like that.", id="no-campaign-shown", className="soft", hidden=True)
    return html.Div(
        [tools if len(campaigns) > 1 else None, html.Div(rows, className="wide-table"), none],
        id="campaign-list",
    )


def _chip(status: str, text: str, n: int) -> html.Button:
    inner: Any = [text, html.Span(f"{n:,}", className="n")]
    pressed = aria(pressed=str(not status).lower())
    return button(inner, f"chip-{status or 'all'}", "chip", **data(campaign_status=status), **pressed)


def _row(campaign: CampaignSummary) -> html.Tr:
    path = f"/campaigns/{quote(campaign.name)}"
    standing = {status: campaign.candidates.get(status, 0) for status in CandidateStatus}
    at_work = standing[CandidateStatus.FLAGGED] + standing[CandidateStatus.IN_VALIDATION]
    to_review = standing[CandidateStatus.RANKED] if campaign.status == "active" else 0
    named = [
        dcc.Link(campaign.name, href=path, className="name"),
        html.Div(
            campaign.description or "No description.",
            className="soft small told",
            title=campaign.description,
        ),
    ]
    words = f"{campaign.name} {campaign.description}".lower()
    return html.Tr(
        [
            html.Th(named, scope="row"),
            html.Td(badge(campaign.status)),
            html.Td(_found(campaign)),
            html.Td(_evaluated(campaign)),
            html.Td(dcc.Link(f"{to_review:,}", href=f"{path}?status=ranked") if to_review else MISSING),
            html.Td(f"{at_work:,}" if at_work else MISSING),
            html.Td(_waits(campaign), className="waits-cell"),
        ],
        **data(words=words, standing=campaign.status),
    )


def _found(campaign: CampaignSummary) -> str:
    if campaign.hits is None:
        return f"best {number(campaign.best, 4)}"
    of = f" of {campaign.target_hits:,}" if campaign.target_hits else ""
    return f"{count(campaign.hits, 'hit')}{of}"


def _evaluated(campaign: CampaignSummary) -> list[Any]:
    budget = campaign.max_evaluations
    said: list[Any] = [
        html.Div(f"{campaign.evaluated:,} of {budget:,}" if budget else f"{campaign.evaluated:,}")
    ]
    if budget:
        inner = html.Span(style={"width": f"{min(1.0, campaign.evaluated / budget):.1%}"})
        said.append(html.Span(inner, className="meter", **aria(hidden="true")))
    return said


def _waits(campaign: CampaignSummary) -> list[Any]:
    if campaign.status == "finished":
        when = f" · {moment(campaign.finished_at)}" if campaign.finished_at else ""
        return [html.Span(f"{campaign.stop_reason or 'ended'}{when}", className="soft")]
    waiting = campaign.waiting
    if waiting is None:
        return [html.Span(f"{count(campaign.iterations, 'iteration')}, goes on", className="soft")]
    failed = html.Strong("Failed: ", className="why-not") if waiting.failure else None
    return [
        failed,
        html.Span(waiting.failure or waiting.reason),
        html.Div(waiting.remedy, className="soft small"),
    ]
