"""What was expected of a material in each iteration, beside what was measured: as a table, and as the browser draws it."""

from typing import Any

from dash import dcc, html

from dash_app.components.candidates.about import windows_of
from dash_app.components.links import material_path
from dash_app.components.material.look import Seen, unlearned
from dash_app.components.tables import remark, table
from dash_app.components.wording import MISSING, aria, number, plus_minus, property_title, with_unit
from dash_app.contract import CampaignDetail, Predicted, PropertyInfo, Validated

# What was predicted and what was measured in an iteration.
Step = tuple[Predicted | None, Validated | None]


def track_section(seen: Seen) -> list[Any]:
    """Lay out the places of the charts, and the same as a table."""
    campaign = seen.campaign
    if campaign is None:
        unknown = "No campaign has predicted it yet. It is when a campaign has it in its pool and opens an iteration."
        return [remark(unknown)]
    steps = {info.name: _steps(seen, info.name) for info in campaign.properties}
    iterations = sorted({iteration for each in steps.values() for iteration in each}, reverse=True)
    heads = [html.Th("Iteration", scope="col")]
    for info in campaign.properties:
        title = with_unit(info.name, info.unit, {info.name: info.label})
        heads += [html.Th(f"{title}, predicted", scope="col"), html.Th("measured", scope="col")]
    rows = []
    for iteration in iterations:
        cells: list[Any] = [html.Th(_named(iteration, campaign), scope="row")]
        for info in campaign.properties:
            predicted, measured = steps[info.name].get(iteration, (None, None))
            cells += [
                html.Td(plus_minus(predicted.mean, predicted.std) if predicted else MISSING),
                html.Td(_measured(measured), className="measured-cell"),
            ]
        rows.append(cells)
    body = table((), rows).children
    shown = html.Table([html.Thead(html.Tr(heads)), body], className="figures tracked")
    covering = unlearned(campaign) & set(iterations)
    told = "In iterations marked * nothing was known yet: the same was predicted of every material."
    return [
        html.Div(shown, className="wide tall"),
        remark(told) if covering else None,
    ]


def campaign_tabs(seen: Seen) -> html.Nav | None:
    """Offer the campaigns that know the material, where there are several."""
    if len(seen.look.campaigns) < 2:
        return None
    links = [
        html.Span(name, className="page-tab", **aria(current="true"))
        if name == seen.look.campaign
        else dcc.Link(name, href=material_path(seen.material.material_id, name), className="page-tab")
        for name in seen.look.campaigns
    ]
    return html.Nav(links, className="tabs", **aria(label="Campaign that is shown"))


def drawn_tracks(seen: Seen) -> list[dict[str, Any]]:
    """Return of each property what `assets/review_tracks.js` draws."""
    campaign = seen.campaign
    if campaign is None:
        return []
    return [_drawn(seen, campaign, info) for info in campaign.properties]


def _drawn(seen: Seen, campaign: CampaignDetail, info: PropertyInfo) -> dict[str, Any]:
    covering = unlearned(campaign)
    points = [
        {
            "iteration": iteration,
            "mean": predicted.mean if predicted else None,
            "std": predicted.std if predicted else None,
            "learned": iteration not in covering,
            "value": measured.value if measured else None,
            "deviation": measured.standard_deviation if measured else None,
        }
        for iteration, (predicted, measured) in sorted(_steps(seen, info.name).items())
    ]
    return {
        "title": property_title(info.name, {info.name: info.label}),
        "unit": info.unit,
        "windows": windows_of(campaign, info.name),
        "iterations": [each.iteration for each in campaign.progress],
        "points": points,
        "known": _known(seen, campaign, info.name),
    }


def _steps(seen: Seen, name: str) -> dict[int, Step]:
    """Return the iterations that told something of a property: predictions that stand, or what was kept with the ranking."""
    name_of = seen.look.campaign
    found: dict[int, Step] = {}
    for prediction in reversed(seen.material.predictions):
        if prediction.campaign == name_of and prediction.is_current and name in prediction.predicted:
            found[prediction.iteration] = (prediction.predicted[name], None)
    method = seen.campaign.document.get("method") if seen.campaign else None
    for candidate in seen.material.candidates:
        if candidate.campaign != name_of:
            continue
        # What it was ranked by stays; a later prediction of that iteration does not change the ranking.
        predicted = candidate.predicted.get(name) or found.get(candidate.iteration, (None, None))[0]
        answers = [each for each in candidate.validated if (each.property, each.method) == (name, method)]
        if predicted or answers:
            found[candidate.iteration] = (predicted, answers[0] if answers else None)
    return found


def _known(seen: Seen, campaign: CampaignDetail, name: str) -> list[dict[str, Any]]:
    """Return what sources and other campaigns' results say by the campaign's method."""
    method = campaign.document.get("method")
    known = [
        {"value": each.value, "deviation": None, "source": each.source}
        for each in seen.material.properties
        if (each.property, each.method) == (name, method) and each.value is not None
    ]
    known += [
        {"value": each.value, "deviation": each.standard_deviation, "source": f"result {each.result_id}"}
        for each in seen.material.results
        if (each.property, each.method) == (name, method)
        and each.counts
        and each.value is not None
        and each.campaign != campaign.name
    ]
    return known


def _named(iteration: int, campaign: CampaignDetail) -> str:
    return f"{iteration} *" if iteration in unlearned(campaign) else f"{iteration}"


def _measured(answer: Validated | None) -> Any:
    if answer is None:
        return MISSING
    if answer.value is None:
        return html.Span("failed", className="measured missed", title=answer.note or None)
    if answer.standard_deviation:
        return html.Strong(plus_minus(answer.value, answer.standard_deviation))
    return html.Strong(number(answer.value, 4))
