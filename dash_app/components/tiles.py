"""Numbers that tell at a glance how far a campaign is."""

from dash import html

from catalyst_assets.constants import in_sentence, title_of
from dash_app.components.wording import number, property_title
from dash_app.contract import CampaignDetail, CampaignSummary, CandidateStatus


def summary_tiles(campaign: CampaignDetail) -> html.Dl:
    """Show a campaign's counts."""
    stop = campaign.document.get("stop") or {}
    budget, target = stop.get("max_evaluations"), stop.get("target_hits")
    limit = f"of {budget:,} at most" if budget else "no budget set"
    if campaign.hits is None:
        found = ("Best so far", number(campaign.best, 4), _objective(campaign))
    elif target:
        found = ("Hits", f"{campaign.hits:,}", f"target {target:,}")
    else:
        done = campaign.evaluated
        share = f"{campaign.hits / done:.0%} of those evaluated" if done else "nothing evaluated yet"
        found = ("Hits", f"{campaign.hits:,}", share)
    at_work = _in_status(campaign, CandidateStatus.FLAGGED, CandidateStatus.IN_VALIDATION)
    tiles = (
        ("Iterations", f"{campaign.iterations:,}", _latest(campaign)),
        ("Evaluated", f"{campaign.evaluated:,}", limit),
        found,
        ("To review", f"{_in_status(campaign, CandidateStatus.RANKED):,}", "ranked, not yet decided"),
        ("In progress", f"{at_work:,}", "flagged or in validation"),
    )
    return html.Dl([_tile(*tile) for tile in tiles], className="tiles")


def badge(status: str, kind: str = "", look: str = "") -> html.Span:
    """Show a status as a coloured word, with the kind of a rejection; ``look`` is another status of that colour."""
    text = f"{title_of(status)}: {kind}" if kind else title_of(status)
    return html.Span(text, className=f"badge badge-{look or status}")


def _tile(label: str, value: str, note: str) -> html.Div:
    return html.Div(
        [html.Dt(label), html.Dd(value, className="value"), html.Dd(note, className="soft small")],
        className="tile",
    )


def _in_status(campaign: CampaignSummary, *statuses: CandidateStatus) -> int:
    return sum(campaign.candidates.get(status, 0) for status in statuses)


def _latest(campaign: CampaignDetail) -> str:
    return f"the latest is {campaign.progress[-1].status}" if campaign.progress else "none opened yet"


def _objective(campaign: CampaignDetail) -> str:
    objective = campaign.document.get("objective") or {}
    labels = {info.name: info.label for info in campaign.properties}
    title = in_sentence(property_title(objective.get("property", ""), labels))
    return f"{objective.get('direction', '')} {title}".strip()
