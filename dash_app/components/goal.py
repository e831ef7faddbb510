"""What a campaign looks for, in words."""

from typing import Any

from dash import html

from catalyst_assets.constants import in_sentence, title_of
from dash_app.components.tables import pairs
from dash_app.components.wording import MISSING, criterion, property_title
from dash_app.contract import CampaignDetail


def goal_panel(campaign: CampaignDetail) -> html.Section:
    """Show criteria or objective, method, acquisition, validator and how review goes."""
    document = campaign.document
    units = {info.name: info.unit for info in campaign.properties}
    labels = {info.name: info.label for info in campaign.properties}
    acquisition = document.get("acquisition") or {}
    rows = [
        ("Method", document.get("method", MISSING)),
        ("Pool", _pool(document.get("pool") or {})),
        ("Strategy", title_of(acquisition.get("strategy", MISSING))),
        ("Exploration", f"{acquisition.get('exploration_weight', 0):g} (0 trusts, 1 explores)"),
        ("Batch", f"{acquisition.get('batch_size', MISSING)} an iteration"),
        ("Validator", title_of(document.get("validator", MISSING))),
        ("Review", "by people" if document.get("review", "manual") == "manual" else "automatic"),
    ]
    return html.Section(
        [
            html.H2("Goal"),
            *_aim(document, units, labels),
            pairs(rows),
        ],
        className="panel",
    )


def _aim(document: dict[str, Any], units: dict[str, str], labels: dict[str, str]) -> list[html.P | html.Ul]:
    objective, criteria = document.get("objective"), document.get("criteria") or []
    aim: list[html.P | html.Ul] = []
    if objective:
        where = " where the criteria hold" if criteria else ""
        aim.append(
            html.P(
                f"{title_of(objective['direction'])} "
                f"{in_sentence(property_title(objective['property'], labels))}{where}."
            )
        )
    if criteria:
        aim.append(html.P("A material is a hit when"))
        aim.append(
            html.Ul([html.Li(criterion(each, units, labels)) for each in criteria], className="criteria")
        )
    return aim


def _pool(pool: dict[str, Any]) -> str:
    parts = [
        f"{title_of(name).lower()} {', '.join(value) if isinstance(value, list) else value}"
        for name, value in pool.items()
        if value
    ]
    return "; ".join(parts) or MISSING
