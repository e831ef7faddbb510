"""Addresses of pages that other pages lead to, and links to them."""

from typing import Any
from urllib.parse import quote, urlencode

from dash import dcc


def material_path(material_id: str, campaign: str | None = None, candidate: int | None = None) -> str:
    """Return the address of a material's page, as a campaign sees it and ranked it there."""
    query = {name: value for name, value in (("campaign", campaign), ("candidate", candidate)) if value}
    path = f"/materials/{quote(material_id, safe=':')}"
    return f"{path}?{urlencode(query)}" if query else path


def candidate_path(campaign: str, iteration: int, candidate: int) -> str:
    """Return the address of a campaign's ranking with a candidate's panel open."""
    return f"/campaigns/{quote(campaign)}?{urlencode({'iteration': iteration, 'candidate': candidate})}"


def material_link(
    material_id: str, text: Any, campaign: str | None = None, candidate: int | None = None
) -> dcc.Link:
    """Lay out a link to a material's page."""
    href = material_path(material_id, campaign, candidate)
    return dcc.Link(text, href=href, title=f"{material_id}: structure, predictions, history, notes")
