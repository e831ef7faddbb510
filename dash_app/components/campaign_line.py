"""The slim line above the candidates: where one is, and how far the campaign."""

from typing import Any

from dash import dcc, html

from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, aria, count, moment, number
from dash_app.contract import CampaignDetail, CandidateStatus, Iteration


def campaign_head(campaign: CampaignDetail, page: str) -> html.Div:
    """Show the campaign's name, its state, and its pages; ``page`` is the one that is shown."""
    path = f"/campaigns/{campaign.name}"
    pages = {
        "candidates": ("Candidates", path),
        "validation": ("Validation", f"{path}/validation"),
        "map": ("Map", f"{path}/map"),
        "progress": ("Goal and progress", f"{path}/progress"),
    }
    links = [
        html.Span(title, className="page-tab", **aria(current="page"))
        if name == page
        else dcc.Link(title, href=href, className="page-tab")
        for name, (title, href) in pages.items()
    ]
    crumbs = html.Span([dcc.Link("Campaigns", href="/"), " / "], className="soft crumbs")
    return html.Div(
        [
            html.H1([crumbs, html.Span(campaign.name, className="name")], title=campaign.description),
            badge(campaign.status),
            html.Nav(links, className="tabs", **aria(label="Campaign")),
            html.Div(progress_line(campaign), className="progress-line", id="progress-line"),
        ],
        className="campaign-head",
    )


def progress_line(campaign: CampaignDetail) -> list[Any]:
    """Say in one line how far the newest iteration and the campaign are, and why it ended."""
    parts: list[Any] = []
    if campaign.progress:
        latest = campaign.progress[-1]
        parts.append(html.Span(f"Iteration {latest.iteration}: {_stage(latest)}"))
    found = _found(campaign)
    stop = campaign.document.get("stop") or {}
    budget = stop.get("max_evaluations")
    of = f" of {budget:,}" if budget else ""
    parts.append(html.Span(f"{campaign.evaluated:,}{of} evaluated"))
    if budget:
        share = min(1.0, campaign.evaluated / budget)
        inner = html.Span(style={"width": f"{share:.1%}"})
        parts.append(html.Span(inner, className="meter", **aria(hidden="true")))
    parts.append(html.Strong(found))
    if campaign.stop_reason:
        parts.append(html.Span(campaign.stop_reason, className="ended", title=campaign.stop_reason))
    return parts


def _stage(iteration: Iteration) -> Any:
    standing = {status: iteration.candidates.get(status, 0) for status in CandidateStatus}
    at_work = standing[CandidateStatus.FLAGGED] + standing[CandidateStatus.IN_VALIDATION]
    sent = at_work + iteration.evaluated
    if iteration.status == "open":
        return f"training since {moment(iteration.opened_at)}"
    if sent:
        return f"{iteration.evaluated} of {sent} answered"
    return f"{standing[CandidateStatus.RANKED]:,} to review" if iteration.candidates else MISSING


def _found(campaign: CampaignDetail) -> str:
    if campaign.hits is None:
        return f"best {number(campaign.best, 4)}"
    target = (campaign.document.get("stop") or {}).get("target_hits")
    return f"{count(campaign.hits, 'hit')}{f' of {target:,}' if target else ''}"
