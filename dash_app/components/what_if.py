"""The panel that ranks an iteration again under another strategy: its frame, and the list it shows."""

from typing import Any

from dash import dcc, html

from dash_app.components.tiles import badge
from dash_app.components.wording import MISSING, aria, formula, plus_minus, with_unit, words
from dash_app.contract import RankedAgain, Reranking


def what_if_panel() -> html.Section:
    """Lay out the button that opens the panel, its controls, and the place of the list."""
    controls = html.Div(
        [
            html.Div(
                [
                    html.Label("Strategy", htmlFor="what-if-strategy"),
                    dcc.Dropdown(id="what-if-strategy", options=[], clearable=False, searchable=False),
                ]
            ),
            html.Div(
                [
                    html.Label("Exploration weight: 0 exploits, 1 explores", id="what-if-weight-label"),
                    dcc.Slider(
                        id="what-if-weight",
                        min=0,
                        max=1,
                        step=0.05,
                        value=0,
                        marks={0: "0", 0.5: "0.5", 1: "1"},
                        updatemode="mouseup",
                    ),
                ],
                className="weight",
            ),
            html.Button("As recorded", id="what-if-reset", className="quiet", type="button"),
        ],
        className="what-if-controls",
    )
    return html.Section(
        [
            html.Div(
                [
                    html.H2("What if?"),
                    html.Button("Rank again…", id="what-if-open", className="quiet", type="button"),
                ],
                className="tools",
            ),
            html.P(
                "Rank the stored predictions of an iteration by another strategy or exploration weight. Nothing is "
                "refitted, and nothing stored changes.",
                className="soft",
            ),
            html.Div(
                [
                    html.Div(controls, id="what-if-controls", hidden=True),
                    html.P("Ranking…", id="what-if-busy", className="soft", hidden=True, role="status"),
                    html.Div(id="what-if-list"),
                ],
                id="what-if-body",
                hidden=True,
            ),
        ],
        className="panel what-if",
        **aria(label="What if"),
    )


def reranked_list(reranking: Reranking) -> html.Div:
    """Show the best of a re-ranking beside their recorded ranks."""
    recorded = f"{words(reranking.recorded_strategy).lower()} at {reranking.recorded_exploration_weight:g}"
    listed = sum(item.recorded_rank is not None for item in reranking.items)
    children: list[Any] = [
        html.P(
            f"{listed} of these {len(reranking.items)} are on the recorded list ({recorded}); chosen among "
            f"{reranking.choices:,} materials.",
            className="soft",
        )
    ]
    if reranking.by_score_alone:
        children.append(
            html.P(
                "The recorded ranking also weighed the diversity of its batch or the chance of failure; this one goes "
                "by scores alone.",
                className="soft small",
            )
        )
    names = list(reranking.items[0].predicted) if reranking.items else []
    titles = ["Rank", "Recorded", "Formula", "Status", "Feasibility"]
    head = [html.Th(title, scope="col") for title in titles]
    head += [html.Th(with_unit(name, reranking.items[0].predicted[name].unit), scope="col") for name in names]
    rows = [html.Tr(_cells(item, names)) for item in reranking.items]
    table = html.Table([html.Thead(html.Tr(head)), html.Tbody(rows)], className="figures reranked")
    children.append(html.Div(table, className="wide"))
    return html.Div(children)


def _cells(item: RankedAgain, names: list[str]) -> list[html.Td]:
    feasibility = MISSING if item.feasibility is None else f"{item.feasibility:.1%}"
    return [
        html.Td(str(item.rank)),
        html.Td(_movement(item)),
        html.Td(formula(item.formula), title=item.material_id),
        html.Td(badge(item.status.value) if item.status else MISSING),
        html.Td(feasibility),
        *(html.Td(plus_minus(item.predicted[name].mean, item.predicted[name].std)) for name in names),
    ]


def _movement(item: RankedAgain) -> list[Any]:
    if item.recorded_rank is None:
        return [html.Span("not listed", className="soft")]
    moved = item.recorded_rank - item.rank
    if moved == 0:
        return [str(item.recorded_rank)]
    arrow, kind = ("▲", "up") if moved > 0 else ("▼", "down")
    return [
        f"{item.recorded_rank:,} ",
        html.Span(f"{arrow}{abs(moved):,}", className=f"moved-{kind}"),
    ]
