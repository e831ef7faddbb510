"""What one campaign looks for and how far it is: found for what was spent, how good its models are, iterations, hits.

Admins ask from here for the next iteration, another try, the end; requests and charts are the browser's
(`assets/review_campaigns.js`, `review_charts.js`).
"""

import asyncio
import hashlib
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

import dash
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.campaign_asking import actions_bar, ask_dialog, no_iteration, requests_panel
from dash_app.components.campaign_line import campaign_head
from dash_app.components.campaign_tables import hits_table, iterations_table
from dash_app.components.candidates.about import windows_of
from dash_app.components.charts.discovery import discovery_figure, discovery_remark
from dash_app.components.charts.frame import WIDE, chart
from dash_app.components.charts.model import (
    answers_to,
    calibration_figure,
    calibration_remark,
    error_figure,
    parity_figure,
    parity_remark,
)
from dash_app.components.goal import goal_panel
from dash_app.components.messages import no_page
from dash_app.components.tables import remark
from dash_app.components.tiles import summary_tiles
from dash_app.components.waiting import notice_banner, waiting_panel
from dash_app.components.wording import data, with_unit
from dash_app.contract import CampaignDetail
from dash_app.dispatch_contract import CampaignRequestList, ModelList
from dash_app.progress_contract import Discovery, EvaluationList

# Changes are told at once; the clock is for what grows old.
_REFRESH_MS: Final = 60_000
_REQUESTS: Final = 100
_MOST_EVALUATIONS: Final = 10_000
_CHARTS: Final = {
    "errors": "Error by iteration",
    "calibration": "Calibration",
    "parity": "Predicted against measured",
}
_LEGEND: Final = (
    ("▲", "green", "unseen chemical systems, left out of the fit"),
    ("●", "blue", "frozen test set"),
    ("■", "orange", "what was validated"),
    ("─", "", "mean absolute error"),
    ("┈", "", "root mean square error"),
)
_STORES: Final = ("figures", "charts-known", "parts-shown", "dressed", "changed", "progress-followed")


@dataclass(frozen=True)
class _Seen:
    """All that the page shows, as the API answered it at one time."""

    campaign: CampaignDetail
    discovery: Discovery
    evaluations: EvaluationList
    requests: CampaignRequestList
    models: ModelList


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    # Before the candidates' page, whose path would take this one for a name.
    dash.register_page(
        "progress",
        path_template="/campaigns/<name>/progress",
        order=1,
        title=lambda name="": f"Progress of {name} · Catalyst review",
        layout=_layout,
    )

    @app.callback(
        Output("progress-head", "children"),
        Output("progress-waiting", "children"),
        Output("campaign-tiles", "children"),
        Output("discovery-remark", "children"),
        Output("campaign-goal", "children"),
        Output("campaign-requests-place", "children"),
        Output("campaign-iterations", "children"),
        Output("campaign-hits", "children"),
        Output("figures", "data"),
        Output("charts-known", "data"),
        Output("parts-shown", "data"),
        Output("progress-body", "hidden"),
        Input("progress-clock", "n_intervals"),
        Input("changed", "data"),
        State("progress-name", "data"),
        State("charts-known", "data"),
        State("parts-shown", "data"),
        State("progress-body", "hidden"),
    )
    async def show_progress(
        _: int, __: Any, name: str, known: list[str] | None, shown: list[str] | None, is_empty: bool
    ) -> tuple[Any, ...]:
        try:
            seen = await _read(client, name)
        except ApiError as error:
            if not is_empty:
                raise  # what is shown stays; the notice says why it is not renewed
            return no_page(error), *(no_update,) * 10, True
        dash.set_props("notice", {"children": None})
        campaign = seen.campaign
        charts = [info.name for info in campaign.properties] if any(
            each.metrics for each in campaign.progress
        ) else []  # fmt: skip
        parts = [
            _head(seen),
            waiting_panel(name, campaign.waiting) if campaign.waiting else None,
            summary_tiles(campaign),
            remark(discovery_remark(seen.discovery)),
            goal_panel(campaign),
            requests_panel(seen.requests.items),
            _iterations(seen),
            _hits(seen),
        ]
        # What stayed is left alone: laid out anew it would lose the focus.
        told = [hashlib.sha256(repr(part).encode()).hexdigest() for part in parts]
        before = shown or [""] * len(parts)
        changed = [
            no_update if now == then else part for part, now, then in zip(parts, told, before, strict=True)
        ]
        figures = {"discovery": discovery_figure(campaign, seen.discovery), **_model_figures(seen)}
        return (*changed, figures, charts if charts != known else no_update, told, False)

    @app.callback(
        Output("model-charts", "children"),
        Input("charts-known", "data"),
        State("progress-name", "data"),
        prevent_initial_call=True,
    )
    async def lay_out_charts(known: list[str], name: str) -> Any:
        return _model_section(await _read(client, name)) if known else None

    app.clientside_callback(
        ClientsideFunction("review", "draw"),
        Output({"type": "chart", "name": ALL}, "figure"),
        Input("figures", "data"),
        Input("model-charts", "children"),
        Input("dressed", "data"),
        State({"type": "chart", "name": ALL}, "id"),
    )
    app.clientside_callback(
        ClientsideFunction("review", "tellRemarks"),
        Output({"type": "remark", "name": ALL}, "children"),
        Input("figures", "data"),
        Input("model-charts", "children"),
        State({"type": "remark", "name": ALL}, "id"),
    )
    app.clientside_callback(
        ClientsideFunction("review", "followCampaign"),
        Output("progress-followed", "data"),
        Input("progress-name", "data"),
        Input("visitor", "data"),
    )


