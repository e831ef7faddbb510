"""Where materials come from: how fresh sources are, what was set aside and why, and what became of uploads."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import dash
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from dash_app.client import ApiClient, ApiError
from dash_app.components.lists.data import (
    PATH,
    files_table,
    reasons_table,
    refusals_table,
    sources_table,
    upload_panel,
    uploads_table,
)
from dash_app.components.lists.filters import address, older_link, pick
from dash_app.components.lists.runs import launch_dialog
from dash_app.components.messages import empty_state, problem
from dash_app.components.tables import remark
from dash_app.components.wording import aria, count
from dash_app.contract import API_PREFIX
from dash_app.data_contract import RawFilePage, RefusalPage, RefusalReasonList, SourceList
from dash_app.upload_contract import Upload, UploadPage

# Changes are told at once; the clock is for what grows old, and for files, which tell nobody.
_REFRESH_MS: Final = 20_000
_PAGE: Final = 50
_TABS: Final = {"": "Sources", "files": "Files", "set-aside": "Set aside", "uploads": "Uploads"}
_SOURCES_OF: Final = "CATALYST_SOURCES_FILE"
Asked = Mapping[str, str]


def register(app: Dash, client: ApiClient) -> None:
    """Add the page and what fills it to ``app``."""
    dash.register_page("data", path=PATH, title="Data · Catalyst review", layout=_layout)

    @app.callback(
        Output("data-shown", "children"),
        Output("data-trouble", "children"),
        Input("data-clock", "n_intervals"),
        Input("changed", "data"),
        State("data-asked", "data"),
    )
    async def show(_: int, __: Any, asked: dict[str, str]) -> tuple[Any, Any]:
        try:
            return await _SHOWN[asked["show"]](client, asked), None
        except ApiError as error:
            return no_update, problem(error.message, error.remedy)

    app.clientside_callback(
        ClientsideFunction("review", "followAll"), Output("data-followed", "data"), Input("visitor", "data")
    )


async def _sources(client: ApiClient, _: Asked) -> Any:
    found = await client.get(SourceList, "/sources")
    if not found.items:
        return empty_state(
            "Nothing was loaded yet",
            "Materials come from tables of your own, from databases that are asked, and from uploads.",
            "catalyst ingest --help",
        )
    asked = found.schedules == "known"
    told = (
        f"What the sources file ({_SOURCES_OF}) names is asked by itself; everything else when somebody asks for it."
        if asked
        else "Dagster does not answer, so that nobody knows when sources were and will be asked."
    )
    return [sources_table(found, _now()), remark(told)]


async def _files(client: ApiClient, asked: Asked) -> Any:
    found = await client.get(
        RawFilePage,
        "/sources/files",
        source=asked["source"] or None,
        status=asked["status"] or None,
        current="true" if asked["status"] == "failed" else None,
        before=asked["before"] or None,
        limit=_PAGE,
    )
    sources = await client.get(SourceList, "/sources")
    menus = _tools(
        pick("Source", "source", [each.source for each in sources.items], PATH, asked),
        pick("State", "status", ["pending", "parsed", "failed"], PATH, asked),
    )
    if not found.items:
        return [
            menus,
            _nothing("No file is like that" if _is_filtered(asked) else "No file was fetched yet", asked),
        ]
    return [menus, files_table(found.items, _now()), _older(asked, found.next)]


async def _set_aside(client: ApiClient, asked: Asked) -> Any:
    reasons = await client.get(RefusalReasonList, "/quarantine/reasons", source=asked["source"] or None)
    sources = sorted({each.source for each in reasons.items} | {asked["source"]} - {""})
    chosen = {name: asked[name] for name in ("source", "kind") if asked[name]}
    export = f"{API_PREFIX}/exports/quarantine.csv{'?' + urlencode(chosen) if chosen else ''}"
    menus = _tools(
        html.Strong(count(reasons.total, "record")),
        pick("Source", "source", sources, PATH, {**asked, "kind": ""}),
        html.Span(className="gap"),
        html.A("Export CSV", href=export, download="", className="button quiet"),
    )
    if not reasons.items:
        return [
            menus,
            _nothing(
                "Nothing was set aside",
                asked,
                "Every record that was read could be used. What cannot be stands here with the reason.",
            ),
        ]
    if not asked["kind"]:
        return [menus, reasons_table(reasons.items, asked, _now())]
    found = await client.get(
        RefusalPage,
        "/quarantine",
        source=asked["source"] or None,
        kind=asked["kind"],
        before=asked["before"] or None,
        limit=_PAGE,
    )
    back = dcc.Link("All reasons", href=address(PATH, asked, kind=""))
    heading = html.Div([back, html.H2(asked["kind"])], className="reason-head")
    if not found.items:
        return [menus, heading, _nothing("No record was set aside for this reason any more", asked)]
    return [menus, heading, refusals_table(found.items, _now()), _older(asked, found.next)]


async def _uploads(client: ApiClient, asked: Asked) -> Any:
    found = await client.get(UploadPage, "/materials/uploads", before=asked["before"] or None, limit=_PAGE)
    if not found.items:
        nothing = empty_state(
            "Nobody uploaded anything yet",
            "Candidates of your own: CIF, POSCAR, JSON of pymatgen, or formulas on a prototype. Many at once: "
            "catalyst ingest uploads relaxed/*.cif",
        )
        add = dcc.Link("Add candidates…", href="/uploads", className="button primary decide")
        nothing.children.append(html.P(add))
        return nothing
    number = int(asked["upload"]) if asked["upload"].isascii() and asked["upload"].isdigit() else None
    opened = None
    if number is not None:
        opened = upload_panel(await client.get(Upload, f"/materials/uploads/{number}"))
    return [opened, uploads_table(found.items, number, _now()), _older(asked, found.next)]


_SHOWN: Final[Mapping[str, Callable[[ApiClient, Asked], Awaitable[Any]]]] = {
    "": _sources,
    "files": _files,
    "set-aside": _set_aside,
    "uploads": _uploads,
}


def _tools(*controls: Any) -> html.Div:
    return html.Div(list(controls), className="tools")


def _older(asked: Asked, following: int | None) -> html.Div:
    newest = dcc.Link("The newest", href=address(PATH, {**asked, "before": ""})) if asked["before"] else None
    older = older_link(PATH, {**asked, "before": following}) if following else None
    return html.Div([newest, older], className="pages")


def _nothing(title: str, asked: Asked, told: str = "") -> html.Div:
    everything = address(PATH, {"show": asked["show"]})
    lead = dcc.Link("Show all", href=everything) if _is_filtered(asked) else None
    return html.Div([html.H2(title), html.P(told) if told else None, lead], className="empty")


def _is_filtered(asked: Asked) -> bool:
    return any(value for name, value in asked.items() if name != "show")


def _now() -> datetime:
    return datetime.now(UTC)


def _layout(
    show: str = "",
    source: str = "",
    status: str = "",
    kind: str = "",
    before: str = "",
    upload: str = "",
    **_: str,
) -> html.Div:
    asked = {
        "show": show if show in _TABS else "",
        "source": source,
        "status": status,
        "kind": kind,
        "before": before,
        "upload": upload,
    }
    tabs = [
        html.Span(title, className="page-tab", **aria(current="page"))
        if name == asked["show"]
        else dcc.Link(title, href=address(PATH, {"show": name}), className="page-tab")
        for name, title in _TABS.items()
    ]
    return html.Div(
        [
            dcc.Interval(id="data-clock", interval=_REFRESH_MS),
            dcc.Store(id="changed"),
            dcc.Store(id="data-followed"),
            dcc.Store(id="data-asked", data=asked),
            html.Div(
                [html.H1("Data"), html.Nav(tabs, className="tabs", **aria(label="Data"))],
                className="page-head",
            ),
            html.Div(id="data-trouble"),
            html.Div(html.Div(className="skeleton wide-skeleton"), id="data-shown"),
            launch_dialog(),
        ],
        className="page",
    )
