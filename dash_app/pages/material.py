"""One material: its crystal, what campaigns expected of it beside what was measured, decisions, results, notes, neighbours.

The crystal, the charts and the form of a note are the browser's (`assets/review_structure.js`, `_tracks`, `_notes`).
"""

import asyncio
from typing import Any, Final
from urllib.parse import quote, unquote

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html

from catalyst_assets.constants import NO_STRUCTURE
from dash_app.candidate_contract import CandidatePage
from dash_app.client import ApiClient, ApiError
from dash_app.components.candidates.review_area import decide_dialog
from dash_app.components.candidates.why import why_panel
from dash_app.components.charts.crystal import read_crystal, sites_table
from dash_app.components.material.facts import crystal_facts, neighbours_table, sources_list, values_table
from dash_app.components.material.head import material_head
from dash_app.components.material.layout import material_body
from dash_app.components.material.look import Seen, choose
from dash_app.components.material.standing import history_list, notes_list, rankings_table
from dash_app.components.material.track import campaign_tabs, drawn_tracks, track_section
from dash_app.components.messages import no_page
from dash_app.components.results import results_list
from dash_app.components.tables import remark
from dash_app.contract import CampaignDetail, Candidate, CandidateDetail
from dash_app.material_contract import MaterialDetail, NeighbourList

# Changes are told at once; the clock is for what grows old.
_REFRESH_MS: Final = 60_000
_NEIGHBOURS: Final = 8
_NOWHERE: Final = (
    "Its address may be mistyped, or the material was dropped. The candidates of a campaign lead to theirs."
)
_STORES: Final = ("material-changed", "material-drawn", "material-drawing", "material-followed")


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page(
        "material",
        path_template="/materials/<material>",
        title=lambda material="": f"{unquote(material)} · Catalyst review",
        layout=_layout,
    )
    _register_material(app, client)
    _register_neighbours(app, client)
    app.clientside_callback(
        ClientsideFunction("review", "drawMaterial"),
        Output("material-drawing", "data"),
        Input("material-drawn", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction("review", "followMaterial"),
        Output("material-followed", "data"),
        Input("material-asked", "data"),
        Input("visitor", "data"),
    )


async def see_material(
    client: ApiClient, material_id: str, campaign: str | None, candidate: str | None
) -> Seen:
    """Read a material and what belongs to how one looks at it; raises as `ApiClient.get`."""
    material = await client.get(MaterialDetail, f"/materials/{quote(material_id, safe='')}")
    look = choose(material, campaign, candidate)
    shown = None
    if look.campaign is not None:
        shown = await client.get(CampaignDetail, f"/campaigns/{quote(look.campaign, safe='')}")
    if look.candidate is None:
        return Seen(material, look, shown)
    ranked = look.candidate
    detail, beside = await asyncio.gather(
        client.get(CandidateDetail, f"/candidates/{ranked.candidate_id}"),
        client.get(
            CandidatePage,
            "/candidates",
            campaign=ranked.campaign,
            iteration=ranked.iteration,
            rank=f"{max(ranked.rank - 1, 1)}:{ranked.rank + 1}",
            sort="rank",
            limit=3,
        ),
    )
    before, after = (_ranked(beside, rank) for rank in (ranked.rank - 1, ranked.rank + 1))
    return Seen(material, look, shown, detail, before, after)


def _ranked(page: CandidatePage, rank: int) -> Candidate | None:
    return next((each for each in page.items if each.rank == rank), None)


def _register_material(app: Dash, client: ApiClient) -> None:
    @app.callback(
        Output("material-head", "children"),
        Output("material-body", "hidden"),
        Output("material-drawn", "data"),
        Output("material-facts", "children"),
        Output("material-sites", "children"),
        Output("material-sources", "children"),
        Output("material-campaigns", "children"),
        Output("material-track", "children"),
        Output("material-rankings", "children"),
        Output("material-why", "children"),
        Output("material-values", "children"),
        Output("material-results", "children"),
        Output("material-notes", "children"),
        Output("material-history", "children"),
        Input("material-clock", "n_intervals"),
        Input("material-changed", "data"),
        State("material-asked", "data"),
        State("material-body", "hidden"),
    )
    async def show_material(_: int, __: Any, asked: dict[str, Any], is_empty: bool) -> tuple[Any, ...]:
        try:
            seen = await see_material(client, asked["material"], asked["campaign"], asked["candidate"])
        except ApiError as error:
            if not is_empty:
                raise  # what is shown stays; the notice says why it is not renewed
            return no_page(error, _NOWHERE), True, *(None,) * 12
        dash.set_props("notice", {"children": None})
        material, crystal = seen.material, read_crystal(seen.material.structure)
        missing = "" if material.structure is not None else NO_STRUCTURE
        drawn = {
            "material": material.material_id,
            "formula": material.formula,
            "crystal": crystal.drawn() if crystal else None,
            "missing": missing,
            "tracks": drawn_tracks(seen),
        }
        return (
            material_head(seen),
            False,
            drawn,
            crystal_facts(material, crystal),
            sites_table(crystal) if crystal else remark(missing or "No site is stored."),
            sources_list(material.sources),
            campaign_tabs(seen),
            track_section(seen),
            rankings_table(material, seen.look),
            _why(seen),
            values_table(material.properties),
            results_list(material.results, is_apart=True),
            notes_list(material.notes),
            history_list(material.history, len(seen.look.campaigns)),
        )


def _why(seen: Seen) -> list[Any]:
    candidate = seen.candidate
    if candidate is None:
        return [html.H2("Why it was ranked"), remark("It was not ranked here.")]
    units = {name: each.unit for name, each in candidate.predicted.items()}
    first, *rest = why_panel(candidate.explanation, units, candidate.labels, is_learned=seen.is_learned)
    where = html.Span(f" in iteration {candidate.iteration}", className="soft small")
    return [html.H2([first.children, where]), *rest]


def _register_neighbours(app: Dash, client: ApiClient) -> None:
    @app.callback(Output("material-neighbours", "children"), Input("material-asked", "data"))
    async def show_neighbours(asked: dict[str, Any]) -> Any:
        path = f"/materials/{quote(asked['material'], safe='')}/neighbours"
        try:
            found = await client.get(NeighbourList, path, k=_NEIGHBOURS)
        except ApiError as error:
            return remark(f"{error.message} {error.remedy}".strip())
        return neighbours_table(found, asked["campaign"])


def _layout(
    material: str = "", campaign: str | None = None, candidate: str | None = None, **_: str
) -> html.Div:
    asked = {"material": unquote(material), "campaign": campaign, "candidate": candidate}
    return html.Div(
        [
            dcc.Interval(id="material-clock", interval=_REFRESH_MS),
            dcc.Store(id="material-asked", data=asked),
            *(dcc.Store(id=each) for each in _STORES),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="material-head"),
            html.Div(material_body(), id="material-body", hidden=True),
            decide_dialog(),
        ],
        className="page material-page",
    )
