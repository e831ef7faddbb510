"""The discovery chart: what a campaign found for what it spent."""

from typing import Any, Final

from catalyst_assets.constants import in_sentence
from dash_app.components.wording import with_unit
from dash_app.contract import CampaignDetail, Iteration

INK: Final = "#1d2733"
SOFT: Final = "#5b6875"
LINE: Final = "#e3e7eb"
ACCENT: Final = "#1f5fae"
_FEW_HITS: Final = 6


def discovery_figure(campaign: CampaignDetail) -> Any:
    """Draw hits, or the best objective value, against materials evaluated.

    Returns
    -------
    plotly.graph_objects.Figure
        One marker an iteration.
    """
    import plotly.graph_objects as go

    by_criteria = not campaign.document.get("objective")
    reached = [each for each in campaign.progress if each.evaluated_so_far > 0]
    points = [
        (each.evaluated_so_far, each.hits_so_far if by_criteria else each.best_so_far, _hover(each))
        for each in reached
    ]
    if by_criteria and reached:
        points.insert(0, (0, 0, ""))
    spent, found, hover = zip(*points, strict=True) if points else ((), (), ())
    figure = go.Figure(
        go.Scatter(
            x=spent,
            y=found,
            mode="lines+markers",
            cliponaxis=False,
            line={"color": ACCENT, "width": 2.5},
            marker={"size": 7, "color": ACCENT},
            fill="tozeroy" if by_criteria else None,
            fillcolor="rgba(31, 95, 174, 0.1)",
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
        )
    )
    figure.update_layout(
        template="none",
        margin={"l": 52, "r": 20, "t": 10, "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": SOFT},
        hoverlabel={"bgcolor": INK, "font": {"color": "white"}, "align": "left"},
        showlegend=False,
        uirevision=campaign.name,
    )
    figure.update_xaxes(title="Materials evaluated", rangemode="tozero", gridcolor=LINE, zeroline=False)
    figure.update_yaxes(title=_vertical(campaign), gridcolor=LINE, zeroline=False)
    if by_criteria:
        # Plotly would set ticks between whole numbers and write them as these.
        whole = 1 if (campaign.hits or 0) <= _FEW_HITS else None
        figure.update_yaxes(
            rangemode="tozero", tickformat="d", dtick=whole, range=None if campaign.hits else [0, 4]
        )
    if not reached:
        figure.update_xaxes(visible=False)
        figure.update_yaxes(visible=False)
        figure.add_annotation(
            text="Nothing is evaluated yet", showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper"
        )
    return figure


def _vertical(campaign: CampaignDetail) -> str:
    objective = campaign.document.get("objective")
    if not objective:
        return "Hits found"
    known = {info.name: info for info in campaign.properties}
    name = objective["property"]
    unit, label = (known[name].unit, known[name].label) if name in known else ("", "")
    return f"Best {in_sentence(with_unit(name, unit, {name: label}))}"


def _hover(iteration: Iteration) -> str:
    hits = "" if iteration.hits is None else f", {iteration.hits} hits"
    return f"Iteration {iteration.iteration}<br>{iteration.evaluated} evaluated{hits}"
