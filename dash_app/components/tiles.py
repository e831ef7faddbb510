"""Numbers that tell at a glance how far a campaign is."""

from dash import dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.wording import count, moment, number
from dash_app.contract import CampaignDetail, CampaignSummary, CandidateStatus


def summary_tiles(campaign: CampaignDetail) -> html.Dl:
    """Show a campaign's counts."""
    stop = campaign.document.get("stop") or {}
    budget, target = stop.get("max_evaluations"), stop.get("target_hits")
    waiting = campaign.candidates.get(CandidateStatus.RANKED, 0)
    at_work = campaign.candidates.get(CandidateStatus.FLAGGED, 0) + campaign.candidates.get(
        CandidateStatus.IN_VALIDATION, 0
    )
    tiles = [
        _tile("Iterations", f"{campaign.iterations:,}", _latest(campaign)),
        _tile(
            "Evaluated", f"{campaign.evaluated:,}", f"of {budget:,} at most" if budget else "no budget set"
        ),
    ]
    if campaign.hits is not None:
        share = campaign.hits / campaign.evaluated if campaign.evaluated else None
        found = "nothing evaluated yet" if share is None else f"{share:.0%} of those evaluated"
        tiles.append(_tile("Hits", f"{campaign.hits:,}", f"target {target:,}" if target else found))
    else:
        tiles.append(_tile("Best so far", number(campaign.best, 4), _objective(campaign)))
    tiles.append(_tile("To review", f"{waiting:,}", "ranked, not yet decided"))
    tiles.append(_tile("In progress", f"{at_work:,}", "flagged or in validation"))
    return html.Dl(tiles, className="tiles")


def campaign_card(campaign: CampaignSummary) -> dcc.Link:
    """Show a campaign in the list of all."""
    found = count(campaign.hits, "hit") if campaign.hits is not None else f"best {number(campaign.best, 4)}"
    waiting = campaign.candidates.get(CandidateStatus.RANKED, 0)
    facts = [
        count(campaign.iterations, "iteration"),
        f"{campaign.evaluated:,} evaluated",
        found,
        f"{waiting:,} to review",
    ]
    return dcc.Link(
        [
            html.Div([html.H2(campaign.name), badge(campaign.status)], className="card-head"),
            html.P(campaign.description or "No description.", className="soft description"),
            html.Ul([html.Li(fact) for fact in facts], className="facts"),
            html.P(campaign.stop_reason or f"Started {moment(campaign.created_at)}", className="soft small"),
        ],
        href=f"/campaigns/{campaign.name}",
        className="card",
    )


def badge(status: str, kind: str = "") -> html.Span:
    """Show a status as a coloured word, with the kind of a rejection."""
    text = f"{title_of(status)}: {kind}" if kind else title_of(status)
    return html.Span(text, className=f"badge badge-{status}")


def _tile(label: str, value: str, note: str) -> html.Div:
    return html.Div(
        [html.Dt(label), html.Dd(value, className="value"), html.Dd(note, className="soft small")],
        className="tile",
    )


def _latest(campaign: CampaignDetail) -> str:
    if not campaign.progress:
        return "none opened yet"
    last = campaign.progress[-1]
    return f"the latest is {last.status}"


def _objective(campaign: CampaignDetail) -> str:
    objective = campaign.document.get("objective") or {}
    return f"{objective.get('direction', '')} {title_of(objective.get('property', '')).lower()}".strip()
