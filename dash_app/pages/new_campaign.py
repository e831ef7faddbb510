"""A campaign in the making: pool, goal, how it works; what it would find is told as one types (`assets/review_wizard.js`)."""

import dash
from dash import ClientsideFunction, Dash, Input, Output, dcc, html

from dash_app.client import ApiClient
from dash_app.components.controls import button
from dash_app.components.goal_form import goal_form, goal_side


def register(app: Dash, _: ApiClient) -> None:
    """Add the page to ``app``; the browser asks the API itself."""
    # Before the pages of a campaign, whose paths would take this one for a name.
    dash.register_page(
        "new_campaign",
        path="/new-campaign",
        order=0,
        title="New campaign · Catalyst review",
        layout=_layout,
    )
    app.clientside_callback(
        ClientsideFunction("review", "makeGoal"),
        Output("goal-made", "data"),
        Input("goal-form", "id"),
        Input("visitor", "data"),
    )


def _layout(**_: str) -> html.Div:
    return html.Div(
        [
            dcc.Store(id="goal-made"),
            html.Div(
                [
                    html.H1("New campaign", id="goal-title"),
                    html.Span(
                        ["Goes on from your draft. ", button("Start afresh", "goal-afresh", "link")],
                        id="goal-draft",
                        className="soft small",
                        hidden=True,
                    ),
                ],
                className="page-head",
            ),
            html.P(id="goal-about", className="soft lead"),
            html.Div([goal_form(), goal_side()], className="goal-page"),
        ],
        className="page",
    )
