"""The panel that ranks an iteration again under another strategy: its frame, and the list it shows."""

from typing import Any

from dash import dcc, html

from catalyst_assets.constants import title_of
from dash_app.components.controls import button, choice
from dash_app.components.tables import remark, table
from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, aria, formula, percent, plus_minus, with_unit
from dash_app.contract import RankedAgain, Reranking


def what_if_panel() -> html.Section:
    """Lay out the button that opens the panel, its controls, and the place of the list."""
    strategy = [html.Label("Strategy", htmlFor="what-if-strategy"), choice("what-if-strategy")]
    marks = {0: "0", 0.5: "0.5", 1: "1"}
    slider = dcc.Slider(
        id="what-if-weight", min=0, max=1, step=0.05, value=0, marks=marks, updatemode="mouseup"
    )
    weight = [html.Label("Exploration weight: 0 exploits, 1 explores", id="what-if-weight-label"), slider]
    controls = [
        html.Div(strategy),
        html.Div(weight, className="weight"),
        button("As recorded", "what-if-reset", "quiet"),
    ]
    body = [
        html.Div(html.Div(controls, className="what-if-controls"), id="what-if-controls", hidden=True),
        html.P("Ranking…", id="what-if-busy", className="soft", hidden=True, role="status"),
        html.Div(id="what-if-list"),
    ]
    explanation = (
        "Rank the stored predictions of an iteration by another strategy or exploration weight. Nothing is refitted, "
        "and nothing stored changes."
    )
    return html.Section(
        [
            html.Div(
                [html.H2("What if?"), button("Rank again…", "what-if-open", "quiet")], className="tools"
            ),
            html.P(explanation, className="soft"),
            html.Div(body, id="what-if-body", hidden=True),
        ],
        className="panel what-if",
        **aria(label="What if"),
    )


def reranked_list(reranking: Reranking) -> html.Div:
    """Show the best of a re-ranking beside their recorded ranks."""
    recorded = f"{title_of(reranking.recorded_strategy).lower()} at {reranking.recorded_exploration_weight:g}"
    listed = sum(item.recorded_rank is not None for item in reranking.items)
    text = (
        f"{listed} of these {len(reranking.items)} are on the recorded list ({recorded}); chosen among "
        f"{reranking.choices:,} materials."
    )
    children: list[Any] = [html.P(text, className="soft")]
    if reranking.by_score_alone:
        children.append(
            remark(
                "The recorded ranking also weighed the diversity of its batch or the chance of failure; this one goes "
                "by scores alone."
            )
        )
    predicted = reranking.items[0].predicted if reranking.items else {}
    titles = ["Rank", "Recorded", "Formula", "Status", "Feasibility"]
    titles += [with_unit(name, each.unit, reranking.labels) for name, each in predicted.items()]
    rows = [_cells(item, list(predicted)) for item in reranking.items]
    children.append(html.Div(table(titles, rows, "figures reranked"), className="wide"))
    return html.Div(children)


def _cells(item: RankedAgain, names: list[str]) -> list[html.Td]:
    return [
        html.Td(str(item.rank)),
        html.Td(_movement(item)),
        html.Td(formula(item.formula), title=item.material_id),
        html.Td(badge(item.status.value) if item.status else MISSING),
        html.Td(percent(item.feasibility) or MISSING),
        *(html.Td(plus_minus(item.predicted[name].mean, item.predicted[name].std)) for name in names),
    ]


def _movement(item: RankedAgain) -> list[Any]:
    if item.recorded_rank is None:
        return [html.Span("not listed", className="soft")]
    moved = item.recorded_rank - item.rank
    if moved == 0:
        return [str(item.recorded_rank)]
    arrow, kind = ("▲", "up") if moved > 0 else ("▼", "down")
    return [f"{item.recorded_rank:,} ", html.Span(f"{arrow}{abs(moved):,}", className=f"moved-{kind}")]
