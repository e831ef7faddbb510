"""What the browser is told of a campaign, so that it can ask for candidates, draw and filter them."""

from typing import Any

from dash_app.components.wording import property_title
from dash_app.contract import CampaignDetail

Window = list[float | None]


def campaign_about(campaign: CampaignDetail) -> dict[str, Any]:
    """Return a campaign as `assets/review_address.js` holds it."""
    ranked = [each for each in campaign.progress if each.candidates]
    return {
        "name": campaign.name,
        "method": campaign.document.get("method", ""),
        "validator": campaign.document.get("validator", ""),
        # Whether people say when validation begins, or a program does.
        "by_laboratory": campaign.document.get("validator") == "laboratory",
        "has_criteria": campaign.hits is not None,
        "last_event": campaign.last_event,
        "latest": ranked[-1].iteration if ranked else None,
        # Nothing was known when they were ranked: the same is predicted of every material.
        "unlearned": [each.iteration for each in ranked if each.label_count == 0],
        "iterations": [
            {
                "number": each.iteration,
                "is_closed": each.status in ("closed", "abandoned"),
                "counts": {status.value: n for status, n in each.candidates.items()},
                "strategy": each.strategy,
                "weight": each.exploration_weight,
            }
            for each in ranked
        ],
        "properties": [
            {
                "name": info.name,
                "label": property_title(info.name, {info.name: info.label}),
                "unit": info.unit,
                "windows": windows_of(campaign, info.name),
            }
            for info in campaign.properties
        ],
    }


def windows_of(campaign: CampaignDetail, name: str) -> list[Window]:
    """Return the ranges of a property that the goal asks for: of alternatives each; none where it asks for none."""
    bounds: list[dict[str, Any]] = []
    for criterion in campaign.document.get("criteria") or []:
        if "any_of" in criterion:
            bounds += [bound for branch in criterion["any_of"] for bound in branch]
        else:
            bounds.append(criterion)
    return [[bound.get("min"), bound.get("max")] for bound in bounds if bound.get("property") == name]