async def _read(client: ApiClient, name: str) -> _Seen:
    path = f"/campaigns/{quote(name, safe='')}"
    return _Seen(
        *await asyncio.gather(
            client.get(CampaignDetail, path),
            client.get(Discovery, f"{path}/discovery"),
            client.get(EvaluationList, f"{path}/evaluations", limit=_MOST_EVALUATIONS),
            client.get(CampaignRequestList, "/campaign-requests", campaign=name, limit=_REQUESTS),
            client.get(ModelList, f"{path}/models"),
        )
    )


def _head(seen: _Seen) -> html.Div:
    campaign = seen.campaign
    return html.Div(
        [
            campaign_head(campaign, "progress"),
            html.Div(
                [
                    html.P(campaign.description, className="soft lead"),
                    actions_bar(campaign, seen.requests.items),
                ],
                className="under-head",
            ),
            *map(notice_banner, campaign.notices),
        ]
    )


def _model_figures(seen: _Seen) -> dict[str, Any]:
    campaign = seen.campaign
    figures: dict[str, Any] = {}
    for info in campaign.properties:
        answers = answers_to(info.name, seen.evaluations.items)
        windows = windows_of(campaign, info.name)
        figures |= {
            f"errors {info.name}": error_figure(info.name, info.unit, campaign.progress, answers),
            f"calibration {info.name}": calibration_figure(info.name, campaign.progress, answers),
            f"parity {info.name}": parity_figure(info.unit, answers, windows, campaign.hits is not None),
            "remarks": figures.get("remarks", {})
            | {
                f"calibration {info.name}": calibration_remark(info.name, campaign.progress, answers),
                f"parity {info.name}": parity_remark(info.unit, answers, windows),
            },
        }
    return figures


def _model_section(seen: _Seen) -> html.Section:
    campaign = seen.campaign
    labels = {info.name: info.label for info in campaign.properties}
    rows: list[Any] = []
    for info in campaign.properties:
        title = with_unit(info.name, info.unit, labels)
        rows.append(html.H3(title))
        rows.append(html.Div([_small(kind, info.name, title) for kind in _CHARTS], className="three"))
    keys = [html.Span([html.Span(mark, className=f"mark {color}"), text]) for mark, color, text in _LEGEND]
    return html.Section([html.H2("Models"), html.Div(keys, className="chart-keys"), *rows], className="panel")


def _small(kind: str, name: str, title: str) -> html.Div:
    said = {"type": "remark", "name": f"{kind} {name}"}
    return html.Div(
        [
            html.H4(_CHARTS[kind]),
            chart(f"{kind} {name}", f"{_CHARTS[kind]}: {title}"),
            html.P(id=said, className="soft small"),
        ],
        className="small-chart",
    )


def _iterations(seen: _Seen) -> Any:
    if not seen.campaign.progress:
        return no_iteration()
    models = {each.partition_key: each for each in reversed(seen.models.items)}
    return html.Section([html.H2("Iterations"), iterations_table(seen.campaign, models)], className="panel")


def _hits(seen: _Seen) -> html.Section | None:
    campaign = seen.campaign
    if campaign.hits is None:
        return None
    hits = [each for each in seen.evaluations.items if each.hit]
    found: Any = hits_table(campaign, hits, campaign.hits)
    if not hits:
        found = html.P("No evaluated material meets every criterion yet.", className="soft")
    return html.Section([html.H2("Hits found so far"), found], className="panel")


def _layout(name: str = "", **_: str) -> html.Div:
    discovery = html.Section(
        [
            html.H2("Discovery"),
            html.Div(
                chart("discovery", "Hits found against materials evaluated", WIDE), id="campaign-progress"
            ),
            html.Div(id="discovery-remark"),
        ],
        className="panel",
    )
    aside = html.Div(
        [html.Div(id="campaign-goal"), html.Div(id="campaign-requests-place")], className="beside"
    )
    body = [
        html.Div(id="campaign-tiles"),
        html.Div([discovery, aside], className="overview"),
        html.Div(id="campaign-hits"),
        html.Div(id="model-charts"),
        html.Div(id="campaign-iterations"),
    ]
    return html.Div(
        [
            dcc.Interval(id="progress-clock", interval=_REFRESH_MS),
            dcc.Store(id="progress-name", data=name),
            *(dcc.Store(id=each) for each in _STORES),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="progress-head"),
            html.Div(id="progress-waiting"),
            html.Div(body, id="progress-body", className="stack", hidden=True),
            ask_dialog(),
        ],
        className="page progress-page",
        **data(campaign=name),
    )
